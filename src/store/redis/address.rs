//! Layer 1: the address of a Redis, in each of its three forms, as text and read.

use std::fmt;

use percent_encoding::percent_decode_str;
use url::Url;

use super::options::BadOptions;

const SERVER_PORT: u16 = 6379;
const SENTINEL_PORT: u16 = 26379;

/// Where one process listens.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) struct Address {
    /// A name or an IP address, the latter without brackets.
    pub(super) host: String,
    pub(super) port: u16,
}

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.host.contains(':') {
            write!(f, "[{}]:{}", self.host, self.port)
        } else {
            write!(f, "{}:{}", self.host, self.port)
        }
    }
}

/// What an address says.
pub(super) struct Location {
    pub(super) form: Form,
    pub(super) encrypted: bool,
    /// At least one; exactly one for [`Form::Server`].
    pub(super) hosts: Vec<Address>,
    pub(super) user: Option<String>,
    pub(super) password: Option<String>,
    pub(super) database: u16,
}

/// Who stands at the hosts of an address.
pub(super) enum Form {
    /// The server itself.
    Server,
    /// Sentinels that know the primary of this name.
    Sentinels(String),
    /// Nodes of a cluster that know the others.
    Cluster,
}

/// Reads the text that [`Options::url`](super::Options::url) describes.
pub(super) fn read(text: &str) -> Result<Location, BadOptions> {
    let wrong = |what| Err(BadOptions::Url(what));
    let Some((scheme, rest)) = text.trim().split_once("://") else {
        return wrong("it is not an absolute URL");
    };
    let (encrypted, form) = match scheme.split_once('+').unwrap_or((scheme, "")) {
        ("redis", form) => (false, form),
        ("rediss", form) => (true, form),
        _ => return wrong("it begins neither with redis nor with rediss"),
    };
    if rest.contains(['?', '#']) {
        return wrong("it has a query or a fragment, which would have no effect");
    }
    let (authority, path) = rest.split_once('/').unwrap_or((rest, ""));
    let (login, hosts) = match authority.rsplit_once('@') {
        Some((login, hosts)) => (Some(login), hosts),
        None => (None, authority),
    };
    let (user, password) = credentials(login)?;
    let (form, port, database) = match form {
        "" => (Form::Server, SERVER_PORT, database(path)?),
        "cluster" if path.is_empty() => (Form::Cluster, SERVER_PORT, 0),
        "cluster" => return wrong("it names a database, and a cluster has only one"),
        "sentinel" => {
            let (service, path) = path.split_once('/').unwrap_or((path, ""));
            if service.is_empty() {
                return wrong("it does not end with the name of the primary at the Sentinels");
            }
            (Form::Sentinels(decoded(service)?), SENTINEL_PORT, database(path)?)
        }
        _ => return wrong("behind the + stands neither sentinel nor cluster"),
    };
    let hosts: Vec<_> =
        hosts.split(',').map(|host| address(host, port)).collect::<Result<_, _>>()?;
    if matches!(form, Form::Server) && hosts.len() > 1 {
        return wrong("it names several hosts: begin it with redis+sentinel or redis+cluster");
    }
    Ok(Location { form, encrypted, hosts, user, password, database })
}

type Credentials = (Option<String>, Option<String>);

fn credentials(login: Option<&str>) -> Result<Credentials, BadOptions> {
    let Some(login) = login else { return Ok((None, None)) };
    match login.split_once(':') {
        Some((user, password)) => {
            let user = decoded(user)?;
            Ok(((!user.is_empty()).then_some(user), Some(decoded(password)?)))
        }
        None if login.is_empty() => Ok((None, None)),
        None => Err(BadOptions::Url("it has a user but no password")),
    }
}

fn database(path: &str) -> Result<u16, BadOptions> {
    if path.is_empty() {
        return Ok(0);
    }
    path.parse().map_err(|_| BadOptions::Url("its path is not the number of a database"))
}

