# SPDX-License-Identifier: GPL-2.0-or-later
"""Run by one_field.sh: the field `flavour` of a server that was built with a row for it."""
import json
import os
import shutil
import sqlite3
import sys
import tempfile
import urllib.parse

from api_lib import Server, Stream, run

BINARY = sys.argv[1]
OLD = 18  # entries of tests/data/store-0.1.0.sql
NEW = 20
data = os.path.join(os.environ.get("srcdir", "."), "tests/data")
path = tempfile.mkdtemp(prefix="cleartap-field.")
db = sqlite3.connect(path + "/db")
with open(data + "/store-0.1.0.sql") as f:
    db.executescript(f.read())
db.close()
shutil.copyfile(data + "/store-0.1.0.bodies", path + "/db-bodies")

server = Server("-b", binary=BINARY, path=path)
server.append(NEW)


def ask(q):
    page = server.get("/api/entries?limit=1000&q=" + urllib.parse.quote(q, safe=""))
    assert page.status == 200, page.body
    return page.json()["entries"]


def store():
    """it is kept in new entries, and missing in those of a store that had no such column"""
    entries = {e["id"]: e["flavour"] for e in ask("")}
    assert len(entries) == OLD + NEW
    for ident, flavour in entries.items():
        assert flavour == ("" if ident <= OLD else "sour"), (ident, flavour)


def detail_and_stream():
    """it is in an entry's JSON wherever that is"""
    assert server.get("/api/entries/%d" % (OLD + 1)).json()["flavour"] == "sour"
    assert server.get("/api/entries/1").json()["flavour"] == ""
    s = Stream(server, "/api/stream?after=%d&q=flavour==%%22sour%%22" % OLD)
    assert s.until("entry")[-1][2]["flavour"] == "sour"
    s.close()


def filters():
    """KFL knows it, by both names"""
    for q in ('flavour == "sour"', 'entry.taste == "sour"', 'flavour.startsWith("so")',
              'flavour == r"^s"', 'flavour != nil', 'flavour in ["sour", "sweet"]'):
        assert len(ask(q)) == NEW, q
    assert len(ask("flavour == nil")) == OLD
    wrong = server.get("/api/kfl/validate?q=flavor==%22x%22").json()
    assert not wrong["valid"] and 'did you mean "flavour"' in wrong["message"], wrong
    assert not server.get("/api/kfl/validate?q=flavour==1").json()["valid"]


def redacted():
    """redact() hides it, in the list and in the entry"""
    for name in ("flavour", "entry.taste"):
        q = 'redact("%s")' % name
        assert {e["flavour"] for e in ask(q) if e["id"] > OLD} == {"[redacted]"}
        assert {e["flavour"] for e in ask(q) if e["id"] <= OLD} == {""}
        e = server.get("/api/entries/%d?q=%s" % (OLD + 1, urllib.parse.quote(q))).json()
        assert e["flavour"] == "[redacted]"


def help_of_it():
    """/api/kfl/fields has it, with its help"""
    found = [f for f in server.get("/api/kfl/fields").json()["fields"] if f["name"] == "flavour"]
    assert found == [{"name": "flavour", "type": "text", "help": "how it tastes",
                      "example": 'flavour == "sour"', "aliases": ["entry.taste"],
                      "available": True}], found


def described():
    """openapi has it, as a member that each entry has"""
    schemas = server.get("/api/openapi.json").json()["components"]["schemas"]
    for name in ("Entry", "EntryDetail"):
        assert schemas[name]["properties"]["flavour"] == {"type": "string",
                                                          "description": "a taste"}
        assert "flavour" in schemas[name]["required"]


def reopened():
    """the store goes on with it; the program without it leaves that store alone"""
    global server
    assert server.stop() == 0
    before = open(path + "/db", "rb").read()
    try:
        Server("-b", path=path).stop()
        raise AssertionError("the older program opened it")
    except RuntimeError as why:
        assert "newer cleartap" in str(why), why
    assert open(path + "/db", "rb").read() == before
    server = Server("-b", binary=BINARY, path=path)
    server.append(5)
    assert len(ask('flavour == "sour"')) == NEW + 5
    assert server.stop() == 0


run([store, detail_and_stream, filters, redacted, help_of_it, described, reopened])
