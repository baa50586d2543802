-- What must survive about customers' links with cloud accounts. Times are microseconds since 1970;
-- what the columns mean stands at the types of the same names in src/store/account.rs.

CREATE TABLE accounts (
    tenant            TEXT    NOT NULL,
    user_id           TEXT    NOT NULL,
    account_id        TEXT    NOT NULL,
    suspended_at      INTEGER,
    state             TEXT    NOT NULL CHECK (state IN
        ('none', 'first-login', 'creating', 'linked', 'unlinking', 'unlinked', 'conflict')),
    since             INTEGER NOT NULL,
    cloud_domain_id   TEXT,
    cloud_domain_name TEXT,
    cloud_user_id     TEXT,
    cloud_user_name   TEXT,
    former            TEXT    NOT NULL,
    intent            TEXT,
    version           INTEGER NOT NULL CHECK (version >= 1),
    PRIMARY KEY (tenant, user_id),
    CHECK ((cloud_domain_id IS NULL) = (cloud_domain_name IS NULL))
) STRICT, WITHOUT ROWID;

-- An account_id is never given to anybody else.
CREATE UNIQUE INDEX accounts_account_id ON accounts (tenant, account_id);
-- A cloud account belongs to one customer at a time.
CREATE UNIQUE INDEX accounts_cloud ON accounts (tenant, cloud_domain_id)
    WHERE state IN ('linked', 'unlinking');
CREATE INDEX accounts_standing ON accounts (tenant, state, since);

CREATE TRIGGER accounts_stay BEFORE DELETE ON accounts
BEGIN SELECT RAISE(ABORT, 'accounts are never deleted'); END;
CREATE TRIGGER accounts_keep_their_id BEFORE UPDATE ON accounts
WHEN NEW.tenant <> OLD.tenant OR NEW.user_id <> OLD.user_id OR NEW.account_id <> OLD.account_id
BEGIN SELECT RAISE(ABORT, 'the ids of an account never change'); END;

CREATE TABLE intents (
    id              TEXT    NOT NULL PRIMARY KEY,
    tenant          TEXT    NOT NULL,
    user_id         TEXT    NOT NULL,
    idempotency_key TEXT,
    asked           TEXT    NOT NULL,
    plan            TEXT    NOT NULL,
    step            TEXT    NOT NULL CHECK (step IN
        ('planned', 'asking', 'created', 'done', 'failed')),
    attempts        INTEGER NOT NULL,
    next_at         INTEGER NOT NULL,
    outcome         TEXT,
    created_at      INTEGER NOT NULL,
    version         INTEGER NOT NULL CHECK (version >= 1),
    leased_until    INTEGER NOT NULL DEFAULT 0
) STRICT, WITHOUT ROWID;

CREATE UNIQUE INDEX intents_idempotency_key ON intents (tenant, idempotency_key)
    WHERE idempotency_key IS NOT NULL;
CREATE INDEX intents_due ON intents (next_at) WHERE step NOT IN ('done', 'failed');

CREATE TABLE messages (
    id           TEXT    NOT NULL PRIMARY KEY,
    tenant       TEXT    NOT NULL,
    kind         TEXT    NOT NULL,
    body         TEXT    NOT NULL,
    created_at   INTEGER NOT NULL,
    state        TEXT    NOT NULL CHECK (state IN ('waiting', 'delivered', 'dead')),
    attempts     INTEGER NOT NULL,
    next_at      INTEGER NOT NULL,
    problem      TEXT,
    leased_until INTEGER NOT NULL DEFAULT 0
) STRICT, WITHOUT ROWID;

CREATE INDEX messages_due ON messages (next_at) WHERE state = 'waiting';
CREATE INDEX messages_in_state ON messages (tenant, state, created_at);

CREATE TABLE history (
    number   INTEGER PRIMARY KEY AUTOINCREMENT,
    tenant   TEXT    NOT NULL,
    user_id  TEXT    NOT NULL,
    at       INTEGER NOT NULL,
    event    TEXT    NOT NULL,
    was      TEXT    NOT NULL,
    became   TEXT    NOT NULL,
    evidence TEXT    NOT NULL,
    refused  TEXT
) STRICT;

CREATE INDEX history_of ON history (tenant, user_id, number);

CREATE TRIGGER history_is_not_rewritten BEFORE UPDATE ON history
BEGIN SELECT RAISE(ABORT, 'history is only ever added to'); END;
CREATE TRIGGER history_is_not_deleted BEFORE DELETE ON history
BEGIN SELECT RAISE(ABORT, 'history is only ever added to'); END;
