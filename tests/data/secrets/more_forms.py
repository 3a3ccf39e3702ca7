# SPDX-License-Identifier: GPL-2.0-or-later
"""Further forms for make_forms.py, one by one: other headers, files, languages and protocols.

Places beside those of make_forms.py: get:TYPE, the body of an answer; h2 and grpc, a header field of
HTTP/2; ws and ws-answer, a text message of a WebSocket; raw, the bytes of a connection, in which \\C
and \\S begin a turn of the client and of the server.
"""
import base64
import struct

PW = "Hunter2x9Qz"
TOKEN = "8f14e45fceea167a5a36dedd4bea2543"
MIXED = "Zm9vYmFyLTEyMzQ1Njc4OTAtYWJj"
AWS = "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY"

HEADERS = [
    f"X-Hasura-Admin-Secret: {TOKEN}", f"X-Algolia-API-Key: {TOKEN}", f"x-rapidapi-key: {TOKEN}",
    f"Fastly-Key: {TOKEN}", f"X-Telegram-Bot-Api-Secret-Token: {TOKEN}", f"X-JFrog-Art-Api: {TOKEN}",
    f"X-Honeycomb-Team: {TOKEN}", f"X-TrackerToken: {TOKEN}", f"X-Redmine-API-Key: {TOKEN}",
    f"X-Octopus-ApiKey: {TOKEN}", f"X-NuGet-ApiKey: {TOKEN}", f"Jenkins-Crumb: {TOKEN}",
    f"X-WP-Nonce: {TOKEN}", f"X-Sentry-Auth: Sentry sentry_version=7, sentry_secret={TOKEN}",
    f"Authorization: GenieKey {TOKEN}", f"X-Postmark-Server-Token: {TOKEN}", f"Zotero-API-Key: {TOKEN}",
    f'X-Emby-Authorization: MediaBrowser Client="a", Token="{TOKEN}"', f"X-CSRFToken: {TOKEN}",
    f"Grpc-Metadata-Authorization: Bearer {TOKEN}", f"X-Amzn-Oidc-Data: {MIXED}", f"X-Goog-IAP-JWT-Assertion: {MIXED}",
    f'Authorization: Digest username="me", realm="x", nonce="1", response="{TOKEN}"',
    f"Authorization: {TOKEN}", f"Authorization: Custom scheme={TOKEN}", f"X-Forwarded-Authorization: Bearer {TOKEN}",
    f"X-Original-URL: /login?password={TOKEN}", f"X-Rewrite-URL: /a?api_key={TOKEN}",
    f"X-Auth: {TOKEN}", f"X-Api-Signature: {TOKEN}", f"X-Client-Key: {TOKEN}", f"X-User-Token: {TOKEN}",
    f"X-Encryption-Key: {TOKEN}", f"x-amz-server-side-encryption-customer-key: {MIXED}",
    f"X-Broker-Api-Pass: {TOKEN}", f"Ocs-Api-Credentials: me {TOKEN}", f"X-Ops-Authorization-1: {TOKEN}",
    f"X-Mashape-Key: {TOKEN}", f"X-Session: {TOKEN}", f"Session-Id: {TOKEN}", f"X-Elastic-Api: ApiKey {TOKEN}",
]
ANSWERS = [f"Location: https://h.example/#access_token={TOKEN}&token_type=bearer", f"X-New-Token: {TOKEN}",
           f"Set-Cookie: __Host-s={TOKEN}; Secure", f"WWW-Authenticate: Negotiate {MIXED}", f"Authentication-Info: rspauth=\"{TOKEN}\"",
           f"X-Set-Authorization: Bearer {TOKEN}", f"Location: https://me:{PW}@h.example/"]
