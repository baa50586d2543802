//! The partner API: tokens, checking a name, verification codes, creating and listing customers.
//! Apart room `fakecloud`; contract §7.1 to §7.7.
//!
//! A call goes: who calls (`caller`, `signature`, `token`) → not too often (`meter`) → what the
//! fault script has for it → the work (`identity`, `code`, `create`, `list`).

mod caller;
mod code;
mod create;
mod fields;
mod identity;
mod list;
mod meter;
pub(crate) mod rules;
mod signature;
mod token;
mod trouble;

use std::collections::BTreeMap;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use axum::body::{Body, Bytes, to_bytes};
use axum::extract::{Request, State};
use axum::http::request::Parts;
use axum::http::{HeaderMap, HeaderValue, StatusCode};
use axum::response::{IntoResponse as _, Response};
use axum::routing::{MethodRouter, any, post};
use axum::{Json, Router};
use hyper::body::Frame;
use serde_json::{Map, Value};

use super::FakeCloud;
use super::knobs::RetryAfterForm;
use super::script::{Api, Effect, Moment, RetryAfter};
use super::visit::Language;
use crate::limits;
pub use code::SentCode;
use fields::{Fields, parameter};
pub use meter::Calls;
pub(crate) use trouble::Code;
use trouble::Trouble;

/// What the partner API remembers, beside the accounts.
#[derive(Debug, Default)]
pub(crate) struct Memory {
    tokens: token::Tokens,
    codes: code::Codes,
    meter: meter::Meter,
}

/// The addresses of the partner API.
pub(crate) fn router() -> Router<Arc<FakeCloud>> {
    let customers = "/v2/partners/sub-customers";
    Router::new()
        .route("/v3/auth/tokens", at(Api::Token, Work::Open(token::issue)))
        .route(
            &format!("{customers}/users/check-identity"),
            at(Api::CheckIdentity, Work::Partner(identity::check)),
        )
        .route("/v2/bases/verificationcode/send", at(Api::SendCode, Work::Partner(code::send)))
        .route(customers, at(Api::CreateCustomer, Work::Partner(create::create)))
        .route(&format!("{customers}/query"), at(Api::ListCustomers, Work::Partner(list::list)))
        .route("/v2/{*path}", any(not_published))
        .route("/v3/{*path}", any(not_published))
}

impl FakeCloud {
    /// How often each API was called since this cloud began.
    pub fn calls(&self) -> BTreeMap<Api, Calls> {
        self.state().bss.meter.counts()
    }

    /// The last verification code for registering that was sent to a mobile number or an e-mail
    /// address and not used yet.
    pub fn code(&self, receiver: &str) -> Option<SentCode> {
        let receiver = rules::china_mobile(receiver).or_else(|| rules::email(receiver))?;
        self.state().bss.codes.last(&receiver).cloned()
    }

    /// The verification codes for registering that can still be used, with their receivers, newest
    /// first.
    pub(crate) fn codes(&self) -> Vec<(String, SentCode)> {
        let now = self.now();
        self.state().bss.codes.alive(now)
    }
}

/// What is done for a call.
#[derive(Clone, Copy)]
enum Work {
    /// For everybody.
    Open(fn(&FakeCloud, &Asked) -> Result<Answer, Trouble>),
    /// For partners.
    Partner(fn(&FakeCloud, &Call<'_>) -> Result<Answer, Trouble>),
}

/// A request as it came.
struct Asked {
    head: Parts,
    body: Bytes,
}

impl Asked {
    fn header(&self, name: &str) -> Option<&str> {
        self.head.headers.get(name).and_then(|value| value.to_str().ok())
    }
}

/// A call by a partner.
struct Call<'r> {
    asked: &'r Asked,
    partner: &'r str,
}

impl Call<'_> {
    /// The fields of the body, which may have those that are `known`.
    fn fields(&self, known: &[&str]) -> Result<Fields, Trouble> {
        Fields::read(&self.asked.head.headers, &self.asked.body, known)
    }
}

/// A good answer.
enum Answer {
    /// 204.
    Nothing,
    /// 200.
    Object(Value),
    /// 201, with the token in a header.
    Token { token: String, body: Value },
}

impl Answer {
    fn into_response(self) -> Response {
        match self {
            Self::Nothing => StatusCode::NO_CONTENT.into_response(),
            Self::Object(body) => Json(body).into_response(),
            Self::Token { token, body } => {
                (StatusCode::CREATED, [("x-subject-token", token)], Json(body)).into_response()
            }
        }
    }
}

/// How the caller is spoken to.
struct Voice {
    language: Language,
    request_id: String,
}

fn at(api: Api, work: Work) -> MethodRouter<Arc<FakeCloud>> {
    let serve = move |State(cloud): State<Arc<FakeCloud>>, request: Request| async move {
        serve(&cloud, api, work, request).await
    };
    post(serve).fallback(not_published)
}

async fn not_published(State(cloud): State<Arc<FakeCloud>>, headers: HeaderMap) -> Response {
    let voice = cloud.voice(&headers);
    named(&voice, Trouble::new(Code::NotPublished).into_response(&voice))
}

