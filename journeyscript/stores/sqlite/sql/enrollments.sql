-- name: enrollments
SELECT
    enrollments.id, enrollments.machine, enrollments.key, enrollments.status, enrollments.state, enrollments.visit,
    enrollments.entered_at, enrollments.since, enrollments.due_at, enrollments.entry, enrollments.laps,
    enrollments.goal_at, enrollments.ended_at, enrollments.reason, enrollments.held,
    enrollments.deadline, enrollments.until, enrollments.test
FROM json_each(?) AS wanted
CROSS JOIN enrollments NOT INDEXED
    ON enrollments.id BETWEEN wanted.value << 20 AND (wanted.value << 20) + 1048575
ORDER BY enrollments.id;

-- name: active_counts
SELECT machine, count(*) FROM enrollments WHERE status = 'active' AND test = 0 GROUP BY machine;

-- name: active_among
SELECT enrollments.id, enrollments.machine
FROM json_each(?) AS wanted
CROSS JOIN enrollments NOT INDEXED ON enrollments.id = wanted.value
WHERE enrollments.status = 'active' AND enrollments.test = 0;

-- name: keep_enrollment
-- Only a journey's pause and resumption change whether a row that is there is frozen.
INSERT INTO enrollments (
    id, machine, key, status, state, visit, entered_at, since, due_at, entry, laps, goal_at, ended_at, reason, held,
    deadline, until, test, frozen
)
VALUES (
    ?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16, ?17, ?18,
    EXISTS (
        SELECT 1
        FROM controls CROSS JOIN machines ON machines.journey = controls.journey
        WHERE controls.paused_at IS NOT NULL AND machines.id = ?2
    )
)
ON CONFLICT (id) DO UPDATE SET
    machine = excluded.machine, key = excluded.key, status = excluded.status, state = excluded.state,
    visit = excluded.visit, entered_at = excluded.entered_at, since = excluded.since, due_at = excluded.due_at,
    entry = excluded.entry, laps = excluded.laps, goal_at = excluded.goal_at, ended_at = excluded.ended_at,
    reason = excluded.reason, held = excluded.held, deadline = excluded.deadline, until = excluded.until,
    test = excluded.test;

-- name: due
SELECT due_at, id
FROM enrollments INDEXED BY enrollments_due
WHERE status = 'active' AND due_at IS NOT NULL AND frozen = 0 AND due_at <= ?
ORDER BY due_at, id;

-- name: next_due
SELECT due_at
FROM enrollments INDEXED BY enrollments_due
WHERE status = 'active' AND due_at IS NOT NULL AND frozen = 0
ORDER BY due_at
LIMIT 1;

-- name: keep_decision
-- A batch may add to a visit at the very instant of an earlier batch's decision: two events of one millisecond.
INSERT INTO decisions (enrollment, visit, at, line, state, rule, vals)
VALUES (
    ?1, ?2, ?3,
    (SELECT count(*) FROM decisions WHERE enrollment = ?1 AND visit = ?2 AND at = ?3),
    ?4, ?5, ?6
);

-- name: decisions_of_customer
SELECT enrollment, visit, at, state, rule, vals
FROM decisions
WHERE enrollment BETWEEN ?1 << 20 AND (?1 << 20) + 1048575
ORDER BY at, enrollment, visit, line;

-- name: journey_counts
SELECT machine, status, state, reason, sum(count)
FROM (
    SELECT machine, status, state, reason, count(*) AS count
    FROM enrollments
    WHERE test = 0
    GROUP BY machine, status, state, reason
    UNION ALL
    SELECT machine, status, state, reason, count FROM pruned_enrollments WHERE test = 0
)
GROUP BY machine, status, state, reason;

-- name: test_journey_counts
SELECT machine, status, state, reason, sum(count)
FROM (
    SELECT machine, status, state, reason, count(*) AS count
    FROM enrollments INDEXED BY enrollments_test
    WHERE test = 1
    GROUP BY machine, status, state, reason
    UNION ALL
    SELECT machine, status, state, reason, count FROM pruned_enrollments WHERE test = 1
)
GROUP BY machine, status, state, reason;

-- name: reached
-- Whoever came to a state has a decision there; it counts for the version that they are in now.
SELECT machine, state, sum(count)
FROM (
    SELECT enrollments.machine, decisions.state, count(DISTINCT decisions.enrollment) AS count
    FROM decisions
    CROSS JOIN enrollments NOT INDEXED ON enrollments.id = decisions.enrollment
    WHERE enrollments.machine IN (SELECT value FROM json_each(?1)) AND enrollments.test = 0
    GROUP BY enrollments.machine, decisions.state
    UNION ALL
    SELECT machine, state, count FROM pruned_states WHERE machine IN (SELECT value FROM json_each(?1))
)
GROUP BY machine, state;

-- name: totals
SELECT
    (SELECT count(*) FROM customers) - (SELECT count(*) FROM gone),
    (SELECT coalesce(max(id), 0) FROM events),
    (SELECT coalesce(max(id), 0) FROM rejected),
    (
        SELECT count(*)
        FROM enrollments INDEXED BY enrollments_due
        WHERE status = 'active' AND due_at IS NOT NULL AND frozen = 0 AND due_at <= ?
    );
