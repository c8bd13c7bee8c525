"""The licence that machines read: robots.txt (RFC 9309) and an RSL 1.0 document, both made from the datasets' settings.

They promise nothing that a contract does not give: every licence names the page where one applies, and none is free.
"""

from __future__ import annotations

from collections.abc import Sequence
from html import escape

from contracts.settings import DatasetSettings, Settings
from contracts.terms.purposes import PURPOSES

RSL_NAMESPACE = "https://rslstandard.org/rsl"
RSL_MEDIA_TYPE = "application/rsl+xml"
MAX_AGE_DAYS = 7

_TRAINING = "ai-train"


def robots(settings: Settings) -> str:
    """robots.txt. `License` stands after the user-agent line, where parsers that do not know it lose nothing."""
    return "\n".join(
        [
            f"# {settings.platform.name}: people are welcome. Collecting by machine needs a licence.",
            f"# Apply at {settings.base_url}/apply",
            "User-agent: *",
            f"License: {settings.base_url}/license.xml",
            "Allow: /",
            "",
        ]
    )


def licence(settings: Settings) -> str:
    """The RSL document: one `content` for each path that datasets' records stand under, narrower paths beside the whole site."""
    inner = "\n".join(_content(settings, path, datasets) for path, datasets in _contents(settings).items())
    return f'<?xml version="1.0" encoding="UTF-8"?>\n<rsl xmlns="{RSL_NAMESPACE}" max-age="{MAX_AGE_DAYS}">\n{inner}\n</rsl>\n'


def licences(settings: Settings) -> dict[str, str]:
    """What is offered, by the `url` of its `content`: the `license` element in XML."""
    return {path: "".join(_licence(settings, datasets)) for path, datasets in _contents(settings).items()}


def _contents(settings: Settings) -> dict[str, list[DatasetSettings]]:
    """The datasets that stand under each path; the whole site, which has none of its own, comes last."""
    by_path: dict[str, list[DatasetSettings]] = {}
    for dataset in settings.datasets.values():
        by_path.setdefault(_pattern(dataset.page), []).append(dataset)
    return dict(sorted(by_path.items())) | ({} if "/" in by_path else {"/": []})


def _pattern(page: str | None) -> str:
    """`/posts/{key}` as an RFC 9309 path: `/posts/*`."""
    if page is None:
        return "/"
    return page.partition("{")[0] + "*" if "{" in page else page


def _content(settings: Settings, path: str, datasets: Sequence[DatasetSettings]) -> str:
    lines = [
        f'  <content url="{escape(path)}" server="{escape(settings.base_url)}">',
        *[f"    {line}" for line in _licence(settings, datasets)],
        f'    <copyright type="organization" contactEmail="{escape(settings.platform.contact)}">{escape(settings.platform.legal_name)}</copyright>',
        f"    <terms>{escape(settings.base_url)}/datasets</terms>",
        "  </content>",
    ]
    return "\n".join(lines)


def _licence(settings: Settings, datasets: Sequence[DatasetSettings]) -> list[str]:
    return [
        "<license>",
        *[f"  {line}" for line in _uses(datasets)],
        '  <payment type="use">',
        f"    <custom>{escape(settings.base_url)}/apply</custom>",
        "  </payment>",
        f'  <legal type="contact">{escape(settings.platform.contact)}</legal>',
        "</license>",
    ]


def _uses(datasets: Sequence[DatasetSettings]) -> list[str]:
    """What every dataset of the path allows, as a closed list; where none is described, only that training is not allowed."""
    allowed = [{token for purpose in each.purposes if purpose in PURPOSES for token in PURPOSES[purpose].rsl_usage} for each in datasets]
    common = set.intersection(*allowed) if allowed else set()
    lines = [f'<permits type="usage">{" ".join(sorted(common))}</permits>'] if common else []
    if _TRAINING not in common:
        lines.append(f'<prohibits type="usage">{_TRAINING}</prohibits>')
    return lines
