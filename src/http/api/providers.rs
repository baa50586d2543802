//! Layer 5, http: the service providers of a tenant: those of the configuration to be seen,
//! uploaded ones also to be registered, changed and removed. In an address an entityID is one
//! segment, percent-encoded.

use axum::extract::State;
use axum::http::StatusCode;
use axum::response::Response;
use serde_json::{Value, json};
use url::form_urlencoded;

use super::body::{self, Fault};
use super::{Body, Names, answer, authorized, authorized_as, names};
use crate::account::rfc3339;
use crate::cloud::registrar::{self, Application, Line, Settings, portrait};
use crate::cloud::registration::{Registered, RequestSignatures, Unsolicited};
use crate::http::Gateway;
use crate::http::caller::too_large;
use crate::http::context::Context;
use crate::http::problem::Declined;
use crate::limits;
use crate::refusal::{Code, Refusal};
use crate::saml::EntityId;
use crate::saml::lint::{Question, lint};
use crate::sso::sign_in::Scope;
use crate::store::record::TenantId;
use crate::store::uploads::Upload;

/// The parameters of an upload, each with what it means.
pub(super) const PARAMETERS: &[(&str, &str)] = &[
    ("profile", "The name of its profile. Without it, the tenant's cloud."),
    ("require_signed_requests", "true or false. Without it, the profile decides."),
    (
        "unsolicited",
        "true: people may be sent to it without it having asked, by \
         `/{tenant}/launch?sp={its entityID}`; whoever can make a browser open an address can then \
         sign its person in there. Without it, or false: they may not.",
    ),
    (
        "relay_states",
        "With `unsolicited=true`: the texts that such an address may give as `RelayState`, besides \
         none; one a line, at most 32 of at most 80 bytes.",
    ),
    ("dry_run", "true: tells what would change, and changes nothing."),
];

/// The tenant and an entityID.
type Which = Names<(String, String)>;

/// `GET /api/v1/{tenant}/sp`: all service providers whose metadata is good, and all uploads.
pub(in crate::http) async fn list(
    State(gateway): State<Gateway>,
    tenant: Names<String>,
    context: Context,
) -> Response {
    let told = async {
        let tenant = names(tenant)?;
        let visit = authorized(&gateway, &tenant, &context, Scope::ServiceProviders).await?;
        let tenant = &visit.tenant.id;
        let uploads = gateway.registrar.list(tenant).await.map_err(Refusal::from)?;
        let mut all: Vec<_> = uploads.iter().map(upload_in_short).collect();
        all.extend(gateway.registrar.declared(tenant).iter().map(|one| declared_in_short(one)));
        all.sort_by_key(|one| one["entity_id"].as_str().unwrap_or_default().to_owned());
        Ok(json!({ "service_providers": all }))
    };
    answer(&context, StatusCode::OK, told.await)
}

/// `GET /api/v1/{tenant}/sp/{id}`: all that is known about one.
pub(in crate::http) async fn see(
    State(gateway): State<Gateway>,
    which: Which,
    context: Context,
) -> Response {
    let told = async {
        let (tenant, entity_id, _) = whose(&gateway, which, &context).await?;
        let declared = gateway.registrar.declared(&tenant);
        let known = declared.iter().find(|one| one.service_provider.entity_id == entity_id);
        if let Some(registered) = known {
            return Ok(tell_declared(registered));
        }
        let history = gateway.registrar.history(&tenant, &entity_id).await;
        let history = history.map_err(Refusal::from)?;
        match history.last().filter(|last| last.metadata.is_some()) {
            Some(last) => {
                let mut told = tell_upload(&gateway, last, &history);
                let known = gateway.registrar.known(&tenant, &entity_id);
                told["clock"] = known.map_or(Value::Null, |known| clock(&known));
                Ok(told)
            }
            None => Err(unknown()),
        }
    };
    answer(&context, StatusCode::OK, told.await)
}

