"""`licet contract verify FILE`: what a contract's PDF is worth, checked on this machine alone."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from contracts.clock import rfc3339
from contracts.errors import Misconfigured
from contracts.settings import Settings
from contracts.signing.certificates import from_pem, known_certificates
from contracts.signing.check import Checked, check
from contracts.store.engine import open_engine
from contracts.store.unit import Store
from portal.commands.here import settings_here
from portal.ground import clock_of

LARGEST = 50 * 1024 * 1024


def verify_file(file: Path, certificate: Path | None, terms: Path | None, config: Path | None) -> Checked:
    """Check a PDF against the certificates of a file, else those of the installation in this folder, else none.

    With `terms`, a file of terms that was downloaded or kept beside it must hold exactly those that were signed.
    """
    if file.stat().st_size > LARGEST:
        raise Misconfigured(str(file), "is larger than any contract.", "Name the PDF of a contract.")
    settings = _settings(config)
    found = check(file.read_bytes(), _trusted(certificate, settings), clock_of(settings or Settings(profile="test")).now())
    if terms is None:
        return found
    return found.against(terms.read_bytes())


def lines(found: Checked) -> Iterator[str]:
    """What `licet contract verify` prints, what is wrong first."""
    for problem in found.problems:
        yield f"WRONG  {problem}"
    if found.contract:
        yield f"Contract   {found.contract}, version {found.version}"
        yield f"Text       SHA-256 {found.text_sha256}, printed as {found.short_hash}"
        yield f"Terms      SHA-256 {found.terms_sha256}"
    if found.terms is not None:
        data = "; ".join(f"{each.dataset}: {', '.join(each.fields)}" for each in found.terms.datasets)
        yield f"Data       {data}"
        yield f"Period     {found.terms.starts} to {found.terms.ends}"
    for each in found.signatures:
        yield f"Signature  {each['name']}, {each['capacity']}, for the {each['side']}. {each['how']}"
    for signer in found.in_file:
        yield f"Signature  {signer.name}, in the file itself, certificate SHA-256 {signer.sha256}"
    if found.seal is not None:
        stamped = f", time-stamp {rfc3339(found.seal.stamped_at)}" if found.seal.stamped_at else ", no time-stamp"
        yield f"Seal       {found.seal.name}{stamped}"
        yield f"           certificate SHA-256 {found.seal.sha256}"
    yield "The file is whole, and the platform sealed it." if found.ok else "The file does not prove a contract."


def _settings(config: Path | None) -> Settings | None:
    try:
        return settings_here(config)
    except Misconfigured:
        if config is not None:
            raise
        return None


def _trusted(certificate: Path | None, settings: Settings | None) -> list[bytes]:
    if certificate is not None:
        return from_pem(certificate.read_bytes())
    if settings is None:
        return []
    engine = open_engine(settings.database_url, settings.subject_folder)
    try:
        with Store(engine, clock_of(settings)).read() as session:
            return known_certificates(session, settings)
    finally:
        engine.dispose()
