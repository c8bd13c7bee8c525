"""Small files of every kind that may be handed in, and of many that may not."""

from __future__ import annotations

import io
import struct
import zipfile
import zlib

WORD = "application/vnd.openxmlformats-officedocument.wordprocessingml.document.main+xml"
TYPES = f'<Types><Override PartName="/word/document.xml" ContentType="{WORD}"/></Types>'
PDF = b"%PDF-1.7\n1 0 obj\n<<>>\nendobj\ntrailer\n<<>>\n%%EOF\n"
JPEG = b"\xff\xd8\xff\xe0\x00\x10JFIF\x00" + b"\x00" * 40 + b"\xff\xd9"
TEXT = "Grüße, the board has approved it.\n".encode()


def _chunk(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


PNG = b"\x89PNG\r\n\x1a\n" + b"".join(
    (_chunk(b"IHDR", struct.pack(">IIBBBBB", 1, 1, 8, 0, 0, 0, 0)), _chunk(b"IDAT", zlib.compress(b"\0\0")), _chunk(b"IEND", b""))
)


def zipped(entries: dict[str, str | bytes]) -> bytes:
    """A zip archive of these entries."""
    kept = io.BytesIO()
    with zipfile.ZipFile(kept, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in entries.items():
            archive.writestr(name, content)
    return kept.getvalue()


def word(**more: str | bytes) -> bytes:
    """A Word document with further entries."""
    return zipped({"[Content_Types].xml": TYPES, "word/document.xml": "<w/>", **more})


def open_text(**more: str | bytes) -> bytes:
    """An OpenDocument text with further entries."""
    return zipped({"mimetype": "application/vnd.oasis.opendocument.text", "content.xml": "<office/>", **more})
