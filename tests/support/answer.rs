//! A Response in the layout that the cloud documents (contract §4.2), for tests and benchmarks to
//! vary and sign.

use skybridge::saml::encryption::Envelope;
use skybridge::saml::names::{ATTRNAME_URI, CONSENT_UNSPECIFIED, authn_context, name_id, status};
use skybridge::saml::response::{
    Assertion, Attribute, AuthnStatement, Confirmation, NameId, Response, Signing, Status, Uses,
    Window,
};
use skybridge::saml::{AcsUrl, EntityId, Error, MessageId, SigningKey};
use time::macros::datetime;
use time::{Duration, OffsetDateTime};

/// What goes into the Response.
#[derive(Clone, Debug)]
pub(crate) struct Answer {
    pub response_id: MessageId,
    pub assertion_id: MessageId,
    pub name_id: String,
    pub request_id: MessageId,
    pub issuer: EntityId,
    pub audience: EntityId,
    pub acs: AcsUrl,
    pub now: OffsetDateTime,
    pub attributes: Vec<Attribute>,
}

impl Answer {
    /// The six attributes that the cloud asks for, and reference values everywhere.
    pub(crate) fn of_the_contract() -> Self {
        let id = |text| MessageId::parse(text).unwrap();
        let attributes = [
            ("xUserId", "cust-0001"),
            ("xAccountId", "cust-0001"),
            ("bpId", "05ab000000000000000000000000bp01"),
            ("email", ""),
            ("name", "hw_demo01"),
            ("mobile", "0086-13800000000"),
        ];
        Self {
            response_id: id("_r0000000000000000000000000000001"),
            assertion_id: id("_a0000000000000000000000000000001"),
            name_id: "_n0000000000000000000000000000001".to_owned(),
            request_id: id("_0123456789abcdefghijklmnopqrstuvwxyz"),
            issuer: EntityId::parse("https://www.partner.invalid").unwrap(),
            audience: EntityId::parse("https://auth.sim.invalid/").unwrap(),
            acs: AcsUrl::parse("https://auth.sim.invalid/authui/saml/SAMLAssertionConsumer")
                .unwrap(),
            now: datetime!(2026-01-02 03:04:06 UTC),
            attributes: attributes.map(|(name, value)| attribute(name, value)).to_vec(),
        }
    }

    /// Writes and signs it.
    pub(crate) fn sign(&self, key: &SigningKey, signing: &Signing) -> Result<String, Error> {
        self.with_response(|response| response.sign(key, signing))
    }

    /// Writes, signs and encrypts it.
    pub(crate) fn seal(
        &self,
        key: &SigningKey,
        signing: &Signing,
        envelope: Envelope<'_>,
    ) -> Result<String, Error> {
        self.with_response(|response| response.seal(key, signing, envelope))
    }

    fn with_response<T>(&self, work: impl FnOnce(Response<'_>) -> T) -> T {
        let minutes = Duration::minutes(5);
        let (start, end) = (self.now - minutes, self.now + minutes);
        let assertion = Assertion {
            id: &self.assertion_id,
            name_id: Some(NameId {
                format: name_id::TRANSIENT,
                name_qualifier: Some(self.audience.as_str()),
                sp_name_qualifier: None,
                value: &self.name_id,
            }),
            audience: &self.audience,
            conditions: Window { not_before: start, not_on_or_after: end },
            uses: Uses::Any,
            confirmation: Confirmation { not_before: Some(start), not_on_or_after: end },
            attributes: &self.attributes,
            authn: AuthnStatement {
                instant: self.now,
                session_index: None,
                session_not_on_or_after: None,
                locality: Some(self.audience.as_str()),
                class_ref: authn_context::UNSPECIFIED,
            },
        };
        let status = Status { message: Some(status::SUCCESS), ..Status::SUCCESS };
        work(self.response(status, Some(assertion)))
    }

    /// Writes and signs it with this status and no assertion.
    pub(crate) fn decline(
        &self,
        status: Status<'_>,
        key: &SigningKey,
        signing: &Signing,
    ) -> Result<String, Error> {
        self.response(status, None).sign(key, signing)
    }

    fn response<'a>(
        &'a self,
        status: Status<'a>,
        assertion: Option<Assertion<'a>>,
    ) -> Response<'a> {
        Response {
            id: &self.response_id,
            in_response_to: Some(&self.request_id),
            issue_instant: self.now,
            destination: &self.acs,
            issuer: &self.issuer,
            issuer_format: Some(name_id::ENTITY),
            consent: Some(CONSENT_UNSPECIFIED),
            status,
            assertion,
        }
    }
}

/// An attribute with one value.
pub(crate) fn attribute(name: &str, value: &str) -> Attribute {
    Attribute {
        name: name.to_owned(),
        name_format: ATTRNAME_URI.to_owned(),
        friendly_name: Some(name.to_owned()),
        values: vec![value.to_owned()],
    }
}
