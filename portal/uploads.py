"""Taking a file from a browser as it streams in: nothing of it is read before it is known who sends it and that the form is theirs.

Every other form of the portal is small and read whole. A file may be large, so its bytes go to the disk as they come, and stop at
the limit however many follow. The only place that knows the multipart library (RFC 7578).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, TypeVar

from python_multipart.exceptions import FormParserError
from python_multipart.multipart import MultipartParser, parse_options_header
from starlette.concurrency import run_in_threadpool
from starlette.requests import ClientDisconnect, Request

from contracts.errors import Refusal, Refused, refuse
from contracts.people.actor import Actor
from contracts.uploads.files import Incoming
from portal import cookies, csrf
from portal.deps import house_of, portal_of
from portal.forms import Form, submitted

Handler = TypeVar("Handler", bound=Callable[..., object])

FILE = "file"
MAX_FIELDS_BYTES = 64 * 1024
MAX_PARTS = 20
# A file that is a little too large is read to its end and thrown away, because browsers show no answer before they have sent all.
DRAINED_BYTES = 128 * 1024 * 1024

_UNREADABLE = "The form could not be read. Load the page again and choose the file once more."


@dataclass
class Upload:
    """What an upload form held: its fields, and its file, or why the file was not taken. The app drops it when the request is done.

    `close` tells that not all of it was read, so the connection ends with the answer.
    """

    form: Form = field(default_factory=Form)
    name: str = ""
    incoming: Incoming | None = None
    refusal: Refusal | None = None
    close: bool = False

    def drop(self) -> None:
        """Remove the file, unless it was kept."""
        if self.incoming is not None:
            self.incoming.drop()


def takes_file(who: Callable[[Request], Actor]) -> Callable[[Handler], Handler]:
    """Let a route's form carry one file, which may be large. `who` is the dependency that says who may send one, asked before it comes."""

    def marked(handler: Handler) -> Handler:
        handler.takes_file_of = who  # type: ignore[attr-defined]  # the mark is on the function itself, as slowapi's are
        return handler

    return marked


def sender(request: Request) -> Callable[[Request], Actor] | None:
    """Who may send this request's file, where it is a form with a file to a route that takes one; None for every other request."""
    endpoint = getattr(request.scope.get("route"), "endpoint", None)
    who: Callable[[Request], Actor] | None = getattr(endpoint, "takes_file_of", None)
    return who if _boundary(request) else None


async def receive_upload(request: Request, who: Callable[[Request], Actor]) -> None:
    """Read the form into `request.state.upload`. Raises what `who` raises, and `csrf_failed`, before a byte of the file is looked at."""
    await run_in_threadpool(who, request)
    reader = _Reader(request, house_of(request).settings.uploads.megabytes * 1024 * 1024)
    request.state.upload = reader.upload
    # What is a file and what is not is counted here; this bounds whatever follows the form's end.
    request.state.most_body_bytes = max(DRAINED_BYTES, reader.most) + MAX_FIELDS_BYTES
    declared = int(request.headers.get("content-length") or 0)
    if declared > DRAINED_BYTES:
        await reader.until_the_file()
        reader.too_large()
    else:
        await reader.all(drain=declared > 0)


async def uploaded(request: Request) -> Upload:
    """Dependency of routes that take a file: what the app read before; an ordinary form's fields where no file came with it."""
    found: Upload | None = getattr(request.state, "upload", None)
    return found if found is not None else Upload(form=await submitted(request))


