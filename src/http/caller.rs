//! Layer 5, http: who calls at one of a tenant's addresses: the tenant is known, the browser has
//! its name. Every handler of a page begins with one and answers through it.

use axum::body::Bytes;
use axum::extract::rejection::BytesRejection;
use axum::extract::{FromRequestParts, Path};
use axum::http::request::Parts;
use axum::response::{IntoResponse, Response};
use serde::Deserialize;

use super::context::Context;
use super::{Gateway, show};
use crate::limits;
use crate::refusal::{Code, Refusal};
use crate::sso::{Browser, Sso, Turn, Visit};

/// A browser at an address of a tenant. Where there is no such tenant, the refusal is shown in its
/// place, before a body is read.
pub(super) struct Caller {
    /// The tenant, and its cloud.
    pub visit: Visit,
    /// The browser, as the tenant sees it.
    pub browser: Browser,
    /// What else the request says.
    pub context: Context,
    gateway: Gateway,
}

/// The part of every such address that names the tenant.
#[derive(Deserialize)]
struct Address {
    tenant: String,
}

impl FromRequestParts<Gateway> for Caller {
    type Rejection = Response;

    async fn from_request_parts(parts: &mut Parts, gateway: &Gateway) -> Result<Self, Response> {
        let Path(Address { tenant }) =
            Path::from_request_parts(parts, gateway).await.map_err(IntoResponse::into_response)?;
        let context = Context::of(parts);
        match gateway.sso.visit(&tenant).await {
            Ok(visit) => {
                let browser = context.browser(&visit.tenant);
                Ok(Self { visit, browser, context, gateway: gateway.clone() })
            }
            Err(refused) => Err(show::refusal(gateway, &context, None, &refused)),
        }
    }
}

impl Caller {
    /// The journey, which decides what happens.
    pub(super) fn sso(&self) -> &Sso {
        &self.gateway.sso
    }

    /// The response to what was decided.
    pub(super) fn shown(&self, turn: Result<Turn, Refusal>) -> Response {
        show::turn(&self.gateway, &self.context, &self.visit, turn)
    }

    /// The page for a refusal.
    pub(super) fn refused(&self, refused: &Refusal) -> Response {
        show::refusal(&self.gateway, &self.context, Some(&self.visit), refused)
    }
}

/// A body, unless it is beyond the limit of all bodies.
pub(super) fn within_limit(body: Result<Bytes, BytesRejection>) -> Result<Bytes, Refusal> {
    body.map_err(|_| too_large(limits::BODY_BYTES))
}

/// A body of more than `most` bytes.
pub(super) fn too_large(most: usize) -> Refusal {
    Refusal::new(Code::BodyTooLarge, format!("expected a body of at most {most} bytes"))
}