fn address(text: &str, default_port: u16) -> Result<Address, BadOptions> {
    let unusable = || BadOptions::Url("one of its hosts is not of the form host:port");
    let url = Url::parse(&format!("redis://{text}")).map_err(|_| unusable())?;
    let host = url.host_str().unwrap_or_default().trim_matches(['[', ']']).to_owned();
    if host.is_empty() {
        return Err(BadOptions::Url("it names no host"));
    }
    if url.path().is_empty() && url.username().is_empty() && url.password().is_none() {
        return Ok(Address { host, port: url.port().unwrap_or(default_port) });
    }
    Err(unusable())
}

fn decoded(text: &str) -> Result<String, BadOptions> {
    percent_decode_str(text)
        .decode_utf8()
        .map(Into::into)
        .map_err(|_| BadOptions::Url("a part of it is not percent-encoded UTF-8"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hosts(location: &Location) -> Vec<String> {
        location.hosts.iter().map(Address::to_string).collect()
    }

    #[test]
    fn an_address_names_host_port_user_password_and_database() {
        let location = read("redis://us%3Aer:p%40ss%2Fword@redis.internal:6380/3").unwrap();
        assert!(matches!(location.form, Form::Server));
        assert_eq!(hosts(&location), ["redis.internal:6380"]);
        assert_eq!(location.user.as_deref(), Some("us:er"));
        assert_eq!(location.password.as_deref(), Some("p@ss/word"));
        assert_eq!((location.database, location.encrypted), (3, false));
    }

    #[test]
    fn what_an_address_leaves_out_has_a_default() {
        let location = read("rediss://[::1]").unwrap();
        assert_eq!(hosts(&location), ["[::1]:6379"]);
        assert_eq!((location.user, location.password), (None, None));
        assert_eq!((location.database, location.encrypted), (0, true));
        let location = read("redis://:secret@h/").unwrap();
        assert_eq!((location.user, location.password), (None, Some("secret".into())));
    }

    #[test]
    fn the_address_of_a_sentinel_group_ends_with_the_name_of_its_primary() {
        let location = read("rediss+sentinel://u:p@a,[::1]:5000,b:26380/my%20group/2").unwrap();
        assert!(matches!(&location.form, Form::Sentinels(service) if service == "my group"));
        assert_eq!(hosts(&location), ["a:26379", "[::1]:5000", "b:26380"]);
        assert_eq!((location.database, location.encrypted), (2, true));
        assert_eq!(read("redis+sentinel://a/g").unwrap().database, 0);
    }

    #[test]
    fn the_address_of_a_cluster_names_some_of_its_nodes() {
        let location = read("redis+cluster://:p@a,b:7001/").unwrap();
        assert!(matches!(location.form, Form::Cluster));
        assert_eq!(hosts(&location), ["a:6379", "b:7001"]);
    }

    #[test]
    fn an_unusable_address_is_refused_without_being_repeated() {
        let wrong = [
            "hunter2",
            "http://:hunter2@h",
            "redis://",
            "redis:hunter2",
            "redis:///0",
            "redis://hunter2@h",
            "redis://:hunter2@h/x",
            "redis://:hunter2@h/-1",
            "redis://:hunter2@h?db=1",
            "rediss://:hunter2@h/#insecure",
            "redis://:hunter2%FF@h",
            "redis://:hunter2@h,i",
            "redis://:hunter2@h:port",
            "redis+other://:hunter2@h",
            "redis+sentinel://:hunter2@h",
            "redis+sentinel://:hunter2@h,/group",
            "redis+sentinel://:hunter2@h/group/x",
            "redis+cluster://:hunter2@h,i/1",
            "redis+cluster://:hunter2@h,i:x",
            "redis+cluster://u:hunter2@",
        ];
        for url in wrong {
            let text = read(url).err().unwrap_or_else(|| panic!("{url} is accepted")).to_string();
            assert!(!text.contains("hunter2"), "{text}");
        }
    }
}
