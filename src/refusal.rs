//! Leaf: the catalogue of refusals. One row per way in which a journey can end early, with a stable
//! code, whose move it is, and the HTTP status of the local page. The words that people read live
//! in `templates/words`.

use std::fmt;
use std::time::Duration;

use serde::{Serialize, Serializer};

/// Whose move it is after a refusal.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Owner {
    /// The person in front of the browser.
    You,
    /// The partner whose site the person came from.
    Partner,
    /// Whoever runs this gateway.
    Operator,
    /// The cloud that sent the request.
    Cloud,
}

impl Owner {
    /// The key under which words and logs name this owner.
    #[must_use]
    pub fn key(self) -> &'static str {
        match self {
            Self::You => "you",
            Self::Partner => "partner",
            Self::Operator => "operator",
            Self::Cloud => "cloud",
        }
    }
}

/// One row of the catalogue.
#[derive(Clone, Copy, Debug)]
pub struct Entry {
    /// The number behind `SB-`. Never re-used, never changed.
    pub number: u16,
    /// HTTP status of the local page or API answer.
    pub status: u16,
    /// Whose move it is.
    pub owner: Owner,
    /// What it means, for engineers.
    pub meaning: &'static str,
}

macro_rules! catalogue {
    ($(
        $(#[doc = $doc:literal])+
        $name:ident = $number:literal, $status:literal, $owner:ident;
    )+) => {
        /// A stable reason for refusing, shown as `SB-nnnn`.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        pub enum Code { $($(#[doc = $doc])+ $name,)+ }

        impl Code {
            /// Every code, in the order of its number.
            pub const ALL: &'static [Code] = &[$(Code::$name,)+];

            /// This code's row.
            #[must_use]
            pub fn entry(self) -> Entry {
                match self {
                    $(Self::$name => Entry {
                        number: $number,
                        status: $status,
                        owner: Owner::$owner,
                        meaning: concat!($($doc,)+).trim_ascii(),
                    },)+
                }
            }
        }
    };
}

catalogue! {
    /// The SAML endpoint was called without a `SAMLRequest`.
    MessageMissing = 1001, 400, You;
    /// A parameter that may stand once was sent twice, or request and response were mixed.
    ParameterTwice = 1002, 400, Cloud;
    /// The query string is longer than the limit.
    QueryTooLong = 1003, 414, Cloud;
    /// A parameter is not valid percent-encoding or base64.
    BadBase64 = 1004, 400, Cloud;
    /// The message is not one complete raw DEFLATE stream.
    BadDeflate = 1005, 400, Cloud;
    /// The message inflates or decodes to more than the limit.
    InflatesTooLarge = 1006, 400, Cloud;
    /// The message is not UTF-8, or declares another encoding.
    NotUtf8 = 1007, 400, Cloud;
    /// The message has a DOCTYPE.
    Doctype = 1008, 400, Cloud;
    /// The message is not well-formed, namespace-correct XML.
    MalformedXml = 1009, 400, Cloud;
    /// The message exceeds a limit on depth, nodes, attributes, namespaces or names.
    XmlLimit = 1010, 400, Cloud;
    /// The message is XML but not the SAML message that was expected here.
    BadSchema = 1011, 400, Cloud;
    /// The message's `Version` is not 2.0.
    BadVersion = 1012, 400, Cloud;
    /// `SAMLEncoding` names something else than DEFLATE.
    BadEncoding = 1013, 400, Cloud;
    /// `RelayState` is longer than the limit.
    RelayStateTooLong = 1014, 400, Cloud;
    /// `RelayState` has a NUL, or a CR or LF that stands alone: no HTML form carries it back
    /// unchanged.
    RelayStateUnpostable = 1015, 400, Cloud;

    /// No such tenant at this address, or it is switched off.
    TenantUnknown = 2001, 404, Partner;
    /// The request's `Issuer` is not a service provider of this tenant.
    IssuerUnknown = 2003, 403, Partner;
    /// The request is not signed, and this service provider's requests must be.
    SignatureMissing = 2004, 403, Cloud;
    /// The signature algorithm is missing or not one of rsa-sha256, rsa-sha384, rsa-sha512,
    /// ecdsa-sha256, ecdsa-sha384.
    SignatureAlgorithm = 2005, 403, Cloud;
    /// No registered key of the service provider verifies the signature.
    SignatureInvalid = 2006, 403, Cloud;
    /// The request's `Destination` is not the address at which it arrived.
    DestinationWrong = 2007, 403, Partner;
    /// The request asks for an answer to an address that the service provider's metadata does not
    /// list.
    AcsForeign = 2008, 403, Cloud;
    /// The request's `IssueInstant` is too long ago.
    RequestExpired = 2009, 403, You;
    /// The request's `IssueInstant` lies in the future beyond the allowed skew.
    RequestFromFuture = 2010, 403, Operator;
    /// The request's `ID` was used before.
    RequestReplayed = 2011, 403, You;
    /// The address names a signing key that the tenant does not have or has retired.
    KeyUnknown = 2012, 403, Partner;
    /// The request asks for an answer by a binding that is not offered.
    BindingUnsupported = 2013, 400, Cloud;
    /// The service provider is registered, but no usable metadata of it could be loaded yet.
    MetadataMissing = 2015, 503, Operator;
    /// Assertions for this service provider have to be encrypted, and its metadata has no key that
    /// can be used for it.
    EncryptionKeyMissing = 2040, 503, Operator;

    /// The address carries no ticket, or one that cannot be read.
    TicketUnreadable = 3001, 400, Partner;
    /// The ticket's time is over.
    TicketExpired = 3002, 403, You;
    /// The ticket was used before, or was never given out.
    TicketUsed = 3003, 403, You;
    /// No registered key of the partner verifies the ticket.
    TicketSignature = 3004, 403, Partner;
    /// The ticket is meant for another recipient.
    TicketAudience = 3005, 403, Partner;
    /// A claim of the ticket is missing, too long or of the wrong form.
    TicketClaims = 3006, 400, Partner;
    /// Name or password is wrong.
    WrongCredentials = 3007, 403, You;
    /// Too many attempts to sign in; wait.
    TooManyAttempts = 3008, 429, You;
    /// The journey is over: it was completed, or it waited too long.
    JourneyGone = 3010, 410, You;
    /// The journey was begun in another browser.
    JourneyElsewhere = 3011, 403, You;
    /// The form was not opened in this browser, or its time is over.
    FormExpired = 3012, 403, You;
    /// The customer may not be signed in: switched off at the partner.
    CustomerDisabled = 3014, 403, Partner;
    /// The customer has no cloud account yet, and no first login was begun from the partner's site.
    FirstLoginNotBegun = 3015, 403, You;
    /// This tenant's users sign in at the partner's site, not here.
    SignInElsewhere = 3016, 404, You;
    /// No service provider of that name takes answers that it did not ask for.
    ServiceUnknown = 3017, 404, Partner;
    /// The `RelayState` in the address is not one that the service provider's registration lists.
    RelayStateNotAllowed = 3018, 400, Partner;
    /// Nothing is known by which the service provider could know the customer.
    NameIdUnavailable = 3019, 422, Partner;
    /// The service provider asked for a fresh proof of who the customer is, and the partner's
    /// ticket does not say that there was one since.
    ProofNotFresh = 3020, 403, Partner;
    /// Too many journeys begin at this address.
    JourneysTooMany = 3021, 429, You;

    /// The page to open in the cloud is not on the cloud's list of hosts.
    ServiceNotAllowed = 4001, 400, Partner;
    /// An attribute of the customer does not satisfy the cloud's rules.
    AttributeUnusable = 4002, 422, Partner;
    /// This cloud has no login link; journeys begin at the service provider.
    NoLoginLink = 4003, 404, Partner;

    /// A link notification is not the form, base64 and JSON that the contract describes.
    LinkNoticeUnreadable = 4101, 400, Cloud;
    /// No registered key of the cloud verifies a link notification.
    LinkNoticeSignature = 4102, 403, Cloud;
    /// A link notification for a customer who was not sent to the cloud, or whose link has ended:
    /// perhaps an old one once more.
    LinkUnexpected = 4103, 409, Partner;
    /// What the cloud says about a customer's account contradicts what is known here.
    LinkConflict = 4104, 409, Operator;
    /// A cloud account is being created for this customer already.
    CreationUnderWay = 4105, 409, You;
    /// The customer has a cloud account already.
    AlreadyLinked = 4106, 409, Partner;
    /// The customer is known to the cloud by another `xAccountId`, which never changes.
    AccountIdChanged = 4107, 409, Partner;
    /// The `xAccountId` belongs, or belonged, to another customer.
    AccountIdTaken = 4108, 409, Partner;
    /// No such customer of this tenant is known here.
    CustomerUnknown = 4109, 404, Partner;
    /// A link notification cannot be believed before the cloud's list says the same, which is asked
    /// again within minutes.
    LinkDoubted = 4110, 409, Cloud;
    /// A link notification for an account that is linked in another tenant: perhaps that tenant's.
    LinkElsewhere = 4111, 409, Partner;

    /// The session store does not answer.
    StoreAway = 5001, 503, Operator;
    /// The gateway has more to do than it can; try again shortly.
    Overloaded = 5002, 503, Operator;
    /// Something that must not happen happened.
    Internal = 5003, 500, Operator;
    /// The tenant has no active signing key.
    NoSigningKey = 5004, 503, Operator;
    /// Nothing is at this address.
    NotFound = 5005, 404, You;
    /// The address does not take this method.
    MethodNotAllowed = 5006, 405, You;
    /// The request's body is larger than the limit.
    BodyTooLarge = 5007, 413, You;
    /// The request took too long.
    TimedOut = 5008, 503, Operator;

    /// The API key is missing or wrong.
    ApiKeyWrong = 6001, 401, Partner;
    /// The body is not the JSON that was expected.
    BodyUnreadable = 6002, 400, Partner;
    /// A field of the body is missing or out of bounds.
    FieldInvalid = 6003, 422, Partner;
    /// The idempotency key was used with another body.
    IdempotencyConflict = 6004, 409, Partner;
    /// The idempotency key is missing or out of bounds.
    IdempotencyKeyInvalid = 6005, 400, Partner;
    /// The API key is right, but its scopes do not include this call.
    ApiScopeMissing = 6006, 403, Partner;
    /// The tenant has no dead message of this id.
    MessageUnknown = 6007, 404, Partner;
    /// The service provider's metadata cannot be used; the findings name every fault.
    MetadataUnusable = 6008, 422, Partner;
    /// The service provider is declared in the configuration file, and is changed there.
    ProviderDeclared = 6009, 409, Operator;
    /// The tenant has no service provider of this entityID.
    ProviderUnknown = 6010, 404, Partner;
    /// Somebody else changes the same service provider at the same time.
    ProviderChanging = 6011, 409, Partner;

    /// The cloud knows another account of this name (CBC.99000038).
    AccountNameTaken = 6101, 409, You;
    /// The account's name breaks the cloud's rules (CBC.99000031).
    AccountNameUnusable = 6102, 422, You;
    /// No further account can be registered with this telephone number or e-mail address
    /// (CBC.99000029, CBC.99000030).
    ContactUsed = 6103, 409, You;
    /// The telephone number or e-mail address has not the form that the cloud asks for (CBC.5017).
    ContactUnusable = 6104, 422, You;
    /// The password breaks the cloud's rules (CBC.99000036).
    PasswordUnusable = 6105, 422, You;
    /// The verification code is too old (CBC.99004008).
    VerificationCodeExpired = 6106, 422, You;
    /// The verification code is wrong (CBC.99004010).
    VerificationCodeWrong = 6107, 422, You;
    /// The verification code was tried too often (CBC.99004009).
    VerificationCodeExhausted = 6108, 422, You;
    /// Verification codes are asked for too often (CBC.99000082).
    VerificationCodeTooOften = 6109, 429, You;
    /// The cloud could not send the verification code (CBC.99004003).
    VerificationCodeNotSent = 6110, 502, Cloud;
    /// The cloud reserves this telephone number or e-mail address (CBC.99000051).
    ContactReserved = 6111, 409, Partner;
    /// The cloud has this `xAccountId` for another account (CBC.99000039).
    AccountIdKnown = 6112, 409, Partner;
    /// The cloud does not let this partner create customers (CBC.50010059, CBC.50010065,
    /// CBC.50010085, CBC.50010086, CBC.99000037, CBC.99005035).
    PartnerRestricted = 6113, 403, Partner;
    /// The partner's user or key at the cloud may not make this call (CBC.0151).
    CloudAccessDenied = 6114, 502, Partner;
    /// The cloud does not take the access key or token (CBC.0154, APIGW.0301).
    CloudCredentials = 6115, 502, Operator;
    /// The cloud does not take a call that we hold for right (CBC.0100, CBC.0101).
    CloudCallRefused = 6116, 502, Operator;
    /// The cloud's API is called as often as it allows (APIGW.0308).
    CloudThrottled = 6117, 503, Cloud;
    /// The cloud's API does not answer, or says that it cannot (CBC.0999).
    CloudAway = 6118, 503, Cloud;
    /// The cloud's API answered something that cannot be used.
    CloudAnswerUnusable = 6119, 502, Cloud;
    /// Whether the cloud made the account, or made it over to the partner, is not known yet
    /// (CBC.99000050).
    CreationUnknown = 6120, 503, Cloud;
    /// The tenant has no access to the cloud's partner API.
    NoPartnerApi = 6121, 409, Operator;
    /// No such creation of an account is known here.
    CreationNotFound = 6122, 404, Partner;
    /// The cloud's user agreement and privacy statement were not agreed to.
    ConsentMissing = 6123, 422, You;
}

impl fmt::Display for Code {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "SB-{}", self.entry().number)
    }
}

