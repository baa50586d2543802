//! Limits of the simulated cloud, each with its unit and its reason. Apart room `fakecloud`. What
//! both sides of the wire share stands in `crate::limits`; here is what only the simulator's memory
//! needs.

use time::Duration;

/// Most logins that wait for an answer. At 1 KiB each this is 20 MiB, far above what a test drives
/// at once.
pub(crate) const OUTSTANDING: usize = 20_000;
/// How long a login waits for its answer: as long as a gateway lets people sign in, and some
/// minutes.
pub(crate) const OUTSTANDING_LIFE: Duration = Duration::minutes(20);
/// Most console sessions at once.
pub(crate) const SESSIONS: usize = 20_000;
/// How long a console session lives, unless the Assertion's `SessionNotOnOrAfter` ends it earlier.
pub(crate) const SESSION_LIFE: Duration = Duration::hours(1);
/// Most provisioned platforms: five thousand partners are the product's aim, twice that is room
/// enough.
pub(crate) const PLATFORMS: usize = 10_000;
/// Most pre-bound accounts that one platform lists.
pub(crate) const ACCOUNTS: usize = 100_000;
/// Most accounts of the whole cloud: one long list and room beside it. At half a KiB each this is
/// 60 MiB.
pub(crate) const REGISTER: usize = 120_000;
/// Most first logins under way. At 4 KiB each, for the assertion, this is 80 MiB.
pub(crate) const NEWCOMERS: usize = 20_000;
/// How long a first login may take: a person fills in a form.
pub(crate) const NEWCOMER_LIFE: Duration = Duration::minutes(20);
/// How many accounts a person may register with one mobile number. The live number is not public.
pub(crate) const ACCOUNTS_A_MOBILE: usize = 5;
/// How many notifications are remembered, to be sent again: more than a crash test makes in a
/// round.
pub(crate) const NOTIFICATIONS: usize = 1_000;
/// Most accounts for which the knobs give a reason against binding.
pub(crate) const BIND_REFUSALS: usize = 1_000;
/// Longest part of a partner's credentials, characters.
pub(crate) const CREDENTIAL_CHARS: usize = 128;
/// Most tokens that are alive at once: callers keep one for a day.
pub(crate) const TOKENS: usize = 20_000;
/// Most verification codes that are alive at once.
pub(crate) const CODES: usize = 20_000;
/// Most calls of one API by one partner in any one second (contract §7.1).
pub(crate) const CALLS_A_SECOND: usize = 10;
/// Longest time between creating an account and its association, milliseconds: one day.
pub(crate) const ASSOCIATION_MS: u64 = 86_400_000;
/// How many exchanges `GET /api/last` remembers. A check of the whole journey makes a handful.
pub(crate) const EXCHANGES: usize = 64;
/// Most outside time difference that is forgiven in either direction (contract §4.5).
pub(crate) const SKEW: Duration = Duration::minutes(5);
/// Most rules of a fault script.
pub(crate) const RULES: usize = 64;
/// Longest delay that the `delay_ms` knob or a fault gives: a browser gives up before.
pub(crate) const DELAY_MS: u64 = 60_000;
/// Largest form that the provisioning page sends: percent-encoding makes up to three octets of one.
pub(crate) const PROVISION_BYTES: usize = 3 * crate::limits::METADATA_BYTES + 64 * 1024;
/// Longest `xAccountType`, characters (contract §2).
pub(crate) const ACCOUNT_TYPE_CHARS: usize = 64;
/// Longest `bpId`, characters (contract §4.3).
pub(crate) const PARTNER_CHARS: usize = 64;
/// Longest `email` attribute, characters (contract §4.3).
pub(crate) const EMAIL_CHARS: usize = 64;
