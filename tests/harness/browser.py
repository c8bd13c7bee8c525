"""A real Chromium for journeys, with screenshots and an accessibility check on every page that asks for one."""

from __future__ import annotations

import os
import re
import shutil
from base64 import b64decode
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, BrowserContext, Page, expect, sync_playwright

SCREENSHOTS = Path(__file__).parents[2] / "screenshots"
# Longer than any page takes on a machine that does ten other things.
PATIENCE_MS = 60_000
expect.set_options(timeout=PATIENCE_MS)
DESKTOP, PHONE = {"width": 1280, "height": 900}, {"width": 390, "height": 844}
_LOOKED: set[str] = set()
# What is wrong, and where first. Of what is right axe would describe every place, which takes much longer than to find it.
_VIOLATIONS = """async tags => {
    const found = await axe.run({runOnly: {type: "tag", values: tags}, resultTypes: ["violations"]});
    return found.violations.map(each => `${each.id}: ${each.help} at ${each.nodes.slice(0, 3).map(node => node.target)}`);
}"""
_QUIET = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]


@contextmanager
def chromium() -> Iterator[Browser]:
    """The browser without windows, which takes half the time, or where it is not installed, the one with them.

    `CHROMIUM` names another binary than the one on the path. Raises RuntimeError where there is none.
    """
    path = os.environ.get("CHROMIUM") or shutil.which("chromium-headless-shell") or shutil.which("chromium")
    if path is None:
        raise RuntimeError("chromium is not installed; run deploy/test-tools")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=_QUIET)
        try:
            yield browser
        finally:
            browser.close()


def visitor(browser: Browser, base_url: str, **options: object) -> BrowserContext:
    """A fresh person: no cookies, a desktop window."""
    context = browser.new_context(base_url=base_url, viewport=DESKTOP, reduced_motion="reduce", **options)  # type: ignore[arg-type]  # options are Playwright's own
    context.set_default_timeout(PATIENCE_MS)
    return context


def look(page: Page, name: str) -> None:
    """Keep a picture of the page at desktop and phone width, and refuse WCAG 2.2 A and AA violations at both."""
    SCREENSHOTS.mkdir(exist_ok=True)
    # Between two pages there is a moment without a document.
    page.wait_for_function("() => document.documentElement !== null && document.readyState === 'complete'")
    for label, size in (("desktop", DESKTOP), ("phone", PHONE)):
        page.set_viewport_size(size)  # type: ignore[arg-type]  # a plain dict is what Playwright takes
        _picture(page, SCREENSHOTS / f"{_slug(name)}-{label}.png")
        check_accessible(page, f"{name} ({label})")
        assert page.evaluate("document.documentElement.scrollWidth") <= size["width"], f"{name} scrolls sideways at {label} width"
    page.set_viewport_size(DESKTOP)  # type: ignore[arg-type]  # as above


def _picture(page: Page, file: Path) -> None:
    """The whole page, packed loosely: Chromium spends a third of the time on a picture that Playwright asks for on packing it tight."""
    width, height = page.evaluate("[document.documentElement.scrollWidth, document.documentElement.scrollHeight]")
    whole = {"x": 0, "y": 0, "width": width, "height": height, "scale": 1}
    # Left open until the page closes: when such a way ends, the page loses its virtual authenticators.
    taken = page.context.new_cdp_session(page).send(
        "Page.captureScreenshot", {"captureBeyondViewport": True, "optimizeForSpeed": True, "clip": whole}
    )
    file.write_bytes(b64decode(taken["data"]))


def look_once(page: Page, name: str) -> None:
    """As `look`, for a page that many journeys come by: once in a test process."""
    if name not in _LOOKED:
        look(page, name)
        _LOOKED.add(name)


def check_accessible(page: Page, name: str) -> None:
    """Fail on any axe violation of WCAG 2.0 to 2.2, levels A and AA."""
    if page.evaluate("() => typeof axe === 'undefined'"):
        page.evaluate(Axe().axe_script)
    violations = page.evaluate(_VIOLATIONS, ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"])
    assert violations == [], f"{name}: {violations}"


def _slug(name: str) -> str:
    return re.sub(r"[^a-z0-9]+", "-", name.lower()).strip("-")
