"""One person, two shops, over TLS under one domain: a passkey of one opens the other, and who is in
one goes over to the other with a link. Plain http under `localhost` has neither.
"""

from __future__ import annotations

import datetime as dt
import re
import socket
import ssl
import threading
from collections.abc import Iterator
from contextlib import suppress

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID
from playwright.sync_api import Browser, Playwright, expect

from e2e.test_accounts import add_authenticator, last_code
from tenants.context import inside
from tenants.people import employ
from tests.conftest import NOW, make_shop

BASE = "loyal.test"
TOLD = "X-Over-TLS"  # what a proxy would add, the browser of the test adds itself


@pytest.fixture
def certificate(tmp_path):
    """A throw-away one for every shop."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, BASE)])
    now = dt.datetime.now(dt.UTC)
    made = (
        x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number())
        .not_valid_before(now - dt.timedelta(days=1))
        .not_valid_after(now + dt.timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName(f"*.{BASE}")]), critical=False)
        .sign(key, hashes.SHA256())
    )
    path = tmp_path / "both.pem"
    pem = serialization.Encoding.PEM
    private = serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    path.write_bytes(key.private_bytes(pem, *private) + made.public_bytes(pem))
    return path


@pytest.fixture
def tls_port(live_server, certificate) -> Iterator[int]:
    """A port that speaks TLS and hands everything on to the server."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate)
    listener = socket.create_server(("127.0.0.1", 0))

    def pump(source: socket.socket, sink: socket.socket) -> None:
        try:
            while data := source.recv(65536):
                sink.sendall(data)
        except OSError:
            pass
        finally:
            for end in (source, sink):
                with suppress(OSError):
                    end.shutdown(socket.SHUT_RDWR)

    def serve(raw: socket.socket) -> None:
        try:
            outer = context.wrap_socket(raw, server_side=True)
        except OSError:
            raw.close()
            return
        with outer, socket.create_connection(("127.0.0.1", live_server.thread.port)) as inner:
            back = threading.Thread(target=pump, args=[inner, outer], daemon=True)
            back.start()
            pump(outer, inner)
            back.join()

    def accept() -> None:
        while True:
            try:
                raw, _ = listener.accept()
            except OSError:
                return
            threading.Thread(target=serve, args=[raw], daemon=True).start()

    threading.Thread(target=accept, daemon=True).start()
    yield listener.getsockname()[1]
    listener.shutdown(socket.SHUT_RDWR)
    listener.close()


@pytest.fixture
def two_shops(live_server, settings, tls_port):
    """The café and the spa under a base domain of two labels; the café's owner manages the spa."""
    settings.BASE_DOMAIN, settings.SECURE, settings.PUBLIC_PORT = BASE, True, tls_port
    settings.ALLOWED_HOSTS = [f".{BASE}"]
    settings.COOKIE_PREFIX = "__Host-"
    settings.SESSION_COOKIE_NAME, settings.CSRF_COOKIE_NAME = "__Host-sessionid", "__Host-csrftoken"
    settings.SESSION_COOKIE_SECURE = settings.CSRF_COOKIE_SECURE = True
    settings.SECURE_PROXY_SSL_HEADER = (f"HTTP_{TOLD.upper().replace('-', '_')}", "yes")
    cafe, spa = make_shop("cafe"), make_shop("spa")
    with inside(spa.tenant):
        employ("Layla", "manager", user=cafe.owner.user, at=NOW, by=spa.till)
    return cafe, spa


@pytest.fixture
def away(browser_type_launch_args, playwright: Playwright) -> Iterator[Browser]:
    """A browser that finds every shop of the domain on this machine."""
    rules = f"--host-resolver-rules=MAP *.{BASE} 127.0.0.1"
    options = {**browser_type_launch_args, "args": [*browser_type_launch_args["args"], rules]}
    browser = playwright.chromium.launch(**options)
    yield browser
    browser.close()


@pytest.mark.thorough
def test_a_passkey_and_a_link_lead_from_shop_to_shop(two_shops, tls_port, away):
    cafe, _ = two_shops
    page = away.new_context(ignore_https_errors=True, extra_http_headers={TOLD: "yes"}).new_page()
    page.set_default_timeout(10_000)
    add_authenticator(page)
    page.goto(f"https://cafe.{BASE}:{tls_port}/accounts/login/?next=/accounts/passkeys/add/")
    page.get_by_label("E-mail").fill(cafe.owner.user.email)
    page.get_by_role("button", name="Send me a code").click()
    page.get_by_label("Code").fill(last_code(cafe))
    page.get_by_role("button", name="Sign in").click()
    page.get_by_role("button", name="Make a passkey").click()
    page.wait_for_url("**/accounts/#passkeys")

    page.locator("#shops").get_by_role("button", name="Go there").click()
    page.get_by_role("link", name="Go to Spa").click()
    page.wait_for_url(re.compile(rf"https://spa\.{BASE}:\d+/manage/"))

    page.goto(f"https://spa.{BASE}:{tls_port}/accounts/")
    page.locator("#sessions").get_by_role("button", name="Sign out").click()
    page.get_by_role("button", name="Use my passkey").click()
    page.wait_for_url(re.compile(rf"https://spa\.{BASE}:\d+/manage/"))
    names = {cookie["name"]: cookie["domain"] for cookie in page.context.cookies()}
    assert names["__Host-sessionid"] in (f"spa.{BASE}", f"cafe.{BASE}")
    page.goto(f"https://cafe.{BASE}:{tls_port}/accounts/")
    expect(page.get_by_role("heading", name="Your account")).to_be_visible()
