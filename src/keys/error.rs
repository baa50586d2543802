//! Everything that can go wrong with keys, in sentences that say what to do. No sentence holds a
//! secret.

use std::path::{Path, PathBuf};

use super::Kid;

/// Why something about keys was refused. Cheap to clone: a running gateway gives the same answer
/// many times.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum KeyError {
    /// A key id is not one to 32 of `a-z`, `0-9` and `-`, beginning with a letter or digit.
    #[error("`{0}` is not a key id: 1 to 32 of a-z, 0-9 and -, the first a letter or digit")]
    BadKid(String),
    /// A tenant's name cannot be the name of a file.
    #[error("`{0}` is not a tenant's name: 1 to 64 of a-z, 0-9, - and _")]
    BadTenant(String),
    /// The operating system refused.
    #[error("cannot {action} {}: {cause}", path.display())]
    Io {
        /// What was tried: a verb.
        action: &'static str,
        /// On which file or directory.
        path: PathBuf,
        /// What the operating system says.
        cause: String,
    },
    /// A secret file that others than its owner can read or write.
    #[error(
        "{} is open to others (mode {mode:04o}); nothing is read from it. Run: chmod 600 {}",
        path.display(), path.display()
    )]
    OpenToOthers {
        /// The file.
        path: PathBuf,
        /// Its permission bits.
        mode: u32,
    },
    /// A key file or key directory holds something else than this program writes.
    #[error("{} is not a key file that this program wrote: {cause}", path.display())]
    FileBroken {
        /// The file.
        path: PathBuf,
        /// Where and why.
        cause: String,
    },

    /// The store that nodes share cannot be used, or holds something else than keys.
    #[error("the keys in the shared store cannot be used: {0}")]
    Shared(String),

    /// A master key is not 32 bytes in base64.
    #[error(
        "a master key is 32 random bytes in base64, 44 characters, and this is not. \
         Make one with: openssl rand -base64 32"
    )]
    MasterKeyForm,
    /// There is a file already where a new master key should go; overwriting it would lose every
    /// key under it.
    #[error("{} exists; a master key is never overwritten", .0.display())]
    MasterKeyExists(PathBuf),
    /// A key was sealed under another master key.
    #[error("key {kid} of tenant {tenant} is sealed under another master key than the one given")]
    WrongMasterKey {
        /// Whose key.
        tenant: String,
        /// Which key.
        kid: Kid,
    },
    /// A sealed key was copied from another tenant or key id.
    #[error(
        "key {kid} of tenant {tenant} was sealed for another tenant or key id; \
         restore the file, or make a new key"
    )]
    SealedElsewhere {
        /// Where it was found.
        tenant: String,
        /// Under which id.
        kid: Kid,
    },
    /// A sealed key was altered.
    #[error("key {kid} of tenant {tenant} does not unseal: it was altered; restore the file")]
    SealBroken {
        /// Whose key.
        tenant: String,
        /// Which key.
        kid: Kid,
    },

    /// The tenant has no key at all.
    #[error("tenant {tenant} has no keys; make one with: skybridge keys new --tenant {tenant}")]
    NoKeys {
        /// Whose keys.
        tenant: String,
    },
    /// A tenant's keys contradict each other.
    #[error("the keys of tenant {tenant} contradict each other: {fault}")]
    RingBroken {
        /// Whose keys.
        tenant: String,
        /// Which rule is broken, and how.
        fault: String,
    },
    /// The keys of a tenant that were there are gone.
    #[error(
        "the keys of tenant {tenant} are gone from the store; the copy in memory stays in use \
         until the gateway is restarted"
    )]
    Vanished {
        /// Whose keys.
        tenant: String,
    },
    /// Somebody else changed the tenant's keys at the same time.
    #[error("the keys of tenant {tenant} were changed by somebody else just now; try again")]
    Conflict {
        /// Whose keys.
        tenant: String,
    },

    /// No such tenant in the configuration.
    #[error("no tenant `{tenant}` in the configuration; there are: {known}")]
    UnknownTenant {
        /// What was asked for.
        tenant: String,
        /// What there is.
        known: String,
    },
    /// No such key.
    #[error("tenant {tenant} has no key {kid}; see: skybridge keys list --tenant {tenant}")]
    UnknownKid {
        /// Whose keys.
        tenant: String,
        /// What was asked for.
        kid: Kid,
    },
    /// The key is active already.
    #[error("key {0} is the active key already")]
    AlreadyActive(Kid),
    /// The key is retired; its private half is destroyed.
    #[error("key {0} is retired: its private half is destroyed and cannot come back")]
    AlreadyRetired(Kid),
    /// The active key cannot be retired.
    #[error(
        "key {0} is the active key; make another one active first: \
         skybridge keys new, then skybridge keys promote"
    )]
    ActiveStays(Kid),
    /// The certificate is in the tenant's ring already.
    #[error("this certificate is there already, as key {0}")]
    AlreadyThere(Kid),

    /// A certificate that is to last for a span which nobody wants.
    #[error("a certificate lasts 1 to 30 years, not {0}")]
    Years(u8),
    /// A certificate's host is empty or has characters that no host has.
    #[error("`{0}` is not a host name that can stand in a certificate")]
    Host(String),
    /// The cryptographic library could not make a key or a certificate.
    #[error("cannot make a key: {0}")]
    Making(String),

    /// No private key in the text.
    #[error(
        "no private key found: expected PEM with `BEGIN PRIVATE KEY`, `BEGIN RSA PRIVATE KEY` \
         or `BEGIN EC PRIVATE KEY`"
    )]
    NoPrivateKey,
    /// More than one private key in the text.
    #[error("more than one private key found; give exactly one")]
    SeveralPrivateKeys,
    /// A private key under a password.
    #[error(
        "the private key is encrypted with a password; decrypt it first: \
         openssl pkey -in KEY -out PLAIN"
    )]
    PrivateKeyEncrypted,
    /// A private key that cannot be used.
    #[error(
        "the private key is not a usable RSA key of 2048 to 8192 bits, nor an EC key on P-256: {0}"
    )]
    PrivateKeyUnusable(String),
    /// A key of a kind that nothing is signed with here.
    #[error("this is {0}, and signatures here are made with RSA keys or EC keys on P-256")]
    Kind(&'static str),
    /// No certificate in the text.
    #[error("no certificate found: expected PEM with `BEGIN CERTIFICATE`")]
    NoCertificate,
    /// Damaged PEM.
    #[error("the {what} is not well-formed PEM: {cause}")]
    Pem {
        /// Private key or certificate.
        what: &'static str,
        /// What is wrong.
        cause: String,
    },
    /// A certificate that cannot be read.
    #[error("the certificate cannot be read: {0}")]
    CertificateUnreadable(String),
    /// An RSA key outside of the allowed sizes.
    #[error("the certificate's RSA key has {0} bits; 2048 to 8192 are allowed")]
    KeyBits(usize),
    /// Private key and certificate do not belong together.
    #[error("private key and certificate do not belong together: their public keys differ")]
    Mismatch,
}

impl KeyError {
    /// An error of the operating system while doing `action` on `path`.
    pub(super) fn io(action: &'static str, path: &Path, cause: &std::io::Error) -> Self {
        Self::Io { action, path: path.to_path_buf(), cause: cause.to_string() }
    }
}
