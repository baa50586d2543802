//! Apart room: a faithful simulator of the cloud's side, for the demo and for tests. It is a SAML
//! service provider after contract §2 to §6 and §10, with knobs to misbehave on purpose.
//!
//! It must not use `saml`, `cloud`, `sso`, `keys` or `store`: it judges our answers with another
//! implementation than the one that makes them. A reader follows one login through `login` →
//! `request` → (the gateway) →
//! `acs` → `verify` → `assertion` → `console`, and one first login from `acs` on through
//! `first_login_pages` → `first_login` → `accounts` → `notification`.

mod accounts;
mod acs;
mod api;
mod assertion;
mod bind_refusal;
mod bounds;
mod bss;
mod console;
mod credentials;
mod escape;
mod fault;
mod first_login;
mod first_login_pages;
mod form;
mod idp;
mod key;
mod knobs;
mod link_api;
mod login;
mod metadata;
mod notification;
mod pages;
mod provision;
mod read;
mod record;
mod request;
mod routes;
mod script;
mod state;
mod unbind;
mod verify;
mod visit;

use std::collections::HashSet;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use axum::Router;
use time::OffsetDateTime;
use url::Url;

pub use accounts::{Account, Association, Link, Source, Terms};
pub use assertion::Statement;
pub use bind_refusal::BindRefusal;
pub use bss::{Calls, SentCode};
pub use credentials::Credentials;
pub use fault::{Fault, Finding};
pub use key::KeySize;
pub use knobs::{
    Certificates, IssueInstant, Knobs, Registrations, RequestSignature, RetryAfterForm,
};
pub use link_api::Existing;
pub use notification::{BindAction, BindActionType, Notification};
pub use provision::{Accounts, Provision, ProvisionError, XAccountType};
pub use record::{Exchange, Verdict};
pub use script::{Api, Effect, Moment, RetryAfter, Rule, Script, When};

use crate::clock::Clock;
use crate::random::Random;
use key::SpKeys;
use provision::Platform;
use script::Faults;
use state::State;

/// Which of the cloud's sites is played. They differ in the hosts that a `service` may name
/// (contract §2).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Site {
    /// China.
    #[default]
    Cn,
    /// International.
    Intl,
    /// Europe.
    Eu,
}

impl Site {
    /// Hosts, beside the simulator's own, that `service` may name over https.
    pub(crate) fn service_hosts(self) -> &'static [&'static str] {
        match self {
            Self::Cn => &[
                "console.huaweicloud.com",
                "www.huaweicloud.com",
                "account.huaweicloud.com",
                "activity.huaweicloud.com",
            ],
            Self::Intl => &[
                "console-intl.huaweicloud.com",
                "www.huaweicloud.com",
                "account-intl.huaweicloud.com",
                "activity-intl.huaweicloud.com",
            ],
            Self::Eu => &[
                "console.eu.huaweicloud.com",
                "www.huaweicloud.eu",
                "account.eu.huaweicloud.com",
                "activity.eu.huaweicloud.com",
            ],
        }
    }
}

/// How a simulated cloud is set up.
pub struct Options {
    /// The public address, scheme, host and port only. The entityID is this and a slash.
    pub base_url: Url,
    /// What time it is.
    pub clock: Arc<dyn Clock>,
    /// Where ids, cookies and `RelayState` come from.
    pub random: Arc<dyn Random>,
    /// Which site is played.
    pub site: Site,
    /// Size of the signing keys that are made at start.
    pub key_size: KeySize,
    /// How it misbehaves from the start.
    pub knobs: Knobs,
}

impl Options {
    /// A well-behaved China site with an RSA-2048 key.
    pub fn new(base_url: Url, clock: Arc<dyn Clock>, random: Arc<dyn Random>) -> Self {
        Self {
            base_url,
            clock,
            random,
            site: Site::default(),
            key_size: KeySize::default(),
            knobs: Knobs::default(),
        }
    }
}

/// Why a simulated cloud cannot start, or cannot answer.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The base address is not http or https with only a host and a port.
    #[error(
        "the base address has to be http(s)://host[:port] without path, query or user; got {0}"
    )]
    BaseUrl(Url),
    /// A key or certificate could not be made or used.
    #[error("a key or certificate could not be made or used: {0}")]
    Key(String),
    /// A message could not be deflated.
    #[error("a message could not be deflated: {0}")]
    Deflate(String),
    /// A knob has a value that cannot be carried out.
    #[error(transparent)]
    Knobs(#[from] Finding),
}

/// The simulated cloud's own names and addresses.
#[derive(Clone, Debug)]
pub(crate) struct Addresses {
    /// The base address without a slash at its end.
    pub(crate) base: String,
    /// The entityID: the base address with a slash.
    pub(crate) entity_id: String,
    /// The assertion consumer.
    pub(crate) acs: String,
    /// The ID of the metadata document.
    pub(crate) metadata_id: String,
}

