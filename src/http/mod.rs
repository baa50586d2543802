//! Layer 5, http: every address of the gateway. Handlers read a request, ask `sso` what happens
//! next, and let `show` answer; they decide nothing.

mod api;
mod asset;
mod caller;
mod context;
mod cookie;
mod guard;
mod launch;
mod leaving;
mod link_result;
mod logout;
mod open_account;
mod problem;
mod refused;
mod saml;
mod show;
mod sign_in;

use std::num::NonZeroU32;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::extract::DefaultBodyLimit;
use axum::middleware::from_fn_with_state;
use axum::routing::{get, post};

use crate::account::Book;
use crate::clock::Clock;
use crate::cloud::Registrar;
use crate::limits;
use crate::sso::Sso;

/// What handlers share.
#[derive(Clone)]
pub struct Gateway {
    /// The journey.
    pub sso: Arc<Sso>,
    /// Customers and their links, for the API.
    pub book: Arc<Book>,
    /// Who registers service providers.
    pub registrar: Arc<Registrar>,
    /// Most bytes of an uploaded document.
    pub upload_bytes: NonZeroU32,
    /// The time, for pages.
    pub clock: Arc<dyn Clock>,
    /// How long a request may take.
    pub request_timeout: Duration,
    /// Whether browsers reach us by https only, so that they may be told to insist (B-25).
    pub strict_transport: bool,
}

/// The addresses of the gateway.
pub fn router(gateway: Gateway) -> Router {
    // Who only looks (HEAD, as link scanners send) must not use up a ticket or a journey.
    let no_head = guard::method_not_allowed;
    let api = api::calls().into_iter();
    let api = api.fold(Router::new(), |api, call| api.route(call.path, call.route));
    api.route("/api/v1", get(api::reference::page))
        .route("/api/v1/openapi.json", get(api::reference::document))
        .route("/{tenant}/launch", get(launch::by_link).post(launch::by_form).head(no_head))
        .route("/{tenant}/cloud", get(launch::cloud).head(no_head))
        .route("/{tenant}/continue/{handle}", get(launch::resume).head(no_head))
        .route("/{tenant}/sign-in", get(sign_in::page).post(sign_in::submit))
        .route("/{tenant}/saml/sso", get(saml::sso).post(saml::post).head(no_head))
        .route(
            "/{tenant}/saml/sso/{kid}",
            get(saml::sso_of_key).post(saml::post_to_key).head(no_head),
        )
        .route("/{tenant}/saml/arrived/{handle}", get(saml::arrived).head(no_head))
        .route("/{tenant}/saml/logout", get(logout::hear).post(logout::hear_form).head(no_head))
        .route("/{tenant}/saml/heard/{handle}", get(logout::heard).head(no_head))
        .route("/{tenant}/logout", get(logout::begin).head(no_head))
        .route("/{tenant}/logout/{handle}", get(logout::page).post(logout::skip).head(no_head))
        .route("/{tenant}/saml/metadata", get(saml::metadata))
        .route("/{tenant}/saml/metadata/{kid}", get(saml::metadata_of_key))
        .route("/{tenant}/open-account", get(open_account::page).post(open_account::submit))
        .route("/{tenant}/link-result", post(link_result::post))
        .route("/{tenant}/link-result/{standing}", get(link_result::page))
        .route("/assets/{name}", get(asset::serve))
        .fallback(guard::not_found)
        .method_not_allowed_fallback(guard::method_not_allowed)
        .layer(DefaultBodyLimit::max(limits::BODY_BYTES))
        .layer(from_fn_with_state(gateway.clone(), guard::bounded))
        .layer(from_fn_with_state(gateway.clone(), guard::headers))
        .with_state(gateway)
}
