//! App (layer 6): who the client is when a proxy stands between (B-38). `X-Forwarded-For` and
//! `X-Forwarded-Proto` are believed from listed proxies only; `Host`, `Forwarded` and
//! `X-Forwarded-Host` never, from nobody.

use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;

use axum::extract::{Request, State};
use axum::http::{HeaderMap, HeaderName};
use axum::middleware::Next;
use axum::response::Response;

use super::serve::Peer;
use crate::config::Network;
use crate::journey::{Client, Transport};
use crate::limits;

const FORWARDED_FOR: HeaderName = HeaderName::from_static("x-forwarded-for");
const FORWARDED_PROTO: HeaderName = HeaderName::from_static("x-forwarded-proto");

/// The listed proxies.
#[derive(Clone, Debug, Default)]
pub struct Proxies(Arc<[Network]>);

impl Proxies {
    /// Believes the proxies in these networks.
    #[must_use]
    pub fn new(networks: &[Network]) -> Self {
        Self(networks.into())
    }

    /// The client of a request: going from the socket outwards, the first address that is no listed
    /// proxy.
    ///
    /// What stands further out may be invented. A listed proxy that reports something that is no
    /// address is itself taken for the client.
    #[must_use]
    pub fn client(&self, peer: Peer, headers: &HeaderMap) -> Client {
        let mut address = peer.address.ip().to_canonical();
        let mut hops = 0;
        for hop in backwards(headers, &FORWARDED_FOR).take(limits::FORWARDED_HOPS) {
            if !self.lists(address) {
                break;
            }
            let Some(reported) = parse(hop) else { break };
            address = reported;
            hops += 1;
        }
        let transport = if hops == 0 && !self.lists(peer.address.ip()) {
            peer.transport
        } else {
            reported_transport(headers, hops).unwrap_or(peer.transport)
        };
        Client { address, transport }
    }

    fn lists(&self, address: IpAddr) -> bool {
        self.0.iter().any(|network| network.contains(address))
    }
}

/// Middleware that puts the [`Client`] into every request's extensions.
pub async fn see_client(
    State(proxies): State<Proxies>,
    mut request: Request,
    next: Next,
) -> Response {
    if let Some(peer) = request.extensions().get::<Peer>().copied() {
        let client = proxies.client(peer, request.headers());
        request.extensions_mut().insert(client);
    }
    next.run(request).await
}

/// The transport of the client's own stretch. Proxies either hand one value on, or each appends its
/// own as it does with addresses: then the value beside the client's address counts, and whatever
/// stands further out is the client's invention.
fn reported_transport(headers: &HeaderMap, hops: usize) -> Option<Transport> {
    let value = backwards(headers, &FORWARDED_PROTO).take(hops.max(1)).last()?;
    Some(if value.eq_ignore_ascii_case("https") { Transport::Tls } else { Transport::Plain })
}

/// The values of a list header, the last one first (RFC 9110 §5.3: lines of one name are one list).
fn backwards<'a>(headers: &'a HeaderMap, name: &HeaderName) -> impl Iterator<Item = &'a str> {
    let lines: Vec<_> = headers.get_all(name).into_iter().collect();
    lines.into_iter().rev().flat_map(|line| {
        // What is not text cannot be an address: it stands as such and ends the search.
        line.to_str().unwrap_or("?").rsplit(',').map(str::trim)
    })
}

/// An address as proxies write it: alone, or with a port.
fn parse(text: &str) -> Option<IpAddr> {
    let alone = text.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')).unwrap_or(text);
    alone
        .parse::<IpAddr>()
        .or_else(|_| text.parse::<SocketAddr>().map(|socket| socket.ip()))
        .ok()
        .map(|address| address.to_canonical())
}

#[cfg(test)]
mod tests {
    use super::*;
    use axum::http::HeaderValue;

    const PROXY: &str = "10.0.0.2";
    const STRANGER: &str = "203.0.113.9";
    const BROWSER: &str = "198.51.100.7";

