-- name: memberships
SELECT memberships.customer, memberships.segment, memberships.inside, memberships.at, memberships.look_at
FROM json_each(?) AS wanted
CROSS JOIN memberships ON memberships.customer = wanted.value
ORDER BY memberships.customer, memberships.segment;

-- name: keep_membership
INSERT INTO memberships (customer, segment, inside, at, look_at) VALUES (?, ?, ?, ?, ?)
ON CONFLICT (customer, segment) DO UPDATE SET
    inside = excluded.inside, at = excluded.at, look_at = excluded.look_at;

-- name: forget_membership
DELETE FROM memberships WHERE customer = ? AND segment = ?;

-- name: forget_memberships
DELETE FROM memberships WHERE customer = ?;

-- name: forget_segment
DELETE FROM memberships WHERE segment = ?;

-- name: due_memberships
SELECT look_at, (customer << 20) + 1048575
FROM memberships INDEXED BY memberships_due
WHERE look_at IS NOT NULL AND look_at <= ?
ORDER BY look_at, customer;

-- name: next_due_membership
SELECT look_at
FROM memberships INDEXED BY memberships_due
WHERE look_at IS NOT NULL
ORDER BY look_at
LIMIT 1;

-- name: numbers
SELECT number
FROM customers NOT INDEXED
WHERE number > ? AND number NOT IN (SELECT customer FROM gone)
ORDER BY number
LIMIT ?;
