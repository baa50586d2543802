//! Config: a service provider of a tenant, and what the tenant publishes for service providers.

use std::num::NonZeroU32;
use std::time::Duration;

use super::address::WebUrl;
use super::declare::section;
use super::place::{FilePath, MetadataSource};
use super::read::{FromText, Reader, join, nearest};
use super::value::{EntityId, Slug, choice, one_of};
use crate::limits;

choice! {
    /// Whether metadata must say when it ends.
    MetadataEnd {
        /// It may be silent.
        Optional = "optional",
        /// It must have a `validUntil`.
        Required = "required",
    }
}

choice! {
    /// How a metadata query service names a service provider.
    MdqForm {
        /// By its entityID, percent-encoded.
        Plain = "entity-id",
        /// By `{sha1}` and the SHA-1 of its entityID.
        Sha1 = "sha1",
    }
}

section! {
    /// A service provider that is registered with the tenant. Its entityID, addresses and keys come
    /// from its metadata.
    #[check(check_service_provider)]
    pub struct ServiceProvider, draft ServiceProviderDraft {
        /// Its metadata: a file, or an address that is fetched at start and then every
        /// `clouds.metadata_refresh`; with `mdq`, where a metadata query service has its entities.
        metadata: MetadataSource, eg "https://auth.huaweicloud.com/authui/saml/metadata.xml";
        /// Its entityID. Needed where the metadata describes several service providers, and with
        /// `mdq`.
        entity_id: Option<EntityId>, eg "https://auth.huaweicloud.com/";
        /// The address is that of a metadata query service (MDQ), which is asked for this service
        /// provider alone: by `entity-id`, or by `sha1` where its entityID does not go through
        /// proxies.
        mdq: Option<MdqForm>, eg "entity-id";
        /// A certificate in PEM. With it, only metadata that this certificate's key signed is
        /// taken.
        trust_certificate: Option<FilePath>, eg "certs/cloud-metadata.pem";
        /// The profile that says what it may ask and what it gets: form of the answer, name
        /// identifiers, attributes. Without it, the tenant's `cloud`. One without a login link, as
        /// `generic`, is for services that need no account at the cloud.
        profile: Option<Slug>, eg "generic";
        /// Whether its requests must be signed. Without it, the profile decides.
        require_signed_requests: Option<bool>, eg true;
        /// Whether people may be sent to it without it having asked: from the partner's site by
        /// `/{tenant}/launch?sp={its entityID}`. Who can make a browser open an address can sign
        /// its person in there, so turn it on only where the service needs it.
        unsolicited: bool = false;
        /// The texts that such an address may give as `RelayState`, besides none: what the service
        /// shall open. At most 80 bytes each, as the standard wants.
        relay_states: Vec<String> = [], eg ["https://wiki.partner.example/start"];
        /// Whether it may ask at all.
        enabled: bool = true;
    }
}

section! {
    /// What the richer form of our metadata says besides. That form is given where the cloud's
    /// profile asks for it, and to everybody at `/{id}/saml/metadata?rich` and, signed, `?signed`.
    #[check(check_published)]
    pub struct Published, draft PublishedDraft {
        /// The page to which service providers may send people with an error. Without it,
        /// `portal_url`.
        error_url: Option<WebUrl>, eg "https://shop.partner.example/help";
        /// A picture of the partner's, as service providers show it where people choose.
        logo_url: Option<WebUrl>, eg "https://shop.partner.example/logo.png";
        /// Its width in pixels.
        logo_width: NonZeroU32 = 80;
        /// Its height in pixels.
        logo_height: NonZeroU32 = 60;
        /// The domains whose names (`user@domain`) this identity provider may give.
        scopes: Vec<String> = [], eg ["partner.example"];
        /// How long a signed document may be used: its `validUntil`. Service providers fetch it
        /// anew before.
        valid_for: Duration = "14d";
    }
}

/// No service provider is registered twice.
pub(super) fn check_sources(path: &str, providers: &[ServiceProvider], reader: &mut Reader<'_>) {
    let mut seen = Vec::new();
    for (index, provider) in providers.iter().enumerate() {
        let source = (&provider.metadata, &provider.entity_id);
        if seen.contains(&source) {
            let path = format!("{path}.service_provider[{}].metadata", index + 1);
            let hint = Some("name the `entity_id` of each, where there are several in it".into());
            reader.fault(&path, "metadata that no other has", "that of another", hint);
        }
        seen.push(source);
    }
}

fn check_service_provider(draft: &ServiceProviderDraft, reader: &mut Reader<'_>) {
    let most = limits::SENT_RELAY_STATE_BYTES;
    for long in draft.relay_states.iter().flatten().filter(|state| state.len() > most) {
        let expected = format!("texts of at most {most} bytes (saml-bindings-2.0-os §3.4.3)");
        let found = format!("{} bytes", long.len());
        reader.fault(&join(&draft.path, "relay_states"), &expected, &found, None);
    }
    let (Some(Some(_)), Some(entity_id)) = (draft.mdq, &draft.entity_id) else { return };
    if entity_id.is_none() {
        let path = join(&draft.path, "entity_id");
        let expected = "the entityID to ask for, because of `mdq`";
        reader.fault(&path, expected, "nothing", None);
    }
    if let Some(MetadataSource::File(_)) = &draft.metadata {
        let path = join(&draft.path, "metadata");
        reader.fault(&path, "the address of a metadata query service", "a file", None);
    }
}

fn check_published(draft: &PublishedDraft, reader: &mut Reader<'_>) {
    let is_domain = |text: &str| {
        let plain = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
        text.contains('.')
            && text.split('.').all(|part| !part.is_empty() && part.chars().all(plain))
    };
    for scope in draft.scopes.iter().flatten().filter(|scope| !is_domain(scope)) {
        let expected = "names of domains in small letters";
        reader.fault(&join(&draft.path, "scopes"), expected, &format!("{scope:?}"), None);
    }
    for (key, size) in [("logo_width", draft.logo_width), ("logo_height", draft.logo_height)] {
        if let Some(size) = size.filter(|size| u16::try_from(size.get()).is_err()) {
            reader.fault(&join(&draft.path, key), "at most 65535", &size.to_string(), None);
        }
    }
    if let Some(valid_for) = draft.valid_for
        && valid_for < limits::SHORTEST_PERIOD
    {
        let expected = format!("at least \"{}s\"", limits::SHORTEST_PERIOD.as_secs());
        let found = format!("{} ms", valid_for.as_millis());
        reader.fault(&join(&draft.path, "valid_for"), &expected, &found, None);
    }
}
