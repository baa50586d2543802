//! Layer 3, sso: a tenant's IDP Metadata.xml (contract §5). It names the SSO address of one key, so
//! the address at which a request arrives tells which metadata the cloud holds (design §7).

use super::{Sso, Visit};
use crate::cloud::profile::MetadataForm;
use crate::keys::{Key, KeyRing};
use crate::refusal::{Code, Refusal};
use crate::saml::EndpointUrl;
use crate::saml::idp_metadata::{Form, IdpMetadata, Localised, Organization, Rich};
use crate::saml::key::KeyKind;

/// Writes the metadata around `key`.
pub(super) fn write(
    sso: &Sso,
    visit: &Visit,
    ring: &KeyRing,
    key: &Key,
) -> Result<String, Refusal> {
    let tenant = &visit.tenant;
    let sso_url = EndpointUrl::parse(&sso.sso_url(tenant, Some(key.kid.as_str())))?;
    let slo = EndpointUrl::parse(&format!("{}/{}/saml/logout", sso.base_url, tenant.id))?;
    let is_plain = visit.profile.metadata_form == MetadataForm::Plain;
    if is_plain && !matches!(key.signer().kind(), KeyKind::Rsa(_)) {
        // Its contract knows RSA signatures only (contract §3.1, §4.2).
        let cause = "expected an RSA key for a cloud that takes the plain form, found an EC key";
        return Err(Refusal::new(Code::NoSigningKey, cause));
    }
    let own = key.signer().certificate();
    let others = ring.keys().filter(|other| other.signer().certificate() != own);
    let keys: Vec<_> = std::iter::once(key).chain(others).collect();
    let all: Vec<_> = keys.iter().map(|key| key.signer().certificate()).collect();
    // The first that can be encrypted for: an EC key cannot.
    let decrypting = keys.iter().find(|key| key.decryption().is_some());
    let encryption: Vec<_> = decrypting.map(|key| key.signer().certificate()).into_iter().collect();
    let names = Localised { zh: &tenant.name.zh, en: &tenant.name.en };
    let form = match visit.profile.metadata_form {
        MetadataForm::Plain => Form::Plain,
        MetadataForm::Rich => Form::Rich(Rich {
            display_name: names,
            information_url: &tenant.portal_url,
            logo: None,
            error_url: &tenant.portal_url,
            technical_contact: tenant.contact_email.as_deref(),
            organization: Organization { name: names, url: &tenant.portal_url },
            more_name_id_formats: &[],
            want_authn_requests_signed: visit.profile.request.require_signature,
            valid_until: None,
        }),
    };
    let metadata = IdpMetadata {
        entity_id: &tenant.entity_id,
        // Two certificates at once are unknown ground for a cloud that takes the plain form
        // (contract §5).
        signing: match visit.profile.metadata_form {
            MetadataForm::Plain => &all[..1],
            MetadataForm::Rich => &all,
        },
        encryption: &encryption,
        sso: &[sso_url],
        slo: &slo,
        form,
    };
    Ok(metadata.write()?)
}
