-- name: retire
UPDATE machines SET current = 0 WHERE current = 1;

-- name: keep_machine
INSERT INTO machines (version, journey, document, about, contents, current, deployed_at)
VALUES (?, ?, ?, ?, ?, 1, ?)
ON CONFLICT (version) DO UPDATE SET
    about = excluded.about, contents = excluded.contents, current = 1, deployed_at = excluded.deployed_at;

-- name: keep_content
INSERT INTO contents (digest, document) VALUES (?, ?) ON CONFLICT (digest) DO NOTHING;

-- name: machines
SELECT version, document, about, contents, current FROM machines ORDER BY id;

-- name: versions
SELECT id, version, journey FROM machines;

-- name: contents
SELECT digest, document FROM contents;

-- name: settings
SELECT name, value FROM settings;

-- name: keep_setting
INSERT INTO settings (name, value) VALUES (?, ?)
ON CONFLICT (name) DO UPDATE SET value = excluded.value;
