-- Bodies of 1 KiB and more are in the file PATH-bodies. Where a payload_N has an integer instead of
-- a blob, the body is there, at that offset, behind a header (src/store/bodies.c).

CREATE TABLE extent (
	at INTEGER PRIMARY KEY,		-- offset of a part of the file ...
	length INTEGER NOT NULL,
	n INTEGER NOT NULL		-- ... that this segment fills
);
