"""A mail server of aiosmtpd: mail_server.py FOLDER STARTTLS-PORT TLS-PORT USER PASSWORD"""
import asyncio
import ssl
import sys

from aiosmtpd.smtp import SMTP, AuthResult

folder, user, password = sys.argv[1], sys.argv[4].encode(), sys.argv[5].encode()
context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
context.load_cert_chain(folder + "/cert.pem", folder + "/key.pem")


class Handler:
    async def handle_RCPT(self, server, session, envelope, address, options):
        if address.startswith("nobody"):
            return "550 5.1.1 nobody of that name"
        envelope.rcpt_tos.append(address)
        return "250 2.1.5 Ok"

    async def handle_DATA(self, server, session, envelope):
        return "250 2.0.0 kept"


def authenticate(server, session, envelope, mechanism, data):
    ok = data.login == user and data.password == password
    return AuthResult(success=ok, handled=False)


def smtp(**options):
    return SMTP(Handler(), hostname="mail.example", authenticator=authenticate, **options)


async def main():
    loop = asyncio.get_running_loop()
    await loop.create_server(lambda: smtp(tls_context=context, require_starttls=True),
                             "127.0.0.1", int(sys.argv[2]))
    await loop.create_server(lambda: smtp(auth_require_tls=False), "127.0.0.1",
                             int(sys.argv[3]), ssl=context)
    await asyncio.sleep(600)


asyncio.run(main())