TARGETS = [
    ("110201543:AAHdqTcvCH1vGWJxfSeofSAs0K5PALDsaw", "/bot{}/sendMessage?chat_id=1"),
    ("8dkXq3Vn1LmZ4cR7tYp0wBs5", "/services/T00000000/B00000000/{}"),
    ("aBcDeF1234567890aBcDeF1234567890aBcDeF1234567890aBcDeF1234567890abcd", "/api/webhooks/123456789012345678/{}"),
    (MIXED, "/c?sv=2020-08-04&se=2026-01-01&sr=b&sig={}"), (TOKEN, "/w?appid={}"), (TOKEN, "/w?api-key={}"),
    (TOKEN, "/w?subscription-key={}&q=a"), (TOKEN, "/api/f?code={}"), ("ST-1856339-aA5Yuvrxzpv8Tau1cYQ7", "/v?ticket={}&service=x"),
    (MIXED, "/acs?SAMLResponse={}"), (TOKEN, "/p?reset_password_token={}"), (TOKEN, "/p?hapikey={}"), (TOKEN, "/p?hash={}"),
    (TOKEN, "/p?id=1&nonce={}"), ("AKIA" + "IOSFODNN7EXAMPLE", "/b?AWSAccessKeyId={}&Expires=1"), (MIXED, "/b?Expires=1&Signature={}"),
    ("AKIA" + "IOSFODNN7EXAMPLE", "/b?X-Amz-Credential={}%2F20260101%2Feu%2Fs3%2Faws4_request"), (TOKEN, "/p?user[password]={}"),
    (TOKEN, "/p?filter%5Btoken%5D={}"), (TOKEN, "/users/confirm/{}?lang=de"), (TOKEN, "/reset-password/{}"), (TOKEN, "/invite/{}"),
    (PW, "/jdbc?u=jdbc%3Amysql%3A%2F%2Fh%2Fd%3Fuser%3Dme%26password%3D{}"), (PW, "/a?login=me&psw={}"), (PW, "/a?login=me&pass_word={}"),
]
B64 = base64.b64encode(PW.encode()).decode()
# (type, secret, text)
BODIES = [
    ("text/xml", PW, '<wsse:UsernameToken><wsse:Username>me</wsse:Username><wsse:Password Type="http://docs.example/x#PasswordText">%s</wsse:Password></wsse:UsernameToken>'),
    ("application/soap+xml", PW, '<s:Envelope xmlns:s="x"><s:Body><login><arg0>me</arg0><Passwort>%s</Passwort></login></s:Body></s:Envelope>'),
    ("text/xml", AWS, "<AssumeRoleResponse><Credentials><AccessKeyId>A</AccessKeyId><SecretAccessKey>%s</SecretAccessKey></Credentials></AssumeRoleResponse>"),
    ("text/xml", PW, "<methodCall><params><param><value><struct><member><name>password</name><value><string>%s</string></value></member></struct></value></param></params></methodCall>"),
    ("text/xml", PW, "<dict><key>Password</key><string>%s</string></dict>"),
    ("text/xml", PW, '<add name="db" connectionString="Server=db;User Id=sa;Password=%s;Encrypt=true"/>'),
    ("text/xml", PW, '<user name="me" pwd="%s"/>'), ("text/xml", PW, "<user><name>me</name><kennwort>%s</kennwort></user>"),
    ("application/yaml", B64, "apiVersion: v1\nkind: Secret\ndata:\n  password: %s\n"),
    ("application/yaml", B64, "apiVersion: v1\nkind: Secret\ndata:\n  config.json: %s\n"),
    ("application/yaml", PW, "db:\n  user: me\n  password: '%s'\n"), ("application/yaml", PW, 'db: {user: me, password: "%s"}\n'),
    ("application/yaml", PW, "env:\n  - {name: DB_PASSWORD, value: %s}\n"), ("application/yaml", PW, "password: >-\n  %s\nuser: me\n"),
    ("text/plain", TOKEN, "//registry.example/:_authToken=%s\nalways-auth=true\n"),
    ("text/plain", PW, "machine h.example login me password %s\n"), ("text/plain", PW, "db.example:5432:app:me:%s\n"),
    ("text/plain", "$6$rounds=5000$abcdefgh$X2vZ8kQ1wE9rT5yU3iO7pA", "root:%s:19000:0:99999:7:::\n"),
    ("text/plain", "$apr1$zzmfyxkq$TQFXZqJp4S4RnPxU2tGkx0", "me:%s\n"),
    ("application/json", "$2b$12$LQv3c1yqBWVHxkd0LHAkCOYz6TtxMQJqhN8", '{"h":"%s"}'),
    ("text/plain", PW, "Server=db;Database=x;User Id=sa;Password=%s;Encrypt=true\n"),
    ("application/json", PW, '{"dsn":"host=db user=me password=%s sslmode=require"}'),
    ("application/json", PW, '{"url":"jdbc:postgresql://db/x?user=me&password=%s"}'),
    ("application/json", PW, '{"conn":"Server=db;Uid=me;Pwd=%s;"}'), ("application/json", MIXED, '{"c":"Endpoint=sb://x/;SharedAccessKeyName=r;SharedAccessKey=%s="}'),
    ("application/json", AWS, '{"c":"DefaultEndpointsProtocol=https;AccountName=a;AccountKey=%s=="}'),
    ("text/plain", PW, "$ PGPASSWORD=%s psql -h db\n"), ("text/plain", PW, "mysql -u root -p%s shop\n"), ("text/plain", PW, "curl -u me:%s https://h.example/\n"),
    ("text/plain", PW, "curl --user me:%s https://h.example/\n"), ("text/plain", PW, "sshpass -p %s ssh h\n"), ("text/plain", PW, "docker login -u me -p %s r.example\n"),
    ("text/plain", PW, "redis-cli -a %s ping\n"), ("text/plain", PW, "mysqldump --password=%s --all\n"), ("text/plain", TOKEN, "vault login token=%s\n"),
    ("application/json", PW, '{"args":["-u","me","-p","%s"]}'), ("application/json", PW, '{"cmd":["redis-cli","--pass","%s"]}'),
    ("text/plain", PW, "2026-11-27 INFO login user=me password=%s ok=1\n"), ("text/plain", PW, '2026-11-27 level=info msg="login" pass="%s"\n'),
    ("text/plain", PW, "2026-11-27 DEBUG User(name=me, password=%s, id=4)\n"), ("text/plain", PW, "login failed for me, password '%s' is wrong\n"),
    ("text/plain", PW, "the password is %s\n"), ("text/plain", TOKEN, "GET /a Authorization: Token %s\n"), ("text/plain", PW, "Params: {:password=>\"%s\", :id=>4}\n"),
    ("text/plain", PW, "Params: {'user': 'me', 'password': '%s'}\n"), ("text/plain", PW, "struct {User:me Password:%s ID:4}\n"), ("text/plain", TOKEN, "token %s accepted\n"),
    ("application/x-ndjson", PW, '{"a":1}\n{"password":"%s"}\n{"b":2}\n'), ("text/csv", PW, "user,password,id\nme,%s,4\n"), ("text/csv", PW, 'user;password\n"me";"%s"\n'),
    ("text/tab-separated-values", PW, "user\tpassword\nme\t%s\n"), ("application/toml", PW, '[db]\nuser = "me"\npassword = "%s"\n'), ("text/plain", PW, "[db]\nuser: me\npassword = %s\n"),
    ("text/plain", PW, "export DB_PASS=%s\n"), ("text/plain", TOKEN, "ENV API_TOKEN %s\nRUN make\n"), ("text/plain", PW, "ENV DB_PASSWORD %s\n"),
    ("text/plain", PW, 'variable "db_password" {\n  default = "%s"\n}\n'), ("text/plain", PW, 's:8:"password";s:11:"%s";'),
    ("text/plain", PW, "define('DB_PASSWORD', '%s');\n"), ("text/plain", PW, "$db['password'] = '%s';\n"), ("application/javascript", PW, 'const config = {password: "%s"};\n'),
    ("application/javascript", PW, 'firebase.init({apiKey:"%s"})'), ("text/html", TOKEN, '<input type="hidden" name="authenticity_token" value="%s">'),
    ("text/html", TOKEN, '<input value="%s" name="csrfmiddlewaretoken" type="hidden">'), ("text/html", TOKEN, "<script>window.token='%s'</script>"),
    ("application/json", PW, '{"sql":"CREATE USER me IDENTIFIED BY \'%s\'"}'), ("application/json", PW, '{"sql":"ALTER ROLE me WITH PASSWORD \'%s\'"}'),
    ("application/json", PW, '{"sql":"INSERT INTO users (name,password) VALUES (\'me\',\'%s\')"}'), ("application/json", PW, '{"sql":"UPDATE users SET password = \'%s\' WHERE id=1"}'),
    ("application/sql", PW, "SELECT * FROM users WHERE name='me' AND password='%s'"), ("application/json", PW, '[["user","me"],["password","%s"]]'),
    ("application/json", TOKEN, '{"headers":[{"key":"Authorization","value":"Bearer %s"}]}'), ("application/json", TOKEN, '{"headers":[{"name":"X-Api-Key","value":"%s"}]}'),
    ("application/json", TOKEN, '{"headers":{"Authorization":["Token %s"]}}'), ("application/json", TOKEN, '{"headers":["Authorization: Token %s"]}'),
    ("application/json", MIXED, '{"kty":"RSA","n":"AQAB","e":"AQAB","d":"%s"}'), ("application/json", MIXED, '{"kty":"oct","k":"%s"}'),
    ("application/json", "482913", '{"otp":"%s","user":"me"}'), ("application/json", "4829", '{"pin":%s,"user":"me"}'), ("application/json", "913", '{"cvv":"%s"}'), ("application/json", "078-05-1120", '{"ssn":"%s"}'),
    ("application/json", PW, '{"jsonrpc":"2.0","method":"login","params":{"user":"me","pass":"%s"}}'), ("application/json", PW, '{"jsonrpc":"2.0","method":"login","params":["me","%s"]}'),
    ("application/json", PW, '{"variables":{"input":{"email":"me","password":"%s"}},"query":"mutation($input: L!){login(input:$input){t}}"}'),
    ("application/json", PW, '{"query":"mutation { login(email: \\"me\\", password: \\"%s\\") { id } }"}'), ("application/json", PW, "{'password': '%s'}"),
    ("application/json", PW, '{"data":"{\\"inner\\":\\"{\\\\\\"password\\\\\\":\\\\\\"%s\\\\\\"}\\"}"}'), ("application/json", PW, '{"passwort":"%s"}'), ("application/json", PW, '{"contraseña":"%s"}'),
    ("application/json", PW, '{"mot_de_passe":"%s"}'), ("application/json", PW, '{"senha":"%s"}'), ("application/json", PW, '{"kennwort":"%s"}'), ("application/json", PW, '{"wachtwoord":"%s"}'),
    ("application/json", "correct horse battery staple and so on until twelve words are there ok", '{"mnemonic":"%s"}'), ("application/json", "correct horse battery staple", '{"seed_phrase":"%s"}'),
    ("application/json", TOKEN, '{"Auth":{"ClientToken":"%s"}}'), ("application/json", TOKEN, '{"auth":{"identity":{"password":{"user":{"name":"me","password":"%s"}}}}}'),
    ("application/json", MIXED, '{"aws":{"accessKeyId":"x","secretAccessKey":"%s","sessionToken":"y"}}'), ("application/json", MIXED, '{"private_key_id":"1","private_key":"%s"}'),
    ("application/x-www-form-urlencoded", MIXED, "SAMLResponse=%s&RelayState=x"), ("application/x-www-form-urlencoded", MIXED, "grant_type=authorization_code&code=%s&client_id=x"),
    ("application/x-www-form-urlencoded", MIXED, "grant_type=urn:ietf:params:oauth:grant-type:jwt-bearer&assertion=%s"), ("application/x-www-form-urlencoded", PW, "log=me&pwd=%s&wp-submit=Log+In"),
    ("application/x-www-form-urlencoded", PW, "payload=%%7B%%22password%%22%%3A%%22%s%%22%%7D"), ("application/x-www-form-urlencoded", PW, "__VIEWSTATE=x&ctl00%%24txtPassword=%s&b=1"),
    ("application/x-www-form-urlencoded", PW, "j_username=me&j_password=%s"), ("multipart/form-data; boundary=XyZ", PW, '--XyZ\r\nContent-Disposition: form-data; name="config"; filename="c.json"\r\nContent-Type: application/json\r\n\r\n{"db":{"password":"%s"}}\r\n--XyZ--\r\n'),
    ("multipart/form-data; boundary=XyZ", PW, '--XyZ\r\ncontent-disposition: form-data; name=password\r\n\r\n%s\r\n--XyZ--\r\n'), ("multipart/form-data; boundary=XyZ", PW, '--XyZ\r\nContent-Type: text/plain\r\nContent-Disposition: form-data; name="password"\r\nContent-Length: 11\r\n\r\n%s\r\n--XyZ--\r\n'),
    ("multipart/mixed; boundary=XyZ", PW, '--XyZ\r\nContent-Type: application/http\r\n\r\nPOST /login?password=%s HTTP/1.1\r\n\r\n--XyZ--\r\n'), ("application/graphql", PW, 'mutation { login(user: "me", password: "%s") { token } }'),
    ("text/plain", PW, "dn: cn=me,dc=x\nuserPassword: %s\n"), ("text/plain", B64, "dn: cn=me,dc=x\nuserPassword:: %s\n"), ("text/plain", PW, "<VirtualHost>\nSetEnv DB_PASSWORD %s\n</VirtualHost>\n"),
    ("application/octet-stream", PW, "password=%s\n"), ("", PW, '{"password":"%s"}'), ("application/vnd.api+json", PW, '{"data":{"attributes":{"password":"%s"}}}'), ("application/json-patch+json", PW, '[{"op":"add","path":"/user/password","value":"%s"}]'),
    ("text/plain", "4829-1173-5520", "recovery code: %s\n"), ("application/json", "4829-1173", '{"backup_codes":["%s"]}'), ("application/json", "GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ", '{"uri":"otpauth://totp/a:me?secret=%s&issuer=a"}'),
]
GETS = [
    ("text/event-stream", PW, 'event: login\ndata: {"user":"me","password":"%s"}\n\n'), ("text/event-stream", TOKEN, "data: token=%s\n\n"), ("application/json", TOKEN, '{"access_token":"%s","token_type":"bearer"}'),
    ("text/html", TOKEN, '<meta name="csrf-token" content="%s">'), ("text/plain", AWS, "[default]\naws_access_key_id = A\naws_secret_access_key = %s\n"), ("application/json", AWS, '{"AccessKeyId":"A","SecretAccessKey":"%s","Token":"t"}'),
]
SOCKET = [
    (TOKEN, '{"type":"connection_init","payload":{"Authorization":"Bearer %s"}}'), (PW, "CONNECT\naccept-version:1.2\nlogin:me\npasscode:%s\n\n\0"), (TOKEN, '40{"token":"%s"}'),
    (PW, '42["login",{"user":"me","password":"%s"}]'), (PW, '{"arguments":["x"],"password":"%s"}\x1e'), (TOKEN, '["1","1","room:1","phx_join",{"token":"%s"}]'), (TOKEN, "auth %s"), (PW, "AUTH me %s"), (PW, "PASS %s\r\nNICK me\r\n"),
    (TOKEN, '{"op":2,"d":{"token":"%s","intents":513}}'), (TOKEN, "token=%s"),
]