/// `PUT /api/v1/{tenant}/sp/{id}`: registers what the body describes. Parameters that are left out
/// mean what they mean in the configuration file.
pub(in crate::http) async fn put(
    State(gateway): State<Gateway>,
    which: Which,
    context: Context,
    body: Body,
) -> Response {
    let told = async {
        let (tenant, entity_id, author) = whose(&gateway, which, &context).await?;
        only_known(&context)?;
        let most = usize::try_from(gateway.upload_bytes.get()).unwrap_or(usize::MAX);
        let document = body.map_err(|_| too_large(most))?;
        if document.len() > most {
            return Err(too_large(most).into());
        }
        let application = Application {
            tenant: &tenant,
            wanted: Some(&entity_id),
            document: &document,
            settings: Settings {
                profile: context.parameter("profile"),
                signed_requests: flag(&context, "require_signed_requests")?,
                unsolicited: unsolicited(&context)?,
            },
        };
        let dry_run = flag(&context, "dry_run")?.unwrap_or(false);
        let review = if dry_run {
            gateway.registrar.review(&application).await
        } else {
            gateway.registrar.register(&application, &author).await
        };
        let review = review.map_err(declined)?;
        Ok(json!({
            "entity_id": review.entity_id,
            "version": review.version,
            "new": review.is_new,
            "dry_run": dry_run,
            "differences": review.differences,
            "findings": review.findings,
        }))
    };
    answer(&context, StatusCode::OK, told.await)
}

/// `DELETE /api/v1/{tenant}/sp/{id}`: its requests are refused from now on.
pub(in crate::http) async fn remove(
    State(gateway): State<Gateway>,
    which: Which,
    context: Context,
) -> Response {
    let told = async {
        let (tenant, entity_id, author) = whose(&gateway, which, &context).await?;
        let declared = gateway.registrar.declared(&tenant);
        if declared.iter().any(|one| one.service_provider.entity_id == entity_id) {
            return Err(declined(registrar::Declined::Declared(entity_id)));
        }
        let removed = gateway.registrar.remove(&tenant, &entity_id, &author).await;
        if !removed.map_err(declined)? {
            return Err(unknown());
        }
        Ok(json!({ "entity_id": entity_id, "removed": true }))
    };
    answer(&context, StatusCode::OK, told.await)
}

/// The tenant, the entityID, and the id of the key that asks.
async fn whose(
    gateway: &Gateway,
    which: Which,
    context: &Context,
) -> Result<(TenantId, EntityId, String), Declined> {
    let (tenant, id) = names(which)?;
    let scope = Scope::ServiceProviders;
    let (visit, author) = authorized_as(gateway, &tenant, context, scope).await?;
    let entity_id = EntityId::parse(&id).map_err(|_| unknown())?;
    Ok((visit.tenant.id.clone(), entity_id, author))
}

fn unknown() -> Declined {
    let cause = "expected the entityID of a service provider of the tenant, found another";
    Refusal::new(Code::ProviderUnknown, cause).into()
}

/// That there is no parameter of another name: a slip of the pen must not register less than was
/// meant.
fn only_known(context: &Context) -> Result<(), Declined> {
    let known: Vec<_> = PARAMETERS.iter().map(|(name, _)| *name).collect();
    let mut given = form_urlencoded::parse(context.raw_query().as_bytes());
    match given.find(|(name, _)| !known.contains(&&**name)) {
        None => Ok(()),
        Some((name, _)) => Err(body::invalid(vec![Fault::unknown("parameters", &name, &known)])),
    }
}

fn flag(context: &Context, name: &str) -> Result<Option<bool>, Declined> {
    match context.parameter(name).as_deref() {
        None => Ok(None),
        Some("true") => Ok(Some(true)),
        Some("false") => Ok(Some(false)),
        Some(_) => Err(wrong(name, "true or false")),
    }
}

/// The `RelayState`s that may go with unsolicited answers, if such are to be taken.
fn unsolicited(context: &Context) -> Result<Option<Vec<String>>, Declined> {
    let listed = context.parameter("relay_states");
    match (flag(context, "unsolicited")?, listed) {
        (Some(true), listed) => {
            let listed = listed.unwrap_or_default();
            Ok(Some(listed.lines().map(str::to_owned).collect()))
        }
        (_, None) => Ok(None),
        (_, Some(_)) => Err(wrong("relay_states", "unsolicited=true beside it")),
    }
}

fn wrong(field: &str, expected: &str) -> Declined {
    body::invalid(vec![Fault::new(field, expected, "another text")])
}

