//! Fuzzing: the input is the XML of an `AuthnRequest`.

use skybridge::saml::AuthnRequest;

use super::messages::by_every_way;

pub(super) fn run(xml: &[u8]) {
    by_every_way::<AuthnRequest>(xml);
}
