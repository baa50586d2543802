//! Layer 5, http: every call of the API, in one table. Router, `OpenAPI` document and reference
//! page are made of it, so that no call exists without being documented.

use axum::extract::DefaultBodyLimit;
use axum::routing::{MethodRouter, delete, get, post, put};

use super::body::{self, Asked, Faulty, Fields};
use super::{contacts, creations, customers, providers, tickets, webhooks};
use crate::http::Gateway;
use crate::limits;
use crate::page::ApiCall;
use crate::refusal::Code;
use crate::sso::sign_in::Scope;

/// A call of the API.
pub(in crate::http) struct Call {
    /// Its name, under which pages have words for it.
    pub name: ApiCall,
    /// Where it is: names in braces are filled in.
    pub path: &'static str,
    /// What answers it.
    pub route: MethodRouter<Gateway>,
    /// Whether it only looks or also does something.
    pub kind: Kind,
    /// What the key has to be good for.
    pub scope: Scope,
    /// The status when all is well, and the schema of the answer.
    pub answer: (u16, &'static str),
    /// Why else it may be refused.
    pub codes: &'static [Code],
}

/// What a call does.
pub(in crate::http) enum Kind {
    /// GET, with the parameters of its query.
    Look(&'static [&'static str]),
    /// POST with a body that may be left out.
    Act,
    /// POST with these fields, which only looks: what is looked for is not for addresses.
    Ask(Vec<Asked>),
    /// POST with these fields and an `Idempotency-Key`: once, however often it is called.
    Once(Vec<Asked>),
    /// PUT of a metadata document, with the parameters of its query and what each means.
    Put(&'static [(&'static str, &'static str)]),
    /// DELETE.
    Remove,
}

/// Why any call may be refused.
pub(super) const ANY: &[Code] = &[
    Code::TenantUnknown,
    Code::ApiKeyWrong,
    Code::ApiScopeMissing,
    Code::StoreAway,
    Code::Overloaded,
    Code::Internal,
    Code::TimedOut,
];
/// Why any call with a body may be refused besides.
pub(super) const WITH_BODY: &[Code] =
    &[Code::BodyTooLarge, Code::BodyUnreadable, Code::FieldInvalid];
/// Why a call that is done once may be refused besides.
pub(super) const ONCE: &[Code] = &[Code::IdempotencyConflict, Code::IdempotencyKeyInvalid];

/// Every call.
pub(in crate::http) fn calls() -> Vec<Call> {
    vec![
        Call {
            name: ApiCall::Ticket,
            path: "/api/v1/{tenant}/tickets",
            route: post(tickets::post),
            kind: once(tickets::fields),
            scope: Scope::Tickets,
            answer: (201, "Ticket"),
            codes: &[Code::ServiceNotAllowed],
        },
        check(),
        send_code(),
        create(),
        Call {
            name: ApiCall::Creation,
            path: "/api/v1/{tenant}/creations/{id}",
            route: get(creations::get),
            kind: Kind::Look(&[]),
            scope: Scope::Creations,
            answer: (200, "Creation"),
            codes: &[Code::CreationNotFound],
        },
        Call {
            name: ApiCall::Customer,
            path: "/api/v1/{tenant}/customers/{id}",
            route: get(customers::get),
            kind: Kind::Look(&[]),
            scope: Scope::Customers,
            answer: (200, "Customer"),
            codes: &[Code::CustomerUnknown],
        },
        switch(
            ApiCall::Suspend,
            "/api/v1/{tenant}/customers/{id}/suspend",
            post(customers::suspend),
        ),
        switch(ApiCall::Resume, "/api/v1/{tenant}/customers/{id}/resume", post(customers::resume)),
        Call {
            name: ApiCall::Messages,
            path: "/api/v1/{tenant}/webhooks",
            route: get(webhooks::list),
            kind: Kind::Look(&["state"]),
            scope: Scope::Webhooks,
            answer: (200, "Messages"),
            codes: &[Code::FieldInvalid],
        },
        Call {
            name: ApiCall::Replay,
            path: "/api/v1/{tenant}/webhooks/{id}/replay",
            route: post(webhooks::replay),
            kind: Kind::Act,
            scope: Scope::Webhooks,
            answer: (202, "Replayed"),
            codes: &[Code::MessageUnknown],
        },
        provider(ApiCall::ProviderList, get(providers::list), Kind::Look(&[])),
        provider(ApiCall::ProviderSee, get(providers::see), Kind::Look(&[])),
        provider(ApiCall::ProviderPut, put_metadata(), Kind::Put(providers::PARAMETERS)),
        provider(ApiCall::ProviderRemove, delete(providers::remove), Kind::Remove),
    ]
}

fn check() -> Call {
    Call {
        name: ApiCall::Check,
        path: "/api/v1/{tenant}/identity-checks",
        route: post(contacts::check),
        kind: Kind::Ask(body::describe(contacts::check_fields)),
        scope: Scope::Creations,
        answer: (200, "Availability"),
        codes: &[
            Code::NoPartnerApi,
            Code::AccountNameUnusable,
            Code::ContactUnusable,
            Code::CloudAccessDenied,
            Code::CloudCredentials,
            Code::CloudCallRefused,
            Code::CloudThrottled,
            Code::CloudAway,
            Code::CloudAnswerUnusable,
        ],
    }
}

fn send_code() -> Call {
    Call {
        name: ApiCall::SendCode,
        path: "/api/v1/{tenant}/verification-codes",
        route: post(contacts::send_code),
        kind: once(contacts::code_fields),
        scope: Scope::Creations,
        answer: (202, "CodeSent"),
        codes: &[
            Code::NoPartnerApi,
            Code::ContactUnusable,
            Code::VerificationCodeTooOften,
            Code::VerificationCodeNotSent,
            Code::CloudAccessDenied,
            Code::CloudCredentials,
            Code::CloudCallRefused,
            Code::CloudThrottled,
            Code::CloudAway,
        ],
    }
}

fn put_metadata() -> MethodRouter<Gateway> {
    put(providers::put).layer(DefaultBodyLimit::max(limits::METADATA_BYTES))
}

fn provider(name: ApiCall, route: MethodRouter<Gateway>, kind: Kind) -> Call {
    let (answer, codes): (_, &[Code]) = match name {
        ApiCall::ProviderList => ("ServiceProviders", &[]),
        ApiCall::ProviderPut => (
            "Registered",
            &[Code::MetadataUnusable, Code::ProviderDeclared, Code::ProviderChanging],
        ),
        ApiCall::ProviderRemove => {
            ("Removed", &[Code::ProviderUnknown, Code::ProviderDeclared, Code::ProviderChanging])
        }
        _ => ("ServiceProvider", &[Code::ProviderUnknown]),
    };
    let path = match name {
        ApiCall::ProviderList => "/api/v1/{tenant}/sp",
        _ => "/api/v1/{tenant}/sp/{id}",
    };
    let scope = Scope::ServiceProviders;
    Call { name, path, route, kind, scope, answer: (200, answer), codes }
}

fn create() -> Call {
    Call {
        name: ApiCall::Create,
        path: "/api/v1/{tenant}/customers",
        route: post(creations::post),
        kind: once(creations::fields),
        scope: Scope::Creations,
        answer: (202, "CreationBegun"),
        codes: &[
            Code::NoPartnerApi,
            Code::CustomerDisabled,
            Code::AlreadyLinked,
            Code::CreationUnderWay,
            Code::AccountIdChanged,
            Code::AccountIdTaken,
            Code::LinkConflict,
            Code::AccountNameUnusable,
            Code::ContactUnusable,
        ],
    }
}

fn switch(name: ApiCall, path: &'static str, route: MethodRouter<Gateway>) -> Call {
    let (scope, answer) = (Scope::Customers, (200, "Customer"));
    Call { name, path, route, kind: Kind::Act, scope, answer, codes: &[Code::CustomerUnknown] }
}

fn once<T>(fields: impl FnOnce(&mut Fields) -> Result<T, Faulty>) -> Kind {
    Kind::Once(body::describe(fields))
}

impl Call {
    /// Its method, in capitals.
    pub(super) fn method(&self) -> &'static str {
        match self.kind {
            Kind::Look(_) => "GET",
            Kind::Act | Kind::Ask(_) | Kind::Once(_) => "POST",
            Kind::Put(_) => "PUT",
            Kind::Remove => "DELETE",
        }
    }

    /// The fields of its body.
    pub(super) fn fields(&self) -> &[Asked] {
        match &self.kind {
            Kind::Ask(fields) | Kind::Once(fields) => fields,
            Kind::Look(_) | Kind::Act | Kind::Put(_) | Kind::Remove => &[],
        }
    }

    /// Every reason to refuse it, by number, each once.
    pub(super) fn refusals(&self) -> Vec<Code> {
        let (body, once) = match self.kind {
            Kind::Look(_) | Kind::Remove => (&[][..], &[][..]),
            Kind::Put(_) => (&[Code::BodyTooLarge, Code::FieldInvalid][..], &[][..]),
            Kind::Act | Kind::Ask(_) => (WITH_BODY, &[][..]),
            Kind::Once(_) => (WITH_BODY, ONCE),
        };
        let mut codes = [ANY, body, once, self.codes].concat();
        codes.sort_by_key(|code| code.entry().number);
        codes.dedup();
        codes
    }
}
