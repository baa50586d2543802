//! Layer 3, account: the link between a partner's customer and an account at the cloud: how it
//! begins, how we learn of it, and how it ends (contract §1.3 to §1.9, §11). `sso` asks here whom
//! it may sign in; nothing here knows of SSO.

mod book;
mod confirm;
mod creation;
mod finding;
#[cfg(test)]
pub(crate) mod fixtures;
mod lease;
pub mod link;
mod listing;
mod notice;
mod plan;
mod reconcile;
mod remote;
mod steps;
pub mod webhook;
mod work;

pub(crate) use book::rfc3339;
pub use book::{Book, Evidence, Happened, described};
pub use confirm::confirmed;
pub use creation::{Creations, Request, is_over};
pub use finding::{Done, Finding, Report, What};
pub use listing::{Extent, Listing, Reading, Says, Until, Watching};
pub use notice::{Fields, Form, Notice};
pub use plan::{Outcome, Wanted, Wisher};
pub use reconcile::{Mode, Reconciler, Stop, UNRESOLVED};
pub use remote::{Asking, Remote, Remotes};