/// The simulated cloud.
pub struct FakeCloud {
    at: Addresses,
    site: Site,
    browsers: visit::Browsers,
    clock: Arc<dyn Clock>,
    random: Arc<dyn Random>,
    keys: SpKeys,
    state: Mutex<State>,
}

impl FakeCloud {
    /// Makes the keys and stands ready.
    ///
    /// # Errors
    /// [`Error::BaseUrl`] for an address with more than host and port, [`Error::Key`] if no key can
    /// be made, [`Error::Knobs`] for an impossible knob.
    pub fn new(options: Options) -> Result<Arc<Self>, Error> {
        let url = &options.base_url;
        let plain = matches!(url.scheme(), "http" | "https")
            && url.username().is_empty()
            && url.password().is_none()
            && url.path() == "/"
            && url.query().is_none()
            && url.fragment().is_none();
        let Some(host) = url.host_str().filter(|_| plain) else {
            return Err(Error::BaseUrl(options.base_url));
        };
        options.knobs.check()?;
        let base = url.origin().ascii_serialization();
        let mut metadata_id = [0u8; 16];
        options.random.fill(&mut metadata_id);
        let at = Addresses {
            entity_id: format!("{base}/"),
            acs: format!("{base}/authui/saml/SAMLAssertionConsumer"),
            metadata_id: format!("M{:032x}", u128::from_be_bytes(metadata_id)),
            base,
        };
        Ok(Arc::new(Self {
            at,
            site: options.site,
            browsers: visit::Browsers::of(url),
            keys: SpKeys::generate(options.key_size, host, options.clock.now())?,
            clock: options.clock,
            random: options.random,
            state: Mutex::new(State { knobs: options.knobs, ..State::default() }),
        }))
    }

    /// Every address of the simulated cloud.
    pub fn router(self: &Arc<Self>) -> Router {
        routes::router(Arc::clone(self))
    }

    /// Takes a partner's configuration, as the provisioning page does. Handing in the same
    /// `xAccountType` again replaces its configuration.
    ///
    /// # Errors
    /// A finding of the `FC-6xx` range.
    pub fn provision(&self, provision: &Provision) -> Result<XAccountType, ProvisionError> {
        let platform = Arc::new(Platform::read(provision)?);
        let account_type = match &provision.wanted_account_type {
            Some(wanted) => XAccountType::parse(wanted)?,
            None => XAccountType::invent(&*self.random),
        };
        let nobody = HashSet::new();
        let bound = match &provision.accounts {
            Accounts::AllBound => &nobody,
            Accounts::Bound(accounts) => accounts,
        };
        let association = Association::resale(&platform.bp_id, self.now());
        let mut state = self.state();
        let known = state.platforms.contains_key(&account_type);
        if !known && state.platforms.len() >= bounds::PLATFORMS {
            let came = state.platforms.len().to_string();
            return Err(Finding::new(Fault::TooManyPlatforms, "a free place", came));
        }
        if let Some(wanted) = &platform.credentials {
            let collide = |other: &Arc<Platform>| {
                other.bp_id != platform.bp_id
                    && other.credentials.as_ref().is_some_and(|known| known.collide(wanted))
            };
            if state.platforms.values().any(collide) {
                let expected = "an access key and a user of no other partner";
                return Err(Finding::new(Fault::CredentialsTaken, expected, "another's"));
            }
        }
        state
            .accounts
            .provision(&account_type, bound, &association, &*self.random)
            .map_err(|_| Finding::new(Fault::TooManyAccounts, "a free place", "none"))?;
        state.last_redirects.remove(&account_type);
        state.platforms.insert(account_type.clone(), platform);
        Ok(account_type)
    }

    /// How the cloud misbehaves now.
    pub fn knobs(&self) -> Knobs {
        self.state().knobs.clone()
    }

    /// Turns all knobs at once.
    ///
    /// # Errors
    /// [`Fault::KnobsUnreadable`] for a value that cannot be carried out.
    pub fn set_knobs(&self, knobs: Knobs) -> Result<(), Finding> {
        knobs.check()?;
        self.state().knobs = knobs;
        Ok(())
    }

    /// The fault script that runs.
    pub fn faults(&self) -> Script {
        self.state().faults.script().clone()
    }

    /// Begins a fault script at its first call; the default script ends all faults.
    ///
    /// # Errors
    /// [`Fault::ScriptUnreadable`] for a rule that cannot be carried out.
    pub fn set_faults(&self, script: Script) -> Result<(), Finding> {
        script.check()?;
        self.state().faults = Faults::begin(script);
        Ok(())
    }

