"""TLS with a certificate of one's own, and the keys of JWTs from where their issuer publishes them."""

import datetime
import ipaddress
import json
import os
import signal
import ssl
import threading
from collections.abc import Generator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import anyio
import anyio.lowlevel
import httpx2
import jwt
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.x509.oid import NameOID
from jwt.algorithms import RSAAlgorithm
from support.sites import AUDIENCE, ISSUER, call, mint, open_web, private_key, settings_for

from loci.server.serve import run_server
from loci.server.settings import Settings

pytestmark = pytest.mark.anyio


def make_certificate(folder: Path) -> dict[str, Path]:
    """A certificate of 127.0.0.1 that it signed itself, as settings."""
    key = private_key("tls")
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "loci")])
    address = x509.IPAddress(ipaddress.ip_address("127.0.0.1"))
    now = datetime.datetime.now(datetime.UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - datetime.timedelta(hours=1))
        .not_valid_after(now + datetime.timedelta(hours=1))
        .add_extension(x509.SubjectAlternativeName([address]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    pem = serialization.Encoding.PEM
    kept = key.private_bytes(pem, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    (folder / "cert.pem").write_bytes(made.public_bytes(pem))
    (folder / "key.pem").write_bytes(kept)
    return {"tls_cert": folder / "cert.pem", "tls_key": folder / "key.pem"}


async def test_it_serves_tls_and_who_waits_is_answered_when_it_leaves(tmp_path: Path) -> None:
    files = make_certificate(tmp_path)
    trusting = ssl.create_default_context(cafile=str(files["tls_cert"]))
    told: list[str] = []
    with anyio.fail_after(60):
        async with anyio.create_task_group() as tasks:
            settings = settings_for(tmp_path / "home", port=0, **files)
            tasks.start_soon(_serve, settings, told)
            while not told:
                await anyio.lowlevel.checkpoint()
            url = told[0].split()[1].removesuffix("/mcp")
            assert url.startswith("https://127.0.0.1:")
            async with httpx2.AsyncClient(base_url=url, verify=trusting, timeout=30) as client:
                await _until_up(client)
                await call(client, "remember", content="It went over TLS.")
                async with httpx2.AsyncClient(base_url=url) as distrusting:
                    with pytest.raises(httpx2.ConnectError, match="CERTIFICATE_VERIFY_FAILED"):
                        await distrusting.get("/healthz")
                asked = {"board": "plan", "since_version": 0, "wait": 50}
                async with anyio.create_task_group() as waiting:
                    waiting.start_soon(_read, client, asked)
                    while "loci_streams_open 1.0" not in (await client.get("/metrics")).text:
                        await anyio.lowlevel.checkpoint()
                    os.kill(os.getpid(), signal.SIGTERM)


async def _serve(settings: Settings, told: list[str]) -> None:
    await run_server(settings, say=told.append)


async def _read(client: httpx2.AsyncClient, asked: dict[str, Any]) -> None:
    assert (await call(client, "blackboard_read", **asked))["cells"] == []


async def _until_up(client: httpx2.AsyncClient) -> None:
    while True:
        try:
            await client.get("/healthz")
        except httpx2.ConnectError:
            await anyio.lowlevel.checkpoint()
        else:
            return


class Issuer:
    """An authorization server, as far as its keys go."""

    def __init__(self) -> None:
        self.asked = 0
        self.names = ["first"]
        issuer = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                issuer.asked += 1
                content = issuer.jwks().encode()
                self.send_response(200)
                self.send_header("Content-Length", str(len(content)))
                self.end_headers()
                self.wfile.write(content)

            def log_message(self, format: str, *args: object) -> None:
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server.server_address[1]}/jwks.json"

    def jwks(self) -> str:
        keys = [
            {
                **json.loads(RSAAlgorithm.to_jwk(private_key(name).public_key())),
                "kid": name,
                "use": "sig",
            }
            for name in self.names
        ]
        return json.dumps({"keys": keys})


@contextmanager
def issuing() -> Generator[Issuer]:
    issuer = Issuer()
    thread = threading.Thread(target=issuer.server.serve_forever)
    thread.start()
    try:
        yield issuer
    finally:
        issuer.server.shutdown()
        thread.join()
        issuer.server.server_close()


def signed(name: str, **claims: Any) -> str:
    """A JWT that names its key."""
    content = jwt.decode(mint(**claims), options={"verify_signature": False})
    return jwt.encode(content, private_key(name), algorithm="RS256", headers={"kid": name})


async def test_keys_come_from_where_the_issuer_publishes_them_and_once(tmp_path: Path) -> None:
    public_url = AUDIENCE.removesuffix("/mcp")
    with issuing() as issuer:
        more = {"jwt_keys": issuer.url, "jwt_issuer": ISSUER, "public_url": public_url}
        async with open_web(tmp_path, **more) as web:

            async def status(token: str) -> int:
                return (await web.ask("tools/list", token=token)).status_code

            assert [await status(signed("first")) for _ in range(3)] == [200, 200, 200]
            assert issuer.asked == 1
            assert await status(signed("second")) == 401
            assert await status(signed("first", lasts=-60)) == 401
            # A name that is not published has nobody asked again so soon.
            assert issuer.asked == 1


async def test_where_keys_cannot_be_had_nobody_comes_in(tmp_path: Path) -> None:
    with issuing() as issuer:
        url = issuer.url
    more = {"jwt_keys": url, "jwt_issuer": ISSUER, "public_url": AUDIENCE.removesuffix("/mcp")}
    async with open_web(tmp_path, **more) as web:
        assert (await web.ask("tools/list", token=signed("first"))).status_code == 401
