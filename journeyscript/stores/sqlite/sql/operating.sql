-- What operators ask for. These walk tables; the hot path does not come here.

-- name: find_sends
SELECT
    enrollment, customer, visit, key, journey, step, message, kind, channel, address, content, locale, data,
    status, reason, detail, provider_id, attempts, created_at, available_at, settled_at, expires_at
FROM sends
WHERE (?1 IS NULL OR status = ?1) AND (?2 IS NULL OR journey = ?2) AND (?3 IS NULL OR channel = ?3)
ORDER BY created_at DESC, enrollment DESC, visit DESC
LIMIT ?4;

-- name: requeue
UPDATE sends SET
    status = 'pending', reason = NULL, detail = NULL, attempts = 0, available_at = ?3, settled_at = NULL,
    expires_at = NULL
WHERE enrollment = ?1 AND visit = ?2 AND status = 'failed';