    /// The last exchanges, oldest first.
    pub fn exchanges(&self) -> Vec<Exchange> {
        self.state().record.all()
    }

    /// Every account of this cloud, oldest first: for a checker that counts them.
    pub fn accounts(&self) -> Vec<Account> {
        self.state().accounts.iter().cloned().collect()
    }

    /// The certificates that metadata lists now, in PEM.
    pub fn certificates_pem(&self) -> String {
        let setting = self.state().knobs.certificates;
        self.keys.pem(setting)
    }

    /// SP Metadata.xml, signed, as the knobs want it.
    ///
    /// # Errors
    /// [`Error::Key`] if it cannot be signed.
    pub fn metadata(&self) -> Result<String, Error> {
        let setting = self.state().knobs.certificates;
        metadata::signed(&self.at, &self.keys, setting)
    }

    /// SP Metadata.xml without a signature.
    pub fn unsigned_metadata(&self) -> String {
        let setting = self.state().knobs.certificates;
        metadata::unsigned(&self.at, &self.keys, setting)
    }

    fn now(&self) -> OffsetDateTime {
        self.clock.now()
    }

    /// The lock is never held across an await or a signature; a panic under it leaves whole
    /// records.
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

const ASSERTION_NS: &str = "urn:oasis:names:tc:SAML:2.0:assertion";
const DS_NS: &str = "http://www.w3.org/2000/09/xmldsig#";
const EXC_C14N: &str = "http://www.w3.org/2001/10/xml-exc-c14n#";
const METADATA_NS: &str = "urn:oasis:names:tc:SAML:2.0:metadata";
const PROTOCOL_NS: &str = "urn:oasis:names:tc:SAML:2.0:protocol";

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock::ManualClock;
    use crate::random::SequenceRandom;

    /// A cloud, and a partner whose key is the cloud's own: it is as good as any.
    fn stage() -> (Arc<FakeCloud>, Provision) {
        let options = Options::new(
            Url::parse("https://cloud.example").unwrap(),
            Arc::new(ManualClock::at(OffsetDateTime::UNIX_EPOCH + time::Duration::days(20_000))),
            Arc::new(SequenceRandom::new(1)),
        );
        let cloud = FakeCloud::new(options).unwrap();
        let certificate = cloud.certificates_pem();
        let certificate: String = certificate.lines().filter(|l| !l.starts_with('-')).collect();
        let provision = Provision {
            metadata_xml: format!(
                "<EntityDescriptor xmlns=\"{METADATA_NS}\" entityID=\"https://idp.example\">\
                 <IDPSSODescriptor protocolSupportEnumeration=\"{PROTOCOL_NS}\"><KeyDescriptor>\
                 <KeyInfo xmlns=\"{DS_NS}\"><X509Data><X509Certificate>{certificate}\
                 </X509Certificate></X509Data></KeyInfo></KeyDescriptor><SingleSignOnService \
                 Binding=\"urn:oasis:names:tc:SAML:2.0:bindings:HTTP-Redirect\" \
                 Location=\"https://idp.example/sso\"/></IDPSSODescriptor></EntityDescriptor>"
            ),
            callback_url: None,
            bp_id: "bp".to_owned(),
            return_url: None,
            wanted_account_type: Some("T0".to_owned()),
            accounts: Accounts::AllBound,
            credentials: None,
        };
        (cloud, provision)
    }

    #[test]
    fn a_full_house_takes_no_new_platform_but_still_replaces_one() {
        let (cloud, provision) = stage();
        cloud.provision(&provision).unwrap();
        let platform = Arc::clone(cloud.state().platforms.values().next().unwrap());
        for number in 1..bounds::PLATFORMS {
            let name = XAccountType::parse(&format!("T{number}")).unwrap();
            cloud.state().platforms.insert(name, Arc::clone(&platform));
        }
        cloud.provision(&provision).unwrap();
        let another = Provision { wanted_account_type: None, ..provision };
        assert_eq!(cloud.provision(&another).unwrap_err().fault, Fault::TooManyPlatforms);
    }

    #[test]
    fn a_full_register_refuses_a_list_whole_and_takes_the_same_list_again() {
        let (cloud, provision) = stage();
        let list = |count: usize| Accounts::Bound((0..count).map(|id| id.to_string()).collect());
        let full = Provision { accounts: list(bounds::ACCOUNTS), ..provision };
        cloud.provision(&full).unwrap();
        let another = Provision {
            wanted_account_type: Some("T1".to_owned()),
            accounts: list(bounds::REGISTER - bounds::ACCOUNTS + 1),
            ..full.clone()
        };
        assert_eq!(cloud.provision(&another).unwrap_err().fault, Fault::TooManyAccounts);
        assert_eq!(cloud.accounts().len(), bounds::ACCOUNTS);
        cloud.provision(&full).unwrap();
    }
}
