//! App (layer 6): a tenant's service providers, and what it publishes about itself for them.

use std::fs;
use std::num::NonZeroU32;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use super::TenantReader;
use crate::cloud::Profile;
use crate::cloud::registration::{
    MdqForm, Registration, RequestSignatures, Source, Unsolicited, mdq_address,
};
use crate::config::{self, MetadataSource};
use crate::saml::{EndpointUrl, EntityId, VerifyingKey};
use crate::store::record::{Published, TenantId};

/// How long signed metadata of ours is good where a tenant says nothing.
const PUBLISHED_FOR: Duration = Duration::from_hours(14 * 24);

impl TenantReader<'_> {
    /// What our metadata says besides.
    pub(super) fn published(&mut self, declared: &config::Tenant) -> Option<Published> {
        let said = declared.published.as_ref();
        let error_url = said.and_then(|said| said.error_url.as_ref());
        let error_url = EndpointUrl::parse(error_url.unwrap_or(&declared.portal_url).as_str());
        let logo = said.and_then(|said| Some((said.logo_url.as_ref()?, said)));
        let logo = logo.map(|(url, said)| {
            let size = |size: NonZeroU32| u16::try_from(size.get()).unwrap_or(u16::MAX);
            let url = EndpointUrl::parse(url.as_str());
            let url = self.take("metadata.logo_url", "an https address", url)?;
            Some((url, size(said.logo_width), size(said.logo_height)))
        });
        Some(Published {
            error_url: self.take("metadata.error_url", "an https address", error_url)?,
            logo: logo.map_or(Some(None), |logo| logo.map(Some))?,
            scopes: said.map(|said| said.scopes.clone()).unwrap_or_default(),
            valid_for: said.map_or(PUBLISHED_FOR, |said| said.valid_for),
        })
    }

    pub(super) fn registration(
        &mut self,
        (tenant, cloud): (&TenantId, &Arc<Profile>),
        index: usize,
        declared: &config::ServiceProvider,
    ) -> Option<Registration> {
        let option = format!("service_provider[{}]", index + 1);
        let profile = match &declared.profile {
            None => Arc::clone(cloud),
            Some(name) => self.named_profile(&format!("{option}.profile"), name.as_str())?,
        };
        let wanted = declared.entity_id.as_ref().map(|id| EntityId::parse(id.as_str()));
        let wanted = wanted.map(|id| self.take(&format!("{option}.entity_id"), "an entityID", id));
        let wanted = wanted.map_or(Some(None), |id| id.map(Some))?;
        let source = match &declared.metadata {
            MetadataSource::File(path) => Source::File(path.as_path().to_owned()),
            MetadataSource::Url(url) => {
                let url = EndpointUrl::parse(url.as_str()).and_then(|url| {
                    match (declared.mdq.map(mdq_form), &wanted) {
                        (Some(form), Some(wanted)) => mdq_address(&url, wanted, form),
                        _ => Ok(url),
                    }
                });
                Source::Url(self.take(&format!("{option}.metadata"), "an https address", url)?)
            }
        };
        let trust = match &declared.trust_certificate {
            None => Vec::new(),
            Some(file) => {
                let key = read_certificate(file.as_path());
                let option = format!("{option}.trust_certificate");
                vec![self.take(&option, "a certificate as PEM", key)?]
            }
        };
        Some(Registration {
            tenant: tenant.clone(),
            source,
            wanted,
            trust,
            request_signatures: match declared.require_signed_requests {
                None => RequestSignatures::AsProfile,
                Some(true) => RequestSignatures::Required,
                Some(false) => RequestSignatures::Optional,
            },
            profile,
            unsolicited: if declared.unsolicited {
                Unsolicited::Allowed { relay_states: declared.relay_states.clone() }
            } else {
                Unsolicited::Refused
            },
        })
    }
}

fn mdq_form(declared: config::MdqForm) -> MdqForm {
    match declared {
        config::MdqForm::Plain => MdqForm::EntityId,
        config::MdqForm::Sha1 => MdqForm::Sha1,
    }
}

fn read_certificate(path: &Path) -> Result<VerifyingKey, String> {
    let text = fs::read(path).map_err(|error| error.to_string())?;
    let (_, pem) = x509_parser::pem::parse_x509_pem(&text).map_err(|_| "other text".to_owned())?;
    VerifyingKey::from_certificate(&pem.contents).map_err(|error| error.to_string())
}
