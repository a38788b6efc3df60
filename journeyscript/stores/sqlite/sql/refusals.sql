-- The columns stand in the order of the fields of `Refusal`.

-- name: keep_refusal
INSERT INTO refusals (customer, at, event, journey, reason, detail, test) VALUES (?, ?, ?, ?, ?, ?, ?);

-- name: refusals_of_customer
SELECT customer, at, event, journey, reason, detail, test
FROM refusals INDEXED BY refusals_customer
WHERE customer = ?
ORDER BY id;

-- name: refusal_counts
SELECT journey, reason, count(*) FROM refusals WHERE test = 0 GROUP BY journey, reason ORDER BY journey, reason;