impl Serialize for Code {
    /// As people see it.
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

/// A journey that ends here: what the person is told by its code, and what only the log is told.
#[derive(Clone, Debug, thiserror::Error)]
#[error("{code}: {cause}")]
pub struct Refusal {
    /// The stable reason.
    pub code: Code,
    /// The cause with expectation and fact. For the log only; never shown.
    pub cause: String,
    /// The service provider's entityID, once it is known.
    pub sp: Option<String>,
    /// How long to wait before trying again makes sense, where that is known.
    pub wait: Option<Duration>,
}

impl Refusal {
    /// A refusal for `code` with its `cause` for the log.
    pub fn new(code: Code, cause: impl Into<String>) -> Self {
        Self { code, cause: cause.into(), sp: None, wait: None }
    }

    /// The same refusal, naming the service provider it concerns.
    #[must_use]
    pub fn about(mut self, sp: impl Into<String>) -> Self {
        self.sp = Some(sp.into());
        self
    }

    /// The same refusal, of something that may go well after `wait`.
    #[must_use]
    pub fn until(mut self, wait: Duration) -> Self {
        self.wait = Some(wait);
        self
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_rise_so_none_is_used_twice() {
        let numbers: Vec<u16> = Code::ALL.iter().map(|code| code.entry().number).collect();
        assert!(numbers.windows(2).all(|pair| pair[0] < pair[1]), "{numbers:?}");
    }

    #[test]
    fn every_refusal_has_an_error_status() {
        assert!(Code::ALL.iter().all(|code| (400..600).contains(&code.entry().status)));
    }

    #[test]
    fn a_code_prints_as_people_quote_it() {
        assert_eq!(Code::MessageMissing.to_string(), "SB-1001");
    }
}