def resp(*words):
    return "*%d\r\n" % len(words) + "".join("$%d\r\n%s\r\n" % (len(w), w) for w in words)


def latin(data):
    return data.decode("latin-1")


def short(text):
    return struct.pack(">H", len(text)) + text.encode()


def mqtt(password):
    body = short("MQTT") + b"\x04\xc2\x00\x3c" + short("c1") + short("me") + short(password)
    return latin(b"\x10" + bytes([len(body)]) + body)


def postgres(kind, text):
    return latin(kind + struct.pack(">I", len(text) + 5) + text.encode() + b"\0")


def mysql_packet(number, body):
    return latin(struct.pack("<I", len(body))[:3] + bytes([number]) + body)


GREETING = mysql_packet(0, b"\x0a8.0.36\0" + b"\x01\0\0\0" + b"abcdefgh\0" + b"\xff\xff\x2d\x02\0\xff\xdf\x15" + bytes(10) +
                        b"ijklmnopqrst\0mysql_native_password\0")
LOGIN = mysql_packet(1, struct.pack("<IIB", 0x000fa685, 1 << 24, 45) + bytes(23) + b"me\0\0db\0mysql_native_password\0")
OK = mysql_packet(2, b"\0\0\0\x02\0\0\0")


def mysql(sql):
    return "\\S" + GREETING + "\\C" + LOGIN + "\\S" + OK + "\\C" + mysql_packet(0, b"\x03" + sql.encode()) + "\\S" + mysql_packet(1, b"\0\0\0\x02\0\0\0")


