-- Persistent name identifiers: what one service provider knows a customer by. Never changed, never
-- deleted: an identifier is never given to anybody else (saml-core-2.0-os section 8.3.7).

CREATE TABLE name_ids (
    tenant     TEXT COLLATE "C" NOT NULL,
    sp         TEXT COLLATE "C" NOT NULL,
    user_id    TEXT COLLATE "C" NOT NULL,
    value      TEXT COLLATE "C" NOT NULL,
    created_at BIGINT NOT NULL,
    PRIMARY KEY (tenant, sp, user_id)
);

CREATE UNIQUE INDEX name_ids_value ON name_ids (tenant, sp, value);

CREATE TRIGGER name_ids_are_not_changed BEFORE UPDATE OR DELETE OR TRUNCATE ON name_ids
    FOR EACH STATEMENT EXECUTE FUNCTION skybridge_refuse();
