//! Access configuration (接入配置): a partner hands in IDP Metadata.xml and is given an `xAccountType`.
//! Apart room `fakecloud`; contract §5, §6.

use std::collections::HashSet;
use std::fmt;

use serde::{Deserialize, Serialize};

use super::bounds;
use super::credentials::Credentials;
use super::fault::{Fault, Finding};
use super::idp::{IdpMetadata, is_web_address};
use crate::random::{Random, short_id};

/// What a partner hands in.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Provision {
    /// IDP Metadata.xml, at most 2 MB.
    pub metadata_xml: String,
    /// Where the result of binding is reported (通知结果绑定地址): the customer's browser carries a
    /// signed notification there.
    #[serde(default)]
    pub callback_url: Option<String>,
    /// The partner's id, which every Assertion has to carry.
    pub bp_id: String,
    /// Where the customer returns to (回跳地址). Kept; shown on the console page.
    #[serde(default)]
    pub return_url: Option<String>,
    /// The `xAccountType` to use; otherwise one is made up. If it exists already its configuration
    /// is replaced.
    #[serde(default, rename = "xAccountType", alias = "x_account_type")]
    pub wanted_account_type: Option<String>,
    /// Which customers have a cloud account.
    #[serde(default)]
    pub accounts: Accounts,
    /// What the partner calls the API with. Without them it cannot.
    #[serde(default)]
    pub credentials: Option<Credentials>,
}

/// Which customers (`xAccountId`) of a platform are bound to a cloud account from the start.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Accounts {
    /// Every customer. In JSON: `"all_bound"`.
    #[default]
    AllBound,
    /// These customers and no others. In JSON: `{"bound": ["cust-0001"]}`.
    Bound(HashSet<String>),
}

/// Why a provisioning request was refused: a fault of the `FC-6xx` range.
pub type ProvisionError = Finding;

/// The identifier of a partner's platform: 1 to 64 letters, digits, underscores (contract §2).
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize)]
#[serde(transparent)]
pub struct XAccountType(String);

impl XAccountType {
    /// Takes a wanted identifier.
    ///
    /// # Errors
    /// [`Fault::AccountTypeInvalid`] if it has another form.
    pub fn parse(text: &str) -> Result<Self, ProvisionError> {
        let fits = (1..=bounds::ACCOUNT_TYPE_CHARS).contains(&text.len())
            && text.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_');
        if fits {
            return Ok(Self(text.to_owned()));
        }
        let expected = "1 to 64 letters, digits or underscores";
        Err(Finding::value(Fault::AccountTypeInvalid, expected, Some(text)))
    }

    /// Makes one up.
    pub(crate) fn invent(random: &dyn Random) -> Self {
        Self(format!("SIM_{}", short_id(random)))
    }

    /// The identifier as it stands in links.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for XAccountType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// One provisioned platform.
#[derive(Clone, Debug)]
pub(crate) struct Platform {
    pub(crate) idp: IdpMetadata,
    pub(crate) bp_id: String,
    pub(crate) callback_url: Option<String>,
    pub(crate) return_url: Option<String>,
    /// Those who have no account yet.
    pub(crate) others: Others,
    pub(crate) credentials: Option<Credentials>,
}

/// What happens to a customer who comes without an account.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Others {
    /// It turns out that there was one from the start.
    Bound,
    /// There is none until one is made.
    NotBound,
}

impl Platform {
    /// Checks everything that was handed in.
    pub(crate) fn read(provision: &Provision) -> Result<Self, ProvisionError> {
        let length = provision.bp_id.chars().count();
        if !(1..=bounds::PARTNER_CHARS).contains(&length) {
            let came = Some(provision.bp_id.as_str());
            return Err(Finding::value(Fault::PartnerInvalid, "1 to 64 characters", came));
        }
        for address in [&provision.callback_url, &provision.return_url].into_iter().flatten() {
            if !is_web_address(address) {
                let expected = "an absolute http or https address";
                return Err(Finding::value(Fault::CallbackWrong, expected, Some(address)));
            }
        }
        if let Accounts::Bound(accounts) = &provision.accounts
            && accounts.len() > bounds::ACCOUNTS
        {
            let (expected, came) = (bounds::ACCOUNTS.to_string(), accounts.len().to_string());
            return Err(Finding::new(Fault::ProvisionUnreadable, expected + " accounts", came));
        }
        if let Some(credentials) = &provision.credentials {
            credentials.check()?;
        }
        Ok(Self {
            idp: IdpMetadata::read(provision.metadata_xml.as_bytes())?,
            bp_id: provision.bp_id.clone(),
            callback_url: provision.callback_url.clone(),
            return_url: provision.return_url.clone(),
            others: match provision.accounts {
                Accounts::AllBound => Others::Bound,
                Accounts::Bound(_) => Others::NotBound,
            },
            credentials: provision.credentials.clone(),
        })
    }
}
