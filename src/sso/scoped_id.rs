//! Layer 3, sso: subject identifiers with a scope, `id@scope` (saml-subject-id-attr-v1.0 §3.3,
//! §3.4, conformance A-112). They are given to who says in its metadata that it needs one, and to
//! nobody else. The id is random and kept in the ledger for ever, as persistent name identifiers
//! are.

use super::Sso;
use crate::cloud::attribute::Source;
use crate::cloud::registration::Registered;
use crate::refusal::Refusal;
use crate::saml::EntityId;
use crate::saml::names::SUBJECT_ID;
use crate::saml::sp_metadata::SubjectId;
use crate::store::name_id::Pair;
use crate::store::record::{Person, Tenant};

/// The subject identifiers of one person for one service provider.
#[derive(Default)]
pub(super) struct ScopedIds {
    /// The same at all service providers.
    pub shared: Option<String>,
    /// For this one.
    pub pairwise: Option<String>,
}

impl Sso {
    /// What the service provider needs, the profile sends, and the tenant has a scope for.
    pub(super) async fn scoped_ids(
        &self,
        tenant: &Tenant,
        registered: &Registered,
        person: &Person,
    ) -> Result<ScopedIds, Refusal> {
        let provider = &registered.service_provider;
        let sends = |source| registered.profile.attributes.iter().any(|one| one.source == source);
        let Some(scope) = tenant.published.scopes.first().map(String::as_str) else {
            return Ok(ScopedIds::default());
        };
        Ok(match provider.subject_id {
            SubjectId::Shared if sends(Source::SubjectId) => {
                let everybody = EntityId::parse(SUBJECT_ID)?;
                let shared = Some(self.scoped(tenant, &everybody, (person, scope)).await?);
                ScopedIds { shared, pairwise: None }
            }
            SubjectId::Pairwise if sends(Source::PairwiseId) => {
                let sp = &provider.entity_id;
                let pairwise = Some(self.scoped(tenant, sp, (person, scope)).await?);
                ScopedIds { shared: None, pairwise }
            }
            _ => ScopedIds::default(),
        })
    }

    async fn scoped(
        &self,
        tenant: &Tenant,
        sp: &EntityId,
        (person, scope): (&Person, &str),
    ) -> Result<String, Refusal> {
        let pair = Pair { tenant: &tenant.id, sp, user: &person.user_id };
        let id = self.known_as(pair).await?;
        // An XML id begins with a letter or _; a subject identifier with a letter or digit.
        Ok(format!("{}@{scope}", id.trim_start_matches('_')))
    }
}
