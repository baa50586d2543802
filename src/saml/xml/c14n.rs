//! Layer 0, saml: exclusive canonicalisation.
