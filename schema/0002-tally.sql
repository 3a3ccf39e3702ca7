-- How many entries of a segment began in each second, by how they ended: what a histogram over
-- everything is drawn from. The store's batches keep it; when a segment is closed, the sums of each
-- minute and hour are added, so that long spans are read as fast. A segment's rows go when it is
-- emptied.

CREATE TABLE tally (
	n INTEGER NOT NULL,		-- of the segment
	width INTEGER NOT NULL,		-- 1, 60 or 3600 seconds
	start INTEGER NOT NULL,		-- seconds since 1970, a multiple of width
	ok INTEGER NOT NULL,
	client_error INTEGER NOT NULL,
	server_error INTEGER NOT NULL,
	incomplete INTEGER NOT NULL,
	PRIMARY KEY (n, width, start)
) WITHOUT ROWID;
