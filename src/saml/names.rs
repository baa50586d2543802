//! Layer 0, saml: the URIs of the standards, once.

/// XML namespaces.
pub mod ns {
    /// Protocol messages (saml-schema-protocol-2.0).
    pub const PROTOCOL: &str = "urn:oasis:names:tc:SAML:2.0:protocol";
    /// Assertions (saml-schema-assertion-2.0).
    pub const ASSERTION: &str = "urn:oasis:names:tc:SAML:2.0:assertion";
    /// Metadata (saml-schema-metadata-2.0).
    pub const METADATA: &str = "urn:oasis:names:tc:SAML:2.0:metadata";
    /// Metadata user interface extension (sstc-saml-metadata-ui-v1.0).
    pub const MDUI: &str = "urn:oasis:names:tc:SAML:metadata:ui";
    /// Scopes in metadata, as Shibboleth has them.
    pub const SHIBMD: &str = "urn:mace:shibboleth:metadata:1.0";
    /// Asynchronous logout (sstc-saml-async-slo-v1.0).
    pub const ASYNC_SLO: &str = "urn:oasis:names:tc:SAML:2.0:protocol:ext:async-slo";
    /// Attributes of an entity (sstc-metadata-attr-cs-01).
    pub const MDATTR: &str = "urn:oasis:names:tc:SAML:metadata:attribute";
    /// SOAP 1.1 (saml-bindings-2.0-os §3.2).
    pub const SOAP: &str = "http://schemas.xmlsoap.org/soap/envelope/";
    /// XML signatures (xmldsig-core).
    pub const DSIG: &str = "http://www.w3.org/2000/09/xmldsig#";
    /// XML encryption (xmlenc-core1).
    pub const XENC: &str = "http://www.w3.org/2001/04/xmlenc#";
    /// What version 1.1 adds to XML encryption.
    pub const XENC11: &str = "http://www.w3.org/2009/xmlenc11#";
    /// Metadata extension that declares algorithms (sstc-saml-metadata-algsupport-v1.0).
    pub const ALG: &str = "urn:oasis:names:tc:SAML:metadata:algsupport";
    /// Exclusive canonicalisation, which is also the namespace of `InclusiveNamespaces`.
    pub const EXC_C14N: &str = "http://www.w3.org/2001/10/xml-exc-c14n#";
    /// XML Schema, for `xsd:string`.
    pub const XSD: &str = "http://www.w3.org/2001/XMLSchema";
    /// XML Schema instances, for `xsi:type`.
    pub const XSI: &str = "http://www.w3.org/2001/XMLSchema-instance";
    /// The `xml` prefix.
    pub const XML: &str = "http://www.w3.org/XML/1998/namespace";
    /// The `xmlns` prefix.
    pub const XMLNS: &str = "http://www.w3.org/2000/xmlns/";
}

/// Bindings (saml-bindings-2.0-os §3).
pub mod binding {
    /// HTTP-Redirect.
    pub const REDIRECT: &str = "urn:oasis:names:tc:SAML:2.0:bindings:HTTP-Redirect";
    /// HTTP-POST.
    pub const POST: &str = "urn:oasis:names:tc:SAML:2.0:bindings:HTTP-POST";
    /// SOAP.
    pub const SOAP: &str = "urn:oasis:names:tc:SAML:2.0:bindings:SOAP";
    /// DEFLATE, the only `SAMLEncoding` of HTTP-Redirect.
    pub const DEFLATE: &str = "urn:oasis:names:tc:SAML:2.0:bindings:URL-Encoding:DEFLATE";
}

/// Name identifier formats (saml-core-2.0-os §8.3).
pub mod name_id {
    /// Whatever the identity provider likes.
    pub const UNSPECIFIED: &str = "urn:oasis:names:tc:SAML:1.1:nameid-format:unspecified";
    /// A new value for each session.
    pub const TRANSIENT: &str = "urn:oasis:names:tc:SAML:2.0:nameid-format:transient";
    /// A stable, pairwise value.
    pub const PERSISTENT: &str = "urn:oasis:names:tc:SAML:2.0:nameid-format:persistent";
    /// An e-mail address.
    pub const EMAIL: &str = "urn:oasis:names:tc:SAML:1.1:nameid-format:emailAddress";
    /// An entityID, for `Issuer`.
    pub const ENTITY: &str = "urn:oasis:names:tc:SAML:2.0:nameid-format:entity";
}

