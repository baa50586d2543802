-- What the nodes share about tenants: what was last applied of the configuration, the metadata of
-- their service providers with all that it ever was, and their sealed keys.

CREATE TABLE tenants (
    tenant     TEXT    NOT NULL PRIMARY KEY,
    digest     TEXT    NOT NULL,
    applied_at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE registrations (
    tenant        TEXT    NOT NULL,
    entity_id     TEXT    NOT NULL,
    version       INTEGER NOT NULL CHECK (version >= 1),
    metadata      TEXT    NOT NULL,
    digest        TEXT    NOT NULL,
    source        TEXT    NOT NULL,
    registered_at INTEGER NOT NULL,
    PRIMARY KEY (tenant, entity_id, version)
) STRICT;

CREATE TRIGGER registrations_are_not_rewritten BEFORE UPDATE ON registrations
BEGIN SELECT RAISE(ABORT, 'registrations are only ever added to'); END;
CREATE TRIGGER registrations_are_not_deleted BEFORE DELETE ON registrations
BEGIN SELECT RAISE(ABORT, 'registrations are only ever added to'); END;

-- The keys as JSON, each private half sealed; retired ones have none.
CREATE TABLE key_sets (
    tenant  TEXT    NOT NULL PRIMARY KEY,
    version INTEGER NOT NULL CHECK (version >= 1),
    keys    TEXT    NOT NULL
) STRICT, WITHOUT ROWID;