def postgres_session(sql):
    start = struct.pack(">II", 17, 196608) + b"user\0app\0\0"
    start = latin(struct.pack(">I", len(start)) + start[4:])
    ready = latin(b"Z\0\0\0\x05I")
    return (start + "\\S" + latin(b"R\0\0\0\x08\0\0\0\x03") + "\\C" + postgres(b"p", PW) + "\\S" +
            latin(b"R\0\0\0\x08\0\0\0\0") + ready + "\\C" + postgres(b"Q", sql) + "\\S" +
            latin(b"C\0\0\0\x0dSELECT 1\0") + ready)


PLAIN = base64.b64encode(b"\0me\0" + PW.encode()).decode()
RAW = [
    (PW, resp("AUTH", PW)), (PW, resp("AUTH", "me", PW)), (PW, resp("HELLO", "3", "AUTH", "me", PW)), (PW, resp("CONFIG", "SET", "requirepass", PW)), (PW, resp("CONFIG", "SET", "masterauth", PW)),
    (PW, resp("ACL", "SETUSER", "me", "on", ">" + PW)), (PW, resp("MIGRATE", "h", "6379", "k", "0", "10", "AUTH", PW)), (PW, resp("MIGRATE", "h", "6379", "k", "0", "10", "AUTH2", "me", PW)), (PW, resp("HSET", "user:1", "name", "me", "password", PW)),
    (PW, resp("SET", "user:1:password", PW)), (PW, resp("SET", "k", '{"password":"%s"}' % PW)), (PW, "AUTH %s\r\n" % PW), (TOKEN, resp("SETEX", "session:token", "60", TOKEN)), (PW, resp("EVAL", "redis.call('AUTH','%s')" % PW, "0")), (PW, resp("PUBLISH", "c", "password=" + PW)),
    (PW, mqtt(PW)), (PW, postgres_session("SELECT 1")), (PW, postgres_session("ALTER ROLE me PASSWORD '%s'" % PW)), ("other9Secret", postgres_session("CREATE USER x WITH LOGIN PASSWORD 'other9Secret'")), ("other9Secret", postgres_session("UPDATE users SET password='other9Secret' WHERE id=1")), ("other9Secret", postgres_session("INSERT INTO users (name, password) VALUES ('a', 'other9Secret')")),
    ("other9Secret", postgres_session("SELECT pgp_sym_decrypt(x, 'other9Secret') FROM t")), ("other9Secret", postgres_session("SELECT crypt('other9Secret', gen_salt('bf'))")), ("other9Secret", postgres_session("SELECT dblink_connect('host=h password=other9Secret')")), ("other9Secret", postgres_session("CREATE USER MAPPING FOR me SERVER s OPTIONS (user 'a', password 'other9Secret')")),
    ("other9Secret", postgres_session("COPY t FROM 's3://b' CREDENTIALS 'aws_secret_access_key=other9Secret'")), ("other9Secret", mysql("CREATE USER me IDENTIFIED BY 'other9Secret'")), ("other9Secret", mysql("SET PASSWORD FOR me = PASSWORD('other9Secret')")), ("other9Secret", mysql("ALTER USER me IDENTIFIED WITH mysql_native_password BY 'other9Secret'")),
    ("other9Secret", mysql("INSERT INTO u (a, pwd) VALUES (1, 'other9Secret')")), ("other9Secret", mysql("CHANGE MASTER TO MASTER_PASSWORD='other9Secret'")), ("other9Secret", mysql("SELECT AES_DECRYPT(x,'other9Secret')")),
    (PLAIN, "\\S220 h ESMTP\r\n\\CEHLO a\r\n\\S250-h\r\n250 AUTH PLAIN LOGIN\r\n\\CAUTH PLAIN %s\r\n\\S235 ok\r\n" % PLAIN), (B64, "\\S220 h ESMTP\r\n\\CEHLO a\r\n\\S250 AUTH LOGIN\r\n\\CAUTH LOGIN\r\n\\S334 VXNlcm5hbWU6\r\n\\CbWU=\r\n\\S334 UGFzc3dvcmQ6\r\n\\C%s\r\n\\S235 ok\r\n" % B64),
    (PW, "\\S* OK IMAP4rev1 h\r\n\\Ca1 LOGIN me %s\r\n\\Sa1 OK done\r\n" % PW), (PLAIN, "\\S* OK IMAP4rev1 h\r\n\\Ca1 AUTHENTICATE PLAIN\r\n\\S+ \r\n\\C%s\r\n\\Sa1 OK done\r\n" % PLAIN), (PW, "\\S+OK POP3 h\r\n\\CUSER me\r\n\\S+OK\r\n\\CPASS %s\r\n\\S+OK\r\n" % PW),
    (PW, latin(b"\x30" + bytes([7 + 7 + len(PW)]) + b"\x02\x01\x01\x60" + bytes([9 + len(PW)]) + b"\x02\x01\x03\x04\x02me\x80" + bytes([len(PW)]) + PW.encode())), (PW, "\\S220 FTP\r\n\\CUSER me\r\n\\S331 pass\r\n\\CPASS %s\r\n\\S230 ok\r\n" % PW),
    (PW, latin(b"AMQP\0\0\x09\x01") + "\\S" + latin(b"\x01\0\0\0\0\0\x1e" + b"\0\x0a\0\x0a\0\x09" + b"\0\0\0\0" + struct.pack(">I", 5) + b"PLAIN" + struct.pack(">I", 5) + b"en_US" + b"\xce") + "\\C" + latin(b"\x01\0\0\0\0" + struct.pack(">I", 4 + 4 + 1 + 5 + 4 + 4 + len(PW) + 1 + 5) + b"\0\x0a\0\x0b" + b"\0\0\0\0" + b"\x05PLAIN" + struct.pack(">I", 4 + len(PW)) + b"\0me\0" + PW.encode() + b"\x05en_US" + b"\xce")),
    (PW, "GET /a HTTP/1.0\r\nauthorization: Basic %s\r\n\r\n" % base64.b64encode(b"me:" + PW.encode()).decode()),
]


