"""The operator's policy of the gate: numbers, and which paths stay open. Pure; `rules` keeps what was set on the operator's page."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from contracts.gate.facts import Page
from contracts.gate.routes import Listed, Routes, pattern_of
from contracts.settings import Settings


@dataclass(frozen=True, slots=True)
class Policy:
    """What the gate goes by: distinct pages an hour of one identity and of one network, paths that nobody is counted for, the routes,
    and the classes of routes that stay open while the gate cannot decide.
    """

    anonymous_budget: int
    network_budget: int
    free_paths: tuple[str, ...] = ()
    routes: Routes = field(default_factory=lambda: Routes({}), compare=False)
    open_classes: frozenset[str] = frozenset()
    free: Listed = field(init=False, compare=False, repr=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "free", Listed(self.free_paths))

    def stays_open(self, page: Page) -> bool:
        """Whether a page is let through while the gate cannot decide."""
        return self.routes.class_of(page) in self.open_classes


@dataclass(frozen=True, slots=True)
class Numbers:
    """What of the policy an operator changes while the gate runs. `classes` maps patterns of paths to classes of routes."""

    anonymous_budget: int
    network_factor: int
    classes: Mapping[str, str]
    open_classes: tuple[str, ...]

    def policy(self, free_paths: tuple[str, ...]) -> Policy:
        """The whole policy. What `free_paths` lets through uncounted takes two people, and is no part of the numbers."""
        each = self.anonymous_budget
        return Policy(each, each * self.network_factor, free_paths, Routes(self.classes), frozenset(self.open_classes))

    def differs_from(self, before: Numbers) -> dict[str, object]:
        """What changed, for the ledger: each number before and after, and how many patterns."""
        told: dict[str, object] = {}
        for name in ("anonymous_budget", "network_factor"):
            if getattr(before, name) != getattr(self, name):
                told[name] = {"before": getattr(before, name), "after": getattr(self, name)}
        if set(before.open_classes) != set(self.open_classes):
            told["open_classes"] = {"before": sorted(before.open_classes), "after": sorted(self.open_classes)}
        if dict(before.classes) != dict(self.classes):
            told["classes"] = {"before": len(before.classes), "after": len(self.classes)}
        return told


def numbers_of(settings: Settings) -> Numbers:
    """What the settings say. Pages of datasets' records are profiles, unless the settings name the same pattern otherwise."""
    gate = settings.gate
    records = {pattern_of(each.page): "profile" for each in settings.datasets.values() if each.page is not None}
    return Numbers(gate.anonymous_budget, gate.network_factor, records | gate.classes, tuple(gate.open_classes))
