"""QR codes as drawings within the page: nothing is fetched, and the strict content security policy stays as it is."""

from __future__ import annotations

import segno
from markupsafe import Markup


def qr_svg(text: str) -> Markup:
    """The text as a QR code (ISO/IEC 18004, error correction M) of dark modules on the page's own light square."""
    code = segno.make(text, error="m", micro=False)
    drawn = code.svg_inline(scale=1, border=4, omitsize=True, dark="#000", light="#fff", svgclass="qr", lineclass=None)
    # What stands in it are numbers of our own encoder, not the text.
    return Markup(drawn.replace("<svg ", '<svg role="img" aria-label="QR code for your authenticator app" ', 1))  # noqa: S704 - see above
