//! Layer 3, sso: the codes that the cloud sends to the telephone number or e-mail address of a new
//! customer (contract §7.5): for our own page, and for a partner's back end that has a page of its
//! own. Strangers are not to be flooded by either.

use super::Sso;
use super::sign_in::ticket::Called;
use crate::cloud::api::Language;
use crate::limits;
use crate::refusal::{Code, Refusal};
use crate::secret;
use crate::store::record::{Person, Tenant};
use crate::store::{Key, Kind, StoreError};

/// Most codes that one customer, or one contact, is sent in [`limits::CODE_WINDOW`].
const CODES: u64 = 5;

/// Who asks for a code.
#[derive(Clone, Copy)]
pub(super) enum Sender<'a> {
    /// A customer at our page.
    Customer(&'a Person),
    /// The partner's back end.
    BackEnd,
}

/// Why no code was sent.
pub(super) enum Unsent {
    /// One was, within [`limits::CODE_PAUSE`].
    JustNow,
    /// Something else.
    Refused(Refusal),
}

impl Sso {
    /// Has the cloud send a code to `contact`, which [`crate::account::Remote::contact`] gave: once
    /// for each idempotency key, for the partner's back end.
    ///
    /// # Errors
    /// [`Code::IdempotencyConflict`]; [`Code::VerificationCodeTooOften`]; [`Code::NoPartnerApi`],
    /// what the cloud says, or a store's refusal. After an error the same key may be used again.
    pub async fn send_code_once(
        &self,
        tenant: &Tenant,
        idempotency_key: &str,
        contact: &str,
        language: Language,
    ) -> Result<(), Refusal> {
        let call = code_key(tenant, &format!("call {idempotency_key}"));
        let asked = secret::fingerprint(&format!("{language:?} {contact}"));
        match self.called(&call, asked.as_bytes(), limits::CODE_WINDOW).await? {
            Called::Again => return Ok(()),
            Called::First => {}
        }
        let refused = match self.send_code_to(tenant, contact, Sender::BackEnd, language).await {
            Ok(()) => return Ok(()),
            Err(Unsent::Refused(refused)) => refused,
            Err(Unsent::JustNow) => {
                let pause = limits::CODE_PAUSE;
                let cause = format!("expected a pause of {pause:?} between two codes, found less");
                Refusal::new(Code::VerificationCodeTooOften, cause).until(pause)
            }
        };
        self.store.remove(&call).await?;
        Err(refused)
    }

    /// Has the cloud send a code, unless there was one a moment ago, or were too many.
    pub(super) async fn send_code_to(
        &self,
        tenant: &Tenant,
        contact: &str,
        sender: Sender<'_>,
        language: Language,
    ) -> Result<(), Unsent> {
        let just_now = code_key(tenant, &format!("pause {} {contact}", sender.name()));
        if self.store.count(&just_now, limits::CODE_PAUSE).await? > 1 {
            return Err(Unsent::JustNow);
        }
        let sent = self.send_one_more(tenant, contact, sender, language).await;
        if sent.is_err() {
            self.store.remove(&just_now).await?;
        }
        sent.map_err(Unsent::Refused)
    }

    async fn send_one_more(
        &self,
        tenant: &Tenant,
        contact: &str,
        sender: Sender<'_>,
        language: Language,
    ) -> Result<(), Refusal> {
        let remote = self.creations.remotes().of(&tenant.id)?;
        let contacts = format!("contact {contact}");
        let counted = match sender {
            Sender::Customer(_) => vec![sender.name(), contacts],
            // For all of the partner's customers.
            Sender::BackEnd => vec![contacts],
        };
        for id in counted {
            let count = self.store.count(&code_key(tenant, &id), limits::CODE_WINDOW).await?;
            if count > CODES {
                let cause = format!("expected at most {CODES} codes, found {count}");
                let refused = Refusal::new(Code::VerificationCodeTooOften, cause);
                return Err(refused.until(limits::CODE_WINDOW));
            }
        }
        remote.send_code(contact, language).await.map_err(|failure| failure.refusal())
    }
}

impl Sender<'_> {
    fn name(self) -> String {
        match self {
            Self::Customer(person) => format!("customer {}", person.user_id.as_str()),
            Self::BackEnd => "back end".to_owned(),
        }
    }
}

impl From<StoreError> for Unsent {
    fn from(error: StoreError) -> Self {
        Self::Refused(error.into())
    }
}

fn code_key(tenant: &Tenant, id: &str) -> Key {
    Key::new(Kind::Codes, tenant.id.as_str(), &secret::fingerprint(id))
}
