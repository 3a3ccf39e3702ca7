# SPDX-License-Identifier: GPL-2.0-or-later
"""Seeds of fuzz_database: SQL that somebody ran on a store, and patches of its files."""
import os
import struct
import sys

SQL = {
    "version-new": "PRAGMA user_version=9999",
    "version-old": "PRAGMA user_version=0",
    "no-segment": "DROP TABLE segment",
    "no-entries": "DROP TABLE entry_1",
    "no-payload": "DROP TABLE payload_1",
    "no-extent": "DELETE FROM extent",
    "types": "UPDATE entry_1 SET path=x'ff00fe', status_code='abc', timestamp=1e300, src_port=-9",
    "huge": "UPDATE entry_1 SET id=9223372036854775807 WHERE id=40; UPDATE segment SET last_id=-1",
    "detail": "UPDATE payload_1 SET detail='[[[[{\"request\":'",
    "detail-type": "UPDATE payload_1 SET detail=17, request_body='text', response_body=3.5",
    "body-place": "UPDATE payload_1 SET response_body=-1",
    "body-far": "UPDATE payload_1 SET response_body=1152921504606846976",
    "extents": "UPDATE extent SET at=-5, len=9223372036854775807",
    "extents-twice": "INSERT INTO extent SELECT * FROM extent",
    "tally": "UPDATE tally SET ok=-9223372036854775807",
    "trigger": "CREATE TRIGGER t BEFORE INSERT ON entry_1 BEGIN DELETE FROM entry_1; END",
    "trigger-loop": "CREATE TRIGGER t AFTER INSERT ON entry_1 BEGIN INSERT INTO entry_1(id) VALUES(random()); END",
    "view": "ALTER TABLE entry_1 RENAME TO other; CREATE VIEW entry_1 AS SELECT * FROM other",
    "view-endless": "ALTER TABLE tally RENAME TO t2; CREATE VIEW tally AS WITH RECURSIVE r(a) AS "
                    "(SELECT 1 UNION ALL SELECT a+1 FROM r) SELECT a FROM r",
    "column": "ALTER TABLE entry_1 ADD COLUMN more",
    "columns-gone": "ALTER TABLE entry_1 DROP COLUMN path",
    "index": "CREATE INDEX i ON entry_1(path)",
    "check": "CREATE TABLE x(a CHECK (a IN (SELECT 1)))",
    "open-entry": "INSERT INTO open_entry SELECT 1, id FROM entry_1",
    "nulls": "UPDATE segment SET first_id=NULL, last_id=NULL, state=NULL",
    "segments": "INSERT INTO segment(id) VALUES(-1),(99999),(9223372036854775807)",
    "page-size": "PRAGMA journal_mode=DELETE; PRAGMA page_size=512; VACUUM",
    "auto-vacuum": "PRAGMA journal_mode=DELETE; PRAGMA auto_vacuum=1; VACUUM",
    "utf16": "PRAGMA encoding='UTF-16'",
    "schema": "PRAGMA writable_schema=1; UPDATE sqlite_master SET rootpage=2",
    "schema-sql": "PRAGMA writable_schema=1; UPDATE sqlite_master SET sql='CREATE TABLE entry_1(x)' WHERE name='entry_1'",
}


def patch(*pieces):
    return b"\0" + b"".join(struct.pack("<BI", file, at)[:4] + bytes([len(data)]) + data
                            for file, at, data in pieces)


PATCHES = {
    "untouched": patch(),
    "magic": patch((0, 0, b"not SQLite")),
    "cut": patch((0, 8192, b"")),
    "empty": patch((0, 0, b"")),
    "header-counter": patch((0, 24, b"\xff" * 16)),
    "free-list": patch((0, 32, b"\0\0\0\2\0\0\0\x09")),
    "root": patch((0, 100, b"\x05\xff\xff\xff\xff\xff\xff\xff")),
    "bodies-zero": patch((1, 0, bytes(64)), (1, 4096, bytes(64))),
    "bodies-cut": patch((1, 100, b"")),
    "bodies-head": patch((1, 0, b"\xff" * 32)),
    "wal-head": patch((2, 0, b"\xff" * 32)),
    "wal-frame": patch((2, 60, b"\x01" * 40)),
    "wal-cut": patch((2, 5000, b"")),
    "page-2": patch((0, 8192, b"\x0d\xff\xff\xff\xff")),
    "page-3": patch((0, 16384, b"\x05\0\0\xff\xff\0\0")),
}
for name, sql in SQL.items():
    with open(os.path.join(sys.argv[1], "sql-" + name), "wb") as f:
        f.write(b"\1" + sql.encode())
for name, data in PATCHES.items():
    with open(os.path.join(sys.argv[1], name), "wb") as f:
        f.write(data)
