"""The licences that are offered to crawlers: which one a program names, and which pages it is for. Pure.

A licence is the same licence however it is written: white space, the order of its elements and the prefix of RSL's namespace count
for nothing, everything else counts.
"""

from __future__ import annotations

import xml.etree.ElementTree as ET
from collections.abc import Mapping
from dataclasses import dataclass

from contracts.gate.facts import covers, read_target
from contracts.gate.signals import RSL_NAMESPACE, licences
from contracts.settings import Settings
from contracts.terms.model import CrawlTerms

Form = tuple[object, ...]


@dataclass(frozen=True, slots=True)
class Offer:
    """What is offered for the pages under `path`, an RFC 9309 pattern."""

    path: str
    form: Form

    def covered_by(self, crawl: CrawlTerms) -> bool:
        """Whether a contract's paths cover all of it."""
        page = read_target(self.path.rstrip("*"))
        return page is not None and any(covers(allowed, page) for allowed in crawl.paths)


def offers_of(settings: Settings) -> Mapping[str, Offer]:
    """Offers by each way to name their resource: the path in the licence document, and the address on the main site."""
    made = [Offer(path, form) for path, xml in licences(settings).items() if (form := licence_form(xml)) is not None]
    site = settings.platform.site.rstrip("/")
    return {name: offer for offer in made for name in (offer.path, f"{site}{offer.path}")}


def licence_form(xml: str) -> Form | None:
    """A `license` element as something to compare; None for what is no such element. Declarations are not read."""
    if "<!" in xml or "<?" in xml:
        return None
    try:
        element = ET.fromstring(xml)  # noqa: S314 - without a declaration there are no entities to expand
    except ET.ParseError:
        return None
    return _form(element) if _name(element) == "license" else None


def _form(element: ET.Element) -> Form:
    text = " ".join((element.text or "").split())
    return (_name(element), tuple(sorted(element.attrib.items())), text, tuple(sorted(map(repr, map(_form, element)))))


def _name(element: ET.Element) -> str:
    return str(element.tag).removeprefix(f"{{{RSL_NAMESPACE}}}")
