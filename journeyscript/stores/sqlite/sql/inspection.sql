-- What should never be found, and what is late. These walk tables; they are asked by an operator, not by a run.

-- name: inspect_balance
-- Each version's enrollments by status, and those that left a trace of their way in, which are counted on their own.
SELECT
    enrollments.machine,
    count(*),
    sum(enrollments.status IN ('active', 'completed', 'exited', 'failed')),
    sum(
        enrollments.status <> 'failed'
        AND NOT EXISTS (SELECT 1 FROM decisions WHERE decisions.enrollment = enrollments.id)
    ),
    sum(enrollments.status = 'active' AND enrollments.ended_at IS NOT NULL),
    sum(enrollments.status <> 'active' AND (enrollments.ended_at IS NULL OR enrollments.due_at IS NOT NULL))
FROM enrollments
GROUP BY enrollments.machine;

-- name: inspect_missing
-- A customer's enrollments are numbered without a gap: what is not there was pruned, or is lost.
SELECT count(*), coalesce(sum(behind - there), 0), min(customer)
FROM (
    SELECT customer, max(behind) AS behind, sum(there) AS there
    FROM (
        SELECT id >> 20 AS customer, max(id & 1048575) + 1 AS behind, count(*) AS there
        FROM enrollments
        WHERE (id >> 20) NOT IN (SELECT gone.customer FROM gone)
        GROUP BY id >> 20
        UNION ALL
        SELECT customer, max(behind), sum(pruned) FROM past_entries GROUP BY customer
    )
    GROUP BY customer
)
WHERE behind <> there;

-- name: inspect_without_timer
SELECT count(*), min(id) FROM enrollments WHERE status = 'active' AND due_at IS NULL;

-- name: inspect_overdue
SELECT count(*), min(due_at)
FROM enrollments INDEXED BY enrollments_due
WHERE status = 'active' AND due_at IS NOT NULL AND frozen = 0 AND due_at < ?;

-- name: inspect_sending
SELECT count(*), min(available_at) FROM sends INDEXED BY sends_sending
WHERE status = 'sending' AND available_at < ?;

-- name: inspect_pending
SELECT count(*), min(available_at) FROM sends INDEXED BY sends_pending
WHERE
    status = 'pending' AND available_at < ?
    AND journey NOT IN (SELECT controls.journey FROM controls WHERE controls.paused_at IS NOT NULL);

-- name: inspect_occupied
SELECT machine, state, count(*) FROM enrollments WHERE status = 'active' GROUP BY machine, state;

-- name: inspect_rejected
SELECT count(*), (SELECT reason FROM rejected ORDER BY id DESC LIMIT 1)
FROM rejected
WHERE received_at >= ?;

-- name: inspect_latest
SELECT max(at)
FROM (
    SELECT max(deployed_at) AS at FROM machines
    UNION ALL
    SELECT received_at FROM events WHERE id = (SELECT max(id) FROM events)
    UNION ALL
    SELECT max(since) FROM enrollments
    UNION ALL
    SELECT max(created_at) FROM sends
);