class _Reader:
    """Feeds the body to the parser; the parser's callbacks fill the upload."""

    def __init__(self, request: Request, most: int) -> None:
        self.upload = Upload()
        self._request, self.most = request, most
        self._parts = self._fields_bytes = 0
        self._headers: dict[str, str] = {}
        self._header = self._value = b""
        self._name, self._is_file, self._allowed = "", False, False
        self._text = bytearray()
        names = ("part_begin", "header_begin", "header_field", "header_value", "header_end", "headers_finished", "part_data", "part_end")
        callbacks: Any = {f"on_{name}": getattr(self, f"_on_{name}") for name in names}
        self._parser = MultipartParser(_boundary(request), callbacks)

    async def all(self, drain: bool) -> None:
        """The whole body. Of a file that is too large the rest is thrown away, or with `drain` false not even waited for."""
        await self._feed(lambda: self.upload.refusal is not None and not drain)
        if self.upload.refusal is not None:
            self.upload.close = not drain
            return
        with _readable():
            self._parser.finalize()
        self._check_token()
        if self.upload.incoming is not None:
            await run_in_threadpool(self.upload.incoming.finish)

    async def until_the_file(self) -> None:
        """The fields before the file, and no more."""
        await self._feed(lambda: self._is_file)
        self._check_token()
        self.upload.close = True

    def too_large(self) -> None:
        """Refuse the file for its size; what was written of it is gone."""
        self.upload.drop()
        reason = f"The file is larger than {self.most // (1024 * 1024)} MB. Make it smaller, for example as PDF with fewer pictures."
        self.upload.refusal = Refusal("invalid_input", reason, {"fields": {FILE: reason}})

    async def _feed(self, enough: Callable[[], bool]) -> None:
        with _readable():
            async for chunk in self._request.stream():
                self._parser.write(chunk)
                if enough():
                    return

    def _check_token(self) -> None:
        if self._allowed:
            return
        request, given = self._request, self.upload.form.raw(csrf.FIELD)
        refusal = portal_of(request).csrf.check(cookies.holder_of(request), given, request.headers.get("sec-fetch-site"))
        if refusal is not None:
            raise Refused(refusal)
        self._allowed = True

    def _on_part_begin(self) -> None:
        self._parts += 1
        if self._parts > MAX_PARTS:
            raise refuse("bad_request", _UNREADABLE)
        self._headers, self._text = {}, bytearray()

    def _on_header_begin(self) -> None:
        self._header = self._value = b""

    def _on_header_field(self, data: bytes, start: int, end: int) -> None:
        self._header += data[start:end]

    def _on_header_value(self, data: bytes, start: int, end: int) -> None:
        self._value += data[start:end]

    def _on_header_end(self) -> None:
        self._headers[self._header.decode("latin-1").lower()] = self._value.decode("latin-1")

    def _on_headers_finished(self) -> None:
        _, options = parse_options_header(self._headers.get("content-disposition"))
        self._name = _decoded(options.get(b"name", b""))
        self._is_file = b"filename" in options
        if self._is_file:
            self._check_token()
            self._begin(_decoded(options[b"filename"]))

    def _on_part_data(self, data: bytes, start: int, end: int) -> None:
        if not self._is_file:
            self._fields_bytes += end - start
            if self._fields_bytes > MAX_FIELDS_BYTES:
                raise refuse("body_too_large", "The form holds too much text. Shorten it and send the form again.")
            self._text += data[start:end]
        elif self.upload.incoming is not None and self.upload.refusal is None and not self.upload.incoming.write(data[start:end]):
            self.too_large()

    def _on_part_end(self) -> None:
        if not self._is_file:
            text = _decoded(bytes(self._text)).replace("\r\n", "\n").replace("\0", "")
            self.upload.form.values.setdefault(self._name, []).append(text)

    def _begin(self, name: str) -> None:
        """Browsers send an empty file with an empty name where none was chosen."""
        if self._name != FILE or self.upload.incoming is not None:
            raise refuse("bad_request", "Send one file at a time.")
        if name:
            self.upload.name, self.upload.incoming = name, Incoming(house_of(self._request).settings.home, self.most)


@contextmanager
def _readable() -> Iterator[None]:
    try:
        yield
    except (FormParserError, ClientDisconnect) as error:
        raise refuse("bad_request", _UNREADABLE) from error


def _boundary(request: Request) -> bytes:
    kind, options = parse_options_header(request.headers.get("content-type", ""))
    return options.get(b"boundary", b"") if kind == b"multipart/form-data" else b""


def _decoded(value: bytes) -> str:
    """Browsers send names in the page's own encoding, UTF-8; the library hands them on byte for byte."""
    return value.decode("utf-8", "replace")
