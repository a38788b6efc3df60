-- What an operator has ordered of a journey: that it stands still, lets nobody in, leaves out what it should have sent.
CREATE TABLE controls (
    journey TEXT PRIMARY KEY,
    paused_at INTEGER,
    stopped_at INTEGER,
    stale_before INTEGER
) STRICT, WITHOUT ROWID;

-- Who is inside of a paused journey is not due, however many they are: they are taken out of the index of what is.
ALTER TABLE enrollments ADD COLUMN frozen INTEGER NOT NULL DEFAULT 0;

DROP INDEX enrollments_due;

CREATE INDEX enrollments_due ON enrollments (due_at)
WHERE status = 'active' AND due_at IS NOT NULL AND frozen = 0;
