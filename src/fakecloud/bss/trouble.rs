//! Every way in which the partner API says no. Apart room `fakecloud`; contract §7.1, §7.2, §7.5,
//! §7.6.

use axum::Json;
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse as _, Response};
use serde_json::{Map, Value, json};
use time::macros::format_description;
use time::{Duration, OffsetDateTime};

use super::Voice;
use crate::fakecloud::script::RetryAfter;
use crate::fakecloud::visit::Language;

macro_rules! codes {
    ($($name:ident = $status:literal, $code:literal, $zh:literal, $en:literal;)+) => {
        /// An error code of the cloud's documents.
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub(crate) enum Code { $($name,)+ }

        impl Code {
            #[cfg(test)]
            const ALL: &'static [Code] = &[$(Code::$name,)+];

            /// The code of this text.
            pub(crate) fn named(text: &str) -> Option<Self> {
                match text { $($code => Some(Self::$name),)+ _ => None }
            }

            /// The text of the code.
            pub(crate) fn text(self) -> &'static str {
                match self { $(Self::$name => $code,)+ }
            }

            fn status(self) -> StatusCode {
                let status = match self { $(Self::$name => $status,)+ };
                StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR)
            }

            fn message(self, language: Language) -> &'static str {
                match (self, language) {
                    $((Self::$name, Language::Chinese) => $zh,)+
                    $((Self::$name, Language::English) => $en,)+
                }
            }
        }
    };
}

codes! {
    Parameter = 400, "CBC.0100", "参数错误", "Parameter error";
    Invalid = 400, "CBC.0101", "无效参数", "Invalid parameter";
    AccessDenied = 403, "CBC.0151", "访问被拒绝", "Access denied";
    TokenExpired = 401, "CBC.0154", "Token 非法或已过期", "The token is illegal or has expired";
    Other = 500, "CBC.0999", "其他错误", "Other error";
    MobileFormat = 400, "CBC.5017", "手机号格式错误", "The mobile number format is incorrect";
    FirstTier = 400, "CBC.50010059",
        "一级经销商不允许关联子客户",
        "A first-tier distributor may not associate customers";
    ResellerExited = 400, "CBC.50010065",
        "云经销商所属的总经销商已退出",
        "The distributor of the reseller has exited";
    PartnerRestricted = 400, "CBC.50010085", "合作伙伴受限", "The partner is restricted";
    DistributorRestricted = 400, "CBC.50010086", "总经销商受限", "The distributor is restricted";
    Authorizing = 400, "CBC.99000004", "授权合作伙伴异常", "Authorizing the partner failed";
    MobileExists = 400, "CBC.99000029", "手机号已存在", "The mobile number already exists";
    MobileExceeded = 400, "CBC.99000030",
        "手机号注册次数超限",
        "The mobile number has been registered too many times";
    NameFormat = 400, "CBC.99000031", "登录名格式错误", "The login name format is incorrect";
    PasswordFormat = 400, "CBC.99000036", "密码格式错误", "The password format is incorrect";
    NoReseller = 400, "CBC.99000037", "没有该云经销商的权限", "No permission on that reseller";
    NameExists = 400, "CBC.99000038", "登录名已存在", "The login name already exists";
    AccountIdExists = 400, "CBC.99000039", "xaccountId 重复", "The xaccountId already exists";
    AssociationTimedOut = 500, "CBC.99000050",
        "查询关联结果超时",
        "The query of the association result timed out";
    Reported = 400, "CBC.99000051",
        "手机号或邮箱已被华为云报备",
        "The mobile number or e-mail address has been reported";
    SendTooOften = 400, "CBC.99000082", "验证码发送过于频繁", "Verification codes are sent too often";
    SendFailed = 400, "CBC.99004003",
        "验证码生成成功，发送失败",
        "The verification code was generated but could not be sent";
    ProofExpired = 400, "CBC.99004008", "验证码已过期", "The verification code has expired";
    ProofTriedTooOften = 400, "CBC.99004009",
        "验证码校验失败超过 3 次",
        "The verification code was checked more than 3 times";
    ProofWrong = 400, "CBC.99004010", "验证码错误", "The verification code is incorrect";
    Sandbox = 400, "CBC.99005035", "沙箱账号不能使用此接口", "A sandbox account may not use this API";
    NotPublished = 404, "APIGW.0101",
        "The API does not exist or has not been published in the environment",
        "The API does not exist or has not been published in the environment";
    NotAuthenticated = 401, "APIGW.0301",
        "Incorrect IAM authentication information",
        "Incorrect IAM authentication information";
    Throttled = 429, "APIGW.0308",
        "The throttling threshold has been reached: policy user over \
         ratelimit,limit:10,time:1 second",
        "The throttling threshold has been reached: policy user over \
         ratelimit,limit:10,time:1 second";
}

