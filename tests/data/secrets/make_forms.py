#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""Writes forms.txt: how programs send secrets, one form a line, tab between

    core or more    is it of the half that may never be missed
    place           header, answer (a header field of the response), target, or body:TYPE
    secret          as it stands in the bytes
    bytes           with \\n, \\r, \\t and \\\\ for these

usage: make_forms.py > forms.txt
"""
import base64
import json
import urllib.parse

import more_forms

PASSWORDS = ["Hunter2x9Qz", "s3cr3tPa55w0rd", "Tr0ub4dor-and-3", "correcthorse77", "pa.ss_W0rd-1",
             "zX9vB7nM5kL3", "qwertZ1234567", "OpenSesame42", "l3tm31nPl3ase", "N0tMyR3alOne"]
TOKENS = ["8f14e45fceea167a5a36dedd4bea2543", "c9f0f895fb98ab9159f51fd0297e236d",
          "d3JlYWxseVJhbmRvbVZhbHVlMTIz", "6f4922f45568161a8cdf4ad2299f6d23",
          "Zm9vYmFyLTEyMzQ1Njc4OTAtYWJj", "1f0e3dad99908345f7439f8ffabdffc4"]
PASSWORD_NAMES = ["password", "passwd", "pwd", "Password", "user_password", "userPassword", "db_password",
                  "j_password", "spring.datasource.password", "DB_PASSWORD", "new-password", "passphrase",
                  "old_password", "passwordConfirmation", "smtp_pass", "adminPwd", "password1", "login[password]",
                  "PGPASSWORD", "MYSQL_ROOT_PASSWORD", "keystorePassword", "ldap.bind.passwd", "_password",
                  "wp_pass", "mailPassword", "proxy-passwd", "rootpw_password", "vaultPassphrase"]
TOKEN_NAMES = ["token", "access_token", "refresh_token", "id_token", "api_key", "apiKey", "secret", "client_secret",
               "clientSecret", "auth_token", "authToken", "session_token", "x-api-key", "bearer_token", "AWS_SECRET_ACCESS_KEY",
               "private_token", "csrf_token", "SECRET_KEY", "webhook_secret", "signing_secret", "stripe_api_key",
               "deploy_token", "slackToken", "GITHUB_TOKEN", "app_secret", "consumer_secret", "encryption_key",
               "accountKey", "sharedSecret", "personal_access_token", "registration_token", "jwt", "sessionId",
               "master_key", "license_key", "credentials", "device_token", "verification_token", "signature"]
HEADER_NAMES = ["Authorization", "Proxy-Authorization", "X-Api-Key", "X-Auth-Token", "X-Shopify-Access-Token", "DD-API-KEY",
                "DD-APPLICATION-KEY", "X-Registry-Auth", "X-Vault-Token", "PRIVATE-TOKEN", "X-Amz-Security-Token",
                "X-Goog-Api-Key", "Ocp-Apim-Subscription-Key", "X-Functions-Key", "X-CSRF-Token", "X-XSRF-TOKEN",
                "X-Gitlab-Token", "X-Hub-Signature-256", "X-Slack-Signature", "X-Access-Token", "X-Session-Id",
                "X-Plex-Token", "X-Figma-Token", "X-Consul-Token", "CF-Access-Client-Secret", "X-Auth-Key", "Api-Key",
                "X-Parse-REST-API-Key", "X-Parse-Master-Key", "X-Okta-Session-Token", "X-Amzn-Oidc-Accesstoken",
                "X-Forwarded-Access-Token", "X-ClickHouse-Key-Password", "X-MBX-APIKEY", "X-RapidAPI-Key-Secret",
                "Stripe-Signature", "X-Webhook-Secret", "X-Twilio-Signature", "X-Internal-Token", "Cookie2"]
JWT = ("eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9.eyJzdWIiOiIxMjM0NTY3ODkwIn0."
       "dozjgNryP4J3jVmNHl0w5N_XgL0n3I9PlFUP0THsR8U")
SHAPES = {  # put together here, so that no file but forms.txt holds them
    "jwt": JWT,
    "aws": "AKIA" + "IOSFODNN7EXAMPLE",
    "aws-session": "ASIA" + "Y34FZKBOKMUTVV7A",
    "github": "ghp_" + "16C7e42F292c6912E7710c838347Ae178B4a",
    "github-oauth": "gho_" + "16C7e42F292c6912E7710c838347Ae178B4a",
    "github-fine": "github_pat_" + "11ABCDEFG0abcdefghijkl_mnopqrstuvwxyz0123456789ABCDEF",
    "gitlab": "glpat-" + "x9Kd83jfLq02mZpQ7vTn",
    "slack": "xoxb-" + "123456789012-1234567890123-AbCdEfGhIjKlMnOpQrStUvWx",
    "slack-user": "xoxp-" + "123456789012-123456789012-AbCdEfGhIjKl",
    "openai": "sk-" + "proj-Ab12Cd34Ef56Gh78Ij90Kl12Mn34Op56",
    "anthropic": "sk-" + "ant-api03-Ab12Cd34Ef56Gh78Ij90Kl12Mn34",
    "stripe": "sk_" + "live_4eC39HqLyjWDarjtT1zdp7dc",
    "stripe-restricted": "rk_" + "live_4eC39HqLyjWDarjtT1zdp7dc",
    "google": "AIza" + "SyD-9tSrke72PouQMnMX-a7eZSW0jkFMBWY",
    "npm": "npm_" + "a1B2c3D4e5F6g7H8i9J0k1L2m3N4o5P6q7R8",
    "pypi": "pypi-" + "AgEIcHlwaS5vcmcCJDAwMDAwMDAw",
    "sendgrid": "SG." + "ngeVfQFYQlKU0ufo8x5d1A.TwL2iGABf9DHoTf09kqeF8tAmbihYzrnopKcQMDs11",
    "huggingface": "hf_" + "AbCdEfGhIjKlMnOpQrStUvWxYz01234567",
    "vault": "hvs." + "CAESIJlU02LQZq3d7kxyzAbCdEfGh",
    "digitalocean": "dop_v1_" + "8f14e45fceea167a5a36dedd4bea2543c9f0f895",
    "docker": "dckr_pat_" + "Ab12Cd34Ef56Gh78Ij90Kl12Mn3",
    "shopify": "shpat_" + "8f14e45fceea167a5a36dedd4bea2543",
    "google-oauth": "ya29." + "a0AfH6SMBx1234567890abcdefgh",
    "card-visa": "4111111111111111",
    "card-master": "5555555555554444",
    "card-amex": "378282246310005",
    "card-grouped": "4111-1111-1111-1111",
    "card-blanks": "4012 8888 8888 1881",
}
forms = []


def add(core, place, secret, data):
    forms.append(("core" if core else "more", place, secret, data))


def escape(text):
    text = text.replace("\\", "\\\\").replace("\n", "\\n").replace("\r", "\\r").replace("\t", "\\t")
    return "".join(c if c >= " " else "\\x%02x" % ord(c) for c in text)


def escape_raw(text):
    """Of bytes, in which \\C and \\S stay."""
    return "".join("\\x%02x" % ord(c) if c < " " or c > "~" else c for c in text)


def quote(text):
    return urllib.parse.quote(text, safe="")


def multipart(name, value, type_line=""):
    return (f'--XyZ\r\nContent-Disposition: form-data; name="user"\r\n\r\nme\r\n--XyZ\r\n'
            f'Content-Disposition: form-data; name="{name}"\r\n{type_line}\r\n{value}\r\n--XyZ--\r\n')


def plain_json(name, value):
    return json.dumps({"user": "me", name: value, "n": 1}, separators=(",", ":"))


# (core, place, template of name and value)
BODIES = [
    (1, "body:application/json", plain_json),
    (1, "body:application/json", lambda n, v: json.dumps({"a": [{"b": {n: v}}]}, indent=2)),
    (1, "body:application/x-www-form-urlencoded", lambda n, v: f"user=me&{quote(n)}={quote(v)}&x=1"),
    (1, "body:application/x-www-form-urlencoded", plain_json),
    (1, "body:text/plain", lambda n, v: f"user=me&{n}={v}"),
    (1, "body:text/plain", plain_json),
    (1, "body:application/octet-stream", plain_json),
    (1, "body:image/png", plain_json),
    (1, "body:", lambda n, v: f"user=me&{n}={v}"),
    (1, "body:multipart/form-data; boundary=XyZ", multipart),
    (0, "body:multipart/form-data; boundary=XyZ",
     lambda n, v: multipart("meta", plain_json(n, v), "Content-Type: application/json\r\n")),
    (1, "body:application/x-ndjson", lambda n, v: json.dumps({"a": 1}) + "\n" + json.dumps({n: v}) + "\n"),
    (0, "body:application/json", lambda n, v: json.dumps({"message": json.dumps({n: v})})),
    (0, "body:application/json", lambda n, v: json.dumps({"m": json.dumps({"m": json.dumps({n: v})})})),
    (0, "body:application/json", lambda n, v: json.dumps({"url": f"https://h.example/cb?{n}={v}&a=1"})),
    (0, "body:application/json", lambda n, v: json.dumps({"name": n, "value": v})),
    (0, "body:application/json", lambda n, v: json.dumps({"env": [{"key": n, "value": v}]})),
    (0, "body:text/event-stream", lambda n, v: "data: " + json.dumps({n: v}) + "\n\n"),
    (0, "body:application/yaml", lambda n, v: f"user: me\n{n}: {v}\nport: 1\n"),
    (0, "body:text/plain", lambda n, v: f"# settings\n{n} = {v}\nother = 1\n"),
    (0, "body:text/plain", lambda n, v: f"export {n}={v}\nexport X=1\n"),
    (0, "body:application/toml", lambda n, v: f'[db]\n{n} = "{v}"\n'),
    (0, "body:text/plain", lambda n, v: f"tool --user me --{n}={v} --verbose\n"),
    (0, "body:application/x-www-form-urlencoded", lambda n, v: "payload=" + quote(json.dumps({n: v}))),
    (0, "body:application/x-www-form-urlencoded",
     lambda n, v: "next=" + quote(f"https://h.example/cb?{n}={v}") + "&a=1"),
    (0, "body:text/html", lambda n, v: f'<form><input type="hidden" name="{n}" value="{v}"></form>'),
    (0, "body:text/javascript", lambda n, v: f'const config = {{"{n}": "{v}", "port": 1}};'),
    (0, "body:text/plain", lambda n, v: "{'user': 'me', '%s': '%s'}" % (n, v)),
]
XML_BODIES = [  # names that are XML names
    (1, "body:text/xml", lambda n, v: f"<a><user>me</user><{n}>{v}</{n}></a>"),
    (1, "body:application/soap+xml", lambda n, v: f'<s:E><w:{n} Type="x">{v}</w:{n}></s:E>'),
    (1, "body:text/xml", lambda n, v: f'<user name="me" {n}="{v}"/>'),
    (0, "body:text/plain", lambda n, v: f"<a><{n}>{v}</{n}></a>"),
    (0, "body:text/xml", lambda n, v: f"<a><{n}><![CDATA[{v}]]></{n}></a>"),
    (0, "body:application/xml", lambda n, v: f"<dict><key>{n}</key><string>{v}</string></dict>"),
    (0, "body:application/xml", lambda n, v: f'<configuration><add key="{n}" value="{v}"/></configuration>'),
    (0, "body:text/xml", lambda n, v: f"<member><name>{n}</name><value><string>{v}</string></value></member>"),
]
GRAPHQL = [
    (1, "body:application/json",
     lambda n, v: json.dumps({"query": "mutation { login(user: \"me\", %s: \"%s\") { ok } }" % (n, v)})),
    (1, "body:application/json",
     lambda n, v: json.dumps({"query": "mutation($a: String!) { login(a: $a) { ok } }", "variables": {n: v}})),
    (1, "body:application/x-www-form-urlencoded",
     lambda n, v: 'query=mutation { login(user: "me", %s: "%s") { ok } }' % (n, v)),
    (1, "body:application/x-www-form-urlencoded",
     lambda n, v: "query=" + quote('mutation { login(user: "me", %s: "%s") { ok } }' % (n, v))),
    (0, "body:application/graphql", lambda n, v: 'mutation { login(user: "me", %s: "%s") { ok } }' % (n, v)),
]
TARGETS = [
    (1, "target", lambda n, v: f"/login?user=me&{quote(n)}={quote(v)}&x=1"),
    (1, "target", lambda n, v: f"/login?{n}={v}"),
    (1, "header", lambda n, v: f"Referer: https://h.example/a?{n}={v}&b=1"),
    (1, "answer", lambda n, v: f"Location: https://h.example/cb?a=1&{n}={v}"),
    (0, "target", lambda n, v: "/go?next=" + quote(f"/cb?{n}={v}")),
    (0, "answer", lambda n, v: f"Location: /cb#{n}={v}&state=1"),
    (0, "answer", lambda n, v: f'Link: <https://h.example/p?{n}={v}>; rel="next"'),
    (0, "target", lambda n, v: f"/a/b;{n}={v}/c?d=1"),
    (0, "answer", lambda n, v: f"Refresh: 0; url=https://h.example/p?{n}={v}"),
]


def plain(name):
    return name.replace("_", "a").replace("-", "a").isalnum()


def make():
    names = [(n, PASSWORDS) for n in PASSWORD_NAMES] + [(n, TOKENS) for n in TOKEN_NAMES]
    k = 0
    for templates, some in ((BODIES, names), (TARGETS, names),
                            (XML_BODIES, [n for n in names if plain(n[0]) and not n[0].startswith("_")]),
                            (GRAPHQL, [n for n in names if plain(n[0]) and "-" not in n[0]])):
        for i, (core, place, template) in enumerate(templates):
            step = 3
            for j in range((i * 2) % step, len(some), step):
                name, values = some[j]
                if "[" in name and "form" not in place and place not in ("target",):
                    continue
                value = values[k % len(values)]
                k += 1
                add(core, place, value, template(name, value))
    for i, name in enumerate(HEADER_NAMES):
        value = TOKENS[i % len(TOKENS)]
        add(True, "header", value, f"{name}: {value}")
    basic = base64.b64encode(b"me:Hunter2x9Qz").decode()
    for name in ("Authorization", "Proxy-Authorization", "X-Original-Authorization", "X-Upstream", "X-Forwarded-For-Auth"):
        add(True, "header", basic, f"{name}: Basic {basic}")
        add(True, "header", JWT, f"{name}: Bearer {JWT}")
        add(True, "header", TOKENS[0], f"{name}: Bearer {TOKENS[0]}")
    add(True, "header", TOKENS[2], f"Sec-WebSocket-Protocol: graphql-ws, {TOKENS[2]}")
    add(True, "header", TOKENS[2], f"Sec-WebSocket-Protocol: base64url.bearer.authorization.k8s.io.{TOKENS[2]}, chat")
    add(True, "header", JWT, f"Sec-WebSocket-Protocol: bearer, {JWT}")
    add(True, "header", PASSWORDS[0], f"Sec-WebSocket-Protocol: access_token, {PASSWORDS[0]}")
    for name in ("sid", "session", "PHPSESSID", "theme", "_ga"):
        add(True, "header", TOKENS[1], f"Cookie: a=b; {name}={TOKENS[1]}; c=d")
        add(True, "answer", TOKENS[1], f"Set-Cookie: {name}={TOKENS[1]}; Path=/; HttpOnly")
    for name in ("key", "sig", "Signature", "X-Amz-Signature", "sid", "auth", "pass", "pin", "otp"):
        add(True, "target", TOKENS[3], f"/v1/map?a=1&{name}={TOKENS[3]}&b=2")
    for secret in ("abcd12,efgh34", "abcd12;efgh34", "abcd12'efgh34", 'abcd12"efgh34', "abcd12?efgh34", "abcd12/efgh34",
                   "abcd12:efgh34", "abcd12@efgh34", "abcd12=efgh34", "abcd12%2Cefgh34", "abcd12+efgh34", "abcd12|efgh34",
                   "abcd12(efgh34)", "abcd12[efgh34]", "abcd12!efgh34"):
        add(True, "target", secret, f"/a?token={secret}&b=1")
        add(False, "body:application/x-www-form-urlencoded", secret, f"a=1&password={secret}&b=1")
        if '"' not in secret:
            add(True, "body:application/json", secret, '{"password":"%s","b":1}' % secret)
    add(True, "target", "8F14E45FCEEA", "/app;jsessionid=8F14E45FCEEA?x=1")
    add(True, "target", "8F14E45FCEEA", "/app;JSESSIONID=8F14E45FCEEA;v=2")
    for url in ("https://me:{}@h.example/p", "postgres://app:{}@db:5432/x", "redis://:{}@cache:6379/0", "amqp://u:{}@mq",
                "mongodb+srv://u:{}@c.example/db?retry=1", "ftp://u:{}@h/f"):
        value = PASSWORDS[len(forms) % len(PASSWORDS)]
        add(True, "body:application/json", value, json.dumps({"url": url.format(value)}))
        add(True, "body:text/plain", value, "connect to " + url.format(value) + " now\n")
        add(True, "header", value, "X-Upstream: " + url.format(value))
    for name, secret in SHAPES.items():
        add(True, "body:application/json", secret, json.dumps({"note": secret, "a": 1}))
        add(True, "body:text/plain", secret, f"here it is: {secret}, thanks\n")
        add(name in ("jwt", "github"), "body:text/html", secret, f"<p>use <code>{secret}</code></p>")
        if not name.startswith("card"):
            add(True, "header", secret, f"X-Note: {secret}")
            add(True, "target", secret, f"/v1/things?q={secret}&b=1")
            add(False, "body:application/x-www-form-urlencoded", secret, f"a=1&note={secret}")
            add(False, "body:application/json", secret, json.dumps({"log": f"line\n{secret}\tend"}))
    key = "MIIEvQIBADANBgkqhkiG9w0BAQEFAASCBKcwggSjAgEAAoIBAQC7VJTUt9Us8cKj"
    for kind in ("PRIVATE KEY", "RSA PRIVATE KEY", "EC PRIVATE KEY", "OPENSSH PRIVATE KEY"):
        pem = f"-----BEGIN {kind}-----\n{key}\n-----END {kind}-----\n"
        add(True, "body:text/plain", key, "a file\n" + pem)
        add(True, "body:application/json", key, json.dumps({"file": pem}))
        add(False, "body:application/x-pem-file", key, pem)
    curl = f"curl -H 'Authorization: Bearer {TOKENS[5]}' -u me:x https://h.example/\n"
    add(False, "body:text/plain", TOKENS[5], curl)
    add(True, "body:application/x-www-form-urlencoded", "secret9x9", "user=me&password=secret9x9")
    add(True, "body:application/json", PASSWORDS[0],
        '{"credentials":[{"type":"password","value":"%s","temporary":false}]}' % PASSWORDS[0])
    add(True, "body:application/json", PASSWORDS[1], '{"type":"password","value":"%s"}' % PASSWORDS[1])
    add(True, "body:application/x-www-form-urlencoded", "4012+8888+8888+1881", "number=4012+8888+8888+1881&x=1")
    add(True, "body:application/yaml", PASSWORDS[2], f"env:\n- name: DB_PASSWORD\n  value: {PASSWORDS[2]}\n")
    add(True, "header", f"https://me:{PASSWORDS[3]}@", f"Referer: https://me:{PASSWORDS[3]}@h.example/a")
    add(True, "header", "b0rQm9ZpL2xV7nK4", "Referer: https://h.example/cb?code=b0rQm9ZpL2xV7nK4&state=1")
    add(True, "header", SHAPES["github"], f"X-Remote: https://{SHAPES['github']}:x-oauth-basic@github.example/r.git")
    add(True, "body:application/json", "LS0tLS1CRUdJTiBQUklWQVRFIEtFWS0tLS0tCk1JSUV2UQ",
        '{"data":{"tls.key":"LS0tLS1CRUdJTiBQUklWQVRFIEtFWS0tLS0tCk1JSUV2UQ=="}}')
    add(True, "body:text/html", PASSWORDS[6], f'<input name="password" type="text" id="x" value="{PASSWORDS[6]}">')
    add(True, "body:text/xml", PASSWORDS[7], f'<property name="connection.password">{PASSWORDS[7]}</property>')
    add(True, "body:text/xml", PASSWORDS[8], f'<Parameter Name="Password"><Value>{PASSWORDS[8]}</Value></Parameter>')
    add(False, "body:application/json", PASSWORDS[9], '{"args":["--user","me","--password","%s"]}' % PASSWORDS[9])
    add(True, "body:application/json", PASSWORDS[0], '{"cmd":"mysql --password %s -h db"}' % PASSWORDS[0])
    add(True, "body:application/json", PASSWORDS[1],
        '[{"op":"replace","path":"/password","value":"%s"}]' % PASSWORDS[1])
    add(True, "header", TOKENS[4], f"Sec-WebSocket-Protocol: realtime, openai-insecure-api-key.{TOKENS[4]}")
    add(True, "body:text/html", TOKENS[0], f'<meta name="csrf-token" content="{TOKENS[0]}">')
    add(True, "body:application/json", PASSWORDS[4], "{password:'%s',user:'me'}" % PASSWORDS[4])
    add(True, "body:application/json", PASSWORDS[5], '{"body":"user=me&password=%s"}' % PASSWORDS[5])
    add(False, "body:application/json", "hunter2QQ", '{"p\\u0061ssword":"hunter2QQ"}')
    add(False, "body:application/json", "dXNlcjpwYXNzd29yZDEy",
        '{"auths":{"r.example":{"auth":"dXNlcjpwYXNzd29yZDEy"}}}')


make()
more_forms.add_all(add)
for form in forms:
    last = escape_raw(form[3]) if form[1] == "raw" else escape(form[3])
    print("\t".join((form[0], form[1], escape(form[2]), last)))
