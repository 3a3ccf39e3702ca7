-- How many entries of a segment began in each second, by how they ended: what a histogram over
-- everything is drawn from. The store's batches keep it; a segment's rows go when it is emptied.

CREATE TABLE tally (
	n INTEGER NOT NULL,		-- of the segment
	second INTEGER NOT NULL,	-- since 1970
	ok INTEGER NOT NULL,
	client_error INTEGER NOT NULL,
	server_error INTEGER NOT NULL,
	incomplete INTEGER NOT NULL,
	PRIMARY KEY (n, second)
) WITHOUT ROWID;
