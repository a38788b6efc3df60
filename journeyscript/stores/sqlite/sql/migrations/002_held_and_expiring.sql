-- A message that waits for quiet hours to end or for a frequency cap, with what its step gave it.
ALTER TABLE enrollments ADD COLUMN held TEXT;

-- Until when an awaited event counts, where that is before the time at which the timer fires.
ALTER TABLE enrollments ADD COLUMN deadline INTEGER;

-- When a message is too old to be sent. Messages from before this column keep their time.
ALTER TABLE sends ADD COLUMN expires_at INTEGER;
