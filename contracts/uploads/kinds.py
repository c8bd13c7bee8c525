"""What a document handed in with an application is for, and which files are taken, on one screen."""

from __future__ import annotations

from dataclasses import dataclass

KINDS: dict[str, tuple[str, str]] = {
    "ethics": ("Ethics decision", "The approval of an ethics board, or its word that none is needed."),
    "dpia": ("Data protection impact assessment", "The assessment under Article 35 of the GDPR, or the reasons why none is due."),
    "balance": ("Legitimate interests assessment", "How your interest was weighed against those of the people whom the records are about."),
    "security": ("Security and storage", "A certificate, policy or plan for where records are kept and who reaches them."),
    "funding": ("Funding", "The grant or the agreement that pays for the project."),
    "mandate": ("Mandate", "What shows that you may act for the organisation, or that it has the standing that it names."),
    "other": ("Something else", "Anything that helps the person who decides."),
}


@dataclass(frozen=True, slots=True)
class FileType:
    """One kind of file: what it is called, the endings that its name may have, and its media type (RFC 6838)."""

    title: str
    endings: tuple[str, ...]
    media_type: str


FILES: dict[str, FileType] = {
    "pdf": FileType("PDF document", (".pdf",), "application/pdf"),
    "png": FileType("PNG picture", (".png",), "image/png"),
    "jpeg": FileType("JPEG picture", (".jpg", ".jpeg"), "image/jpeg"),
    "docx": FileType("Word document", (".docx",), "application/vnd.openxmlformats-officedocument.wordprocessingml.document"),
    "odt": FileType("OpenDocument text", (".odt",), "application/vnd.oasis.opendocument.text"),
    "text": FileType("plain text", (".txt", ".md"), "text/plain; charset=utf-8"),
}

TAKEN = "PDF, PNG, JPEG, DOCX, ODT and plain text (TXT, MD)"


def title_of(kind: str) -> str:
    """What a kind of document is called; the code itself for one that a later release or a form knows."""
    return KINDS[kind][0] if kind in KINDS else kind
