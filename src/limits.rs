//! Leaf: every limit has a name, a unit and a reason here. Nothing elsewhere invents a number.

use std::time::Duration;

/// Longest raw query string of a SAML endpoint, bytes (B-03). Browsers and proxies stop near 8 to
/// 16 KiB.
pub const QUERY_BYTES: usize = 16 * 1024;
/// Largest request body of any endpoint but uploads, bytes (B-03).
pub const BODY_BYTES: usize = 256 * 1024;
/// Largest metadata document that is read, bytes (contract §5: the cloud takes 2 MB as well).
pub const METADATA_BYTES: usize = 2 * 1024 * 1024;
/// Most octets that inflating or decoding one message may give (B-04). The cloud's requests are
/// under 1 KiB.
pub const INFLATED_BYTES: usize = 128 * 1024;
/// Deepest element nesting (B-05). SAML messages need about ten.
pub const XML_DEPTH: usize = 32;
/// Most nodes of one message: elements, texts; and most attributes of all of them (B-05). Real
/// messages have fewer than a hundred; reading this many costs less than 1 MiB.
pub const XML_NODES: usize = 2_000;
/// Most nodes of one metadata document: a federation file of 2 MiB stays below.
pub const METADATA_NODES: usize = 100_000;
/// Most faults of one metadata document that are told, errors and others each.
pub const FINDINGS: usize = 100;
/// Most attributes of one element, namespace declarations included (B-05, C-51).
pub const XML_ATTRIBUTES: usize = 64;
/// Most namespace declarations in scope of one element (B-05, C-51).
pub const XML_NAMESPACES: usize = 32;
/// Longest namespace name, bytes: canonical forms repeat it, and comparing long ones costs time
/// (B-05, C-51).
pub const XML_NAMESPACE_BYTES: usize = 1024;
/// Longest element, attribute or prefix name, bytes (B-05).
pub const XML_NAME_BYTES: usize = 256;
/// Longest `RelayState` that is echoed, bytes. SAML says 80 (Bindings 3.4.3); real service
/// providers send more.
pub const RELAY_STATE_BYTES: usize = 2 * 1024;
/// The time in which journeys of one address are counted together.
pub const JOURNEY_WINDOW: Duration = Duration::from_mins(10);
/// Longest `RelayState` that is sent unasked, bytes (Bindings 3.4.3).
pub const SENT_RELAY_STATE_BYTES: usize = 80;
/// Most `RelayState`s that an uploaded service provider may list.
pub const RELAY_STATES: usize = 32;
/// Longest entityID of our own that any service provider must take, characters (SDP-G04).
pub const OWN_ENTITY_ID_CHARS: usize = 256;
/// Longest entityID, characters (Core 8.3.6).
pub const ENTITY_ID_CHARS: usize = 1024;
/// Longest name identifier, characters (saml-core-2.0-os §8.3.7).
pub const NAME_ID_CHARS: usize = 256;
/// Longest message ID that is accepted, characters. The cloud's have 37.
pub const MESSAGE_ID_CHARS: usize = 256;
/// Most sessions that one `LogoutRequest` may name.
pub const SESSION_INDEXES: usize = 64;
/// Longest URL that we keep or send, bytes.
pub const URL_BYTES: usize = 2 * 1024;
/// Smallest RSA modulus that is trusted or generated, bits.
pub const RSA_MIN_BITS: usize = 2048;
/// Largest RSA modulus that is trusted, bits: verification time grows with it.
pub const RSA_MAX_BITS: usize = 8192;
/// Most signing keys of one service provider that are tried for one message.
pub const SP_SIGNING_KEYS: usize = 8;
/// Most encrypted copies of one key in an `EncryptedID`, one for each recipient: each may cost an
/// operation of each of our private keys.
pub const ENCRYPTED_KEYS: usize = 2;
/// Most of our own keys that are tried on one of them (A-092 asks for two).
pub const DECRYPTION_KEYS: usize = 4;
/// Longest text of an `EncryptedID`, bytes: a `NameID` with two qualifiers of full length.
pub const ENCRYPTED_ID_BYTES: usize = 8 * 1024;
/// Longest value of a customer's attribute, characters.
pub const ATTRIBUTE_CHARS: usize = 256;
/// Most attributes of its own names that a partner may give of one customer.
pub const GIVEN_ATTRIBUTES: usize = 16;
/// Longest name of such an attribute, bytes.
pub const GIVEN_NAME_BYTES: usize = 64;
/// Most values of one attribute.
pub const GIVEN_VALUES: usize = 64;
/// Most that all of these take together, names and values, bytes: they stand in signed tickets.
pub const GIVEN_BYTES: usize = 2 * 1024;
/// Longest partner user id and `xAccountId`, characters (contract §4.3).
pub const ACCOUNT_ID_CHARS: usize = 128;
/// Longest ticket, bytes: an RS256 JWT with all claims is under 2 KiB.
pub const TICKET_BYTES: usize = 4 * 1024;
/// Longest life of a partner's ticket (design §6).
pub const TICKET_LIFE: Duration = Duration::from_mins(1);
/// Longest password that is hashed, bytes: argon2 reads all of it.
pub const PASSWORD_BYTES: usize = 1024;
/// How long a journey waits for the browser to come back from a sign-in page.
pub const PENDING_LIFE: Duration = Duration::from_mins(15);
/// How long a posted request waits for its browser, which was redirected and follows at once.
pub const ARRIVED_LIFE: Duration = Duration::from_mins(2);
/// How long a `LogoutRequest` of ours holds.
pub const LOGOUT_REQUEST_LIFE: Duration = Duration::from_mins(5);
/// Most service providers that one logout calls directly, at the same time.
pub const LOGOUT_CALLS: usize = 32;
/// How long a service provider may take to answer such a call: a person waits.
pub const LOGOUT_CALL: Duration = Duration::from_secs(5);
/// How long a service provider that was told of a logout may take to send the browser back. After
/// it the browser, when it comes, goes on to the next.
pub const LOGOUT_PATIENCE: Duration = Duration::from_secs(30);
/// How long one call to a store may take before it counts as away (D-04). Time in which our own
/// process stood still is not counted.
pub const STORE_DEADLINE: Duration = Duration::from_millis(250);
/// How long making a connection to a store may take: name, TCP, TLS and greeting, also across
/// regions.
pub const STORE_CONNECT: Duration = Duration::from_secs(2);
/// How long a store that could not be reached is left alone. It is asked for again well within the
/// 10 s of D-01.
pub const STORE_REDIAL: Duration = Duration::from_millis(250);
/// How long one of several servers (Sentinels, nodes of a cluster) may take to say who serves what:
/// name, TCP, TLS, greeting and answer. Shorter than [`STORE_CONNECT`], of which it is a part.
pub const STORE_CENSUS: Duration = Duration::from_millis(500);
/// How often the Sentinels are asked, while the store is in use, whether the primary that we are
/// connected to is still theirs. One that was replaced unnoticed is used for at most twice that.
pub const STORE_LOOK: Duration = Duration::from_secs(1);
/// How long a replica may take to have a write that a failover must not undo. The connection waits
/// meanwhile. Well below [`STORE_DEADLINE`], because servers look at the time ten times a second.
pub const STORE_COPY: Duration = Duration::from_millis(100);
/// How long a primary whose replicas have all left is not believed: perhaps they follow another one
/// by now, which takes up to three times [`STORE_LOOK`] to be seen.
pub const STORE_DESERTED: Duration = Duration::from_secs(3);
/// How many times one command follows a node of a cluster that says another node serves its key.
pub const STORE_REDIRECTS: usize = 3;
/// Most commands that wait to be written to the store's connection. Later ones wait outside, within
/// their deadline.
pub const STORE_QUEUE: usize = 512;
/// How long one call to the SQL store may take, waiting for a connection included (D-04). A commit
/// waits for a disk, and on `SQLite` for the writers before it.
pub const SQL_DEADLINE: Duration = Duration::from_secs(2);
/// How long `SQLite` waits for another process's write before it gives up: well within the
/// deadline.
pub const SQL_BUSY: Duration = Duration::from_secs(1);
/// How long opening the SQL store may take: migrations, and waiting for another node's.
pub const SQL_OPENING: Duration = Duration::from_mins(1);
/// How long opening pauses before it asks a busy `SQLite` file again.
pub const SQL_RETRY: Duration = Duration::from_millis(20);
/// Most connections of one node to `PostgreSQL`. Servers allow 100 by default, for all nodes.
pub const SQL_CONNECTIONS: usize = 16;
/// Most connections that read from an `SQLite` file. One more writes.
pub const SQL_READERS: usize = 4;
/// How long after its last use a connection to the SQL store is used again without asking whether
/// it is alive. Who is unlucky gets an error, and the next one a new connection.
pub const SQL_TRUST: Duration = Duration::from_secs(1);
/// How long a connection may take to say that it is alive.
pub const SQL_ALIVE: Duration = Duration::from_millis(250);
/// How long a connection to the SQL store is kept that nobody needs.
pub const SQL_IDLE: Duration = Duration::from_mins(10);
/// How long one connection is used at most: after a failover they move to where they belong.
pub const SQL_CONNECTION_LIFE: Duration = Duration::from_mins(30);
/// Most entries of the embedded in-memory store. It refuses when full; it never forgets early.
pub const MEMORY_ENTRIES: usize = 1_000_000;
/// Largest head of a request, bytes: request line and all headers. Above it: 431.
pub const HEAD_BYTES: usize = 64 * 1024;
/// How long a client may take to send the head of a request, and to shake hands over TLS: against
/// trickling (CWE-400).
pub const HEAD_WAIT: Duration = Duration::from_secs(10);
/// How long a connection may idle between requests: longer than the 60 s of common load balancers,
/// so that they and not we close it, and no request is lost in between.
pub const IDLE_WAIT: Duration = Duration::from_secs(75);
/// How long a client may take none of an answer's bytes.
pub const WRITE_WAIT: Duration = Duration::from_secs(30);
/// The time in which attempts to sign in are counted together, and how long who made too many has
/// to wait.
pub const SIGN_IN_WINDOW: Duration = Duration::from_mins(15);
/// Fewest characters of a new password (NIST SP 800-63B §3.1.1.2).
pub const PASSWORD_CHARS: usize = 8;
/// Most memory that a stored password hash may ask for, KiB: one hash in a file must not exhaust
/// the machine.
pub const PASSWORD_MEMORY_KIB: u32 = 256 * 1024;
/// Most passes that a stored password hash may ask for, for the same reason.
pub const PASSWORD_PASSES: u32 = 16;
/// Largest file that holds a secret, bytes: a key or a password has far fewer.
pub const SECRET_FILE_BYTES: u64 = 64 * 1024;
/// Oldest `AuthnRequest` that configuration can allow: the memory of used ids must last as long.
pub const REQUEST_AGE: Duration = Duration::from_hours(1);
/// Largest difference of clocks that configuration can allow: it lengthens the life of every
/// message.
pub const CLOCK_SKEW: Duration = Duration::from_mins(10);
/// Shortest session that configuration can ask for, and shortest pause between two fetches of
/// metadata.
pub const SHORTEST_PERIOD: Duration = Duration::from_mins(1);
/// How often TLS files are compared with the copy in use.
pub const TLS_POLL: Duration = Duration::from_secs(30);
/// Most bytes of log lines that wait for a slow reader. Further lines are dropped and counted
/// (D-18).
pub const LOG_QUEUE_BYTES: usize = 4 * 1024 * 1024;
/// Most hops of `X-Forwarded-For` that are looked at. Real chains have two or three.
pub const FORWARDED_HOPS: usize = 16;
/// How long one check of readiness may take, and for how long its answer is given again.
pub const READINESS: Duration = Duration::from_secs(1);
/// How long the cloud may take to show a new account in its list: association is asynchronous there
/// (contract §1.5). A list that lacks the account earlier says nothing.
pub const ASSOCIATION_WAIT: time::Duration = time::Duration::minutes(10);
/// How long a first login that nothing was heard of counts as under way.
pub const FIRST_LOGIN_LIFE: time::Duration = time::Duration::days(1);
/// How long after its beginning a call to a cloud's API may still be tried again: its caller waits,
/// perhaps with a browser behind it.
pub const API_BEGIN: Duration = Duration::from_secs(30);
/// How long one attempt may take, connection included. Creating an account takes seconds.
pub const API_ANSWER: Duration = Duration::from_secs(15);
/// Most attempts of one call (D-07).
pub const API_ATTEMPTS: u32 = 4;
/// Longest wait that a cloud's `Retry-After` can ask for (D-07).
pub const API_RETRY_AFTER: Duration = Duration::from_mins(1);
/// Largest answer of a cloud's API, bytes: a page of 100 customers has about 60 KB, a token's roles
/// up to 100.
pub const API_ANSWER_BYTES: usize = 1024 * 1024;
/// How long a node whose turn it is to compare links with the cloud's list may be silent before
/// another takes over.
pub const RECONCILE_LEASE: Duration = Duration::from_mins(1);
/// How often a node looks whether a tenant's links are to be compared.
pub const RECONCILE_POLL: Duration = Duration::from_secs(20);
/// Most tenants whose links one node compares at one time.
pub const RECONCILE_AT_ONCE: usize = 4;
/// From when on a comparison takes unusually long: at nine pages of a hundred customers a second,
/// half a million customers are read by then.
pub const RECONCILE_LONG: Duration = Duration::from_mins(10);
/// When links are compared again while some are unresolved: what one list leaves in doubt, the next
/// decides, and it must be younger than the cloud's delay ([`ASSOCIATION_WAIT`]).
pub const RECONCILE_SOON: Duration = Duration::from_mins(11);
/// When a comparison that failed is tried again.
pub const RECONCILE_RETRY: Duration = Duration::from_mins(5);
/// How long a link may be unresolved before the next comparison is brought forward: a first login
/// takes its time.
pub const RECONCILE_GRACE: time::Duration = time::Duration::minutes(2);
/// Most customers that are read from the ledger at once.
pub const LEDGER_PAGE: usize = 500;
/// As many links may be missing on the cloud's list without being too many to be believed.
pub const LOSSES: u64 = 10;
/// Above [`LOSSES`], one link in so many may be missing: a list that lacks more is rather another
/// partner's, or broken.
pub const LOSSES_ONE_IN: u64 = 5;
/// How long a link notification waits for the cloud's list to confirm it: a browser waits, too.
pub const CONFIRM: Duration = Duration::from_secs(6);
/// How long after one look at the list the next follows, while a notification waits.
pub const CONFIRM_PAUSE: Duration = Duration::from_secs(1);
/// How far the clocks of our own nodes may be apart for shared budgets to hold.
pub const CLOCK_DRIFT: Duration = Duration::from_secs(10);
/// Most pages of the cloud's list of customers that one reading takes: a million customers. A list
/// without end must not be read for ever.
pub const LIST_PAGES: u64 = 10_000;
/// How far the cloud's clock may be from ours, where its list is asked for customers since some
/// time.
pub const CLOUD_CLOCK: time::Duration = time::Duration::hours(1);
/// How long one node alone works on an intent: a call with all its attempts, and reading the list
/// of a large partner. After a crash others wait this long.
pub const INTENT_LEASE: time::Duration = time::Duration::minutes(2);
/// How long reading the list for one intent may take: it ends before the lease does.
pub const INTENT_LOOK: Duration = Duration::from_secs(90);
/// How long the page that opens an account waits for the account. After it the person waits on
/// another page.
pub const OPENING_PATIENCE: Duration = Duration::from_secs(6);
/// How long a code is good that the cloud sent (contract §7.5).
pub const CODE_LIFE: Duration = Duration::from_mins(10);
/// Within this time nobody is sent another code to the same contact.
pub const CODE_PAUSE: Duration = Duration::from_mins(1);
/// The time in which the codes that are sent are counted.
pub const CODE_WINDOW: Duration = Duration::from_hours(1);
/// Longest pause before an intent is gone on with. It is never given up without an answer.
pub const INTENT_PAUSE: Duration = Duration::from_mins(10);
/// Most intents that one node works on at one time: they mostly wait for the cloud.
pub const INTENTS_AT_ONCE: usize = 16;
/// How long a mark is kept beyond what it speaks of: a clock that steps back by as much brings
/// nothing to life again (D-14).
pub const MARK_SPARE: Duration = Duration::from_hours(24);
/// How often a node forgets marks whose time is over, on average.
pub const MARK_SWEEP: Duration = Duration::from_mins(10);
/// Most marks that are forgotten in one transaction, which holds up other writers.
pub const MARKS_AT_ONCE: usize = 500;
/// How often a node looks for service providers that were uploaded at another one.
pub const UPLOAD_POLL: Duration = Duration::from_secs(10);
/// Metadata is not fetched more often than this, whatever its `cacheDuration` says.
pub const METADATA_SOONEST: Duration = Duration::from_mins(1);
/// How often a node looks for intents that others left, on average.
pub const INTENT_POLL: Duration = Duration::from_secs(2);
