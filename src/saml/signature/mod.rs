//! Layer 0, saml: XML signatures as SAML uses them: enveloped, one reference, exclusive
//! canonicalisation.

pub mod sign;
pub mod verify;
