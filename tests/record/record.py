#!/usr/bin/env python3
"""Records golden cases from real servers and clients: record.py TELL SRCDIR [PROTOCOL...]

Each conversation runs over loopback, without TLS, through a relay that notes who said what. It becomes
tests/data/PROTOCOL/recorded.txt: the bytes, and what TELL (tests/unit/tell_case) says of them, which is to be
read before it is committed. What is recorded is made up here, and so are the passwords."""
import os
import subprocess
import sys
import tempfile
import time

import web
from relay import E2E, PASSWORD, PYTHON, Relay, client, free_port, server, wait_port


def literal(data):
    # Not of the machine that records.
    data = data.replace(os.uname().release.encode(), b"6.1.0".ljust(len(os.uname().release), b"-"))
    return '"%s"' % "".join(chr(c) if 32 <= c < 127 and c not in b'"\\' else "\\x%02x" % c for c in data)


def redis(folder):
    port = free_port()
    with server("redis-server", "--port", str(port), "--bind", "127.0.0.1", "--dir", folder, "--save", "",
                "--requirepass", PASSWORD):
        wait_port(port)
        relay = Relay(port)
        for name, lines in (
                ("strings, a hash, an error", "AUTH %s\nSET user:1 ann EX 60\nGET user:1\nHSET h a 1 b 2\n"
                 "HGETALL h\nLPUSH user:1 x\nGET none\n" % PASSWORD),
                ("a transaction", "AUTH %s\nMULTI\nINCR n\nINCR n\nEXEC\n" % PASSWORD)):
            client("redis-cli", "-p", str(relay.port), input=lines.encode())
            yield "redis-cli: " + name, relay.take()
        login = ["-a", PASSWORD, "--no-auth-warning"]
        client("redis-cli", "-3", "-p", str(relay.port), *login, "HGETALL", "h")
        yield "redis-cli: RESP3", relay.take()
        with server("redis-cli", "-3", "-p", str(relay.port), *login, "SUBSCRIBE", "news", "weather"):
            while subprocess.run(["redis-cli", "-p", str(port), *login, "PUBLISH", "news", "it rains"],
                                 stdout=subprocess.PIPE, check=True).stdout != b"1\n":
                time.sleep(0.1)
            time.sleep(0.5)
        yield "redis-cli: a subscription", relay.take()
        client("redis-cli", "-p", str(relay.port), *login, "--pipe", input=b"SET a 1\r\nINCR a\r\nINCR ann\r\n")
        yield "redis-cli: a pipeline", relay.take()


def mqtt(folder):
    port = free_port()
    with open(folder + "/conf", "w") as f:
        f.write("listener %d 127.0.0.1\nallow_anonymous true\nuser root\n" % port)
    with server("mosquitto", "-c", folder + "/conf"):
        wait_port(port)
        relay = Relay(port)
        for version, qos in (("mqttv311", "1"), ("mqttv5", "2")):
            client("mosquitto_pub", "-p", str(relay.port), "-V", version, "-i", "writer", "-q", qos, "-r",
                   "-u", "ann", "-P", PASSWORD, "-t", "sensors/" + version, "-m", '{"t":21}')
            yield "mosquitto_pub: %s, QoS %s" % (version, qos), relay.take()
            client("mosquitto_sub", "-p", str(relay.port), "-V", version, "-i", "reader", "-q", qos, "-C", "1",
                   "-t", "sensors/" + version)
            yield "mosquitto_sub: %s, QoS %s" % (version, qos), relay.take()


def amqp(folder):
    port, dist = free_port(), free_port()
    with open(folder + "/rabbitmq.conf", "w") as f:
        f.write("listeners.tcp.1 = 127.0.0.1:%d\ndefault_pass = %s\n" % (port, PASSWORD))
    with open(folder + "/plugins", "w") as f:
        f.write("[].\n")
    environment = dict(os.environ, HOME=folder, RABBITMQ_CONFIG_FILE=folder + "/rabbitmq",
                       RABBITMQ_MNESIA_BASE=folder, RABBITMQ_LOG_BASE=folder, RABBITMQ_NODENAME="till@localhost",
                       RABBITMQ_ENABLED_PLUGINS_FILE=folder + "/plugins", RABBITMQ_DIST_PORT=str(dist),
                       RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS="-start_epmd false -erl_epmd_port %d" % dist)
    with server("/usr/lib/rabbitmq/bin/rabbitmq-server", env=environment):
        wait_port(port)
        relay = Relay(port)
        talk = """
import pika, sys
c = pika.BlockingConnection(pika.ConnectionParameters("127.0.0.1", int(sys.argv[1]),
    credentials=pika.PlainCredentials("guest", sys.argv[2]), client_properties={"product": "till"}))
h = c.channel()
h.queue_declare("jobs")
h.confirm_delivery()
for n in range(3):
    h.basic_publish("", "jobs", b"job %d" % n, pika.BasicProperties(content_type="text/plain", headers={"n": n}))
for m, p, b in h.consume("jobs"):
    if m.delivery_tag == 2:
        h.basic_nack(2, requeue=False)
    else:
        h.basic_ack(m.delivery_tag)
    if m.delivery_tag == 3:
        break
h.cancel()
try:
    h.exchange_declare("nope", passive=True)
except pika.exceptions.ChannelClosedByBroker:
    pass
c.close()
"""
        client(PYTHON, "-c", talk, str(relay.port), PASSWORD)
        yield "pika and RabbitMQ: published, consumed, refused", relay.take()


