-- The service providers that were registered by upload, with all that they ever were. A version
-- without metadata is a removal.

CREATE TABLE uploads (
    tenant          TEXT COLLATE "C" NOT NULL,
    entity_id       TEXT COLLATE "C" NOT NULL,
    version         BIGINT NOT NULL CHECK (version >= 1),
    metadata        TEXT,
    profile         TEXT,
    signed_requests TEXT   CHECK (signed_requests IN ('yes', 'no')),
    author          TEXT   NOT NULL,
    uploaded_at     BIGINT NOT NULL,
    PRIMARY KEY (tenant, entity_id, version)
);

CREATE TRIGGER uploads_are_not_rewritten BEFORE UPDATE OR DELETE OR TRUNCATE ON uploads
    FOR EACH STATEMENT EXECUTE FUNCTION skybridge_refuse();
