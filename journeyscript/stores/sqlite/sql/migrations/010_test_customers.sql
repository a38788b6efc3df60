-- What a test customer entered, was sent or was refused is in no count of people. They are few: each of the two indexes
-- holds their rows alone, so that counting them apart costs no walk.
ALTER TABLE enrollments ADD COLUMN test INTEGER NOT NULL DEFAULT 0;

CREATE INDEX enrollments_test ON enrollments (id) WHERE test = 1;

ALTER TABLE sends ADD COLUMN test INTEGER NOT NULL DEFAULT 0;

CREATE INDEX sends_test ON sends (enrollment, visit) WHERE test = 1;

ALTER TABLE refusals ADD COLUMN test INTEGER NOT NULL DEFAULT 0;

ALTER TABLE pruned_enrollments ADD COLUMN test INTEGER NOT NULL DEFAULT 0;

ALTER TABLE pruned_sends ADD COLUMN test INTEGER NOT NULL DEFAULT 0;
