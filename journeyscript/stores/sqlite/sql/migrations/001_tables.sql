-- "JRNS": how a store tells itself from any other SQLite database.
PRAGMA application_id = 1246907987;

CREATE TABLE settings (
    name TEXT PRIMARY KEY,
    value TEXT NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE positions (
    source TEXT PRIMARY KEY,
    position TEXT NOT NULL
) STRICT, WITHOUT ROWID;

-- Names of events and of sources, so that rows and indexes hold small integers.
CREATE TABLE names (
    id INTEGER PRIMARY KEY,
    name TEXT NOT NULL UNIQUE,
    needed INTEGER NOT NULL DEFAULT 0
) STRICT;

CREATE TABLE contents (
    digest TEXT PRIMARY KEY,
    document TEXT NOT NULL
) STRICT;

CREATE TABLE machines (
    id INTEGER PRIMARY KEY,
    version TEXT NOT NULL UNIQUE,
    journey TEXT NOT NULL,
    document TEXT NOT NULL,
    about TEXT NOT NULL,
    contents TEXT NOT NULL,
    current INTEGER NOT NULL,
    deployed_at INTEGER NOT NULL
) STRICT;

CREATE TABLE customers (
    number INTEGER PRIMARY KEY,
    external_id TEXT NOT NULL,
    attributes TEXT NOT NULL,
    consent TEXT,
    suppressed TEXT
) STRICT;

CREATE UNIQUE INDEX customers_external_id ON customers (external_id);

CREATE TABLE events (
    id INTEGER PRIMARY KEY,
    customer INTEGER NOT NULL REFERENCES customers (number),
    name INTEGER NOT NULL REFERENCES names (id),
    at INTEGER NOT NULL,
    received_at INTEGER NOT NULL,
    source INTEGER NOT NULL REFERENCES names (id),
    source_id TEXT,
    properties TEXT,
    needed INTEGER NOT NULL
) STRICT;

CREATE UNIQUE INDEX events_source_id ON events (source, source_id) WHERE source_id IS NOT NULL;

CREATE INDEX events_history ON events (customer, name, at) WHERE needed = 1;

-- The id is the customer's number times 2^20 plus the number within the customer: one customer's enrollments lie
-- side by side, and need no index to be found.
CREATE TABLE enrollments (
    id INTEGER PRIMARY KEY,
    machine INTEGER NOT NULL REFERENCES machines (id),
    key TEXT NOT NULL,
    status TEXT NOT NULL,
    state TEXT NOT NULL,
    visit INTEGER NOT NULL,
    entered_at INTEGER NOT NULL,
    since INTEGER NOT NULL,
    due_at INTEGER,
    entry TEXT NOT NULL,
    laps TEXT,
    goal_at INTEGER,
    ended_at INTEGER,
    reason TEXT
) STRICT;

CREATE INDEX enrollments_due ON enrollments (due_at) WHERE status = 'active' AND due_at IS NOT NULL;

-- A goal reached is decided in the visit it happens in, beside the decision that led there: hence `at` and `line`.
CREATE TABLE decisions (
    enrollment INTEGER NOT NULL REFERENCES enrollments (id),
    visit INTEGER NOT NULL,
    at INTEGER NOT NULL,
    line INTEGER NOT NULL,
    state TEXT NOT NULL,
    rule TEXT NOT NULL,
    vals TEXT,
    PRIMARY KEY (enrollment, visit, at, line)
) STRICT, WITHOUT ROWID;

CREATE TABLE sends (
    enrollment INTEGER NOT NULL REFERENCES enrollments (id),
    customer INTEGER NOT NULL REFERENCES customers (number),
    visit INTEGER NOT NULL,
    key TEXT NOT NULL,
    journey TEXT NOT NULL,
    step TEXT NOT NULL,
    message TEXT NOT NULL,
    kind TEXT NOT NULL,
    channel TEXT NOT NULL,
    address TEXT NOT NULL,
    content TEXT NOT NULL,
    locale TEXT NOT NULL,
    data TEXT NOT NULL,
    status TEXT NOT NULL,
    reason TEXT,
    detail TEXT,
    provider_id TEXT,
    attempts INTEGER NOT NULL,
    created_at INTEGER NOT NULL,
    available_at INTEGER NOT NULL,
    settled_at INTEGER,
    PRIMARY KEY (enrollment, visit)
) STRICT, WITHOUT ROWID;

CREATE INDEX sends_pending ON sends (available_at) WHERE status = 'pending';

CREATE INDEX sends_sending ON sends (available_at) WHERE status = 'sending';

CREATE TABLE rejected (
    id INTEGER PRIMARY KEY,
    source TEXT NOT NULL,
    position TEXT NOT NULL,
    received_at INTEGER NOT NULL,
    reason TEXT NOT NULL,
    raw TEXT NOT NULL
) STRICT;
