"""Seals in PDFs: PAdES baseline B-B, and B-T where an authority for time-stamps is set (ETSI EN 319 142-1), by pyHanko.

Importing pyHanko takes most of a second, so nothing imports this module before it has a seal to make or a file to check.
"""

from __future__ import annotations

import io
from datetime import datetime
from typing import Any

from asn1crypto import keys as asn1_keys
from asn1crypto import x509 as asn1_x509
from pyhanko.pdf_utils.incremental_writer import IncrementalPdfFileWriter
from pyhanko.sign import signers
from pyhanko.sign.fields import MDPPerm, SigSeedSubFilter
from pyhanko_certvalidator.registry import SimpleCertificateStore

from contracts.signing.authority import Authority
from contracts.signing.certificates import Sealer

FIELD = "PlatformSeal"


def seal_pdf(pdf: bytes, sealer: Sealer, moment: datetime, *, name: str, reason: str, final: bool, timestamp_url: str | None) -> bytes:
    """The PDF with the platform's seal appended as a further revision.

    `final` certifies that nothing may be changed afterwards (ISO 32000-1, 12.8.2.2, DocMDP 1), which only the first signature in
    a file can say. Raises `fetch_failed` where the authority gives no time-stamp; the outbox then tries again.
    """
    wanted = signers.PdfSignatureMetadata(
        field_name=FIELD,
        md_algorithm="sha256",
        subfilter=SigSeedSubFilter.PADES,
        certify=final,
        docmdp_permissions=MDPPerm.NO_CHANGES,
        reason=reason,
        name=name,
    )
    stamper = Authority(timestamp_url) if timestamp_url else None
    signer = _Sealing(wanted, _signer(sealer), moment, stamper)
    sealed: io.BytesIO = signer.sign_pdf(IncrementalPdfFileWriter(io.BytesIO(pdf)))
    return sealed.getvalue()


def _signer(sealer: Sealer) -> signers.SimpleSigner:
    own, *issuers = (asn1_x509.Certificate.load(each) for each in sealer.chain)
    key = asn1_keys.PrivateKeyInfo.load(sealer.key)
    return signers.SimpleSigner(signing_cert=own, signing_key=key, cert_registry=SimpleCertificateStore.from_certs(issuers))


class _Sealing(signers.PdfSigner):
    """A signer at the store's moment: pyHanko reads the machine's clock by itself."""

    def __init__(self, wanted: Any, signer: Any, moment: datetime, stamper: Any) -> None:
        super().__init__(wanted, signer, timestamper=stamper)
        self._moment = moment

    def init_signing_session(self, *given: Any, **named: Any) -> Any:
        """The session, at our moment."""
        session = super().init_signing_session(*given, **named)
        session.system_time = self._moment
        return session
