-- name: has_suppressions
SELECT EXISTS (SELECT 1 FROM suppressions);

-- name: count_suppressions
SELECT count(*) FROM suppressions;

-- name: suppressions_among
SELECT suppressions.digest
FROM json_each(?) AS wanted
CROSS JOIN suppressions ON suppressions.digest = wanted.value;

-- name: keep_suppression
INSERT INTO suppressions (digest) VALUES (?) ON CONFLICT DO NOTHING;

-- name: forget_suppression
DELETE FROM suppressions WHERE digest = ?;

-- name: customers_suppressed
SELECT number, suppressed FROM customers WHERE suppressed IS NOT NULL;