/// Status codes (saml-core-2.0-os §3.2.2.2).
pub mod status {
    /// All went well.
    pub const SUCCESS: &str = "urn:oasis:names:tc:SAML:2.0:status:Success";
    /// The requester's fault.
    pub const REQUESTER: &str = "urn:oasis:names:tc:SAML:2.0:status:Requester";
    /// Our fault, or our limit.
    pub const RESPONDER: &str = "urn:oasis:names:tc:SAML:2.0:status:Responder";
    /// The principal could not be authenticated.
    pub const AUTHN_FAILED: &str = "urn:oasis:names:tc:SAML:2.0:status:AuthnFailed";
    /// The requested name identifier cannot be given.
    pub const INVALID_NAME_ID_POLICY: &str =
        "urn:oasis:names:tc:SAML:2.0:status:InvalidNameIDPolicy";
    /// The requested authentication context cannot be met.
    pub const NO_AUTHN_CONTEXT: &str = "urn:oasis:names:tc:SAML:2.0:status:NoAuthnContext";
    /// Nobody can be authenticated without showing a page.
    pub const NO_PASSIVE: &str = "urn:oasis:names:tc:SAML:2.0:status:NoPassive";
    /// Not everybody who took part could be told of the logout.
    pub const PARTIAL_LOGOUT: &str = "urn:oasis:names:tc:SAML:2.0:status:PartialLogout";
    /// None of the listed identity providers is this one.
    pub const NO_SUPPORTED_IDP: &str = "urn:oasis:names:tc:SAML:2.0:status:NoSupportedIDP";
    /// The person that the request names is not the one who is there.
    pub const UNKNOWN_PRINCIPAL: &str = "urn:oasis:names:tc:SAML:2.0:status:UnknownPrincipal";
    /// It could be answered, and will not be.
    pub const REQUEST_DENIED: &str = "urn:oasis:names:tc:SAML:2.0:status:RequestDenied";
    /// The request asks for something that is not offered.
    pub const REQUEST_UNSUPPORTED: &str = "urn:oasis:names:tc:SAML:2.0:status:RequestUnsupported";
}

/// Authentication contexts (saml-authn-context-2.0-os §3.4).
pub mod authn_context {
    /// Nothing is said about how.
    pub const UNSPECIFIED: &str = "urn:oasis:names:tc:SAML:2.0:ac:classes:unspecified";
    /// A password over TLS.
    pub const PASSWORD_PROTECTED_TRANSPORT: &str =
        "urn:oasis:names:tc:SAML:2.0:ac:classes:PasswordProtectedTransport";
    /// A password, however it travels.
    pub const PASSWORD: &str = "urn:oasis:names:tc:SAML:2.0:ac:classes:Password";
    /// The address of the machine.
    pub const INTERNET_PROTOCOL: &str = "urn:oasis:names:tc:SAML:2.0:ac:classes:InternetProtocol";
    /// A token that shows a new number every minute.
    pub const TIME_SYNC_TOKEN: &str = "urn:oasis:names:tc:SAML:2.0:ac:classes:TimeSyncToken";
    /// A known mobile device, and something that its owner knows.
    pub const MOBILE_TWO_FACTOR_CONTRACT: &str =
        "urn:oasis:names:tc:SAML:2.0:ac:classes:MobileTwoFactorContract";
    /// A key whose certificate an authority has signed.
    pub const X509: &str = "urn:oasis:names:tc:SAML:2.0:ac:classes:X509";
    /// Such a key on a card.
    pub const SMARTCARD_PKI: &str = "urn:oasis:names:tc:SAML:2.0:ac:classes:SmartcardPKI";
    /// A session at another system (the partner's site) vouches for the person.
    pub const PREVIOUS_SESSION: &str = "urn:oasis:names:tc:SAML:2.0:ac:classes:PreviousSession";
}

