-- What an operator orders of a journey. These walk enrollments or sends once; ticks do not come here.

-- name: controls
SELECT journey, paused_at, stopped_at, stale_before FROM controls ORDER BY journey;

-- name: paused
SELECT journey FROM controls WHERE paused_at IS NOT NULL;

-- name: control
SELECT journey, paused_at, stopped_at, stale_before FROM controls WHERE journey = ?;

-- name: keep_control
INSERT INTO controls (journey, paused_at, stopped_at, stale_before) VALUES (?, ?, ?, ?)
ON CONFLICT (journey) DO UPDATE SET
    paused_at = excluded.paused_at, stopped_at = excluded.stopped_at, stale_before = excluded.stale_before;

-- name: forget_control
DELETE FROM controls WHERE journey = ?;

-- name: freeze_enrollments
UPDATE enrollments SET frozen = 1
WHERE status = 'active' AND machine IN (SELECT id FROM machines WHERE journey = ?);

-- name: recompute_enrollments
-- What was left to wait at the pause, or at a later arrival, is left at the resumption; timers are due at whole seconds.
-- A look at conditions stays when it was, what it comes before (`until`) is moved.
-- A message that is held gets no older by the pause.
UPDATE enrollments SET
    due_at = CASE WHEN until IS NULL THEN due_at + (max(0, ?2 - max(?3, since)) + 999) / 1000 * 1000 ELSE due_at END,
    until = until + (max(0, ?2 - max(?3, since)) + 999) / 1000 * 1000,
    deadline = deadline + (max(0, ?2 - max(?3, since)) + 999) / 1000 * 1000,
    since = CASE WHEN held IS NULL THEN since ELSE since + max(0, ?2 - max(?3, since)) END
WHERE frozen = 1 AND status = 'active' AND machine IN (SELECT id FROM machines WHERE journey = ?1);

-- name: recompute_sends
UPDATE sends SET expires_at = expires_at + max(0, ?2 - max(?3, created_at))
WHERE status IN ('pending', 'sending') AND journey = ?1;

-- name: skip_sends
UPDATE sends SET status = 'skipped', reason = 'stale', settled_at = ?2
WHERE status = 'pending' AND journey = ?1;

-- name: release_enrollments
-- Whoever waits for the resumption alone goes on at once.
UPDATE enrollments SET
    frozen = 0,
    due_at = CASE json_extract(held, '$.reason') WHEN 'paused' THEN min(due_at, (?2 + 999) / 1000 * 1000) ELSE due_at END,
    until = CASE json_extract(held, '$.reason') WHEN 'paused' THEN NULL ELSE until END
WHERE frozen = 1 AND machine IN (SELECT id FROM machines WHERE journey = ?1);

-- name: inside
SELECT enrollments.id >> 20
FROM enrollments NOT INDEXED
WHERE
    enrollments.id >= (?2 + 1) << 20
    AND enrollments.status = 'active'
    AND enrollments.machine IN (SELECT machines.id FROM machines WHERE machines.journey = ?1)
ORDER BY enrollments.id;
