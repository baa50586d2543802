//! Config: addresses: where people and proxies come from, and where we send people.

use std::fmt;
use std::net::IpAddr;

use url::{Host, Url};

use super::read::FromText;
use crate::limits;

/// An absolute address that a browser or this gateway may be sent to: https, or http on this
/// machine only.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct WebUrl(Url);

impl WebUrl {
    /// The parsed address.
    pub fn as_url(&self) -> &Url {
        &self.0
    }

    /// The address as text.
    pub fn as_str(&self) -> &str {
        self.0.as_str()
    }
}

impl fmt::Display for WebUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl FromText for WebUrl {
    fn kind() -> String {
        "an https address (http only for this machine: *.localhost, 127.0.0.1, [::1])".into()
    }

    fn from_text(text: &str) -> Result<Self, Option<String>> {
        if text.len() > limits::URL_BYTES {
            return Err(Some(format!("it is longer than {} bytes", limits::URL_BYTES)));
        }
        let url = Url::parse(text)
            .map_err(|_| (!text.contains("://")).then(|| "begin it with https://".to_owned()))?;
        match url.scheme() {
            "https" => {}
            "http" if is_loopback(&url) => {}
            "http" => {
                return Err(Some("over http anybody on the way can read and change it".into()));
            }
            _ => return Err(None),
        }
        if !url.username().is_empty() || url.password().is_some() {
            return Err(Some("leave out the user information before the @".into()));
        }
        if url.fragment().is_some() {
            return Err(Some("leave out the fragment behind the #".into()));
        }
        Ok(Self(url))
    }
}

/// Whether an address can only lead to this machine: the names of RFC 6761 §6.3 and the loopback
/// networks.
fn is_loopback(url: &Url) -> bool {
    match url.host() {
        Some(Host::Domain(name)) => name == "localhost" || name.ends_with(".localhost"),
        Some(Host::Ipv4(address)) => address.is_loopback(),
        Some(Host::Ipv6(address)) => address.is_loopback(),
        None => false,
    }
}

/// The public address of this gateway: scheme, host and port, nothing behind them.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct BaseUrl(Url);

impl BaseUrl {
    /// The origin without a slash at its end, such as `https://sso.partner.example`: append a path
    /// to it.
    pub fn origin(&self) -> &str {
        self.0.as_str().trim_end_matches('/')
    }

    /// The host without the port.
    pub fn host(&self) -> &str {
        self.0.host_str().unwrap_or_default()
    }

    /// Whether browsers reach it over TLS.
    pub fn is_https(&self) -> bool {
        self.0.scheme() == "https"
    }

    /// The parsed address.
    pub fn as_url(&self) -> &Url {
        &self.0
    }
}

impl fmt::Display for BaseUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.origin())
    }
}

impl FromText for BaseUrl {
    fn kind() -> String {
        "an https origin such as \"https://sso.partner.example\" (http only for this machine)"
            .into()
    }

    fn from_text(text: &str) -> Result<Self, Option<String>> {
        let WebUrl(url) = WebUrl::from_text(text)?;
        if url.path() != "/" || url.query().is_some() {
            return Err(Some("leave out everything behind the host and port".into()));
        }
        Ok(Self(url))
    }
}

/// An IP network, or one address.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Network {
    address: IpAddr,
    bits: u8,
}

impl Network {
    /// Reads `10.0.0.0/8` or `fd00::5`; `None` for anything else, also for a network with host
    /// bits.
    pub fn parse(text: &str) -> Option<Self> {
        Self::from_text(text).ok()
    }

    /// Whether an address lies in it. An IPv4 address that arrives mapped into IPv6 counts as IPv4.
    pub fn contains(&self, address: IpAddr) -> bool {
        masked(address.to_canonical(), self.bits) == Some(self.address)
    }
}

impl FromText for Network {
    fn kind() -> String {
        "an IP address or a network such as \"10.0.0.0/8\"".into()
    }

    fn from_text(text: &str) -> Result<Self, Option<String>> {
        let (address, bits) = match text.split_once('/') {
            Some((address, bits)) => (address, Some(bits.parse::<u8>().map_err(|_| None)?)),
            None => (text, None),
        };
        let address: IpAddr = address.parse().map_err(|_| None)?;
        let width = if address.is_ipv4() { 32 } else { 128 };
        let bits = bits.unwrap_or(width);
        match masked(address, bits) {
            Some(network) if network == address => Ok(Self { address, bits }),
            Some(network) => Err(Some(format!("did you mean \"{network}/{bits}\"?"))),
            None => Err(Some(format!("the number behind / is at most {width}"))),
        }
    }
}

/// The first `bits` bits of an address; `None` if it has fewer.
fn masked(address: IpAddr, bits: u8) -> Option<IpAddr> {
    let bits = u32::from(bits);
    match address {
        IpAddr::V4(v4) => {
            let mask = u32::MAX.checked_shl(32u32.checked_sub(bits)?).unwrap_or(0);
            Some(IpAddr::V4((v4.to_bits() & mask).into()))
        }
        IpAddr::V6(v6) => {
            let mask = u128::MAX.checked_shl(128u32.checked_sub(bits)?).unwrap_or(0);
            Some(IpAddr::V6((v6.to_bits() & mask).into()))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn plain_http_leads_to_this_machine_only() {
        for right in [
            "https://partner.example/login?x=1",
            "http://gateway.localhost:8443/",
            "http://127.0.0.1:9000",
            "http://[::1]/",
        ] {
            assert!(WebUrl::from_text(right).is_ok(), "{right}");
        }
        for wrong in [
            "http://partner.example",
            "http://localhost.evil.example",
            "http://notlocalhost",
            "javascript:alert(1)",
            "//partner.example",
            "/login",
            "https://user:pass@partner.example",
            "https://partner.example/#top",
        ] {
            assert!(WebUrl::from_text(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn the_base_url_is_an_origin_and_nothing_more() {
        let base = BaseUrl::from_text("https://SSO.partner.example:443/").unwrap();
        assert_eq!(base.origin(), "https://sso.partner.example");
        assert_eq!(base.host(), "sso.partner.example");
        assert!(base.is_https());
        for wrong in ["https://a.example/sso", "https://a.example/?", "https://a.example//"] {
            assert!(BaseUrl::from_text(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn a_network_contains_its_addresses_and_no_others() {
        let ten = Network::from_text("10.0.0.0/8").unwrap();
        assert!(ten.contains("10.255.1.2".parse().unwrap()));
        assert!(ten.contains("::ffff:10.1.1.1".parse().unwrap()));
        assert!(!ten.contains("11.0.0.1".parse().unwrap()));
        assert!(!ten.contains("::1".parse().unwrap()));
        let one = Network::from_text("fd00::5").unwrap();
        assert!(one.contains("fd00::5".parse().unwrap()));
        assert!(!one.contains("fd00::6".parse().unwrap()));
        let all = Network::from_text("0.0.0.0/0").unwrap();
        assert!(all.contains("203.0.113.9".parse().unwrap()));
    }

    #[test]
    fn a_network_with_host_bits_is_a_mistake_that_gets_a_hint() {
        let hint = Network::from_text("10.1.2.3/8").unwrap_err().unwrap();
        assert!(hint.contains("10.0.0.0/8"), "{hint}");
        assert!(Network::from_text("10.0.0.0/33").is_err());
        assert!(Network::from_text("10.0.0/8").is_err());
    }
}
