-- Entries that were asked for and refused, and events whose time lay ahead; a journey's name is empty for these.
CREATE TABLE refusals (
    id INTEGER PRIMARY KEY,
    customer INTEGER NOT NULL REFERENCES customers (number),
    at INTEGER NOT NULL,
    event TEXT NOT NULL,
    journey TEXT NOT NULL,
    reason TEXT NOT NULL,
    detail TEXT NOT NULL
) STRICT;

CREATE INDEX refusals_customer ON refusals (customer);
