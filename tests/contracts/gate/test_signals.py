"""The licence for machines says what the datasets' settings say, to the byte."""

from __future__ import annotations

import xml.etree.ElementTree as ET
from pathlib import Path

from protego import Protego  # type: ignore[import-untyped]  # no stubs

from contracts.gate import signals
from contracts.settings import DatasetSettings, Platform, Settings
from tests.harness.gates import gate_settings

FIELDS = {"id": {"type": "string", "class": "key"}}


def _settings(tmp_path: Path, **datasets: dict[str, object]) -> Settings:
    described = {
        name: DatasetSettings.model_validate({"title": name, "location": "x", "key": "id", "fields": FIELDS} | each)
        for name, each in datasets.items()
    }
    platform = Platform(legal_name="Agora & Sons <Ltd>", contact="data@agora.example")
    return gate_settings(tmp_path).model_copy(update={"datasets": described, "platform": platform})


def test_robots_names_the_licence_after_the_agent(tmp_path: Path) -> None:
    assert signals.robots(_settings(tmp_path)) == (
        "# Agora: people are welcome. Collecting by machine needs a licence.\n"
        "# Apply at http://127.0.0.1:8400/apply\n"
        "User-agent: *\n"
        "License: http://127.0.0.1:8400/license.xml\n"
        "Allow: /\n"
    )


def test_a_crawlers_parser_reads_robots(tmp_path: Path) -> None:
    rules = Protego.parse(signals.robots(_settings(tmp_path)))
    assert rules.can_fetch("https://agora.example/posts/1", "anybot") is True


def test_the_licence_names_each_path_and_use(tmp_path: Path) -> None:
    settings = _settings(tmp_path, posts={"page": "/posts/{key}", "purposes": ["research", "market-analysis"]})
    ns = {"r": signals.RSL_NAMESPACE}
    root = ET.fromstring(signals.licence(settings))
    assert (root.tag, root.attrib) == (f"{{{signals.RSL_NAMESPACE}}}rsl", {"max-age": "7"})
    found = [
        (
            content.get("url"),
            [each.text for each in content.findall("r:license/r:permits", ns)],
            [each.text for each in content.findall("r:license/r:prohibits", ns)],
            content.findtext("r:license/r:payment/r:custom", namespaces=ns),
            content.findtext("r:copyright", namespaces=ns),
        )
        for content in root.findall("r:content", ns)
    ]
    way_in, owner = "http://127.0.0.1:8400/apply", "Agora & Sons <Ltd>"
    assert found == [("/posts/*", ["search"], ["ai-train"], way_in, owner), ("/", [], ["ai-train"], way_in, owner)]


def test_training_is_permitted_only_where_every_dataset_of_the_path_allows_it(tmp_path: Path) -> None:
    both = _settings(tmp_path, a={"purposes": ["ai-training", "research"]}, b={"purposes": ["research"]})
    one = _settings(tmp_path, a={"purposes": ["ai-training", "research"]})
    assert '<permits type="usage">search</permits>' in signals.licence(both)
    assert '<prohibits type="usage">ai-train</prohibits>' in signals.licence(both)
    assert '<permits type="usage">ai-train search</permits>' in signals.licence(one)
    assert "prohibits" not in signals.licence(one)
