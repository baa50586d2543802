//! Room demo (layer 6): who is in the play. The passwords are no secrets: they are printed, and
//! open a session with a simulated cloud on this machine.

use super::{BRAVO, DIRECT, TENANT};

/// Somebody in the play.
#[derive(Clone, Copy, Debug)]
pub struct Person {
    /// The tenant that they belong to.
    pub tenant: &'static str,
    /// What they sign in as.
    pub login: &'static str,
    /// What pages call them, in Chinese and English.
    pub names: (&'static str, &'static str),
    /// The partner's id of them, and the cloud's.
    pub user_id: &'static str,
    /// The name that is sent to the cloud.
    pub account_name: &'static str,
    /// The mobile number that is sent to the cloud.
    pub mobile: &'static str,
    /// The e-mail address that is sent to the cloud.
    pub email: &'static str,
    /// Whether they have a cloud account.
    pub linked: bool,
    /// The password of a local user.
    pub password: &'static str,
}

/// Who signs in at the partner's site.
pub const CUSTOMERS: [Person; 3] = [
    Person {
        tenant: TENANT,
        login: "alice",
        names: ("爱丽丝", "Alice"),
        user_id: "cust-1001",
        account_name: "alice_acme",
        mobile: "0086-13800001001",
        email: "alice@acme.example",
        linked: true,
        password: "",
    },
    Person {
        tenant: TENANT,
        login: "bob",
        names: ("鲍勃", "Bob"),
        user_id: "cust-1002",
        account_name: "bob_acme",
        mobile: "0086-13800001002",
        email: "bob@acme.example",
        linked: false,
        password: "",
    },
    Person {
        tenant: DIRECT,
        login: "erin",
        names: ("艾琳", "Erin"),
        user_id: "cust-3001",
        account_name: "erin_acme",
        mobile: "0086-13800003001",
        email: "erin@acme.example",
        linked: false,
        password: "",
    },
];

/// Who signs in at the gateway.
pub const LOCAL_USERS: [Person; 2] = [
    Person {
        tenant: BRAVO,
        login: "carol",
        names: ("卡罗尔", "Carol"),
        user_id: "cust-2001",
        account_name: "carol_bravo",
        mobile: "0086-13800002001",
        email: "carol@bravo.example",
        linked: true,
        password: "carol-crosses-the-bridge",
    },
    Person {
        tenant: BRAVO,
        login: "dave",
        names: ("戴夫", "Dave"),
        user_id: "cust-2002",
        account_name: "dave_bravo",
        mobile: "0086-13800002002",
        email: "dave@bravo.example",
        linked: false,
        password: "dave-crosses-the-bridge",
    },
];
