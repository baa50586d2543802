//! Room app (layer 6): a declared service provider, as the registration that the rooms below work
//! with.

use std::fs;
use std::path::Path;
use std::sync::Arc;

use super::TenantReader;
use crate::cloud::Profile;
use crate::cloud::registration::{Registration, RequestSignatures, Source, Unsolicited};
use crate::config::{self, MetadataSource};
use crate::saml::{EndpointUrl, VerifyingKey};
use crate::store::record::TenantId;

impl TenantReader<'_> {
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
        let source = match &declared.metadata {
            MetadataSource::File(path) => Source::File(path.as_path().to_owned()),
            MetadataSource::Url(url) => {
                let url = EndpointUrl::parse(url.as_str());
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

fn read_certificate(path: &Path) -> Result<VerifyingKey, String> {
    let text = fs::read(path).map_err(|error| error.to_string())?;
    let (_, pem) = x509_parser::pem::parse_x509_pem(&text).map_err(|_| "other text".to_owned())?;
    VerifyingKey::from_certificate(&pem.contents).map_err(|error| error.to_string())
}
