//! Layer 3, sso: at which address a message would arrive: the one that came with it, or else the
//! one that a message of its kind is sent to.

use url::Url;

use super::{Question, Unexplained};
use crate::saml::pasted::{Carried, Kind, Pasted};
use crate::sso::Sso;

/// Who would take the message.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Door {
    /// `/{tenant}/saml/sso`, or the address of one key.
    Sso {
        /// The key.
        kid: Option<String>,
    },
    /// `/{tenant}/saml/logout`.
    Logout,
    /// `/{tenant}/link-result`.
    LinkResult,
    /// An assertion consumer service of somebody else's.
    Consumer,
    /// Whoever registers.
    Metadata,
}

/// An address, as far as it is one of ours.
pub(super) struct Place {
    /// The tenant whom it names.
    pub(super) tenant: Option<String>,
    door: Option<Door>,
    /// The key that the message believes to be sent to, where no address says so.
    believed: Option<String>,
}

impl Place {
    /// Where a message would arrive, and what is to be said about that.
    pub(super) fn of(
        sso: &Sso,
        question: &Question<'_>,
        pasted: &Pasted,
    ) -> Result<(Self, Vec<String>), Unexplained> {
        let given = question.address.map(|text| Url::parse(text).map_err(|_| Unexplained::Address));
        let given = given.transpose()?;
        let mut notes = Vec::new();
        let believed = pasted.document.as_ref();
        let believed = believed.and_then(|document| document.root().attribute("Destination"));
        let believed = believed.filter(|to| to.starts_with(&format!("{}/", sso.base_url)));
        let believed = believed.and_then(|to| Url::parse(to).ok());
        let ours = believed.as_ref().and_then(read);
        let mut place = Self { tenant: None, door: None, believed: None };
        if let Some((tenant, door)) = ours {
            if let Door::Sso { kid } = door {
                place.believed = kid;
            }
            if question.tenant.is_none() {
                place.tenant = Some(tenant);
            }
        }
        let Some(address) = given.as_ref().or(pasted.address.as_ref()) else {
            return Ok((place, notes));
        };
        let Some((tenant, door)) = read(address) else {
            notes.push(format!(
                "{} is not an address of this gateway: explained as if it had come to the \
                 right one",
                bare(address)
            ));
            return Ok((place, notes));
        };
        let host = address.origin().ascii_serialization();
        if host != sso.base_url && !is_path_alone(address) {
            let base_url = &sso.base_url;
            notes.push(format!(
                "it came to {host}, and this gateway is {base_url}: the host is not looked at, \
                 Destination is"
            ));
        }
        if question.tenant.is_some_and(|named| named != tenant) {
            notes.push(format!("the address names the tenant {tenant}, who is taken"));
        }
        Ok((Self { tenant: Some(tenant), door: Some(door), believed: None }, notes))
    }

    /// Who takes a message of this kind.
    pub(super) fn door(self, kind: Kind, pasted: &Pasted, notes: &mut Vec<String>) -> Door {
        if let Some(door) = self.door {
            return door;
        }
        match kind {
            Kind::LogoutRequest | Kind::LogoutResponse => Door::Logout,
            Kind::Response | Kind::Assertion => Door::Consumer,
            Kind::Metadata => Door::Metadata,
            Kind::Other if matches!(pasted.carried, Carried::Notice(_)) => Door::LinkResult,
            Kind::AuthnRequest | Kind::Other => {
                if let Some(kid) = &self.believed {
                    notes.push(format!(
                        "no address came with it: explained at the address of the key {kid}, which \
                         its Destination names"
                    ));
                }
                Door::Sso { kid: self.believed }
            }
        }
    }
}

/// Tenant and door of an address with one of our paths.
fn read(address: &Url) -> Option<(String, Door)> {
    let segments: Vec<&str> = address.path_segments()?.collect();
    let (tenant, door) = match segments[..] {
        [tenant, "saml", "sso"] => (tenant, Door::Sso { kid: None }),
        [tenant, "saml", "sso", kid] => (tenant, Door::Sso { kid: Some(kid.to_owned()) }),
        [tenant, "saml", "logout"] => (tenant, Door::Logout),
        [tenant, "link-result"] => (tenant, Door::LinkResult),
        _ => return None,
    };
    Some((tenant.to_owned(), door))
}

/// Whether no host came with it ([`Pasted::address`]).
fn is_path_alone(address: &Url) -> bool {
    address.as_str().starts_with("http://localhost/")
}

fn bare(address: &Url) -> String {
    let mut bare = address.clone();
    bare.set_query(None);
    bare.set_fragment(None);
    bare.to_string()
}
