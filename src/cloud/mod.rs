//! Layer 2, cloud: what is particular to one cloud, as data, and the client of its partner API. A
//! profile says how people are handed to the cloud, which requests it may send, what an answer
//! looks like and which attributes of a person it gets; the rest of the house reads the profile and
//! never asks which cloud it is (contract §2 to §5; `metadata/README.md`).

pub mod agreement;
pub mod api;
pub mod attribute;
#[path = "../../metadata/built_in.rs"]
mod built_in;
pub mod login;
pub mod overlay;
mod pattern;
pub mod profile;
pub mod registrar;
pub mod registration;
pub mod registry;
pub mod response;
pub mod skew;
pub mod value;

pub use attribute::{AttributeFault, Person, Released};
pub use login::{FirstLogin, LinkError};
pub use overlay::Overrides;
pub use profile::{Profile, ProfileFault};
pub use registrar::Registrar;
pub use registration::{Registered, Registration, Registrations};
pub use registry::Clouds;

#[cfg(test)]
mod tests;
