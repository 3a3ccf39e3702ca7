-- A store as cleartap 0.1.0 wrote it (sqlite3 .dump): curl, traced, with an HTTPS server of the test's
-- own. Its large body is in store-0.1.0.bodies.
PRAGMA page_size=4096;
PRAGMA auto_vacuum=2;
PRAGMA application_id=1668052080;
PRAGMA user_version=3;
PRAGMA foreign_keys=OFF;
BEGIN TRANSACTION;
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
INSERT INTO segment VALUES(1,1,3,1795793468639875,1795793468738232,4115);
INSERT INTO segment VALUES(2,4,6,1795793470001359,1795793470105033,4115);
INSERT INTO segment VALUES(3,7,9,1795793471366891,1795793471469079,4115);
INSERT INTO segment VALUES(4,10,12,1795793472730969,1795793472834062,4115);
INSERT INTO segment VALUES(5,13,15,1795793474094688,1795793474197329,4115);
INSERT INTO segment VALUES(6,16,18,1795793475469967,1795793475591319,5809);
ANALYZE sqlite_schema;
INSERT INTO sqlite_stat1 VALUES('entry_1','entry_1_connection','1000000 2');
INSERT INTO sqlite_stat1 VALUES('entry_1','entry_1_host','1000000 10');
INSERT INTO sqlite_stat1 VALUES('entry_1','entry_1_src_process','1000000 12');
INSERT INTO sqlite_stat1 VALUES('entry_1','entry_1_status_code','1000000 14');
INSERT INTO sqlite_stat1 VALUES('entry_1','entry_1_protocol','1000000 16');
INSERT INTO sqlite_stat1 VALUES('entry_2','entry_2_connection','1000000 2');
INSERT INTO sqlite_stat1 VALUES('entry_2','entry_2_host','1000000 10');
INSERT INTO sqlite_stat1 VALUES('entry_2','entry_2_src_process','1000000 12');
INSERT INTO sqlite_stat1 VALUES('entry_2','entry_2_status_code','1000000 14');
INSERT INTO sqlite_stat1 VALUES('entry_2','entry_2_protocol','1000000 16');
INSERT INTO sqlite_stat1 VALUES('entry_3','entry_3_connection','1000000 2');
INSERT INTO sqlite_stat1 VALUES('entry_3','entry_3_host','1000000 10');
INSERT INTO sqlite_stat1 VALUES('entry_3','entry_3_src_process','1000000 12');
INSERT INTO sqlite_stat1 VALUES('entry_3','entry_3_status_code','1000000 14');
INSERT INTO sqlite_stat1 VALUES('entry_3','entry_3_protocol','1000000 16');
INSERT INTO sqlite_stat1 VALUES('entry_4','entry_4_connection','1000000 2');
INSERT INTO sqlite_stat1 VALUES('entry_4','entry_4_host','1000000 10');
INSERT INTO sqlite_stat1 VALUES('entry_4','entry_4_src_process','1000000 12');
INSERT INTO sqlite_stat1 VALUES('entry_4','entry_4_status_code','1000000 14');
INSERT INTO sqlite_stat1 VALUES('entry_4','entry_4_protocol','1000000 16');
INSERT INTO sqlite_stat1 VALUES('entry_5','entry_5_connection','1000000 2');
INSERT INTO sqlite_stat1 VALUES('entry_5','entry_5_host','1000000 10');
INSERT INTO sqlite_stat1 VALUES('entry_5','entry_5_src_process','1000000 12');
INSERT INTO sqlite_stat1 VALUES('entry_5','entry_5_status_code','1000000 14');
INSERT INTO sqlite_stat1 VALUES('entry_5','entry_5_protocol','1000000 16');
INSERT INTO sqlite_stat1 VALUES('entry_6','entry_6_connection','1000000 2');
INSERT INTO sqlite_stat1 VALUES('entry_6','entry_6_host','1000000 10');
INSERT INTO sqlite_stat1 VALUES('entry_6','entry_6_src_process','1000000 12');
INSERT INTO sqlite_stat1 VALUES('entry_6','entry_6_status_code','1000000 14');
INSERT INTO sqlite_stat1 VALUES('entry_6','entry_6_protocol','1000000 16');
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
INSERT INTO tally VALUES(1,1,1795793468,3,0,0,0);
INSERT INTO tally VALUES(1,60,1795793460,3,0,0,0);
INSERT INTO tally VALUES(1,3600,1795791600,3,0,0,0);
INSERT INTO tally VALUES(2,1,1795793470,3,0,0,0);
INSERT INTO tally VALUES(2,60,1795793460,3,0,0,0);
INSERT INTO tally VALUES(2,3600,1795791600,3,0,0,0);
INSERT INTO tally VALUES(3,1,1795793471,3,0,0,0);
INSERT INTO tally VALUES(3,60,1795793460,3,0,0,0);
INSERT INTO tally VALUES(3,3600,1795791600,3,0,0,0);
INSERT INTO tally VALUES(4,1,1795793472,3,0,0,0);
INSERT INTO tally VALUES(4,60,1795793460,3,0,0,0);
INSERT INTO tally VALUES(4,3600,1795791600,3,0,0,0);
INSERT INTO tally VALUES(5,1,1795793474,3,0,0,0);
INSERT INTO tally VALUES(5,60,1795793460,3,0,0,0);
INSERT INTO tally VALUES(5,3600,1795791600,3,0,0,0);
INSERT INTO tally VALUES(6,1,1795793475,1,1,1,0);
CREATE TABLE extent (
	at INTEGER PRIMARY KEY,		-- offset of a part of the file ...
	length INTEGER NOT NULL,
	n INTEGER NOT NULL		-- ... that this segment fills
);
INSERT INTO extent VALUES(0,4096,6);
CREATE TABLE entry_1 (
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
INSERT INTO entry_1 VALUES(1,1795793468639875,'http','1.1',1,1,1,'127.0.0.1',35608,'','curl',26540,'','','','','127.0.0.1',57135,'localhost','',0,'','','','','client','openssl','nested','GET','/item/1?a=1','200',200,41309,102,209,0,0,'','26540-55b96c7059d0-1','host1',0,'localhost:57135','/item/1','a=1','','','','','','','','','','','');
INSERT INTO entry_1 VALUES(2,1795793468681392,'http','1.1',1,1,1,'127.0.0.1',35608,'','curl',26540,'','','','','127.0.0.1',57135,'localhost','',0,'','','','','client','openssl','nested','GET','/next/1','200',200,43737,98,205,0,0,'','26540-55b96c7059d0-1','host1',0,'localhost:57135','/next/1','','','','','','','','','','','','');
INSERT INTO entry_1 VALUES(3,1795793468738232,'http','1.1',1,1,1,'127.0.0.1',35618,'','curl',26542,'','','','','127.0.0.1',57135,'localhost','',0,'','','','','client','openssl','nested','POST','/post/1','200',200,42955,161,205,0,0,'','26542-55b6cc702950-1','host1',0,'localhost:57135','/post/1','','','','','','','','','','','','');
CREATE TABLE payload_1 (
	id INTEGER PRIMARY KEY,
	detail TEXT NOT NULL,		-- JSON, see HACKING "Detail"
	request_body BLOB NOT NULL,
	response_body BLOB NOT NULL
);
INSERT INTO payload_1 VALUES(1,'{"request":{"method":"GET","target":"/item/1?a=1","http_version":"1.1","query":[["a","1"]],"headers":[["Host","localhost:57135"],["User-Agent","curl/7.88.1"],["Accept","*/*"],["Cookie","s=•••"]],"cookies":[["s","•••"]],"head_size":102,"body_size":0,"body_stored":0,"redacted":["header cookie"]},"response":{"status":200,"reason":"OK","http_version":"1.1","headers":[["Server","BaseHTTP/0.6 Python/3.11.7"],["Date","Fri, 27 Nov 2026 15:31:08 GMT"],["Content-Type","application/json"],["Content-Length","44"],["Set-Cookie","sid=•••"]],"cookies":[["sid","•••"]],"content_type":"application/json","head_size":165,"body_size":44,"body_stored":44,"redacted":["header setcookie"]},"events":[{"name":"request_start","time_us":1795793468639875},{"name":"request_end","time_us":1795793468639875},{"name":"response_start","time_us":1795793468681139},{"name":"response_end","time_us":1795793468681184}]}',X'',X'7b2275736572223a7b226e616d65223a22616e6e227d2c2270617468223a222f6974656d2f313f613d31227d');
INSERT INTO payload_1 VALUES(2,'{"request":{"method":"GET","target":"/next/1","http_version":"1.1","headers":[["Host","localhost:57135"],["User-Agent","curl/7.88.1"],["Accept","*/*"],["Cookie","s=•••"]],"cookies":[["s","•••"]],"head_size":98,"body_size":0,"body_stored":0,"redacted":["header cookie"]},"response":{"status":200,"reason":"OK","http_version":"1.1","headers":[["Server","BaseHTTP/0.6 Python/3.11.7"],["Date","Fri, 27 Nov 2026 15:31:08 GMT"],["Content-Type","application/json"],["Content-Length","40"],["Set-Cookie","sid=•••"]],"cookies":[["sid","•••"]],"content_type":"application/json","head_size":165,"body_size":40,"body_stored":40,"redacted":["header setcookie"]},"events":[{"name":"request_start","time_us":1795793468681392},{"name":"request_end","time_us":1795793468681392},{"name":"response_start","time_us":1795793468681929},{"name":"response_end","time_us":1795793468725129}]}',X'',X'7b2275736572223a7b226e616d65223a22616e6e227d2c2270617468223a222f6e6578742f31227d');
INSERT INTO payload_1 VALUES(3,'{"request":{"method":"POST","target":"/post/1","http_version":"1.1","headers":[["Host","localhost:57135"],["User-Agent","curl/7.88.1"],["Accept","*/*"],["Content-Length","7"],["Content-Type","application/x-www-form-urlencoded"]],"content_type":"application/x-www-form-urlencoded","head_size":154,"body_size":7,"body_stored":7},"response":{"status":200,"reason":"OK","http_version":"1.1","headers":[["Server","BaseHTTP/0.6 Python/3.11.7"],["Date","Fri, 27 Nov 2026 15:31:08 GMT"],["Content-Type","application/json"],["Content-Length","40"],["Set-Cookie","sid=•••"]],"cookies":[["sid","•••"]],"content_type":"application/json","head_size":165,"body_size":40,"body_stored":40,"redacted":["header setcookie"]},"events":[{"name":"request_start","time_us":1795793468738232},{"name":"request_end","time_us":1795793468738232},{"name":"response_start","time_us":1795793468781155},{"name":"response_end","time_us":1795793468781187}]}',X'7b226e223a317d',X'7b2275736572223a7b226e616d65223a22616e6e227d2c2270617468223a222f706f73742f31227d');
CREATE TABLE entry_2 (
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
INSERT INTO entry_2 VALUES(4,1795793470001359,'http','1.1',1,1,1,'127.0.0.1',35622,'','curl',26545,'','','','','127.0.0.1',57135,'localhost','',0,'','','','','client','openssl','nested','GET','/item/2?a=2','200',200,43815,102,209,0,0,'','26545-5621b80429d0-1','host1',0,'localhost:57135','/item/2','a=2','','','','','','','','','','','');
INSERT INTO entry_2 VALUES(5,1795793470045416,'http','1.1',1,1,1,'127.0.0.1',35622,'','curl',26545,'','','','','127.0.0.1',57135,'localhost','',0,'','','','','client','openssl','nested','GET','/next/2','200',200,43738,98,205,0,0,'','26545-5621b80429d0-1','host1',0,'localhost:57135','/next/2','','','','','','','','','','','','');
INSERT INTO entry_2 VALUES(6,1795793470105033,'http','1.1',1,1,1,'127.0.0.1',35630,'','curl',26547,'','','','','127.0.0.1',57135,'localhost','',0,'','','','','client','openssl','nested','POST','/post/2','200',200,44185,161,205,0,0,'','26547-557fc1cd6950-1','host1',0,'localhost:57135','/post/2','','','','','','','','','','','','');
CREATE TABLE payload_2 (
	id INTEGER PRIMARY KEY,
	detail TEXT NOT NULL,		-- JSON, see HACKING "Detail"
	request_body BLOB NOT NULL,
	response_body BLOB NOT NULL
);
INSERT INTO payload_2 VALUES(4,'{"request":{"method":"GET","target":"/item/2?a=2","http_version":"1.1","query":[["a","2"]],"headers":[["Host","localhost:57135"],["User-Agent","curl/7.88.1"],["Accept","*/*"],["Cookie","s=•••"]],"cookies":[["s","•••"]],"head_size":102,"body_size":0,"body_stored":0,"redacted":["header cookie"]},"response":{"status":200,"reason":"OK","http_version":"1.1","headers":[["Server","BaseHTTP/0.6 Python/3.11.7"],["Date","Fri, 27 Nov 2026 15:31:10 GMT"],["Content-Type","application/json"],["Content-Length","44"],["Set-Cookie","sid=•••"]],"cookies":[["sid","•••"]],"content_type":"application/json","head_size":165,"body_size":44,"body_stored":44,"redacted":["header setcookie"]},"events":[{"name":"request_start","time_us":1795793470001359},{"name":"request_end","time_us":1795793470001359},{"name":"response_start","time_us":1795793470045140},{"name":"response_end","time_us":1795793470045174}]}',X'',X'7b2275736572223a7b226e616d65223a22616e6e227d2c2270617468223a222f6974656d2f323f613d32227d');
INSERT INTO payload_2 VALUES(5,'{"request":{"method":"GET","target":"/next/2","http_version":"1.1","headers":[["Host","localhost:57135"],["User-Agent","curl/7.88.1"],["Accept","*/*"],["Cookie","s=•••"]],"cookies":[["s","•••"]],"head_size":98,"body_size":0,"body_stored":0,"redacted":["header cookie"]},"response":{"status":200,"reason":"OK","http_version":"1.1","headers":[["Server","BaseHTTP/0.6 Python/3.11.7"],["Date","Fri, 27 Nov 2026 15:31:10 GMT"],["Content-Type","application/json"],["Content-Length","40"],["Set-Cookie","sid=•••"]],"cookies":[["sid","•••"]],"content_type":"application/json","head_size":165,"body_size":40,"body_stored":40,"redacted":["header setcookie"]},"events":[{"name":"request_start","time_us":1795793470045416},{"name":"request_end","time_us":1795793470045416},{"name":"response_start","time_us":1795793470045911},{"name":"response_end","time_us":1795793470089154}]}',X'',X'7b2275736572223a7b226e616d65223a22616e6e227d2c2270617468223a222f6e6578742f32227d');
INSERT INTO payload_2 VALUES(6,'{"request":{"method":"POST","target":"/post/2","http_version":"1.1","headers":[["Host","localhost:57135"],["User-Agent","curl/7.88.1"],["Accept","*/*"],["Content-Length","7"],["Content-Type","application/x-www-form-urlencoded"]],"content_type":"application/x-www-form-urlencoded","head_size":154,"body_size":7,"body_stored":7},"response":{"status":200,"reason":"OK","http_version":"1.1","headers":[["Server","BaseHTTP/0.6 Python/3.11.7"],["Date","Fri, 27 Nov 2026 15:31:10 GMT"],["Content-Type","application/json"],["Content-Length","40"],["Set-Cookie","sid=•••"]],"cookies":[["sid","•••"]],"content_type":"application/json","head_size":165,"body_size":40,"body_stored":40,"redacted":["header setcookie"]},"events":[{"name":"request_start","time_us":1795793470105033},{"name":"request_end","time_us":1795793470105033},{"name":"response_start","time_us":1795793470149180},{"name":"response_end","time_us":1795793470149218}]}',X'7b226e223a327d',X'7b2275736572223a7b226e616d65223a22616e6e227d2c2270617468223a222f706f73742f32227d');
CREATE TABLE entry_3 (
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
INSERT INTO entry_3 VALUES(7,1795793471366891,'http','1.1',1,1,1,'127.0.0.1',35636,'','curl',26550,'','','','','127.0.0.1',57135,'localhost','',0,'','','','','client','openssl','nested','GET','/item/3?a=3','200',200,42361,102,209,0,0,'','26550-55e8c5c059d0-1','host1',0,'localhost:57135','/item/3','a=3','','','','','','','','','','','');
INSERT INTO entry_3 VALUES(8,1795793471409446,'http','1.1',1,1,1,'127.0.0.1',35636,'','curl',26550,'','','','','127.0.0.1',57135,'localhost','',0,'','','','','client','openssl','nested','GET','/next/3','200',200,43692,98,205,0,0,'','26550-55e8c5c059d0-1','host1',0,'localhost:57135','/next/3','','','','','','','','','','','','');
INSERT INTO entry_3 VALUES(9,1795793471469079,'http','1.1',1,1,1,'127.0.0.1',35638,'','curl',26552,'','','','','127.0.0.1',57135,'localhost','',0,'','','','','client','openssl','nested','POST','/post/3','200',200,44131,161,205,0,0,'','26552-5566256c9950-1','host1',0,'localhost:57135','/post/3','','','','','','','','','','','','');
CREATE TABLE payload_3 (
	id INTEGER PRIMARY KEY,
	detail TEXT NOT NULL,		-- JSON, see HACKING "Detail"
	request_body BLOB NOT NULL,
	response_body BLOB NOT NULL
);
INSERT INTO payload_3 VALUES(7,'{"request":{"method":"GET","target":"/item/3?a=3","http_version":"1.1","query":[["a","3"]],"headers":[["Host","localhost:57135"],["User-Agent","curl/7.88.1"],["Accept","*/*"],["Cookie","s=•••"]],"cookies":[["s","•••"]],"head_size":102,"body_size":0,"body_stored":0,"redacted":["header cookie"]},"response":{"status":200,"reason":"OK","http_version":"1.1","headers":[["Server","BaseHTTP/0.6 Python/3.11.7"],["Date","Fri, 27 Nov 2026 15:31:11 GMT"],["Content-Type","application/json"],["Content-Length","44"],["Set-Cookie","sid=•••"]],"cookies":[["sid","•••"]],"content_type":"application/json","head_size":165,"body_size":44,"body_stored":44,"redacted":["header setcookie"]},"events":[{"name":"request_start","time_us":1795793471366891},{"name":"request_end","time_us":1795793471366891},{"name":"response_start","time_us":1795793471409208},{"name":"response_end","time_us":1795793471409252}]}',X'',X'7b2275736572223a7b226e616d65223a22616e6e227d2c2270617468223a222f6974656d2f333f613d33227d');
INSERT INTO payload_3 VALUES(8,'{"request":{"method":"GET","target":"/next/3","http_version":"1.1","headers":[["Host","localhost:57135"],["User-Agent","curl/7.88.1"],["Accept","*/*"],["Cookie","s=•••"]],"cookies":[["s","•••"]],"head_size":98,"body_size":0,"body_stored":0,"redacted":["header cookie"]},"response":{"status":200,"reason":"OK","http_version":"1.1","headers":[["Server","BaseHTTP/0.6 Python/3.11.7"],["Date","Fri, 27 Nov 2026 15:31:11 GMT"],["Content-Type","application/json"],["Content-Length","40"],["Set-Cookie","sid=•••"]],"cookies":[["sid","•••"]],"content_type":"application/json","head_size":165,"body_size":40,"body_stored":40,"redacted":["header setcookie"]},"events":[{"name":"request_start","time_us":1795793471409446},{"name":"request_end","time_us":1795793471409446},{"name":"response_start","time_us":1795793471409893},{"name":"response_end","time_us":1795793471453138}]}',X'',X'7b2275736572223a7b226e616d65223a22616e6e227d2c2270617468223a222f6e6578742f33227d');
INSERT INTO payload_3 VALUES(9,'{"request":{"method":"POST","target":"/post/3","http_version":"1.1","headers":[["Host","localhost:57135"],["User-Agent","curl/7.88.1"],["Accept","*/*"],["Content-Length","7"],["Content-Type","application/x-www-form-urlencoded"]],"content_type":"application/x-www-form-urlencoded","head_size":154,"body_size":7,"body_stored":7},"response":{"status":200,"reason":"OK","http_version":"1.1","headers":[["Server","BaseHTTP/0.6 Python/3.11.7"],["Date","Fri, 27 Nov 2026 15:31:11 GMT"],["Content-Type","application/json"],["Content-Length","40"],["Set-Cookie","sid=•••"]],"cookies":[["sid","•••"]],"content_type":"application/json","head_size":165,"body_size":40,"body_stored":40,"redacted":["header setcookie"]},"events":[{"name":"request_start","time_us":1795793471469079},{"name":"request_end","time_us":1795793471469079},{"name":"response_start","time_us":1795793471513172},{"name":"response_end","time_us":1795793471513210}]}',X'7b226e223a337d',X'7b2275736572223a7b226e616d65223a22616e6e227d2c2270617468223a222f706f73742f33227d');
CREATE TABLE entry_4 (
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
INSERT INTO entry_4 VALUES(10,1795793472730969,'http','1.1',1,1,1,'127.0.0.1',35640,'','curl',26555,'','','','','127.0.0.1',57135,'localhost','',0,'','','','','client','openssl','nested','GET','/item/4?a=4','200',200,42358,102,209,0,0,'','26555-55f3952fb9d0-1','host1',0,'localhost:57135','/item/4','a=4','','','','','','','','','','','');
INSERT INTO entry_4 VALUES(11,1795793472773563,'http','1.1',1,1,1,'127.0.0.1',35640,'','curl',26555,'','','','','127.0.0.1',57135,'localhost','',0,'','','','','client','openssl','nested','GET','/next/4','200',200,43610,98,205,0,0,'','26555-55f3952fb9d0-1','host1',0,'localhost:57135','/next/4','','','','','','','','','','','','');
INSERT INTO entry_4 VALUES(12,1795793472834062,'http','1.1',1,1,1,'127.0.0.1',35650,'','curl',26557,'','','','','127.0.0.1',57135,'localhost','',0,'','','','','client','openssl','nested','POST','/post/4','200',200,43134,161,205,0,0,'','26557-55c2d8607950-1','host1',0,'localhost:57135','/post/4','','','','','','','','','','','','');
CREATE TABLE payload_4 (
	id INTEGER PRIMARY KEY,
	detail TEXT NOT NULL,		-- JSON, see HACKING "Detail"
	request_body BLOB NOT NULL,
	response_body BLOB NOT NULL
);
INSERT INTO payload_4 VALUES(10,'{"request":{"method":"GET","target":"/item/4?a=4","http_version":"1.1","query":[["a","4"]],"headers":[["Host","localhost:57135"],["User-Agent","curl/7.88.1"],["Accept","*/*"],["Cookie","s=•••"]],"cookies":[["s","•••"]],"head_size":102,"body_size":0,"body_stored":0,"redacted":["header cookie"]},"response":{"status":200,"reason":"OK","http_version":"1.1","headers":[["Server","BaseHTTP/0.6 Python/3.11.7"],["Date","Fri, 27 Nov 2026 15:31:12 GMT"],["Content-Type","application/json"],["Content-Length","44"],["Set-Cookie","sid=•••"]],"cookies":[["sid","•••"]],"content_type":"application/json","head_size":165,"body_size":44,"body_stored":44,"redacted":["header setcookie"]},"events":[{"name":"request_start","time_us":1795793472730969},{"name":"request_end","time_us":1795793472730969},{"name":"response_start","time_us":1795793472773278},{"name":"response_end","time_us":1795793472773327}]}',X'',X'7b2275736572223a7b226e616d65223a22616e6e227d2c2270617468223a222f6974656d2f343f613d34227d');
INSERT INTO payload_4 VALUES(11,'{"request":{"method":"GET","target":"/next/4","http_version":"1.1","headers":[["Host","localhost:57135"],["User-Agent","curl/7.88.1"],["Accept","*/*"],["Cookie","s=•••"]],"cookies":[["s","•••"]],"head_size":98,"body_size":0,"body_stored":0,"redacted":["header cookie"]},"response":{"status":200,"reason":"OK","http_version":"1.1","headers":[["Server","BaseHTTP/0.6 Python/3.11.7"],["Date","Fri, 27 Nov 2026 15:31:12 GMT"],["Content-Type","application/json"],["Content-Length","40"],["Set-Cookie","sid=•••"]],"cookies":[["sid","•••"]],"content_type":"application/json","head_size":165,"body_size":40,"body_stored":40,"redacted":["header setcookie"]},"events":[{"name":"request_start","time_us":1795793472773563},{"name":"request_end","time_us":1795793472773563},{"name":"response_start","time_us":1795793472774042},{"name":"response_end","time_us":1795793472817173}]}',X'',X'7b2275736572223a7b226e616d65223a22616e6e227d2c2270617468223a222f6e6578742f34227d');
INSERT INTO payload_4 VALUES(12,'{"request":{"method":"POST","target":"/post/4","http_version":"1.1","headers":[["Host","localhost:57135"],["User-Agent","curl/7.88.1"],["Accept","*/*"],["Content-Length","7"],["Content-Type","application/x-www-form-urlencoded"]],"content_type":"application/x-www-form-urlencoded","head_size":154,"body_size":7,"body_stored":7},"response":{"status":200,"reason":"OK","http_version":"1.1","headers":[["Server","BaseHTTP/0.6 Python/3.11.7"],["Date","Fri, 27 Nov 2026 15:31:12 GMT"],["Content-Type","application/json"],["Content-Length","40"],["Set-Cookie","sid=•••"]],"cookies":[["sid","•••"]],"content_type":"application/json","head_size":165,"body_size":40,"body_stored":40,"redacted":["header setcookie"]},"events":[{"name":"request_start","time_us":1795793472834062},{"name":"request_end","time_us":1795793472834062},{"name":"response_start","time_us":1795793472877161},{"name":"response_end","time_us":1795793472877196}]}',X'7b226e223a347d',X'7b2275736572223a7b226e616d65223a22616e6e227d2c2270617468223a222f706f73742f34227d');
CREATE TABLE entry_5 (
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
INSERT INTO entry_5 VALUES(13,1795793474094688,'http','1.1',1,1,1,'127.0.0.1',44594,'','curl',26560,'','','','','127.0.0.1',57135,'localhost','',0,'','','','','client','openssl','nested','GET','/item/5?a=5','200',200,42481,102,209,0,0,'','26560-555f7d3d49d0-1','host1',0,'localhost:57135','/item/5','a=5','','','','','','','','','','','');
INSERT INTO entry_5 VALUES(14,1795793474137526,'http','1.1',1,1,1,'127.0.0.1',44594,'','curl',26560,'','','','','127.0.0.1',57135,'localhost','',0,'','','','','client','openssl','nested','GET','/next/5','200',200,43643,98,205,0,0,'','26560-555f7d3d49d0-1','host1',0,'localhost:57135','/next/5','','','','','','','','','','','','');
INSERT INTO entry_5 VALUES(15,1795793474197329,'http','1.1',1,1,1,'127.0.0.1',44602,'','curl',26562,'','','','','127.0.0.1',57135,'localhost','',0,'','','','','client','openssl','nested','POST','/post/5','200',200,43907,161,205,0,0,'','26562-55c0e49bd950-1','host1',0,'localhost:57135','/post/5','','','','','','','','','','','','');
CREATE TABLE payload_5 (
	id INTEGER PRIMARY KEY,
	detail TEXT NOT NULL,		-- JSON, see HACKING "Detail"
	request_body BLOB NOT NULL,
	response_body BLOB NOT NULL
);
INSERT INTO payload_5 VALUES(13,'{"request":{"method":"GET","target":"/item/5?a=5","http_version":"1.1","query":[["a","5"]],"headers":[["Host","localhost:57135"],["User-Agent","curl/7.88.1"],["Accept","*/*"],["Cookie","s=•••"]],"cookies":[["s","•••"]],"head_size":102,"body_size":0,"body_stored":0,"redacted":["header cookie"]},"response":{"status":200,"reason":"OK","http_version":"1.1","headers":[["Server","BaseHTTP/0.6 Python/3.11.7"],["Date","Fri, 27 Nov 2026 15:31:14 GMT"],["Content-Type","application/json"],["Content-Length","44"],["Set-Cookie","sid=•••"]],"cookies":[["sid","•••"]],"content_type":"application/json","head_size":165,"body_size":44,"body_stored":44,"redacted":["header setcookie"]},"events":[{"name":"request_start","time_us":1795793474094688},{"name":"request_end","time_us":1795793474094688},{"name":"response_start","time_us":1795793474137137},{"name":"response_end","time_us":1795793474137169}]}',X'',X'7b2275736572223a7b226e616d65223a22616e6e227d2c2270617468223a222f6974656d2f353f613d35227d');
INSERT INTO payload_5 VALUES(14,'{"request":{"method":"GET","target":"/next/5","http_version":"1.1","headers":[["Host","localhost:57135"],["User-Agent","curl/7.88.1"],["Accept","*/*"],["Cookie","s=•••"]],"cookies":[["s","•••"]],"head_size":98,"body_size":0,"body_stored":0,"redacted":["header cookie"]},"response":{"status":200,"reason":"OK","http_version":"1.1","headers":[["Server","BaseHTTP/0.6 Python/3.11.7"],["Date","Fri, 27 Nov 2026 15:31:14 GMT"],["Content-Type","application/json"],["Content-Length","40"],["Set-Cookie","sid=•••"]],"cookies":[["sid","•••"]],"content_type":"application/json","head_size":165,"body_size":40,"body_stored":40,"redacted":["header setcookie"]},"events":[{"name":"request_start","time_us":1795793474137526},{"name":"request_end","time_us":1795793474137526},{"name":"response_start","time_us":1795793474137918},{"name":"response_end","time_us":1795793474181169}]}',X'',X'7b2275736572223a7b226e616d65223a22616e6e227d2c2270617468223a222f6e6578742f35227d');
INSERT INTO payload_5 VALUES(15,'{"request":{"method":"POST","target":"/post/5","http_version":"1.1","headers":[["Host","localhost:57135"],["User-Agent","curl/7.88.1"],["Accept","*/*"],["Content-Length","7"],["Content-Type","application/x-www-form-urlencoded"]],"content_type":"application/x-www-form-urlencoded","head_size":154,"body_size":7,"body_stored":7},"response":{"status":200,"reason":"OK","http_version":"1.1","headers":[["Server","BaseHTTP/0.6 Python/3.11.7"],["Date","Fri, 27 Nov 2026 15:31:14 GMT"],["Content-Type","application/json"],["Content-Length","40"],["Set-Cookie","sid=•••"]],"cookies":[["sid","•••"]],"content_type":"application/json","head_size":165,"body_size":40,"body_stored":40,"redacted":["header setcookie"]},"events":[{"name":"request_start","time_us":1795793474197329},{"name":"request_end","time_us":1795793474197329},{"name":"response_start","time_us":1795793474241198},{"name":"response_end","time_us":1795793474241236}]}',X'7b226e223a357d',X'7b2275736572223a7b226e616d65223a22616e6e227d2c2270617468223a222f706f73742f35227d');
CREATE TABLE entry_6 (
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
INSERT INTO entry_6 VALUES(16,1795793475469967,'http','1.1',1,1,1,'127.0.0.1',44616,'','curl',26565,'','','','','127.0.0.1',57135,'localhost','',0,'','','','','client','openssl','nested','GET','/missing','404',404,43297,86,213,0,0,'','26565-556fa897b900-1','host1',0,'localhost:57135','/missing','','','','','','','','','','','','');
INSERT INTO entry_6 VALUES(17,1795793475531158,'http','1.1',1,1,1,'127.0.0.1',44630,'','curl',26567,'','','','','127.0.0.1',57135,'localhost','',0,'','','','','client','openssl','nested','GET','/broken','500',500,42255,85,224,0,0,'','26567-5587ef0e7900-1','host1',0,'localhost:57135','/broken','','','','','','','','','','','','');
INSERT INTO entry_6 VALUES(18,1795793475591319,'http','1.1',1,1,1,'127.0.0.1',44640,'','curl',26569,'','','','','127.0.0.1',57135,'localhost','',0,'','','','','client','openssl','nested','GET','/large/1','200',200,63080,86,2209,0,0,'','26569-55c5dbc21900-1','host1',0,'localhost:57135','/large/1','','','','','','','','','','','','');
CREATE TABLE payload_6 (
	id INTEGER PRIMARY KEY,
	detail TEXT NOT NULL,		-- JSON, see HACKING "Detail"
	request_body BLOB NOT NULL,
	response_body BLOB NOT NULL
);
INSERT INTO payload_6 VALUES(16,'{"request":{"method":"GET","target":"/missing","http_version":"1.1","headers":[["Host","localhost:57135"],["User-Agent","curl/7.88.1"],["Accept","*/*"]],"head_size":86,"body_size":0,"body_stored":0},"response":{"status":404,"reason":"Not Found","http_version":"1.1","headers":[["Server","BaseHTTP/0.6 Python/3.11.7"],["Date","Fri, 27 Nov 2026 15:31:15 GMT"],["Content-Type","application/json"],["Content-Length","41"],["Set-Cookie","sid=•••"]],"cookies":[["sid","•••"]],"content_type":"application/json","head_size":172,"body_size":41,"body_stored":41,"redacted":["header setcookie"]},"events":[{"name":"request_start","time_us":1795793475469967},{"name":"request_end","time_us":1795793475469967},{"name":"response_start","time_us":1795793475513201},{"name":"response_end","time_us":1795793475513264}]}',X'',X'7b2275736572223a7b226e616d65223a22616e6e227d2c2270617468223a222f6d697373696e67227d');
INSERT INTO payload_6 VALUES(17,'{"request":{"method":"GET","target":"/broken","http_version":"1.1","headers":[["Host","localhost:57135"],["User-Agent","curl/7.88.1"],["Accept","*/*"]],"head_size":85,"body_size":0,"body_stored":0},"response":{"status":500,"reason":"Internal Server Error","http_version":"1.1","headers":[["Server","BaseHTTP/0.6 Python/3.11.7"],["Date","Fri, 27 Nov 2026 15:31:15 GMT"],["Content-Type","application/json"],["Content-Length","40"],["Set-Cookie","sid=•••"]],"cookies":[["sid","•••"]],"content_type":"application/json","head_size":184,"body_size":40,"body_stored":40,"redacted":["header setcookie"]},"events":[{"name":"request_start","time_us":1795793475531158},{"name":"request_end","time_us":1795793475531158},{"name":"response_start","time_us":1795793475573304},{"name":"response_end","time_us":1795793475573413}]}',X'',X'7b2275736572223a7b226e616d65223a22616e6e227d2c2270617468223a222f62726f6b656e227d');
INSERT INTO payload_6 VALUES(18,'{"request":{"method":"GET","target":"/large/1","http_version":"1.1","headers":[["Host","localhost:57135"],["User-Agent","curl/7.88.1"],["Accept","*/*"]],"head_size":86,"body_size":0,"body_stored":0},"response":{"status":200,"reason":"OK","http_version":"1.1","headers":[["Server","BaseHTTP/0.6 Python/3.11.7"],["Date","Fri, 27 Nov 2026 15:31:15 GMT"],["Content-Type","text/plain"],["Content-Length","2048"],["Set-Cookie","sid=•••"]],"cookies":[["sid","•••"]],"content_type":"text/plain","head_size":161,"body_size":2048,"body_stored":2048,"redacted":["header setcookie"]},"events":[{"name":"request_start","time_us":1795793475591319},{"name":"request_end","time_us":1795793475591319},{"name":"response_start","time_us":1795793475654289},{"name":"response_end","time_us":1795793475654399}]}',X'',0);
CREATE INDEX entry_1_status_code ON entry_1 (status_code);
CREATE INDEX entry_1_protocol ON entry_1 (protocol);
CREATE INDEX entry_1_src_process ON entry_1 (src_process);
CREATE INDEX entry_1_host ON entry_1 (host);
CREATE INDEX entry_1_connection ON entry_1 (connection);
CREATE INDEX entry_2_status_code ON entry_2 (status_code);
CREATE INDEX entry_2_protocol ON entry_2 (protocol);
CREATE INDEX entry_2_src_process ON entry_2 (src_process);
CREATE INDEX entry_2_host ON entry_2 (host);
CREATE INDEX entry_2_connection ON entry_2 (connection);
CREATE INDEX entry_3_status_code ON entry_3 (status_code);
CREATE INDEX entry_3_protocol ON entry_3 (protocol);
CREATE INDEX entry_3_src_process ON entry_3 (src_process);
CREATE INDEX entry_3_host ON entry_3 (host);
CREATE INDEX entry_3_connection ON entry_3 (connection);
CREATE INDEX entry_4_status_code ON entry_4 (status_code);
CREATE INDEX entry_4_protocol ON entry_4 (protocol);
CREATE INDEX entry_4_src_process ON entry_4 (src_process);
CREATE INDEX entry_4_host ON entry_4 (host);
CREATE INDEX entry_4_connection ON entry_4 (connection);
CREATE INDEX entry_5_status_code ON entry_5 (status_code);
CREATE INDEX entry_5_protocol ON entry_5 (protocol);
CREATE INDEX entry_5_src_process ON entry_5 (src_process);
CREATE INDEX entry_5_host ON entry_5 (host);
CREATE INDEX entry_5_connection ON entry_5 (connection);
CREATE INDEX entry_6_status_code ON entry_6 (status_code);
CREATE INDEX entry_6_protocol ON entry_6 (protocol);
CREATE INDEX entry_6_src_process ON entry_6 (src_process);
CREATE INDEX entry_6_host ON entry_6 (host);
CREATE INDEX entry_6_connection ON entry_6 (connection);
COMMIT;