    fn see(socket: &str, headers: &[(&'static str, &str)]) -> (String, Transport) {
        let proxies = Proxies::new(&["10.0.0.0/8", "fd00::/8"].map(|n| Network::parse(n).unwrap()));
        let peer = Peer {
            address: SocketAddr::new(socket.parse().unwrap(), 40_000),
            transport: Transport::Plain,
        };
        let mut map = HeaderMap::new();
        for (name, value) in headers {
            map.append(*name, HeaderValue::from_bytes(value.as_bytes()).unwrap());
        }
        let client = proxies.client(peer, &map);
        (client.address.to_string(), client.transport)
    }

    fn address(socket: &str, forwarded_for: &[&str]) -> String {
        let headers: Vec<_> = forwarded_for.iter().map(|v| ("x-forwarded-for", *v)).collect();
        see(socket, &headers).0
    }

    #[test]
    fn a_stranger_speaks_only_for_itself() {
        assert_eq!(address(STRANGER, &[BROWSER]), STRANGER);
        assert_eq!(address(STRANGER, &["10.0.0.1"]), STRANGER);
        let spoofed = [("x-forwarded-proto", "https"), ("forwarded", "for=1.2.3.4;proto=https")];
        assert_eq!(see(STRANGER, &spoofed), (STRANGER.into(), Transport::Plain));
    }

    #[test]
    fn a_listed_proxy_names_the_client() {
        assert_eq!(address(PROXY, &[BROWSER]), BROWSER);
        assert_eq!(address(PROXY, &["198.51.100.7:55123"]), BROWSER);
        assert_eq!(address(PROXY, &["[2001:db8::1]:443"]), "2001:db8::1");
        assert_eq!(address(PROXY, &["[2001:db8::1]"]), "2001:db8::1");
        assert_eq!(address("::ffff:10.0.0.2", &["::ffff:198.51.100.7"]), BROWSER);
        assert_eq!(address("fd00::1", &[BROWSER]), BROWSER);
    }

    #[test]
    fn what_the_client_invented_stands_further_out_and_is_not_believed() {
        assert_eq!(address(PROXY, &["1.1.1.1, 198.51.100.7"]), BROWSER);
        assert_eq!(address(PROXY, &["10.9.9.9, 198.51.100.7"]), BROWSER);
        assert_eq!(address(PROXY, &["1.1.1.1", "198.51.100.7"]), BROWSER);
        assert_eq!(address(PROXY, &["1.1.1.1, 198.51.100.7, 10.0.0.3"]), BROWSER);
    }

    #[test]
    fn garbage_ends_the_search_at_the_last_party_that_was_believed() {
        for garbage in ["", "unknown", "_hidden", "1.1.1.1, ", "1.1.1.1 2.2.2.2", "\u{e9}"] {
            assert_eq!(address(PROXY, &[garbage]), PROXY, "{garbage:?}");
        }
        assert_eq!(address(PROXY, &["unknown, 10.0.0.3"]), "10.0.0.3");
        assert_eq!(address(PROXY, &[]), PROXY);
    }

    #[test]
    fn a_chain_without_end_is_not_followed() {
        let long = vec!["10.0.0.3"; 10_000].join(",");
        assert_eq!(address(PROXY, &[&format!("1.1.1.1,{long}")]), "10.0.0.3");
    }

    #[test]
    fn the_scheme_is_that_of_the_clients_own_stretch() {
        let via = |forwarded_for, proto| {
            see(PROXY, &[("x-forwarded-for", forwarded_for), ("x-forwarded-proto", proto)]).1
        };
        assert_eq!(via(BROWSER, "https"), Transport::Tls);
        assert_eq!(via(BROWSER, "HTTPS"), Transport::Tls);
        assert_eq!(via(BROWSER, "http"), Transport::Plain);
        assert_eq!(via("198.51.100.7, 10.0.0.3", "https"), Transport::Tls);
        assert_eq!(via("198.51.100.7, 10.0.0.3", "https, http"), Transport::Tls);
        // The client sent `https` over http, and the proxy appended what it saw.
        assert_eq!(via(BROWSER, "https, http"), Transport::Plain);
        assert_eq!(via("198.51.100.7, 10.0.0.3", "https, http, http"), Transport::Plain);
        assert_eq!(see(PROXY, &[("x-forwarded-proto", "https")]).1, Transport::Tls);
        assert_eq!(see(PROXY, &[("x-forwarded-for", BROWSER)]).1, Transport::Plain);
    }
}