def dns(folder):
    port = free_port()
    with open(folder + "/conf", "w") as f:
        f.write("""server:
 interface: 127.0.0.1@%d
 port: %d
 username: ""
 chroot: ""
 directory: "%s"
 pidfile: ""
 use-syslog: no
 do-daemonize: no
 local-zone: "till.example." static
 local-data: "till.example. 60 A 192.0.2.7"
 local-data: "till.example. 60 MX 10 mail.till.example."
 local-data: "till.example. 60 TXT 'v=spf1 -all'"
""" % (port, port, folder))
    with server("unbound", "-d", "-c", folder + "/conf"):
        wait_port(port)
        relay = Relay(port)
        client("kdig", "+tcp", "+keepopen", "@127.0.0.1", "-p", str(relay.port), "till.example", "A", "till.example", "MX",
               "till.example", "TXT", "none.till.example", "AAAA")
        yield "kdig and unbound", relay.take()


def postgres(folder):
    port = free_port()
    binaries = sorted(os.listdir("/usr/lib/postgresql"))[-1]
    bin = "/usr/lib/postgresql/%s/bin/" % binaries
    subprocess.run(["chown", "postgres", folder], check=True)
    as_postgres = ["runuser", "-u", "postgres", "--"]
    with open(folder + "/password", "w") as f:
        f.write(PASSWORD)
    client(*as_postgres, bin + "initdb", "-D", folder + "/db", "-U", "ann", "-A", "scram-sha-256", "--no-sync",
           "--pwfile=" + folder + "/password", "--locale=C")
    with server(*as_postgres, bin + "postgres", "-D", folder + "/db", "-p", str(port), "-k", folder,
                "-c", "listen_addresses=127.0.0.1", "-c", "fsync=off"):
        wait_port(port)
        relay = Relay(port)
        environment = dict(os.environ, PGPASSWORD=PASSWORD, PGSSLMODE="disable", PGGSSENCMODE="disable")
        psql = ["psql", "-X", "-q", "-h", "127.0.0.1", "-p", str(relay.port), "-U", "ann", "postgres"]
        client(*psql, env=environment, input=b"""CREATE TABLE pets (id int, name text);
INSERT INTO pets VALUES (1, 'Rex'), (2, NULL);
SELECT * FROM pets ORDER BY id;
SELECT * FROM nothing;
COPY pets FROM STDIN;
3\tTom
\\.
""")
        yield "psql: a table, an error, a copy", relay.take()
        client(PYTHON, "-c", """
import psycopg2, sys
c = psycopg2.connect(host="127.0.0.1", port=sys.argv[1], user="ann", dbname="postgres")
k = c.cursor()
k.execute("SELECT name FROM pets WHERE id = %s", (1,))
k.execute("UPDATE pets SET name = 'Max'")
c.rollback()
""", str(relay.port), env=environment)
        yield "psycopg2: a transaction that is rolled back", relay.take()


def ldap(folder):
    port, base = free_port(), "dc=till,dc=example"
    os.mkdir(folder + "/db")
    with open(folder + "/conf", "w") as f:
        f.write("".join("include /etc/ldap/schema/%s.schema\n" % s for s in ("core", "cosine", "inetorgperson")) +
                "modulepath /usr/lib/ldap\nmoduleload back_mdb\ndatabase mdb\nmaxsize 10000000\nsuffix %s\n"
                "rootdn cn=admin,%s\nrootpw %s\ndirectory %s/db\n" % (base, base, PASSWORD, folder))
    with server("slapd", "-d", "0", "-f", folder + "/conf", "-h", "ldap://127.0.0.1:%d" % port):
        wait_port(port)
        relay = Relay(port)
        login = ["-x", "-H", "ldap://127.0.0.1:%d" % relay.port, "-D", "cn=admin," + base, "-w", PASSWORD]
        client("ldapadd", *login, input=b"""dn: dc=till,dc=example
objectClass: domain
dc: till

dn: cn=ann,dc=till,dc=example
objectClass: person
cn: ann
sn: Smith
userPassword: hunter2000
""")
        yield "ldapadd and slapd", relay.take()
        client("ldapsearch", *login, "-b", base, "(sn=Smith)", "cn", "sn")
        yield "ldapsearch and slapd", relay.take()
        client("ldapdelete", *login, "cn=bob," + base)
        yield "ldapdelete of what is not there", relay.take()


