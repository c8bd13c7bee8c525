"""Files that others made, on their way out: only ever as attachments, never shown in a page of ours."""

from __future__ import annotations

from urllib.parse import quote

from starlette.responses import Response

# What a browser shows after all runs nothing and reaches nothing.
_POLICY = "default-src 'none'; sandbox"


def attachment(name: str, media_type: str, content: bytes) -> Response:
    """The bytes under the name that their sender gave, to be kept (RFC 6266 section 4.3, with the name as RFC 8187 writes it)."""
    plain = "".join(each if each.isascii() and (each.isalnum() or each in "._- ") else "_" for each in name)
    headers = {
        "content-disposition": f"attachment; filename=\"{plain}\"; filename*=UTF-8''{quote(name, safe='')}",
        "content-security-policy": _POLICY,
        "cache-control": "no-store",
    }
    return Response(content, media_type=media_type, headers=headers)
