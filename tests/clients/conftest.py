"""One served installation, a person of the partner at a real browser, and four OAuth clients that we did not write."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from portal.demo.people import person
from tests.clients.libraries import Library, NodeLibrary, PythonLibrary
from tests.clients.platform import Platform, platform
from tests.harness.browser import chromium, visitor
from tests.journeys.steps import sign_in

LIBRARIES = ("oauth4webapi", "openid-client", "requests-oauth2client", "authlib")


@pytest.fixture(scope="package")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Platform]:
    """`licet serve` on loopback with a contract in force."""
    with platform(tmp_path_factory.mktemp("clients")) as made:
        yield made


@pytest.fixture(scope="package")
def library() -> Iterator[Callable[[str], Library]]:
    """A client library by name; a Node.js process of each is kept while these tests last."""
    made: dict[str, Library] = {}

    def by_name(name: str) -> Library:
        if name not in made:
            made[name] = PythonLibrary(name) if name in ("requests-oauth2client", "authlib") else NodeLibrary(name)
        return made[name]

    yield by_name
    for each in made.values():
        each.close()


@pytest.fixture(scope="package")
def back() -> Iterator[str]:
    """The address on this machine to which people come back; it only says that they may close the page."""
    with ThreadingHTTPServer(("127.0.0.1", 0), _Back) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}/back"
        server.shutdown()


@pytest.fixture(scope="package")
def allows(served: Platform, back: str) -> Iterator[Callable[[str], str]]:
    """The lead, signed in at a real browser: goes to an address, allows what is asked there, and tells where that led."""
    nora = person("lead")
    with chromium() as browser:
        page = visitor(browser, served.base_url).new_page()
        sign_in(page, nora.email, nora.password)

        def allow(url: str) -> str:
            page.goto(url)
            page.locator("button[name=answer][value=allow]").click()
            page.wait_for_url(f"{back}?*")
            return page.url

        yield allow


class _Back(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        self.send_response(200)
        self.send_header("content-type", "text/plain")
        self.end_headers()
        self.wfile.write(b"You may close this page.\n")

    def log_message(self, *_: object) -> None:
        """Nothing: the test's output is not the place."""
