-- When the time of a state is up, where the timer fires before that to look again at conditions.
ALTER TABLE enrollments ADD COLUMN until INTEGER;

-- Who is in a segment that a journey is entered by, as last looked at. Who is outside for good has no row.
CREATE TABLE memberships (
    customer INTEGER NOT NULL REFERENCES customers (number),
    segment TEXT NOT NULL,
    inside INTEGER NOT NULL,
    at INTEGER NOT NULL,
    look_at INTEGER,
    PRIMARY KEY (customer, segment)
) STRICT, WITHOUT ROWID;

CREATE INDEX memberships_due ON memberships (look_at) WHERE look_at IS NOT NULL;
