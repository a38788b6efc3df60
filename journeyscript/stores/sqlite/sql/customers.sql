-- Lists of keys come in as JSON arrays. CROSS JOIN and INDEXED BY fix the order of the loops: without statistics
-- SQLite would rather walk the whole table.

-- name: customers_by_external_id
SELECT
    customers.number, customers.external_id, customers.attributes, customers.consent, customers.suppressed, customers.taken
FROM json_each(?) AS wanted
CROSS JOIN customers INDEXED BY customers_external_id ON customers.external_id = wanted.value;

-- name: customer_by_external_id
SELECT number, external_id, attributes, consent, suppressed, taken
FROM customers INDEXED BY customers_external_id
WHERE external_id = ?;

-- name: customers_by_number
SELECT
    customers.number, customers.external_id, customers.attributes, customers.consent, customers.suppressed, customers.taken
FROM json_each(?) AS wanted
CROSS JOIN customers NOT INDEXED ON customers.number = wanted.value;

-- name: last_customer
SELECT coalesce(max(number), 0) FROM customers;

-- name: keep_customer
INSERT INTO customers (number, external_id, attributes, consent, suppressed, taken)
VALUES (?, ?, ?, ?, ?, ?)
ON CONFLICT (number) DO UPDATE SET
    attributes = excluded.attributes, consent = excluded.consent, suppressed = excluded.suppressed,
    taken = excluded.taken;

-- name: suppress
UPDATE customers SET suppressed = ? WHERE number = ?;
