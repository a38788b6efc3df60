-- What operators ask for. These walk tables; the hot path does not come here.

-- name: find_sends
SELECT
    enrollment, customer, visit, key, journey, step, message, kind, channel, address, content, locale, data,
    status, reason, detail, provider_id, attempts, created_at, available_at, settled_at, expires_at, test
FROM sends
WHERE (?1 IS NULL OR status = ?1) AND (?2 IS NULL OR journey = ?2) AND (?3 IS NULL OR channel = ?3)
ORDER BY created_at DESC, enrollment DESC, visit DESC
LIMIT ?4;

-- name: happened_to
SELECT coalesce(gone.heir, events.customer), name, events.at, received_at, source, source_id, properties, needed
FROM events
LEFT JOIN gone ON gone.customer = events.customer
WHERE coalesce(gone.heir, events.customer) IN (SELECT value FROM json_each(?))
ORDER BY events.at, events.id;

-- name: passages
SELECT id FROM enrollments NOT INDEXED
WHERE
    machine IN (SELECT machines.id FROM machines WHERE machines.journey = ?1)
    AND test = 0
    AND (status = 'active' OR ended_at >= ?2)
    AND NOT EXISTS (SELECT 1 FROM gone WHERE gone.customer = enrollments.id >> 20)
ORDER BY id;

-- name: pruned_of
SELECT coalesce(sum(count), 0) FROM pruned_enrollments
WHERE test = 0 AND machine IN (SELECT machines.id FROM machines WHERE machines.journey = ?);

-- name: requeue
UPDATE sends SET
    status = 'pending', reason = NULL, detail = NULL, attempts = 0, available_at = ?3, settled_at = NULL,
    expires_at = NULL
WHERE enrollment = ?1 AND visit = ?2 AND status = 'failed';

