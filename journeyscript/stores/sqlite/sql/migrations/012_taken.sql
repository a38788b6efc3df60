-- What stands for the latest changes of a profile that carried an id, so that none of them counts twice.
ALTER TABLE customers ADD COLUMN taken TEXT;
