-- The store of cleartap, version 1. Entries live in segments: a pair of tables named entry_N and
-- payload_N (schema/segment.sql, with N filled in), so that old traffic is dropped as whole tables.

CREATE TABLE meta (
	key TEXT PRIMARY KEY,
	value ANY
) WITHOUT ROWID;

CREATE TABLE segment (
	n INTEGER PRIMARY KEY,
	first_id INTEGER NOT NULL,	-- ids first_id..last_id, empty while last_id < first_id
	last_id INTEGER NOT NULL,
	first_us INTEGER NOT NULL,	-- smallest and largest timestamp, µs since 1970
	last_us INTEGER NOT NULL,
	bytes INTEGER NOT NULL		-- what the rows take, about
);

ANALYZE sqlite_schema; -- makes sqlite_stat1, which segment.sql writes to
