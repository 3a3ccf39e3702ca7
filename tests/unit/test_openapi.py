#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""Every route is in openapi.json, and every answer is as it says."""
import json
import os
import re

from api_lib import Server, Stream, run

server = Server()
server.append(200)
doc = server.get("/api/openapi.json").json()

# Requests for each path; what is not here is asked without parameters.
EXAMPLES = {
    "/api/entries": ["", "?limit=1", "?q=tls+and+status_code+%3E%3D+400&before=90&after=10",
                     "?limit=0", "?q=%3D%3D", "?x=1"],
    "/api/entries/{id}": ["%d" % i for i in range(1, 14)]
                         + ["3?q=redact(%22request%22,%22response.body%22,%22elapsed_time%22)",
                            "999999", "x", "3?q=("],
    "/api/entries/{id}/request/body": ["3", "3?raw=1", "1", "999999", "3?raw=x", "3?as=tree",
                                       "3?as=cbor", "3?as=protobuf", "3?as=msgpack", "3?as=form",
                                       "3?as=multipart", "3?as=x"],
    "/api/entries/{id}/response/body": ["3", "3?raw=1", "8", "2", "999999", "2?as=cbor"],
    "/api/stream": [], # below
    "/api/kfl/validate": ["", "?q=tls", "?q=tls+and", "?q=nosuch+%3D%3D+1"],
    "/api/connections": ["", "?limit=3", "?q=http", "?q=%3D%3D", "?limit=x"],
    "/api/connections/{id}": ["4242-7f3a10-7", "none", "%22%20or%20true"],
    "/api/histogram": ["", "?buckets=1", "?buckets=500&q=tls", "?from=0&to=1", "?q=(",
                       "?from=2026-01-01T00:00:00Z", "?to=1969-01-01T00:00:00Z", "?buckets=501"],
    "/api/map": ["", "?q=status_code==500", "?q=("],
    "/api/export/har": ["", "?q=limit(1)", "?q=("],
    "/api/export/pcapng": ["", "?q=("],
}


def resolve(node):
    while "$ref" in node:
        where = doc
        for part in node["$ref"].lstrip("#/").split("/"):
            where = where[part]
        node = where
    return node


TYPES = {"object": dict, "array": list, "string": str, "null": type(None), "boolean": bool}


def is_type(value, name):
    if name in ("integer", "number"):
        return not isinstance(value, bool) and isinstance(
            value, int if name == "integer" else (int, float))
    return isinstance(value, TYPES[name])


