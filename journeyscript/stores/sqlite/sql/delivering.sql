-- name: next_lane
-- Two statements, as a comparison of pairs would walk all that wait on the channel.
SELECT channel, journey, available_at
FROM sends INDEXED BY sends_pending
WHERE status = 'pending' AND channel = ? AND journey > ?
ORDER BY channel, journey, available_at
LIMIT 1;

-- name: next_channel
SELECT channel, journey, available_at
FROM sends INDEXED BY sends_pending
WHERE status = 'pending' AND channel > ?
ORDER BY channel, journey, available_at
LIMIT 1;

-- name: pending
SELECT
    enrollment, customer, visit, key, journey, step, message, kind, channel, address, content, locale, data,
    status, reason, detail, provider_id, attempts, created_at, available_at, settled_at, expires_at, test
FROM sends INDEXED BY sends_pending
WHERE status = 'pending' AND channel = ? AND journey = ? AND available_at <= ?
ORDER BY available_at, enrollment, visit;

-- name: put_off
-- Asked once, at the start, of a channel that has a rate.
SELECT
    enrollment, customer, visit, key, journey, step, message, kind, channel, address, content, locale, data,
    status, reason, detail, provider_id, attempts, created_at, available_at, settled_at, expires_at, test
FROM sends INDEXED BY sends_pending
WHERE status = 'pending' AND channel = ? AND attempts > 0
ORDER BY enrollment, visit;

-- name: handed_over
-- What was never rendered never went out. Asked once, at the start, of a channel that has a rate.
SELECT settled_at
FROM sends
WHERE channel = ? AND status IN ('sent', 'failed') AND attempts > 0 AND reason IS NOT 'render' AND settled_at IS NOT NULL
ORDER BY settled_at DESC
LIMIT ?;

-- name: permissions
SELECT customers.number, customers.consent, customers.suppressed, customers.attributes
FROM json_each(?) AS wanted
CROSS JOIN customers ON customers.number = wanted.value;

-- name: left
-- The last decision of an enrollment says how it ended.
SELECT enrollments.id
FROM json_each(?) AS wanted
CROSS JOIN enrollments ON enrollments.id = wanted.value
WHERE enrollments.status = 'exited' AND (
    SELECT decisions.rule IN ('goal', 'stopped') OR decisions.rule GLOB 'exit *'
    FROM decisions
    WHERE decisions.enrollment = enrollments.id
    ORDER BY decisions.visit DESC, decisions.at DESC, decisions.line DESC
    LIMIT 1
);

-- name: received
SELECT sends.enrollment, sends.message
FROM json_each(?) AS wanted
CROSS JOIN sends NOT INDEXED
    ON sends.enrollment BETWEEN wanted.value << 20 AND (wanted.value << 20) + 1048575
WHERE sends.status IN ('pending', 'sending', 'sent');
