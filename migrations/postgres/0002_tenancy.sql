-- What the nodes share about tenants: what was last applied of the configuration, the metadata of
-- their service providers with all that it ever was, and their sealed keys.

CREATE TABLE tenants (
    tenant     TEXT COLLATE "C" NOT NULL PRIMARY KEY,
    digest     TEXT   NOT NULL,
    applied_at BIGINT NOT NULL
);

CREATE TABLE registrations (
    tenant        TEXT COLLATE "C" NOT NULL,
    entity_id     TEXT COLLATE "C" NOT NULL,
    version       BIGINT NOT NULL CHECK (version >= 1),
    metadata      TEXT   NOT NULL,
    digest        TEXT   NOT NULL,
    source        TEXT   NOT NULL,
    registered_at BIGINT NOT NULL,
    PRIMARY KEY (tenant, entity_id, version)
);

CREATE TRIGGER registrations_are_not_rewritten BEFORE UPDATE OR DELETE OR TRUNCATE ON registrations
    FOR EACH STATEMENT EXECUTE FUNCTION skybridge_refuse();

-- The keys as JSON, each private half sealed; retired ones have none.
CREATE TABLE key_sets (
    tenant  TEXT COLLATE "C" NOT NULL PRIMARY KEY,
    version BIGINT NOT NULL CHECK (version >= 1),
    keys    TEXT   NOT NULL
);
