"""Conversations of HTTP/2, gRPC and WebSocket."""
import os
import subprocess

from relay import PASSWORD, PYTHON, Relay, client, free_port, make_cert, server, wait_port

HERE = os.path.dirname(os.path.abspath(__file__))
MODULES = os.path.join(HERE, "..", "web", "node_modules")


def nginx(folder, port):
    with open(folder + "/nginx.conf", "w") as f:
        f.write("""daemon off; master_process off; pid %(folder)s/pid; error_log %(folder)s/nginx.err;
events { }
http {
    access_log off; client_body_temp_path %(folder)s/body;
    server {
        listen 127.0.0.1:%(port)d ssl http2;
        ssl_certificate %(folder)s/cert.pem; ssl_certificate_key %(folder)s/key.pem;
        root %(folder)s/www;
        location /said { return 200 "said\\n"; }
    }
}
""" % {"folder": folder, "port": port})
    return server("nginx", "-p", folder, "-c", folder + "/nginx.conf")


def apache(folder, port):
    modules = "/usr/lib/apache2/modules/mod_"
    with open(folder + "/apache.conf", "w") as f:
        f.write("ServerRoot %s\nServerName localhost\nPidFile %s/apache.pid\nErrorLog %s/apache.err\nUser nobody\n" %
                (folder, folder, folder))
        for name in ("mpm_event", "authz_core", "http2"):
            f.write("LoadModule %s_module %s%s.so\n" % (name, modules, name))
        f.write("Listen 127.0.0.1:%d\nProtocols h2c http/1.1\nDocumentRoot %s/www\n" % (port, folder))
    return server("apache2", "-f", folder + "/apache.conf", "-DFOREGROUND")


def curl(folder):
    """With nginx, nghttpd and Apache, which read files of folder/www."""
    port = free_port()
    with nginx(folder, port):
        wait_port(port)
        relay = Relay(port, cert=folder)
        url = "https://127.0.0.1:%d" % relay.port
        more = ["--next", "-s", "-k"]
        client("curl", "-s", "-k", "-b", "lang=en; theme=dark", "-H", "X-Till: 3", url + "/page?a=b", *more, "-d", "tea=1",
               url + "/said", *more, url + "/none", *more, "-I", url + "/page")
        yield "curl and nginx", relay.take()
    port = free_port()
    with server("nghttpd", "-d", folder + "/www", "-p/page=/pushed", "--trailer=x-trailer: last", str(port),
                folder + "/key.pem", folder + "/cert.pem"):
        wait_port(port)
        relay = Relay(port, cert=folder)
        url = "https://127.0.0.1:%d" % relay.port
        client("curl", "-s", "-k", "-Z", *(url + "/%d" % i for i in range(1, 5)))
        yield "curl and nghttpd, four at once", relay.take()
        client("nghttp", url + "/page", url + "/1")
        yield "nghttp and nghttpd: a push", relay.take()
        client("nghttp", "-d", folder + "/www/page", "--trailer=x-mine: end", "-c", "0", url + "/1")
        yield "nghttp and nghttpd: no table, a trailer", relay.take()
    port = free_port()
    with apache(folder, port):
        wait_port(port)
        relay = Relay(port)
        client("curl", "-s", "--http2", "http://127.0.0.1:%d/page" % relay.port)
        yield "curl and Apache, upgraded from HTTP/1.1", relay.take()


def http2(folder):
    os.chmod(folder, 0o755)
    os.mkdir(folder + "/www")
    for name in ("page", "pushed", "1", "2", "3", "4"):
        with open("%s/www/%s" % (folder, name), "w") as f:
            f.write("this is %s\n" % name)
    make_cert(folder)
    yield from curl(folder)
    port = free_port()
    with server("node", HERE + "/http2_node.mjs", "serve", str(port)):
        wait_port(port)
        relay = Relay(port)
        client("node", HERE + "/http2_node.mjs", "talk", str(relay.port))
        yield "Node.js with itself", relay.take()
    port, go = free_port(), folder + "/go"
    subprocess.run(["go", "build", "-o", go, HERE + "/http2.go"], check=True,
                   env=dict(os.environ, GO111MODULE="off", GOCACHE=folder + "/cache"))
    with server(go, "serve", str(port), folder):
        wait_port(port)
        relay = Relay(port, cert=folder)
        client(go, "talk", str(relay.port))
        yield "Go with itself", relay.take()


def grpc(folder):
    port, node = free_port(), HERE + "/grpc_node.mjs"
    with server("node", node, "serve", str(port), MODULES, PASSWORD, cwd=folder):
        wait_port(port)
        relay = Relay(port)
        for how, name in (("talk", "calls"), ("gzip", "gzip")):
            client("node", node, how, str(relay.port), MODULES, PASSWORD)
            yield "grpc-js: " + name, relay.take()


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
    with server(PYTHON, "-c", echo, str(port), cwd=folder):
        wait_port(port)
        relay = Relay(port)
        client(PYTHON, "-c", """
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
        client(PYTHON, "-c", """
import asyncio, sys, websockets
async def main():
    async with websockets.connect("ws://127.0.0.1:%s/chat" % sys.argv[1], compression=None) as ws:
        await ws.send(["in ", "three ", "parts"])
        await ws.recv()
        await ws.send("x" * 300)
        await ws.recv()
        await ws.close(4000, "enough")
asyncio.run(main())
""", str(relay.port))
        yield "websockets: in parts, and closed with a reason", relay.take()