/// An error answer.
#[derive(Debug)]
pub(crate) struct Trouble {
    kind: Kind,
    /// What stands beside the error: the ids of an account that was made nevertheless.
    beside: Option<Box<Map<String, Value>>>,
    retry_after: Option<String>,
}

#[derive(Debug)]
enum Kind {
    /// Of the partner API, or of the gateway before it.
    Api(Code, Option<String>),
    /// Of the login service.
    Iam(StatusCode, &'static str),
}

impl Trouble {
    /// An error with nothing to add.
    pub(crate) fn new(code: Code) -> Self {
        Self::of(Kind::Api(code, None))
    }

    /// An error about something: a field, a header, a canonical request.
    pub(crate) fn about(code: Code, what: impl Into<String>) -> Self {
        Self::of(Kind::Api(code, Some(what.into())))
    }

    /// An error of the login service.
    pub(crate) fn iam(status: StatusCode, message: &'static str) -> Self {
        Self::of(Kind::Iam(status, message))
    }

    /// 429, with the header that tells how long to wait.
    pub(crate) fn throttled(wait: RetryAfter, now: OffsetDateTime) -> Self {
        let retry_after = match wait {
            RetryAfter::Seconds(seconds) => Some(seconds.to_string()),
            RetryAfter::DateIn(seconds) => Some(http_date(now, seconds)),
            RetryAfter::Silent => None,
        };
        Self { retry_after, ..Self::new(Code::Throttled) }
    }

    /// The same error with fields beside it.
    pub(crate) fn beside(self, beside: Map<String, Value>) -> Self {
        Self { beside: Some(Box::new(beside)), ..self }
    }

    /// The answer in the caller's language.
    pub(super) fn into_response(self, voice: &Voice) -> Response {
        let (status, body) = match self.kind {
            Kind::Api(code, what) => {
                (code.status(), body(code, what, voice, self.beside.map(|beside| *beside)))
            }
            Kind::Iam(status, message) => {
                let title = status.canonical_reason().unwrap_or_default();
                let error = json!({ "message": message, "code": status.as_u16(), "title": title });
                (status, json!({ "error": error }))
            }
        };
        let mut response = (status, Json(body)).into_response();
        if let Some(Ok(wait)) = self.retry_after.map(HeaderValue::try_from) {
            response.headers_mut().insert(header::RETRY_AFTER, wait);
        }
        response
    }

    fn of(kind: Kind) -> Self {
        Self { kind, beside: None, retry_after: None }
    }
}

fn body(
    code: Code,
    what: Option<String>,
    voice: &Voice,
    beside: Option<Map<String, Value>>,
) -> Value {
    let mut body = beside.unwrap_or_default();
    let message = code.message(voice.language);
    let message = what.map_or_else(|| message.to_owned(), |what| format!("{message}: {what}"));
    body.insert("error_code".to_owned(), code.text().into());
    body.insert("error_msg".to_owned(), message.into());
    if code.text().starts_with("APIGW.") {
        body.insert("request_id".to_owned(), voice.request_id.clone().into());
    }
    Value::Object(body)
}

/// The date so many seconds ahead, never earlier: dates have whole seconds (RFC 9110 §5.6.7).
fn http_date(now: OffsetDateTime, seconds: u32) -> String {
    let part = if now.nanosecond() > 0 { Duration::SECOND } else { Duration::ZERO };
    let format = format_description!(
        "[weekday repr:short], [day] [month repr:short] [year] [hour]:[minute]:[second] GMT"
    );
    let at = now.replace_nanosecond(0).unwrap_or(now) + part + Duration::seconds(seconds.into());
    at.format(&format).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;
    use time::macros::datetime;

    #[test]
    fn every_code_is_found_by_its_text_and_by_no_other() {
        for code in Code::ALL {
            assert_eq!(Code::named(code.text()), Some(*code), "{}", code.text());
            assert!(code.status().is_client_error() || code.status().is_server_error());
            assert!(code.text().len() <= 16, "contract §7.1");
        }
        assert_eq!(Code::named("CBC.0000"), None);
    }

    #[test]
    fn a_date_is_the_one_of_http_and_rounded_up() {
        let now = datetime!(1994-11-06 08:49:35 UTC);
        assert_eq!(http_date(now, 2), "Sun, 06 Nov 1994 08:49:37 GMT");
        let now = now + Duration::milliseconds(1);
        assert_eq!(http_date(now, 1), "Sun, 06 Nov 1994 08:49:37 GMT");
    }
}