/// Signature, digest and encryption algorithms (xmldsig-core, xmlenc-core1, RFC 9231).
pub mod algorithm {
    /// RSA PKCS#1 v1.5 with SHA-256.
    pub const RSA_SHA256: &str = "http://www.w3.org/2001/04/xmldsig-more#rsa-sha256";
    /// RSA PKCS#1 v1.5 with SHA-384.
    pub const RSA_SHA384: &str = "http://www.w3.org/2001/04/xmldsig-more#rsa-sha384";
    /// RSA PKCS#1 v1.5 with SHA-512.
    pub const RSA_SHA512: &str = "http://www.w3.org/2001/04/xmldsig-more#rsa-sha512";
    /// ECDSA with SHA-256; r and s beside each other, each as long as the curve's order.
    pub const ECDSA_SHA256: &str = "http://www.w3.org/2001/04/xmldsig-more#ecdsa-sha256";
    /// ECDSA with SHA-384, in the same form.
    pub const ECDSA_SHA384: &str = "http://www.w3.org/2001/04/xmldsig-more#ecdsa-sha384";
    /// SHA-1: inside OAEP only, where nothing depends on collisions (conformance A-114).
    pub const SHA1: &str = "http://www.w3.org/2000/09/xmldsig#sha1";
    /// SHA-256.
    pub const SHA256: &str = "http://www.w3.org/2001/04/xmlenc#sha256";
    /// SHA-384.
    pub const SHA384: &str = "http://www.w3.org/2001/04/xmldsig-more#sha384";
    /// SHA-512.
    pub const SHA512: &str = "http://www.w3.org/2001/04/xmlenc#sha512";
    /// AES-128 in Galois/Counter mode.
    pub const AES128_GCM: &str = "http://www.w3.org/2009/xmlenc11#aes128-gcm";
    /// AES-256 in Galois/Counter mode.
    pub const AES256_GCM: &str = "http://www.w3.org/2009/xmlenc11#aes256-gcm";
    /// AES-128 in CBC mode, which proves nothing about its text.
    pub const AES128_CBC: &str = "http://www.w3.org/2001/04/xmlenc#aes128-cbc";
    /// AES-256 in CBC mode.
    pub const AES256_CBC: &str = "http://www.w3.org/2001/04/xmlenc#aes256-cbc";
    /// RSA-OAEP whose mask is made with SHA-1.
    pub const RSA_OAEP_MGF1P: &str = "http://www.w3.org/2001/04/xmlenc#rsa-oaep-mgf1p";
    /// RSA-OAEP whose mask is made with the hash that `xenc11:MGF` names.
    pub const RSA_OAEP: &str = "http://www.w3.org/2009/xmlenc11#rsa-oaep";
    /// The mask of OAEP, made with SHA-1.
    pub const MGF1_SHA1: &str = "http://www.w3.org/2009/xmlenc11#mgf1sha1";
    /// The mask of OAEP, made with SHA-256.
    pub const MGF1_SHA256: &str = "http://www.w3.org/2009/xmlenc11#mgf1sha256";
    /// `Type` of one encrypted element (xmlenc-core1 §3.1, conformance A-060).
    pub const ELEMENT: &str = "http://www.w3.org/2001/04/xmlenc#Element";
    /// Enveloped-signature transform.
    pub const ENVELOPED: &str = "http://www.w3.org/2000/09/xmldsig#enveloped-signature";
    /// Exclusive canonicalisation without comments.
    pub const EXC_C14N: &str = super::ns::EXC_C14N;
}

/// `Format` of attribute names: a URI (saml-core-2.0-os §8.2.2).
pub const ATTRNAME_URI: &str = "urn:oasis:names:tc:SAML:2.0:attrname-format:uri";
/// `Format` of attribute names that nobody speaks of (saml-core-2.0-os §8.2.1).
pub const ATTRNAME_UNSPECIFIED: &str = "urn:oasis:names:tc:SAML:2.0:attrname-format:unspecified";
/// The entity attribute by which a service provider says which subject identifier it needs
/// (saml-subject-id-attr-v1.0 §4).
pub const SUBJECT_ID_REQ: &str = "urn:oasis:names:tc:SAML:profiles:subject-id:req";
/// The attribute by which all service providers know a person as the same (§3.3).
pub const SUBJECT_ID: &str = "urn:oasis:names:tc:SAML:attribute:subject-id";
/// `Method` of a bearer confirmation (saml-profiles-2.0-os §3.3).
pub const BEARER: &str = "urn:oasis:names:tc:SAML:2.0:cm:bearer";
/// `Consent` that says nothing (saml-core-2.0-os §8.4.1).
pub const CONSENT_UNSPECIFIED: &str = "urn:oasis:names:tc:SAML:2.0:consent:unspecified";
