//! App (layer 6): the addresses of names. `localhost` and everything under it is this machine,
//! whatever the system's resolver says or does not know (RFC 6761 §6.3); all other names are the
//! system's.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

use reqwest::dns::{Addrs, Name, Resolve, Resolving};

/// The resolver of our HTTP clients.
#[derive(Clone, Copy, Debug, Default)]
pub struct Names;

impl Resolve for Names {
    fn resolve(&self, name: Name) -> Resolving {
        Box::pin(async move {
            let name = name.as_str();
            if is_local(name) {
                let here = [IpAddr::V4(Ipv4Addr::LOCALHOST), IpAddr::V6(Ipv6Addr::LOCALHOST)];
                return Ok(Box::new(here.map(|ip| SocketAddr::new(ip, 0)).into_iter()) as Addrs);
            }
            let found: Vec<_> = tokio::net::lookup_host((name, 0)).await?.collect();
            Ok(Box::new(found.into_iter()) as Addrs)
        })
    }
}

fn is_local(name: &str) -> bool {
    let name = name.strip_suffix('.').unwrap_or(name).to_ascii_lowercase();
    name == "localhost" || name.ends_with(".localhost")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn names_under_localhost_are_this_machine_without_asking_anybody() {
        for name in ["localhost", "cloud.localhost", "Cloud.LOCALHOST."] {
            let found: Vec<_> = Names.resolve(name.parse().unwrap()).await.unwrap().collect();
            assert!(found.iter().all(|address| address.ip().is_loopback()), "{name}");
            assert_eq!(found.len(), 2, "{name}");
        }
        assert!(!is_local("localhost.example") && !is_local("notlocalhost"));
    }
}
