//! Layer 3, sso: a tenant's IDP Metadata.xml (contract §5). It names the SSO address of one key, so
//! the address at which a request arrives tells which metadata the cloud holds (design §7).

use super::{Sso, Visit};
use crate::cloud::profile::MetadataForm;
use crate::keys::{Key, KeyRing};
use crate::refusal::{Code, Refusal};
use crate::saml::EndpointUrl;
use crate::saml::idp_metadata::{Form, IdpMetadata, Localised, Logo, Organization, Rich, Signer};
use crate::saml::key::KeyKind;

/// Which form of the metadata somebody asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Shape {
    /// The form that the cloud's profile names.
    AsProfile,
    /// The rich one, for service providers beside the cloud.
    Rich,
    /// The rich one, signed and with an end.
    Signed,
}

/// Writes the metadata around `key`.
pub(super) fn write(
    sso: &Sso,
    visit: &Visit,
    ring: &KeyRing,
    (key, shape): (&Key, Shape),
) -> Result<String, Refusal> {
    let tenant = &visit.tenant;
    let sso_url = EndpointUrl::parse(&sso.sso_url(tenant, Some(key.kid.as_str())))?;
    let slo = EndpointUrl::parse(&sso.logout_url(tenant))?;
    let plain = shape == Shape::AsProfile && visit.profile.metadata_form == MetadataForm::Plain;
    if plain && !matches!(key.signer().kind(), KeyKind::Rsa(_)) {
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
    let published = &tenant.published;
    let id = sso.message_id()?;
    let form = if plain {
        Form::Plain
    } else {
        Form::Rich(Rich {
            display_name: names,
            information_url: &tenant.portal_url,
            logo: published.logo.as_ref().map(|(url, width, height)| Logo {
                url,
                width: *width,
                height: *height,
            }),
            error_url: &published.error_url,
            technical_contact: tenant.contact_email.as_deref(),
            organization: Organization { name: names, url: &tenant.portal_url },
            scopes: &published.scopes,
            more_name_id_formats: &[],
            want_authn_requests_signed: visit.profile.request.require_signature,
            valid_until: (shape == Shape::Signed).then(|| sso.clock.now() + published.valid_for),
        })
    };
    let metadata = IdpMetadata {
        entity_id: &tenant.entity_id,
        // Two certificates at once are unknown ground for a cloud that takes the plain form
        // (contract §5).
        signing: if plain { &all[..1] } else { &all },
        encryption: &encryption,
        sso: &[sso_url],
        slo: &slo,
        form,
        signer: (shape == Shape::Signed).then(|| Signer { key: key.signer(), id: &id }),
    };
    Ok(metadata.write()?)
}
