-- The ids of the enrollments to take away come in as a JSON array; the counts are kept before the rows go.

-- name: prunable_enrollments
SELECT id FROM enrollments
WHERE
    status <> 'active' AND ended_at < ?
    AND NOT EXISTS (
        SELECT 1 FROM sends WHERE sends.enrollment = enrollments.id AND sends.status IN ('pending', 'sending')
    );

-- name: prunable_decisions
SELECT count(*)
FROM json_each(?) AS wanted CROSS JOIN decisions ON decisions.enrollment = wanted.value;

-- name: prunable_sends
SELECT count(*)
FROM json_each(?) AS wanted CROSS JOIN sends ON sends.enrollment = wanted.value;

-- name: prunable_events
-- The last event stays: the size of the store is read from its id.
SELECT events.id
FROM events
CROSS JOIN names NOT INDEXED ON names.id = events.name
LEFT JOIN gone ON gone.customer = events.customer
LEFT JOIN (
    SELECT enrollments.id >> 20 AS customer, min(enrollments.entered_at) AS since
    FROM enrollments
    WHERE enrollments.status = 'active'
    GROUP BY enrollments.id >> 20
) AS inside ON inside.customer = coalesce(gone.heir, events.customer)
WHERE
    events.at < ?1
    AND events.id < (SELECT max(id) FROM events)
    AND (inside.since IS NULL OR events.at < inside.since)
    AND NOT EXISTS (
        SELECT 1 FROM json_each(?2) AS kept
        WHERE kept.value ->> 0 = names.name AND (kept.value ->> 1 IS NULL OR events.at >= kept.value ->> 1)
    );

-- name: keep_pruned_enrollments
INSERT INTO pruned_enrollments (machine, status, state, reason, test, count)
SELECT enrollments.machine, enrollments.status, enrollments.state, enrollments.reason, enrollments.test, count(*)
FROM json_each(?) AS wanted CROSS JOIN enrollments NOT INDEXED ON enrollments.id = wanted.value
GROUP BY enrollments.machine, enrollments.status, enrollments.state, enrollments.reason, enrollments.test;

-- name: keep_pruned_states
INSERT INTO pruned_states (machine, state, count)
SELECT enrollments.machine, decisions.state, count(DISTINCT decisions.enrollment)
FROM json_each(?) AS wanted
CROSS JOIN enrollments NOT INDEXED ON enrollments.id = wanted.value
CROSS JOIN decisions ON decisions.enrollment = enrollments.id
WHERE enrollments.test = 0
GROUP BY enrollments.machine, decisions.state;

-- name: keep_pruned_sends
INSERT INTO pruned_sends (journey, message, channel, status, reason, test, count)
SELECT sends.journey, sends.message, sends.channel, sends.status, sends.reason, sends.test, count(*)
FROM json_each(?) AS wanted CROSS JOIN sends ON sends.enrollment = wanted.value
GROUP BY sends.journey, sends.message, sends.channel, sends.status, sends.reason, sends.test;

-- name: keep_past_entries
INSERT INTO past_entries (customer, journey, key, entered_at, ended_at, pruned, behind)
SELECT
    enrollments.id >> 20, machines.journey, enrollments.key,
    max(enrollments.entered_at), max(enrollments.ended_at), count(*), max(enrollments.id & 1048575) + 1
FROM json_each(?) AS wanted
CROSS JOIN enrollments NOT INDEXED ON enrollments.id = wanted.value
CROSS JOIN machines NOT INDEXED ON machines.id = enrollments.machine
WHERE NOT EXISTS (SELECT 1 FROM gone WHERE gone.customer = enrollments.id >> 20)
GROUP BY enrollments.id >> 20, machines.journey, enrollments.key
ON CONFLICT (customer, journey, key) DO UPDATE SET
    entered_at = max(entered_at, excluded.entered_at), ended_at = max(ended_at, excluded.ended_at),
    pruned = pruned + excluded.pruned, behind = max(behind, excluded.behind);

-- name: drop_sends
DELETE FROM sends WHERE enrollment IN (SELECT value FROM json_each(?));

-- name: drop_decisions
DELETE FROM decisions WHERE enrollment IN (SELECT value FROM json_each(?));

-- name: drop_enrollments
DELETE FROM enrollments WHERE id IN (SELECT value FROM json_each(?));

-- name: drop_events
DELETE FROM events WHERE id IN (SELECT value FROM json_each(?));
