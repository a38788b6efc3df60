-- Names a customer went by before: whoever comes by one of them is the customer it leads to.
CREATE TABLE aliases (
    external_id TEXT PRIMARY KEY,
    customer INTEGER NOT NULL REFERENCES customers (number)
) STRICT, WITHOUT ROWID;

CREATE INDEX aliases_customer ON aliases (customer);

-- Customers who were erased, or merged into another one. Their rows stay, empty, so that no number is given twice.
CREATE TABLE gone (
    customer INTEGER PRIMARY KEY REFERENCES customers (number),
    heir INTEGER REFERENCES customers (number),
    at INTEGER NOT NULL
) STRICT;

CREATE INDEX gone_heir ON gone (heir) WHERE heir IS NOT NULL;

-- What stays of a customer's pruned enrollments, so that nobody enters twice and no enrollment's id is given twice:
-- the latest entry and end, how many they were, and the number behind the last of them.
CREATE TABLE past_entries (
    customer INTEGER NOT NULL REFERENCES customers (number),
    journey TEXT NOT NULL,
    key TEXT NOT NULL,
    entered_at INTEGER NOT NULL,
    ended_at INTEGER NOT NULL,
    pruned INTEGER NOT NULL,
    behind INTEGER NOT NULL,
    PRIMARY KEY (customer, journey, key)
) STRICT, WITHOUT ROWID;

-- What stays of pruned enrollments and sends in the counts; each pruning adds its rows.
CREATE TABLE pruned_enrollments (
    machine INTEGER NOT NULL REFERENCES machines (id),
    status TEXT NOT NULL,
    state TEXT NOT NULL,
    reason TEXT,
    count INTEGER NOT NULL
) STRICT;

CREATE TABLE pruned_states (
    machine INTEGER NOT NULL REFERENCES machines (id),
    state TEXT NOT NULL,
    count INTEGER NOT NULL
) STRICT;

CREATE TABLE pruned_sends (
    journey TEXT NOT NULL,
    message TEXT NOT NULL,
    channel TEXT NOT NULL,
    status TEXT NOT NULL,
    reason TEXT,
    count INTEGER NOT NULL
) STRICT;
