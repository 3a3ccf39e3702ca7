-- One segment. Column names are the names of the fields in KFL with "_" for ".".

CREATE TABLE entry_%N (
	id INTEGER PRIMARY KEY,
	timestamp INTEGER NOT NULL,	-- µs since 1970
	protocol TEXT NOT NULL,
	version TEXT NOT NULL,
	tls INTEGER NOT NULL,
	lock INTEGER NOT NULL,		-- 0 none, 1 open, 2 closed
	complete INTEGER NOT NULL,
	src_ip TEXT NOT NULL,
	src_port INTEGER NOT NULL,
	src_name TEXT NOT NULL,
	src_process TEXT NOT NULL,
	src_pid INTEGER NOT NULL,
	src_container TEXT NOT NULL,
	src_pod TEXT NOT NULL,
	src_namespace TEXT NOT NULL,
	src_service TEXT NOT NULL,
	dst_ip TEXT NOT NULL,
	dst_port INTEGER NOT NULL,
	dst_name TEXT NOT NULL,
	dst_process TEXT NOT NULL,
	dst_pid INTEGER NOT NULL,
	dst_container TEXT NOT NULL,
	dst_pod TEXT NOT NULL,
	dst_namespace TEXT NOT NULL,
	dst_service TEXT NOT NULL,
	role TEXT NOT NULL,
	library TEXT NOT NULL,
	bind TEXT NOT NULL,
	method TEXT NOT NULL,
	summary TEXT NOT NULL,
	status TEXT NOT NULL,
	status_code INTEGER NOT NULL,
	elapsed_us INTEGER NOT NULL,	-- -1 unknown
	request_size INTEGER NOT NULL,
	response_size INTEGER NOT NULL,
	lost_bytes INTEGER NOT NULL,
	truncated_bytes INTEGER NOT NULL,
	reason TEXT NOT NULL,
	connection TEXT NOT NULL,
	node TEXT NOT NULL,
	goroutine INTEGER NOT NULL,
	open INTEGER NOT NULL,		-- it goes on
	ends TEXT NOT NULL,		-- client, server, both
	server_elapsed_us INTEGER NOT NULL, -- -1 unknown
	host TEXT NOT NULL,
	path TEXT NOT NULL,
	query_string TEXT NOT NULL,
	tls_version TEXT NOT NULL,
	tls_cipher TEXT NOT NULL,
	tls_sni TEXT NOT NULL,
	tls_alpn TEXT NOT NULL,
	ja3 TEXT NOT NULL,
	ja4 TEXT NOT NULL,
	grpc_method TEXT NOT NULL,
	grpc_status TEXT NOT NULL,
	redis_command TEXT NOT NULL,
	redis_key TEXT NOT NULL,
	redis_type TEXT NOT NULL
);

CREATE TABLE payload_%N (
	id INTEGER PRIMARY KEY,
	detail TEXT NOT NULL,		-- JSON, see HACKING "Detail"
	request_body BLOB NOT NULL,
	response_body BLOB NOT NULL
);

CREATE INDEX entry_%N_status_code ON entry_%N (status_code);
CREATE INDEX entry_%N_protocol ON entry_%N (protocol);
CREATE INDEX entry_%N_src_process ON entry_%N (src_process);
CREATE INDEX entry_%N_host ON entry_%N (host);
CREATE INDEX entry_%N_connection ON entry_%N (connection);

-- How many rows an equal value finds, told to the planner: the order of preference when a filter
-- has several. Not measured: a frequent value fills a page at once, a rare one needs the index.
INSERT INTO sqlite_stat1 VALUES
	('entry_%N', 'entry_%N_connection', '1000000 2'),
	('entry_%N', 'entry_%N_host', '1000000 10'),
	('entry_%N', 'entry_%N_src_process', '1000000 12'),
	('entry_%N', 'entry_%N_status_code', '1000000 14'),
	('entry_%N', 'entry_%N_protocol', '1000000 16');
