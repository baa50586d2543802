//! The contract over a real Redis server, in every way in which it can be reached.

use std::path::PathBuf;
use std::sync::Arc;

use skybridge::store::redis::{Options, Redis};

use super::contract::{Subject, contract};
use crate::support::redis::{Access, Disk, PREFIX, RedisServer, Wire};

/// A store at that server, reached in the right way.
pub(crate) fn store_at(server: &RedisServer) -> Redis {
    store_by(&server.url(), server.ca_file())
}

/// A store at that address.
pub(crate) fn store_by(url: &str, ca_file: Option<PathBuf>) -> Redis {
    Redis::new(&options(url, ca_file)).unwrap()
}

/// Options for the store at that address.
pub(crate) fn options(url: &str, ca_file: Option<PathBuf>) -> Options {
    Options { url: url.into(), prefix: PREFIX.into(), ca_file, sentinel_login: None }
}

fn subject(access: Access, wire: Wire) -> Subject {
    let server = RedisServer::with(access, wire, Disk::Forgets);
    Subject { store: Arc::new(store_at(&server)), clock: None, _server: Box::new(server) }
}

mod plain {
    fn redis() -> super::Subject {
        super::subject(super::Access::Open, super::Wire::Plain)
    }
    super::contract!(redis);
}

mod with_a_password {
    fn redis() -> super::Subject {
        super::subject(super::Access::Password, super::Wire::Plain)
    }
    super::contract!(redis);
}

mod as_an_acl_user_over_tls {
    fn redis() -> super::Subject {
        super::subject(super::Access::User, super::Wire::Tls)
    }
    super::contract!(redis);
}
