-- Persistent name identifiers: what one service provider knows a customer by. Never changed, never
-- deleted: an identifier is never given to anybody else (saml-core-2.0-os section 8.3.7).

CREATE TABLE name_ids (
    tenant     TEXT    NOT NULL,
    sp         TEXT    NOT NULL,
    user_id    TEXT    NOT NULL,
    value      TEXT    NOT NULL,
    created_at INTEGER NOT NULL,
    PRIMARY KEY (tenant, sp, user_id)
) STRICT, WITHOUT ROWID;

CREATE UNIQUE INDEX name_ids_value ON name_ids (tenant, sp, value);

CREATE TRIGGER name_ids_are_not_changed BEFORE UPDATE ON name_ids
BEGIN SELECT RAISE(ABORT, 'name identifiers never change'); END;
CREATE TRIGGER name_ids_are_not_deleted BEFORE DELETE ON name_ids
BEGIN SELECT RAISE(ABORT, 'name identifiers are never deleted'); END;