def smtp(folder):
    port = free_port()
    with server(PYTHON, "-m", "aiosmtpd", "-n", "-l", "127.0.0.1:%d" % port, "-c", "aiosmtpd.handlers.Sink",
                cwd=folder):
        wait_port(port)
        relay = Relay(port)
        client(PYTHON, "-c", """
import smtplib, sys
s = smtplib.SMTP("127.0.0.1", int(sys.argv[1]), local_hostname="till.example")
s.sendmail("ann@till.example", ["bob@till.example", "eve@till.example"],
    "From: ann@till.example\\r\\nSubject: lunch\\r\\n\\r\\nAt noon?\\r\\n.\\r\\n..two dots\\r\\n")
s.noop()
s.docmd("TURN")
s.quit()
""", str(relay.port))
        yield "smtplib and aiosmtpd", relay.take()


def imap(folder):
    port = free_port()
    mails = folder + "/mails"
    os.mkdir(mails)
    subprocess.run(["chown", "mail", mails], check=True)
    with open(folder + "/conf", "w") as f:
        f.write("""base_dir = %(folder)s/dovecot
state_dir = %(folder)s/dovecot
log_path = %(folder)s/log
protocols = imap
listen = 127.0.0.1
ssl = no
disable_plaintext_auth = no
mail_location = maildir:%(folder)s/mails
first_valid_uid = 1
auth_mechanisms = plain login
login_greeting = Till ready.
passdb {
  driver = static
  args = user=ann password=%(password)s
}
userdb {
  driver = static
  args = uid=mail gid=mail home=%(folder)s/mails
}
service imap-login {
  inet_listener imap {
    port = %(port)d
  }
  inet_listener imaps {
    port = 0
  }
}
namespace inbox {
  inbox = yes
}
""" % {"folder": folder, "password": PASSWORD, "port": port})
    with open(folder + "/mail", "wb") as f:
        f.write(b"From: ann@till.example\r\nTo: bob@till.example\r\nSubject: lunch\r\n\r\nAt noon?\r\n")
    with server("dovecot", "-F", "-c", folder + "/conf"):
        wait_port(port)
        relay = Relay(port)
        curl = ["curl", "-s", "--user", "ann:" + PASSWORD]
        url = "imap://127.0.0.1:%d/" % relay.port
        client(*curl, url + "INBOX", "--upload-file", folder + "/mail")
        yield "curl and dovecot: a mail is put into a folder", relay.take()
        client(*curl, "--login-options", "AUTH=LOGIN", url + "INBOX;MAILINDEX=1")
        yield "curl and dovecot: a mail is fetched", relay.take()
        client(*curl, url + "Nowhere;MAILINDEX=1")
        yield "curl and dovecot: a folder that is not there", relay.take()
        client(PYTHON, "-c", """
import imaplib, sys
with imaplib.IMAP4("127.0.0.1", int(sys.argv[1])) as imap:
    try:
        imap.login("ann", "not " + sys.argv[2])
    except imaplib.IMAP4.error:
        pass
    imap.login("ann", sys.argv[2])
    imap.select("INBOX")
    imap.search(None, "SUBJECT", "lunch")
    imap.fetch("1", "(FLAGS BODY[HEADER.FIELDS (SUBJECT)] RFC822.SIZE)")
    imap.store("1", "+FLAGS", "(\\\\Seen)")
    imap.create("Kept")
    imap.copy("1", "Kept")
    imap.list()
    imap.send(imap._new_tag() + b" IDLE\\r\\n")
    imap.readline()
    imap.send(b"DONE\\r\\n")
    imap.readline()
""", str(relay.port), PASSWORD)
        yield "imaplib and dovecot", relay.take()


