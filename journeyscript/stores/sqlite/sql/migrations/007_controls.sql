-- What an operator has ordered of a journey: that it stands still, lets nobody in, leaves out what it should have sent.
CREATE TABLE controls (
    journey TEXT PRIMARY KEY,
    paused_at INTEGER,
    stopped_at INTEGER,
    stale_before INTEGER
) STRICT, WITHOUT ROWID;

-- Who is inside of a paused journey is not due, and its messages do not go out, however many they are: they are taken
-- out of the indexes that are asked what to do next.
ALTER TABLE enrollments ADD COLUMN frozen INTEGER NOT NULL DEFAULT 0;

ALTER TABLE sends ADD COLUMN frozen INTEGER NOT NULL DEFAULT 0;

DROP INDEX enrollments_due;

CREATE INDEX enrollments_due ON enrollments (due_at)
WHERE status = 'active' AND due_at IS NOT NULL AND frozen = 0;

DROP INDEX sends_pending;

CREATE INDEX sends_pending ON sends (available_at) WHERE status = 'pending' AND frozen = 0;