fn declined(why: registrar::Declined) -> Declined {
    use registrar::Declined as Why;
    let cause = why.to_string();
    match why {
        Why::Metadata(findings) => {
            Declined { findings, ..Refusal::new(Code::MetadataUnusable, cause).into() }
        }
        Why::Declared(_) => Refusal::new(Code::ProviderDeclared, cause).into(),
        Why::Profile => wrong("profile", "the name of a profile"),
        Why::RelayStates => {
            let (most, bytes) = (limits::RELAY_STATES, limits::SENT_RELAY_STATE_BYTES);
            let expected =
                format!("at most {most} lines, each of 1 to {bytes} bytes, none of them blank");
            wrong("relay_states", &expected)
        }
        Why::Store(error) => Refusal::from(error).into(),
        Why::Overtaken => Refusal::new(Code::ProviderChanging, cause).into(),
    }
}

fn upload_in_short(upload: &Upload) -> Value {
    json!({
        "entity_id": upload.entity_id,
        "origin": "upload",
        "version": upload.version,
        "changed_at": rfc3339(upload.at),
    })
}

fn declared_in_short(registered: &Registered) -> Value {
    json!({
        "entity_id": registered.service_provider.entity_id,
        "origin": "configuration",
        "version": null,
        "changed_at": rfc3339(registered.loaded_at),
    })
}

fn tell_declared(registered: &Registered) -> Value {
    let signed_requests = match registered.request_signatures {
        RequestSignatures::AsProfile => None,
        RequestSignatures::Required => Some(true),
        RequestSignatures::Optional => Some(false),
    };
    let unsolicited = match &registered.unsolicited {
        Unsolicited::Refused => None,
        Unsolicited::Allowed { relay_states } => Some(relay_states.clone()),
    };
    let profile = Some(registered.profile.name.to_string());
    let settings = Settings { profile, signed_requests, unsolicited };
    let says = portrait(&registered.service_provider, &settings);
    with(
        declared_in_short(registered),
        (&settings, says),
        json!({
            "findings": [],
            "metadata": null,
            "history": [],
            "clock": clock(registered),
        }),
    )
}

/// How far its clock is from ours, as its requests to this node tell; null before the first one.
fn clock(registered: &Registered) -> Value {
    let Some(offset) = registered.skew.offset() else { return Value::Null };
    let allowed = registered.profile.request.skew;
    json!({
        // Negative where its clock is ahead.
        "behind_seconds": offset.as_seconds_f64(),
        "allowed_seconds": allowed.as_secs(),
        "advice": registered.skew.advice(allowed.try_into().unwrap_or(time::Duration::MAX)),
    })
}

fn tell_upload(gateway: &Gateway, upload: &Upload, history: &[Upload]) -> Value {
    let settings = registrar::settings(upload);
    let document = upload.metadata.as_deref().unwrap_or_default();
    let question = Question {
        wanted: Some(&upload.entity_id),
        now: gateway.clock.now(),
        lifetime: gateway.registrar.lifetime(),
    };
    let versions = history.iter().map(|one| {
        json!({
            "version": one.version,
            "at": rfc3339(one.at),
            "author": one.author,
            "removed": one.metadata.is_none(),
        })
    });
    // What cannot be used any more, since its time is over, has findings that say so.
    let says = gateway.registrar.portrait(upload).unwrap_or_default();
    with(
        upload_in_short(upload),
        (&settings, says),
        json!({
            "findings": lint(document.as_bytes(), &question),
            "metadata": document,
            "history": versions.collect::<Vec<_>>(),
        }),
    )
}

/// All fields of a service provider.
fn with(mut told: Value, (settings, says): (&Settings, Vec<Line>), rest: Value) -> Value {
    told["profile"] = json!(settings.profile);
    told["require_signed_requests"] = json!(settings.signed_requests);
    told["unsolicited"] = json!(settings.unsolicited.is_some());
    told["relay_states"] = json!(settings.unsolicited.as_deref().unwrap_or_default());
    told["says"] = json!(says);
    if let (Value::Object(told), Value::Object(rest)) = (&mut told, rest) {
        told.extend(rest);
    }
    told
}
