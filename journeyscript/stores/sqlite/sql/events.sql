-- name: history
SELECT events.customer, events.name, events.at, events.properties
FROM json_each(?) AS wanted
CROSS JOIN events INDEXED BY events_history ON events.customer = wanted.value
WHERE events.needed = 1
ORDER BY events.at, events.id;

-- name: seen
SELECT wanted.value
FROM json_each(?2) AS wanted
CROSS JOIN events INDEXED BY events_source_id ON events.source = ?1 AND events.source_id = wanted.value;

-- name: seen_one
SELECT source_id FROM events INDEXED BY events_source_id WHERE source = ?1 AND source_id = ?2;

-- name: keep_event
INSERT INTO events (customer, name, at, received_at, source, source_id, properties, needed)
VALUES (?, ?, ?, ?, ?, ?, ?, ?);

-- name: need_events
UPDATE events SET needed = 1
WHERE needed = 0 AND name IN (SELECT value FROM json_each(?));

-- name: names
SELECT id, name, needed FROM names;

-- name: keep_name
INSERT INTO names (id, name) VALUES (?, ?);

-- name: need_name
UPDATE names SET needed = 1 WHERE id = ?;

-- name: reject
INSERT INTO rejected (source, position, received_at, reason, raw) VALUES (?, ?, ?, ?, ?);

-- name: rejected
SELECT source, position, received_at, reason, raw FROM rejected ORDER BY id DESC LIMIT ?;

-- name: positions
SELECT source, position FROM positions;

-- name: keep_position
INSERT INTO positions (source, position) VALUES (?, ?)
ON CONFLICT (source) DO UPDATE SET position = excluded.position;
