"""A template as a contract would show it: invented parties, terms of a dataset that the platform has, and every clause."""

from __future__ import annotations

from datetime import date, timedelta

from contracts.settings import Settings
from contracts.signing.document import ContractFacts, named_facts
from contracts.signing.templates import template_of
from contracts.signing.text import Block, blocks, fill
from contracts.terms.model import DatasetTerms, Terms
from contracts.terms.purposes import PROHIBITED
from contracts.terms.words import ENFORCED, LINES, TermLine, plain

AGREED_LATER = "What is agreed about this stands here."
_NOBODY = ContractFacts(
    kind="",
    title="An example",
    organisation="Example University",
    country="SE",
    application="app_…",
    purpose_text="Here stands what the applicant wrote.",
)


def preview(settings: Settings, kind: str, today: date) -> list[Block]:
    """The text of a template's contract with every clause, as blocks. Raises as `template_of` and `fill` do."""
    terms = _terms(settings, today)
    said = {line.anchor: line for line in plain(terms, settings)}
    lines = [said.get(anchor, TermLine(title, AGREED_LATER, anchor, anchor in ENFORCED)) for anchor, (title, _) in LINES.items()]
    return blocks(fill(template_of(settings, kind), named_facts(settings, _NOBODY, terms, "ctr_…"), lines))


def _terms(settings: Settings, today: date) -> Terms:
    name, fields = next(((name, tuple(each.fields)) for name, each in settings.datasets.items()), ("dataset", ("field",)))
    return Terms(
        datasets=(DatasetTerms(dataset=name, fields=fields),),
        purposes=("research",),
        prohibited=tuple(PROHIBITED),
        requests_per_second=10,
        records_per_day=10_000,
        starts=today,
        ends=today + timedelta(days=365),
        retention_days=365,
    )
