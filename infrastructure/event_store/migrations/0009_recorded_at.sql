-- When an event was recorded is said by the append, by the database's clock, in a column of its own.
-- What earlier releases have recorded keeps the time that stands in its JSON: the log is not
-- rewritten (see `recorded_in` in functions.sql).
ALTER TABLE stored_events ADD COLUMN recorded_at timestamptz;

-- Takes more parameters now; functions.sql makes it anew.
DROP FUNCTION IF EXISTS append_events(uuid[], bigint[], text[], bytea[], uuid[], bytea[], bigint[]);