def kafka(folder):
    port = free_port()
    relay = Relay(port)
    with server(PYTHON, E2E + "/kafka_server.py", str(port), "-", "-", str(relay.port), cwd=folder):
        wait_port(port)
        kcat = ["kcat", "-b", "127.0.0.1:%d" % relay.port, "-X", "security.protocol=SASL_PLAINTEXT", "-X",
                "sasl.mechanism=PLAIN", "-X", "sasl.username=ann", "-X", "sasl.password=" + PASSWORD, "-X",
                "client.id=till-3", "-q"]
        for name, options, text in (
                ("produces", ["-P", "-t", "orders", "-K:", "-H", "origin=shop"], b"k1:tea\nk2:milk\n"),
                ("produces, gzip", ["-P", "-t", "orders", "-z", "gzip"], b"sugar\n" * 20),
                ("is refused", ["-P", "-t", "forbidden"], b"x\n"),
                ("consumes", ["-C", "-t", "orders", "-o", "beginning", "-c", "22"], None)):
            client(*kcat, *options, input=text)
            for number, talk in enumerate(relay.take_all(), 1):
                yield "kcat %s, connection %d" % (name, number), talk


def mongo(folder):
    port = free_port()
    peers = [PYTHON, E2E + "/mongo_peers.py"]
    with server(*peers, "serve", str(port), "-", "-", cwd=folder):
        wait_port(port)
        relay = Relay(port)
        for compressor in ("", "zlib"):
            client(*peers, "talk", str(relay.port), "-", PASSWORD, compressor)
            for number, talk in enumerate(relay.take_all(), 1):
                yield "PyMongo%s, connection %d" % (compressor and ", " + compressor, number), talk


def mysql(folder):
    port, data = free_port(), folder + "/data"
    subprocess.run(["install", "-d", "-o", "mysql", "-m", "700", data], check=True)
    inside = dict(os.environ, TMPDIR=data)
    client("mariadb-install-db", "--no-defaults", "--user=mysql", "--datadir=" + data, "--skip-test-db",
           "--auth-root-authentication-method=normal", env=inside)
    with server("mariadbd", "--no-defaults", "--user=mysql", "--datadir=" + data, "--port=%d" % port,
                "--bind-address=127.0.0.1", "--socket=%s/sock" % data, "--skip-name-resolve", env=inside):
        wait_port(port)
        client("mariadb", "--no-defaults", "-S", data + "/sock", "-u", "root", input=(
            "CREATE DATABASE shop; CREATE USER app IDENTIFIED BY '%s'; GRANT ALL ON *.* TO app" % PASSWORD).encode())
        relay = Relay(port)
        client("mariadb", "--no-defaults", "-h", "127.0.0.1", "-P", str(relay.port), "-u", "app", "--skip-ssl", "--force",
               "shop", env=dict(os.environ, MYSQL_PWD=PASSWORD), input=b"""CREATE TABLE pets (id INT, name TEXT);
INSERT INTO pets VALUES (1, 'Rex'), (2, NULL);
SELECT * FROM pets ORDER BY id;
SELECT * FROM nothing;
""")
        yield "mariadb: a table, an error", relay.take()
        client(PYTHON, "-c", """
import pymysql, sys
c = pymysql.connect(host="127.0.0.1", port=int(sys.argv[1]), user="app", password=sys.argv[2], database="shop")
k = c.cursor()
k.execute("SELECT name FROM pets WHERE id = %s", (1,))
k.execute("UPDATE pets SET name = 'Max'")
c.rollback()
c.close()
""", str(relay.port), PASSWORD)
        yield "PyMySQL: a transaction that is rolled back", relay.take()


def tell(program, folder):
    out = subprocess.run([os.path.abspath(program), "case"], stdout=subprocess.PIPE, check=True,
                         env=dict(os.environ, srcdir=folder)).stdout.decode()
    return [line + "\n- " + PASSWORD if line.startswith("= ") else line
            for line in out.split("\n") if line.startswith(("= ", "+ ", "request_body ", "response_body "))]


def record(protocol, program, srcdir):
    target = "%s/tests/data/%s/recorded.txt" % (srcdir, protocol)
    text = "# Recorded by tests/record/record.py from the programs that are named: make record-cases\n"
    with tempfile.TemporaryDirectory() as folder:
        os.chmod(folder, 0o711)
        for name, steps in PROTOCOLS[protocol](folder):
            if not steps:
                sys.exit("%s: nothing was said" % name)
            case = "\ncase %s\n%s\n" % (name, "\n".join("%s %s" % (way, literal(data)) for way, data in steps))
            with open(folder + "/case", "w") as f:
                f.write(case)
            text += case + "\n".join(tell(program, folder)) + "\n"
    with open(target, "w") as f:
        f.write(text)
    print(target)


PROTOCOLS = {"amqp": amqp, "dns": dns, "grpc": web.grpc, "http2": web.http2, "imap": imap, "kafka": kafka, "ldap": ldap,
             "mongo": mongo, "mqtt": mqtt, "mysql": mysql, "postgres": postgres, "redis": redis, "smtp": smtp,
             "websocket": web.websocket}
for one in sys.argv[3:] or PROTOCOLS:
    record(one, sys.argv[1], sys.argv[2])
