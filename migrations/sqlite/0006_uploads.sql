-- The service providers that were registered by upload, with all that they ever were. A version
-- without metadata is a removal.

CREATE TABLE uploads (
    tenant          TEXT    NOT NULL,
    entity_id       TEXT    NOT NULL,
    version         INTEGER NOT NULL CHECK (version >= 1),
    metadata        TEXT,
    profile         TEXT,
    signed_requests TEXT    CHECK (signed_requests IN ('yes', 'no')),
    author          TEXT    NOT NULL,
    uploaded_at     INTEGER NOT NULL,
    PRIMARY KEY (tenant, entity_id, version)
) STRICT;

CREATE TRIGGER uploads_are_not_rewritten BEFORE UPDATE ON uploads
BEGIN SELECT RAISE(ABORT, 'uploads are only ever added to'); END;
CREATE TRIGGER uploads_are_not_deleted BEFORE DELETE ON uploads
BEGIN SELECT RAISE(ABORT, 'uploads are only ever added to'); END;
