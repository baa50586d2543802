//! Who calls: the owner of a token, or of the key that signed. Apart room `fakecloud`; contract
//! §7.1.

use super::Asked;
use super::signature::Claim;
use super::trouble::{Code, Trouble};
use crate::fakecloud::FakeCloud;

/// Whom a credential belongs to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Who {
    /// A partner, by their id.
    Partner(String),
    /// A customer, by the id of their account.
    Customer(String),
}

impl FakeCloud {
    /// The partner who calls. Others may not use this API.
    pub(super) fn calling_partner(&self, asked: &Asked) -> Result<String, Trouble> {
        let who = if let Some(token) = asked.header("x-auth-token") {
            let now = self.now();
            let owner = self.state().bss.tokens.owner(token, now).cloned();
            owner.ok_or_else(|| Trouble::new(Code::TokenExpired))?
        } else {
            self.signer(asked).map_err(|what| Trouble::about(Code::NotAuthenticated, what))?
        };
        match who {
            Who::Partner(partner) => Ok(partner),
            Who::Customer(_) => Err(Trouble::new(Code::AccessDenied)),
        }
    }

    fn signer(&self, asked: &Asked) -> Result<Who, String> {
        let header = asked.header("authorization").ok_or("x-auth-token not found")?;
        let claim = Claim::read(header).ok_or("the Authorization header cannot be read")?;
        let known = {
            let state = self.state();
            let mut platforms = state.platforms.values();
            platforms.find_map(|platform| {
                let credentials = platform.credentials.as_ref()?;
                let theirs = credentials.access_key == claim.access_key;
                theirs.then(|| (platform.bp_id.clone(), credentials.secret_key.clone()))
            })
        };
        let (partner, secret_key) = known.ok_or("verify ak fail: no such access key")?;
        claim.verify(&secret_key, (&asked.head, &asked.body), self.now())?;
        Ok(Who::Partner(partner))
    }
}
