-- name: has_aliases
SELECT EXISTS (SELECT 1 FROM aliases);

-- name: survivor
SELECT
    customers.number, customers.external_id, customers.attributes, customers.consent, customers.suppressed, customers.taken
FROM aliases CROSS JOIN customers NOT INDEXED ON customers.number = aliases.customer
WHERE aliases.external_id = ?;

-- name: keep_alias
INSERT INTO aliases (external_id, customer) VALUES (?, ?);

-- name: aliases_of
SELECT external_id FROM aliases INDEXED BY aliases_customer WHERE customer = ? ORDER BY external_id;

-- name: lead_aliases
UPDATE aliases SET customer = ?1 WHERE customer = ?2;

-- name: forget_aliases
DELETE FROM aliases WHERE customer = ?;

-- name: rename_customer
UPDATE customers SET external_id = ?1 WHERE number = ?2;

-- name: empty_customer
UPDATE customers SET external_id = ?1, attributes = '{}', consent = NULL, suppressed = NULL, taken = NULL
WHERE number = ?2;

-- name: keep_gone
INSERT INTO gone (customer, heir, at) VALUES (?, ?, ?);

-- name: inherit
UPDATE gone SET heir = ?1 WHERE heir = ?2;

-- name: heirs_of
SELECT customer FROM gone INDEXED BY gone_heir WHERE heir = ?;

-- name: move_enrollment
UPDATE enrollments SET id = ?1 WHERE id = ?2;

-- name: move_decisions
UPDATE decisions SET enrollment = ?1 WHERE enrollment = ?2;

-- name: move_sends
UPDATE sends SET enrollment = ?1, customer = ?3 WHERE enrollment = ?2;

-- name: move_refusals
UPDATE refusals INDEXED BY refusals_customer SET customer = ?1 WHERE customer = ?2;

-- name: forget_refusals
UPDATE refusals INDEXED BY refusals_customer SET detail = '' WHERE customer = ?;

-- name: cancel_sends
UPDATE sends SET status = 'skipped', reason = 'cancelled', detail = ?1, settled_at = ?2
WHERE enrollment = ?3 AND status = 'pending';

-- name: move_history
-- What no version looks at stays where it is, and is moved when one does: finding it would walk all events.
UPDATE events INDEXED BY events_history SET customer = ?1 WHERE customer = ?2 AND needed = 1;

-- name: move_history_of_gone
UPDATE events SET customer = (SELECT gone.heir FROM gone WHERE gone.customer = events.customer)
WHERE needed = 1 AND customer IN (SELECT gone.customer FROM gone WHERE gone.heir IS NOT NULL);

-- name: move_past_entries
INSERT INTO past_entries (customer, journey, key, entered_at, ended_at, pruned, behind)
SELECT ?1, journey, key, entered_at, ended_at, 0, 0 FROM past_entries WHERE customer = ?2
ON CONFLICT (customer, journey, key) DO UPDATE SET
    entered_at = max(entered_at, excluded.entered_at), ended_at = max(ended_at, excluded.ended_at);

-- name: forget_past_entries
DELETE FROM past_entries WHERE customer = ?;

-- name: forget_events
UPDATE events SET properties = NULL, source_id = NULL, needed = 0
WHERE customer IN (SELECT value FROM json_each(?));

-- name: forget_decisions
UPDATE decisions SET vals = NULL
WHERE enrollment BETWEEN ?1 << 20 AND (?1 << 20) + 1048575 AND vals IS NOT NULL;

-- name: keep_forgotten_send
UPDATE sends SET
    address = ?, locale = ?, data = ?, status = ?, reason = ?, detail = ?, provider_id = ?, settled_at = ?
WHERE enrollment = ? AND visit = ?;

-- name: all_rejected
SELECT id, source, position, received_at, reason, raw FROM rejected;

-- name: forget_rejected
UPDATE rejected SET reason = ?1, raw = '' WHERE id = ?2;

-- name: events_of
SELECT customer, name, at, received_at, source, source_id, properties, needed
FROM events
WHERE customer IN (SELECT value FROM json_each(?))
ORDER BY at, id;

-- name: happened
SELECT events.id, coalesce(gone.heir, events.customer), name, events.at, received_at, source, source_id, properties, needed
FROM events
LEFT JOIN gone ON gone.customer = events.customer
WHERE events.id > ?
ORDER BY events.id
LIMIT ?;

-- name: has_past_entries
SELECT EXISTS (SELECT 1 FROM past_entries);

-- name: past_entries
SELECT past_entries.customer, past_entries.journey, past_entries.key, past_entries.entered_at,
    past_entries.ended_at, past_entries.behind
FROM json_each(?) AS wanted
CROSS JOIN past_entries ON past_entries.customer = wanted.value;
