-- What must survive about customers' links with cloud accounts. Times are microseconds since 1970;
-- what the columns mean stands at the types of the same names in src/store/account.rs. Ids sort by
-- their bytes, as everywhere else.

CREATE TABLE accounts (
    tenant            TEXT COLLATE "C" NOT NULL,
    user_id           TEXT COLLATE "C" NOT NULL,
    account_id        TEXT COLLATE "C" NOT NULL,
    suspended_at      BIGINT,
    state             TEXT   NOT NULL CHECK (state IN
        ('none', 'first-login', 'creating', 'linked', 'unlinking', 'unlinked', 'conflict')),
    since             BIGINT NOT NULL,
    cloud_domain_id   TEXT COLLATE "C",
    cloud_domain_name TEXT,
    cloud_user_id     TEXT,
    cloud_user_name   TEXT,
    former            TEXT   NOT NULL,
    intent            TEXT,
    version           BIGINT NOT NULL CHECK (version >= 1),
    PRIMARY KEY (tenant, user_id),
    CHECK ((cloud_domain_id IS NULL) = (cloud_domain_name IS NULL))
);

-- An account_id is never given to anybody else.
CREATE UNIQUE INDEX accounts_account_id ON accounts (tenant, account_id);
-- A cloud account belongs to one customer at a time.
CREATE UNIQUE INDEX accounts_cloud ON accounts (tenant, cloud_domain_id)
    WHERE state IN ('linked', 'unlinking');
CREATE INDEX accounts_standing ON accounts (tenant, state, since);

CREATE FUNCTION skybridge_refuse() RETURNS trigger LANGUAGE plpgsql AS
$$ BEGIN RAISE EXCEPTION '%', TG_NAME USING ERRCODE = 'integrity_constraint_violation'; END $$;

CREATE TRIGGER accounts_stay BEFORE DELETE ON accounts
    FOR EACH ROW EXECUTE FUNCTION skybridge_refuse();
CREATE TRIGGER accounts_keep_their_id BEFORE UPDATE ON accounts FOR EACH ROW
    WHEN (NEW.tenant <> OLD.tenant OR NEW.user_id <> OLD.user_id OR NEW.account_id <> OLD.account_id)
    EXECUTE FUNCTION skybridge_refuse();

CREATE TABLE intents (
    id              TEXT COLLATE "C" NOT NULL PRIMARY KEY,
    tenant          TEXT COLLATE "C" NOT NULL,
    user_id         TEXT COLLATE "C" NOT NULL,
    idempotency_key TEXT COLLATE "C",
    asked           TEXT   NOT NULL,
    plan            TEXT   NOT NULL,
    step            TEXT   NOT NULL CHECK (step IN
        ('planned', 'asking', 'created', 'done', 'failed')),
    attempts        BIGINT NOT NULL,
    next_at         BIGINT NOT NULL,
    outcome         TEXT,
    created_at      BIGINT NOT NULL,
    version         BIGINT NOT NULL CHECK (version >= 1),
    leased_until    BIGINT NOT NULL DEFAULT 0
);

CREATE UNIQUE INDEX intents_idempotency_key ON intents (tenant, idempotency_key)
    WHERE idempotency_key IS NOT NULL;
CREATE INDEX intents_due ON intents (next_at) WHERE step NOT IN ('done', 'failed');

CREATE TABLE messages (
    id           TEXT COLLATE "C" NOT NULL PRIMARY KEY,
    tenant       TEXT COLLATE "C" NOT NULL,
    kind         TEXT   NOT NULL,
    body         TEXT   NOT NULL,
    created_at   BIGINT NOT NULL,
    state        TEXT   NOT NULL CHECK (state IN ('waiting', 'delivered', 'dead')),
    attempts     BIGINT NOT NULL,
    next_at      BIGINT NOT NULL,
    problem      TEXT,
    leased_until BIGINT NOT NULL DEFAULT 0
);

CREATE INDEX messages_due ON messages (next_at) WHERE state = 'waiting';
CREATE INDEX messages_in_state ON messages (tenant, state, created_at);

CREATE TABLE history (
    number   BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    tenant   TEXT COLLATE "C" NOT NULL,
    user_id  TEXT COLLATE "C" NOT NULL,
    at       BIGINT NOT NULL,
    event    TEXT   NOT NULL,
    was      TEXT   NOT NULL,
    became   TEXT   NOT NULL,
    evidence TEXT   NOT NULL,
    refused  TEXT
);

CREATE INDEX history_of ON history (tenant, user_id, number);

CREATE TRIGGER history_is_not_rewritten BEFORE UPDATE OR DELETE OR TRUNCATE ON history
    FOR EACH STATEMENT EXECUTE FUNCTION skybridge_refuse();
