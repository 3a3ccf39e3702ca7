#!/usr/bin/env python3
"""Records golden cases from real servers and clients: record.py TELL SRCDIR [PROTOCOL...]

Each conversation runs over loopback, without TLS, through a relay that notes who said what. It becomes
tests/data/PROTOCOL/recorded.txt: the bytes, and what TELL (tests/unit/tell_case) says of them, which is to be
read before it is committed. What is recorded is made up here, and so are the passwords."""
import contextlib
import os
import socket
import subprocess
import sys
import tempfile
import threading
import time

PASSWORD = "hunter2000"


def free_port():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


def wait_port(port, seconds=30):
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), 1):
            return
        time.sleep(0.1)
    sys.exit("nothing listens on port %d" % port)


class Relay:
    """One connection at a time to `target`; `steps` has what was said: (direction, bytes)."""

    def __init__(self, target):
        self.target, self.steps, self.lock = target, [], threading.Lock()
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.port = self.listener.getsockname()[1]
        threading.Thread(target=self.serve, daemon=True).start()

    def serve(self):
        while True:
            client = self.listener.accept()[0]
            server = socket.create_connection(("127.0.0.1", self.target))
            pumps = [threading.Thread(target=self.pump, args=a, daemon=True)
                     for a in ((client, server, ">"), (server, client, "<"))]
            for p in pumps:
                p.start()
            for p in pumps:
                p.join()

    def pump(self, source, sink, way):
        with contextlib.suppress(OSError):
            while data := source.recv(65536):
                with self.lock:
                    if self.steps and self.steps[-1][0] == way:
                        data, before = self.steps.pop()[1] + data, data
                        sink.sendall(before)
                    else:
                        sink.sendall(data)
                    self.steps.append((way, data))
        with contextlib.suppress(OSError):
            sink.shutdown(socket.SHUT_WR)

    def take(self):
        time.sleep(0.5)
        with self.lock:
            steps, self.steps = self.steps, []
        return steps


def literal(data):
    return '"%s"' % "".join(chr(c) if 32 <= c < 127 and c not in b'"\\' else "\\x%02x" % c for c in data)


@contextlib.contextmanager
def server(*command, **more):
    p = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, **more)
    try:
        yield p
    finally:
        p.terminate()
        p.wait()


def client(*command, **more):
    subprocess.run(command, timeout=30, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, check=False, **more)


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
        client("/usr/bin/python3", "-c", talk, str(relay.port), PASSWORD)
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
        client("/usr/bin/python3", "-c", """
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
    with server("/usr/bin/python3", "-m", "aiosmtpd", "-n", "-l", "127.0.0.1:%d" % port, "-c", "aiosmtpd.handlers.Sink",
                cwd=folder):
        wait_port(port)
        relay = Relay(port)
        client("/usr/bin/python3", "-c", """
import smtplib, sys
s = smtplib.SMTP("127.0.0.1", int(sys.argv[1]), local_hostname="till.example")
s.sendmail("ann@till.example", ["bob@till.example", "eve@till.example"],
    "From: ann@till.example\\r\\nSubject: lunch\\r\\n\\r\\nAt noon?\\r\\n.\\r\\n..two dots\\r\\n")
s.noop()
s.docmd("TURN")
s.quit()
""", str(relay.port))
        yield "smtplib and aiosmtpd", relay.take()


def websocket(folder):
    port = free_port()
    echo = """
import asyncio, sys, websockets
async def echo(ws, path=None):
    async for message in ws:
        await ws.send(message)
async def main():
    async with websockets.serve(echo, "127.0.0.1", int(sys.argv[1])):
        await asyncio.Future()
asyncio.run(main())
"""
    with server("/usr/bin/python3", "-c", echo, str(port), cwd=folder):
        wait_port(port)
        relay = Relay(port)
        client("/usr/bin/python3", "-c", """
import asyncio, sys, websockets
async def main():
    async with websockets.connect("ws://127.0.0.1:%s/chat" % sys.argv[1]) as ws:
        for message in ("hello", "hello again, and again", b"\\0\\1\\2"):
            await ws.send(message)
            await ws.recv()
        await (await ws.ping(b"id"))
asyncio.run(main())
""", str(relay.port))
        yield "websockets, compressed", relay.take()


def tell(program, folder):
    out = subprocess.run([os.path.abspath(program), "case"], stdout=subprocess.PIPE, check=True,
                         env=dict(os.environ, srcdir=folder)).stdout.decode()
    return [line + "\n- " + PASSWORD for line in out.split("\n") if line.startswith("= ")]


def record(protocol, program, srcdir):
    target = "%s/tests/data/%s/recorded.txt" % (srcdir, protocol)
    text = "# Recorded by tests/record/record.py from the programs that are named: make record-cases\n"
    with tempfile.TemporaryDirectory() as folder:
        os.chmod(folder, 0o711)
        for name, steps in globals()[protocol](folder):
            if not steps:
                sys.exit("%s: nothing was said" % name)
            case = "\ncase %s\n%s\n" % (name, "\n".join("%s %s" % (way, literal(data)) for way, data in steps))
            with open(folder + "/case", "w") as f:
                f.write(case)
            text += case + "\n".join(tell(program, folder)) + "\n"
    with open(target, "w") as f:
        f.write(text)
    print(target)


PROTOCOLS = ("amqp", "dns", "ldap", "mqtt", "postgres", "redis", "smtp", "websocket")
for one in sys.argv[3:] or PROTOCOLS:
    record(one, sys.argv[1], sys.argv[2])
