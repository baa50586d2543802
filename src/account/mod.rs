//! Layer 3, account: the link between a partner's customer and an account at the cloud: how it
//! begins, how we learn of it, and how it ends (contract §1.3 to §1.9, §11). `sso` asks here whom
//! it may sign in; nothing here knows of SSO.

mod book;
mod creation;
pub mod link;
mod listing;
mod notice;
mod plan;
mod remote;
mod steps;
pub mod webhook;
mod work;

pub(crate) use book::rfc3339;
pub use book::{Book, Evidence, Happened, described};
pub use creation::{Creations, Request, is_over};
pub use listing::{Extent, Listing, Reading, Says, Until, Watching};
pub use notice::{Form, Notice};
pub use plan::{Outcome, Wanted};
pub use remote::{Asking, Remote, Remotes};
