//! Layer 3, account: the link between a partner's customer and an account at the cloud: how it
//! begins, how we learn of it, and how it ends (contract §1.3 to §1.9, §11). `sso` asks here whom
//! it may sign in; nothing here knows of SSO.

mod book;
pub mod link;
mod notice;

pub(crate) use book::rfc3339;
pub use book::{Book, Evidence, Happened, described};
pub use notice::{Form, Notice};