# Not found: nothing but their meaning tells what they are.
MISSED = ("WWW-Authenticate: Negotiate", "AUTH me ", "redis.call")


def add_all(add_any):
    def add(place, secret, text):
        add_any(not place.startswith(("body:", "get:")) and not any(m in text for m in MISSED), place, secret, text)

    for h in HEADERS:
        secret = h.split()[-1].split("=", 1)[-1].strip('"')
        add("header", secret, h)
        if len(h) < 120:
            name, value = h.split(": ", 1)
            add("h2", secret, f"{name.lower()}: {value}")
    for name in ("authorization", "x-api-key", "token", "x-user-token", "session-bin", "password"):
        value = base64.b64encode(TOKEN.encode()).decode().rstrip("=") if name.endswith("-bin") else TOKEN
        add("grpc", value, f"{name}: {value}")
    for h in ANSWERS:
        add("answer", TOKEN if TOKEN in h else MIXED if MIXED in h else PW, h)
    for secret, target in TARGETS:
        add("target", secret, target.format(secret))
    for kind, secret, text in BODIES:
        add("body:" + kind, secret, text % secret)
    for kind, secret, text in GETS:
        add("get:" + kind, secret, text % secret)
    for secret, text in SOCKET:
        add("ws", secret, text % secret)
        add("ws-answer", secret, text % secret)
    for secret, text in RAW:
        add("raw", secret, text)
