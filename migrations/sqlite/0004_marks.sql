-- What happened once and must not be undone or repeated, whatever else forgets it: sessions that
-- ended, tickets that were used. A mark may go when its time is over.

CREATE TABLE marks (
    tenant TEXT    NOT NULL,
    kind   TEXT    NOT NULL,
    id     TEXT    NOT NULL,
    until  INTEGER NOT NULL,
    PRIMARY KEY (tenant, kind, id)
) STRICT, WITHOUT ROWID;

CREATE INDEX marks_over ON marks (until);

ALTER TABLE accounts ADD COLUMN admitted_at INTEGER;
