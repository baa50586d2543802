-- What happened once and must not be undone or repeated, whatever else forgets it: sessions that
-- ended, tickets that were used. A mark may go when its time is over.

CREATE TABLE marks (
    tenant TEXT COLLATE "C" NOT NULL,
    kind   TEXT COLLATE "C" NOT NULL,
    id     TEXT COLLATE "C" NOT NULL,
    until  BIGINT NOT NULL,
    PRIMARY KEY (tenant, kind, id)
);

CREATE INDEX marks_over ON marks (until);

ALTER TABLE accounts ADD COLUMN admitted_at BIGINT;
