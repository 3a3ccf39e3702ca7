"""What records conversations: servers and clients over loopback, and a relay that notes who said what."""
import asyncio
import contextlib
import os
import socket
import ssl
import subprocess
import sys
import threading
import time

PASSWORD = "hunter2000"
E2E = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "e2e")
PYTHON = "/usr/bin/python3"


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
    """
    Passes on what comes to `port` to `target`; what was said on each connection: (direction, bytes).
    With `cert`, a folder that make_cert() filled, TLS ends here, on both sides of the relay.
    """

    def __init__(self, target, cert=None, alpn="h2"):
        self.target, self.talks, self.inner, self.outer = target, [], None, None
        if cert:
            self.outer = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            self.outer.load_cert_chain(cert + "/cert.pem", cert + "/key.pem")
            self.inner = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
            self.inner.check_hostname, self.inner.verify_mode = False, ssl.CERT_NONE
            self.outer.set_alpn_protocols([alpn])
            self.inner.set_alpn_protocols([alpn])
        self.port = free_port()
        threading.Thread(target=asyncio.run, args=(self.serve(),), daemon=True).start()
        wait_port(self.port)
        self.take()

    async def serve(self):
        server = await asyncio.start_server(self.pass_on, "127.0.0.1", self.port, ssl=self.outer)
        await server.serve_forever()

    async def pass_on(self, reader, writer):
        with contextlib.suppress(OSError):
            other = await asyncio.open_connection("127.0.0.1", self.target, ssl=self.inner)
            self.talks.append([])
            steps = self.talks[-1]
            await asyncio.gather(self.pump(reader, other[1], ">", steps), self.pump(other[0], writer, "<", steps))
            writer.close()
            other[1].close()

    @staticmethod
    async def pump(reader, writer, way, steps):
        with contextlib.suppress(OSError):
            while data := await reader.read(65536):
                if steps and steps[-1][0] == way:
                    steps[-1] = (way, steps[-1][1] + data)
                else:
                    steps.append((way, data))
                writer.write(data)
                await writer.drain()
            if writer.can_write_eof():
                writer.write_eof()
            else:
                writer.close()

    def take_all(self):
        """The conversations since the last time, in the order in which they began."""
        time.sleep(0.5)
        talks, self.talks = self.talks, []
        return [talk for talk in talks if talk]

    def take(self):
        """The only one."""
        talks = self.take_all()
        if len(talks) > 1:
            sys.exit("%d connections instead of one" % len(talks))
        return talks[0] if talks else []


def make_cert(folder):
    subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes",
                    "-days", "3650", "-subj", "/CN=localhost", "-keyout", folder + "/key.pem", "-out",
                    folder + "/cert.pem"], check=True, stderr=subprocess.DEVNULL)


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
