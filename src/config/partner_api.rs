//! Config: a tenant's access to the cloud's partner API.

use std::num::NonZeroU32;
use std::time::Duration;

use super::address::WebUrl;
use super::confidential::Password;
use super::declare::section;
use super::read::{NOTHING, Reader, join};
use super::value::Code;
use crate::limits;

section! {
    /// The tenant's access to the cloud's partner API, by which accounts are created and links are
    /// compared with the cloud's list of customers. Without this table, the cloud's notifications
    /// are all that is known of links. Write either `access_key` and `secret_key`, or `domain`,
    /// `user` and `password`.
    #[check(check_partner_api)]
    pub struct PartnerApi, draft PartnerApiDraft {
        /// Where the partner API is: scheme, host and port; a path is not looked at. Without it,
        /// the host that the cloud's profile names.
        url: Option<WebUrl>, eg "https://bss.cloud.example";
        /// Where the identity API is, which gives tokens for a user and password. Without it, the
        /// host that the cloud's profile names.
        identity_url: Option<WebUrl>, eg "https://iam.cloud.example";
        /// The id of the partner's access key (AK) at the cloud.
        access_key: Option<Code>, eg "AKIDEXAMPLE0000000000";
        /// The secret of the access key (SK).
        secret_key: Option<Password>, eg { file = "partner/secret.key" };
        /// The account that the access key belongs to (`X-Domain-Id`), where calls shall name it.
        account: Option<Code>, eg "6d0d2b1c0e9a4f7f8a5b3c2d1e0f9a8b";
        /// The name of the partner's account at the cloud, for a token instead of an access key.
        domain: Option<Code>, eg "acme_partner";
        /// The name of a user in that account. Give it the right to call the partner API and
        /// nothing else.
        user: Option<Code>, eg "skybridge";
        /// The password of the user.
        password: Option<Password>, eg { env = "SKYBRIDGE_ACME_PASSWORD" };
        /// How often each API is called in a second, all nodes together: one less than the cloud
        /// allows, so that no sliding second holds more.
        requests_per_second: NonZeroU32 = 9;
        /// How often links are compared with the cloud's list of customers, all nodes together:
        /// see `skybridge reconcile --help`. While some are unresolved, every eleven minutes at
        /// least. A list of 10,000 customers takes 100 requests.
        reconcile_every: Duration = "1h";
    }
}

/// How a partner shows who calls.
#[derive(Debug)]
pub enum Credentials<'a> {
    /// By an access key.
    AccessKey {
        /// Its id.
        id: &'a Code,
        /// Its secret.
        secret: &'a Password,
    },
    /// By a user.
    User {
        /// The account that the user belongs to.
        domain: &'a Code,
        /// The user's name.
        name: &'a Code,
        /// The user's password.
        password: &'a Password,
    },
}

impl PartnerApi {
    /// The one way that is declared; `None` cannot be after [`super::load`].
    pub fn credentials(&self) -> Option<Credentials<'_>> {
        match (&self.access_key, &self.secret_key, &self.domain, &self.user, &self.password) {
            (Some(id), Some(secret), ..) => Some(Credentials::AccessKey { id, secret }),
            (_, _, Some(domain), Some(name), Some(password)) => {
                Some(Credentials::User { domain, name, password })
            }
            _ => None,
        }
    }
}