async fn serve(cloud: &FakeCloud, api: Api, work: Work, request: Request) -> Response {
    let (head, body) = request.into_parts();
    let voice = cloud.voice(&head.headers);
    let outcome = match to_bytes(body, limits::BODY_BYTES).await {
        Ok(body) => cloud.carry_out(api, work, &Asked { head, body }).await,
        Err(_) => Ok(Err(parameter("body"))),
    };
    match outcome {
        Ok(Ok(answer)) => named(&voice, answer.into_response()),
        Ok(Err(trouble)) => named(&voice, trouble.into_response(&voice)),
        Err(Broken) => Response::new(Body::new(Broken)),
    }
}

/// Every answer has an id (contract §7.1).
fn named(voice: &Voice, mut response: Response) -> Response {
    if let Ok(id) = HeaderValue::from_str(&voice.request_id) {
        response.headers_mut().insert("x-request-id", id);
    }
    response
}

type Outcome = Result<Answer, Trouble>;

impl FakeCloud {
    fn voice(&self, headers: &HeaderMap) -> Voice {
        let wish = headers.get("x-language").and_then(|value| value.to_str().ok());
        let english = wish.is_some_and(|wish| wish.eq_ignore_ascii_case("en_us"));
        let mut id = [0u8; 16];
        self.random.fill(&mut id);
        Voice {
            language: if english { Language::English } else { Language::Chinese },
            request_id: format!("{:032x}", u128::from_be_bytes(id)),
        }
    }

    /// Does the work, unless the script has something else for this call.
    async fn carry_out(&self, api: Api, work: Work, asked: &Asked) -> Result<Outcome, Broken> {
        let (effect, partner) = match self.admit(api, work, asked) {
            Ok(admitted) => admitted,
            Err(trouble) => return Ok(Err(trouble)),
        };
        let run = || match work {
            Work::Open(work) => work(self, asked),
            Work::Partner(work) => work(self, &Call { asked, partner: &partner }),
        };
        let run_if = |at: Moment| (at == Moment::AfterCommit).then(run);
        match effect {
            None | Some(Effect::Lose | Effect::Twice | Effect::OutOfOrder) => Ok(run()),
            Some(Effect::LateMs(ms)) => {
                let outcome = run();
                tokio::time::sleep(Duration::from_millis(ms)).await;
                Ok(outcome)
            }
            Some(Effect::Never(at)) => {
                run_if(at);
                tokio::time::sleep(NEVER).await;
                Err(Broken)
            }
            Some(Effect::Reset(at)) => {
                run_if(at);
                Err(Broken)
            }
            Some(Effect::Error { code, at }) => Ok(Err(scripted(&code, run_if(at)))),
            Some(Effect::Throttle(wait)) => Ok(Err(Trouble::throttled(wait, self.now()))),
        }
    }

    /// Who calls, whether they may now, and what is to happen to the call.
    fn admit(
        &self,
        api: Api,
        work: Work,
        asked: &Asked,
    ) -> Result<(Option<Effect>, String), Trouble> {
        self.state().bss.meter.count(api).calls += 1;
        if asked.header("x-language").is_some_and(|wish| wish.len() > 10) {
            return Err(parameter("X-Language"));
        }
        let partner = match work {
            Work::Open(_) => Ok(String::new()),
            Work::Partner(_) => self.calling_partner(asked),
        };
        let now = self.now();
        let mut state = self.state();
        let partner = partner.inspect_err(|_| state.bss.meter.count(api).refused += 1)?;
        if matches!(work, Work::Partner(_))
            && let Err(wait) = state.bss.meter.pass(api, &partner, now)
        {
            state.bss.meter.count(api).throttled += 1;
            let seconds = u32::try_from(wait.whole_seconds()).unwrap_or_default();
            let seconds = seconds + u32::from(wait.subsec_nanoseconds() > 0);
            let wait = match state.knobs.retry_after {
                RetryAfterForm::Seconds => RetryAfter::Seconds(seconds),
                RetryAfterForm::Date => RetryAfter::DateIn(seconds),
            };
            return Err(Trouble::throttled(wait, now));
        }
        let effect = state.faults.next(api);
        if effect.is_some() {
            state.bss.meter.count(api).faulted += 1;
        }
        Ok((effect, partner))
    }
}

/// The error of a script. One of them names the account that was made nevertheless (§7.6).
fn scripted(code: &str, done: Option<Outcome>) -> Trouble {
    let code = Code::named(code).unwrap_or(Code::Other);
    let beside = match done {
        Some(Ok(Answer::Object(Value::Object(body)))) if code == Code::AssociationTimedOut => body,
        _ => Map::new(),
    };
    Trouble::new(code).beside(beside)
}

/// A body that breaks before its first octet: the server then closes the connection and sends
/// nothing, not even a status.
struct Broken;

impl hyper::body::Body for Broken {
    type Data = Bytes;
    type Error = std::io::Error;

    fn poll_frame(
        self: Pin<&mut Self>,
        _: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Self::Error>>> {
        Poll::Ready(Some(Err(std::io::ErrorKind::ConnectionReset.into())))
    }
}

/// Longer than any caller waits; a connection is not kept for good.
const NEVER: Duration = Duration::from_mins(10);
