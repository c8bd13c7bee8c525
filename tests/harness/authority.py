"""An authority for time-stamps (RFC 3161) on this machine."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from http.server import BaseHTTPRequestHandler, HTTPServer

from asn1crypto import keys as asn1_keys
from asn1crypto import tsp
from asn1crypto import x509 as asn1_x509
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import ExtendedKeyUsageOID
from pyhanko.sign.timestamps.dummy_client import DummyTimeStamper

from tests.harness.signing import NOW, issued


@dataclass(frozen=True)
class TimeAuthority:
    """Its address, which answers at its root alone, and its certificate (DER)."""

    url: str
    certificate: bytes


@contextmanager
def time_authority(at: datetime, now: datetime = NOW) -> Iterator[TimeAuthority]:
    """The authority for the block; everything is stamped as of `at`, under a certificate issued at `now`."""
    key = rsa.generate_private_key(65537, 2048)
    certificate = issued("Time", key, [ExtendedKeyUsageOID.TIME_STAMPING], now)
    private = asn1_keys.PrivateKeyInfo.load(key.private_bytes(Encoding.DER, PrivateFormat.PKCS8, NoEncryption()))
    stamper = DummyTimeStamper(asn1_x509.Certificate.load(certificate), private, fixed_dt=at)

    class Answers(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            asked = tsp.TimeStampReq.load(self.rfile.read(int(self.headers["content-length"])))
            self.send_response(200 if self.path == "/" else 503)
            self.end_headers()
            self.wfile.write(stamper.request_tsa_response(asked).dump())

        def log_message(self, *_: object) -> None:
            return

    server = HTTPServer(("127.0.0.1", 0), Answers)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
    thread.start()
    try:
        yield TimeAuthority(f"http://127.0.0.1:{server.server_port}/", certificate)
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