def wrong(value, schema, where):
    """What of a value is not as its schema says, or None. Knows what openapi.json uses."""
    schema = resolve(schema)
    unknown = set(schema) - {"type", "properties", "required", "additionalProperties", "items",
                             "enum", "const", "minimum", "maximum", "minItems", "maxItems", "oneOf",
                             "description", "format", "maxLength", "default"}
    assert not unknown, unknown
    if "oneOf" in schema:
        bad = [wrong(value, s, where) for s in schema["oneOf"]]
        return None if bad.count(None) == 1 else "%s: %s" % (where, bad)
    if "const" in schema and value != schema["const"]:
        return "%s is %r" % (where, value)
    if "enum" in schema and value not in schema["enum"]:
        return "%s is %r" % (where, value)
    types = schema.get("type", [])
    types = [types] if isinstance(types, str) else types
    if types and not any(is_type(value, t) for t in types):
        return "%s is %r, not %s" % (where, value, types)
    if "minimum" in schema and value is not None and value < schema["minimum"]:
        return "%s is %r" % (where, value)
    if schema.get("format") == "date-time" and not re.fullmatch(
            r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z", value):
        return "%s is no time: %r" % (where, value)
    if isinstance(value, list):
        if not schema.get("minItems", 0) <= len(value) <= schema.get("maxItems", len(value)):
            return "%s has %d elements" % (where, len(value))
        found = [wrong(v, schema.get("items", {}), "%s[%d]" % (where, i))
                 for i, v in enumerate(value)]
        return next((f for f in found if f), None)
    if isinstance(value, dict):
        return wrong_members(value, schema, where)
    return None


def wrong_members(value, schema, where):
    properties = schema.get("properties", {})
    for name in schema.get("required", []):
        if name not in value:
            return "%s lacks %s" % (where, name)
    for name, v in value.items():
        if name in properties:
            bad = wrong(v, properties[name], where + "." + name)
            if bad:
                return bad
        elif schema.get("additionalProperties", True) is False:
            return "%s has %s" % (where, name)
    return None


def check(path, method, target, answer):
    responses = doc["paths"][path][method.lower()]["responses"]
    said = resolve(responses.get(str(answer.status), responses["default"]))
    assert str(answer.status) in responses or answer.status >= 400, (target, answer.status)
    if "content" not in said:
        assert not answer.body, target
        return
    kind = answer.headers["content-type"].split(";")[0]
    assert kind in said["content"], (target, kind)
    if kind.endswith("json"):
        bad = wrong(answer.json(), said["content"][kind]["schema"], target)
        assert bad is None, bad


def all_routes():
    """the table of routes and the description name the same paths"""
    with open(os.path.join(os.environ.get("srcdir", "."), "src/api/route.c")) as f:
        table = re.findall(r'^\t\{ "(/[^"]*)", (METHOD_POST|GET),', f.read(), re.M)
    assert len(table) > 15
    assert {p for p, _ in table} == set(doc["paths"])
    for path, method in table:
        want = "post" if method == "METHOD_POST" else "get"
        assert list(doc["paths"][path]) == [want], path


def all_parameters():
    """a parameter that is described is taken, any other is refused"""
    with open(os.path.join(os.environ.get("srcdir", "."), "src/api/route.c")) as f:
        table = dict(re.findall(r'^\t\{ "(/[^"]*)",.*?"( [^"]*)" \}', f.read(), re.M | re.S))
    for path, methods in doc["paths"].items():
        for op in methods.values():
            said = {p["name"] for p in op.get("parameters", []) if p["in"] == "query"}
            assert said == set(table[path].split()), (path, said, table[path])


def answers():
    """every route answers as described, well and badly asked"""
    for path, methods in doc["paths"].items():
        if "get" not in methods:
            continue
        for example in EXAMPLES.get(path, [""]):
            value, _, query = example.partition("?")
            target = path.replace("{id}", value) + ("?" + query if query else "")
            check(path, "GET", target, server.get(target))
            if not example:
                check(path, "GET", target, server.get(target + "?nosuch=1"))
                problem = server.get(target, token="wrong")
                if methods["get"].get("security") != []:
                    assert problem.status == 401
                check(path, "GET", target, problem)


def capture():
    """the body of a POST is as described"""
    for body in (b'{"state":"paused"}', b'{"state":"running"}', b'{"state":"x"}', b""):
        check("/api/capture", "POST", "/api/capture",
              server.request("POST", "/api/capture", body=body))


def events():
    """events carry what is described"""
    schemas = doc["components"]["schemas"]
    s = Stream(server, "/api/stream?after=0&q=limit(30)")
    seen = set()
    while not {"entry", "stats", "end"} <= seen:
        kind, _, data = s.event()
        seen.add(kind)
        schema = {"entry": "Entry", "stats": "StreamStats", "skipped": "Skipped"}.get(kind)
        bad = schema and wrong(data, schemas[schema], kind)
        assert not bad, bad
    s.close()
    s = Stream(server, "/api/stream?q=open")
    server.tell("begin 5")
    assert len(s.entries(5)) == 5
    server.tell("grow 5")
    server.tell("finish 5")
    gone = 0
    while gone < 5:
        kind, _, data = s.event()
        schema = {"update": "Gone" if "gone" in data else "Entry", "stats": "StreamStats"}[kind]
        bad = wrong(data, schemas[schema], kind)
        assert not bad, bad
        gone += schema == "Gone"
    s.close()
    server.append(15000)
    s = Stream(server, "/api/stream?after=0")
    while True:
        kind, _, data = s.event()
        if kind == "skipped":
            break
    assert wrong(data, schemas["Skipped"], kind) is None
    s.close()


def sound():
    """the description itself holds together"""
    text = json.dumps(doc)
    for name in re.findall(r'"\$ref": "([^"]*)"', text):
        resolve({"$ref": name})
    ids = [op["operationId"] for m in doc["paths"].values() for op in m.values()]
    assert len(ids) == len(set(ids))
    for path, methods in doc["paths"].items():
        named = set(re.findall(r"\{(\w+)\}", path))
        for op in methods.values():
            assert named == {p["name"] for p in op.get("parameters", []) if p["in"] == "path"}
            assert "default" in op["responses"] and op["summary"]


def clean_end():
    """the server ends cleanly"""
    assert server.stop() == 0


run([all_routes, all_parameters, answers, capture, events, sound, clean_end])