/// One way to show who calls, whole, and not both.
fn check_partner_api(draft: &PartnerApiDraft, reader: &mut Reader<'_>) {
    if let Some(every) = draft.reconcile_every
        && every < limits::SHORTEST_PERIOD
    {
        let expected = format!("at least \"{}s\"", limits::SHORTEST_PERIOD.as_secs());
        let found = format!("{} ms", every.as_millis());
        reader.fault(&join(&draft.path, "reconcile_every"), &expected, &found, None);
    }
    // An option that is faulty, `None`, counts as written: its own fault is enough.
    let key = [
        ("access_key", draft.access_key.as_ref().is_none_or(Option::is_some)),
        ("secret_key", draft.secret_key.as_ref().is_none_or(Option::is_some)),
    ];
    let user = [
        ("domain", draft.domain.as_ref().is_none_or(Option::is_some)),
        ("user", draft.user.as_ref().is_none_or(Option::is_some)),
        ("password", draft.password.as_ref().is_none_or(Option::is_some)),
    ];
    let begun = |way: &[(&str, bool)]| way.iter().any(|(_, written)| *written);
    let way = match (begun(&key), begun(&user)) {
        (true, true) => {
            let at =
                if draft.domain.as_ref().is_none_or(Option::is_some) { "domain" } else { "user" };
            let expected = "either an access key or a user, not both";
            reader.fault(&join(&draft.path, at), expected, "both", None);
            return;
        }
        (false, true) => &user[..],
        (_, false) => &key[..],
    };
    for (name, _) in way.iter().filter(|(_, written)| !written) {
        let names: Vec<String> = way.iter().map(|(name, _)| format!("`{name}`")).collect();
        let expected = format!("{}, which belong together", names.join(" and "));
        reader.fault(&join(&draft.path, name), &expected, NOTHING, None);
    }
    if way == key && draft.identity_url.as_ref().is_none_or(Option::is_some) {
        let path = join(&draft.path, "identity_url");
        reader.fault(&path, "no identity API with an access key", "one", None);
    }
    if way == user && draft.account.as_ref().is_none_or(Option::is_some) {
        let hint = Some("the user's account is the `domain`".into());
        reader.fault(&join(&draft.path, "account"), "no account with a user", "one", hint);
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::super::{Config, Faults, parse};
    use super::*;

    fn read(options: &str) -> Result<Config, Faults> {
        let text = format!(
            "[server]\nbase_url = \"https://sso.partner.example\"\n\
             [keys]\nmaster_key = {{ env = \"MASTER\" }}\n\
             [[tenant]]\nid = \"acme\"\nname = \"Acme\"\ncloud = \"huawei-cn\"\n\
             sign_in = \"local\"\nportal_url = \"https://shop.partner.example/\"\n\
             [tenant.partner_api]\n{options}"
        );
        let environment = |name: &str| match name {
            "MASTER" => Some("c2VjcmV0LW1hc3Rlci1rZXktb2YtMzItYnl0ZXMhISE=".to_owned()),
            "SK" | "PASSWORD" => Some("hunter2".to_owned()),
            _ => None,
        };
        parse(&text, Path::new("skybridge.toml"), &environment)
    }

    /// Line and option of every fault, with what it says.
    fn faults(options: &str) -> Vec<String> {
        let faults = read(options).expect_err("there are faults");
        faults.faults.iter().map(ToString::to_string).collect()
    }

    const KEY: &str = "access_key = \"AK\"\nsecret_key = { env = \"SK\" }\n";
    const USER: &str = "domain = \"acme\"\nuser = \"sb\"\npassword = { env = \"PASSWORD\" }\n";

    #[test]
    fn a_partner_calls_by_access_key_or_by_user() {
        let config = read(KEY).unwrap();
        let api = config.tenants[0].partner_api.as_ref().unwrap();
        assert!(matches!(api.credentials(), Some(Credentials::AccessKey { .. })));
        assert_eq!(api.requests_per_second.get(), 9);
        assert!(!format!("{config:?}").contains("hunter2"));
        let config = read(USER).unwrap();
        let api = config.tenants[0].partner_api.as_ref().unwrap();
        assert!(matches!(api.credentials(), Some(Credentials::User { .. })));
    }

    #[test]
    fn half_a_way_to_call_is_a_fault_at_what_is_missing() {
        for (options, paths) in [
            ("", &["access_key", "secret_key"][..]),
            ("access_key = \"AK\"\n", &["secret_key"]),
            ("secret_key = { env = \"SK\" }\n", &["access_key"]),
            ("domain = \"acme\"\n", &["user", "password"]),
            ("access_key = \"A K\"\nsecret_key = { env = \"SK\" }\n", &["access_key"]),
            ("access_key = \"AK\"\nsecret_key = { env = \"NOT\" }\n", &["secret_key.env"]),
        ] {
            let faults = faults(options);
            assert_eq!(faults.len(), paths.len(), "{options}: {faults:?}");
            for path in paths {
                let path = format!("tenant[1].partner_api.{path}");
                assert!(faults.iter().any(|fault| fault.contains(&path)), "{path}: {faults:?}");
            }
        }
    }

    #[test]
    fn two_ways_to_call_are_one_too_many() {
        let faults = faults(&format!("{KEY}{USER}"));
        assert_eq!(faults.len(), 1, "{faults:?}");
        assert!(faults[0].starts_with("14:1: tenant[1].partner_api.domain: "), "{faults:?}");
    }

    #[test]
    fn what_belongs_to_the_other_way_is_not_ignored() {
        let identity = faults(&format!("{KEY}identity_url = \"https://iam.example\"\n"));
        assert!(identity[0].contains("identity_url: expected no identity API"), "{identity:?}");
        let account = faults(&format!("{USER}account = \"a1\"\n"));
        assert!(account[0].contains("account: expected no account with a user"), "{account:?}");
    }

    #[test]
    fn links_are_not_compared_all_the_time() {
        let faults = faults(&format!("{KEY}reconcile_every = \"10s\"\n"));
        assert!(faults[0].contains("reconcile_every: expected at least \"60s\""), "{faults:?}");
    }

    #[test]
    fn a_secret_in_the_file_is_refused_and_not_shown() {
        let faults = faults("access_key = \"AK\"\nsecret_key = \"hunter2\"\n");
        assert_eq!(faults.len(), 1, "{faults:?}");
        assert!(!faults[0].contains("hunter2"), "{faults:?}");
    }
}
