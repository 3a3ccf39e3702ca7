-- Entries that go on: rows that will be written again. What is left here when a store is opened is
-- closed then (src/store/sqlite/open_row.c).

CREATE TABLE open_entry (
	id INTEGER PRIMARY KEY,
	n INTEGER NOT NULL		-- of the segment
);
