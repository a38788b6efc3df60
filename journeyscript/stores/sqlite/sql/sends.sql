-- The columns stand in the order of the fields of `KeptSend`.

-- name: keep_send
INSERT INTO sends (
    enrollment, customer, visit, key, journey, step, message, kind, channel, address, content, locale, data,
    status, reason, detail, provider_id, attempts, created_at, available_at, settled_at, expires_at, test
)
VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?);

-- name: claim
UPDATE sends SET status = 'sending', attempts = attempts + 1
WHERE enrollment = ? AND visit = ?;

-- name: unsettled
SELECT
    enrollment, customer, visit, key, journey, step, message, kind, channel, address, content, locale, data,
    status, reason, detail, provider_id, attempts, created_at, available_at, settled_at, expires_at, test
FROM sends INDEXED BY sends_sending
WHERE status = 'sending'
ORDER BY available_at, enrollment, visit;

-- name: settle
UPDATE sends SET
    status = ?3, reason = ?4, detail = ?5, provider_id = ?6, settled_at = ?7,
    available_at = coalesce(?8, available_at), attempts = attempts - ?9
WHERE enrollment = ?1 AND visit = ?2 AND status IN ('pending', 'sending');

-- name: sends
SELECT
    enrollment, customer, visit, key, journey, step, message, kind, channel, address, content, locale, data,
    status, reason, detail, provider_id, attempts, created_at, available_at, settled_at, expires_at, test
FROM sends
WHERE (enrollment, visit) > (?, ?)
ORDER BY enrollment, visit
LIMIT ?;

-- name: sends_of_customer
SELECT
    enrollment, customer, visit, key, journey, step, message, kind, channel, address, content, locale, data,
    status, reason, detail, provider_id, attempts, created_at, available_at, settled_at, expires_at, test
FROM sends
WHERE enrollment BETWEEN ?1 << 20 AND (?1 << 20) + 1048575
ORDER BY created_at, enrollment, visit;

-- name: send_counts
SELECT journey, message, channel, status, reason, sum(count)
FROM (
    SELECT journey, message, channel, status, reason, count(*) AS count
    FROM sends
    WHERE test = 0
    GROUP BY journey, message, channel, status, reason
    UNION ALL
    SELECT journey, message, channel, status, reason, count FROM pruned_sends WHERE test = 0
)
GROUP BY journey, message, channel, status, reason
ORDER BY journey, message, channel, status, reason;

-- name: test_send_counts
SELECT journey, message, channel, status, reason, sum(count)
FROM (
    SELECT journey, message, channel, status, reason, count(*) AS count
    FROM sends INDEXED BY sends_test
    WHERE test = 1
    GROUP BY journey, message, channel, status, reason
    UNION ALL
    SELECT journey, message, channel, status, reason, count FROM pruned_sends WHERE test = 1
)
GROUP BY journey, message, channel, status, reason
ORDER BY journey, message, channel, status, reason;

-- name: recent_sends
-- What counts against the frequency caps: sent, or on its way, which counts as of ?3 where that is later.
SELECT sends.enrollment >> 20, sends.channel, coalesce(sends.settled_at, max(sends.available_at, ?3))
FROM json_each(?1) AS wanted
CROSS JOIN sends NOT INDEXED
    ON sends.enrollment BETWEEN wanted.value << 20 AND (wanted.value << 20) + 1048575
WHERE
    sends.kind = 'marketing' AND sends.status IN ('pending', 'sending', 'sent')
    AND coalesce(sends.settled_at, max(sends.available_at, ?3)) > ?2
ORDER BY sends.enrollment, sends.visit;
