"""The grant of a sandbox: terms made from the settings, compiled for an organisation's sandbox credentials, stored nowhere.

It is a grant like any other, so that the decision, the pace, the quota, the cursors and the answers are those of a contract and
not a copy of them. What keeps it from real data: its id is no contract's, its versions are none that was loaded, and it has no
networks, no price, no crawling and no audience but the API.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import date
from types import MappingProxyType

from sqlmodel import Session, col, select

from contracts.credentials.bounds import Bounds
from contracts.credentials.decide import READ
from contracts.credentials.issued import denied_of
from contracts.datasets.catalogue import Dataset, Version
from contracts.errors import Refusal
from contracts.sandbox import marks
from contracts.sandbox.rows import version_of
from contracts.sandbox.tables import SandboxClient
from contracts.terms.defaults import least_grains, replaced_fields
from contracts.terms.grant import Grant
from contracts.terms.model import Aggregates, DatasetTerms, Terms, terms_hash, to_json
from contracts.terms.purposes import PROHIBITED, PURPOSES

RECORDS_PER_DAY = 10_000
REQUESTS_PER_SECOND = 5
QUESTIONS_PER_DAY = 500
STATE = "sandbox"

# A sandbox has no term; its credentials have. The last year leaves room for the day after.
_FIRST_DAY, _LAST_DAY = date(2000, 1, 1), date(9998, 12, 31)
_NO_SANDBOX = Refusal("not_found", "There is no such sandbox.")


def compile_sandbox(session: Session, datasets: Iterable[Dataset], contract_id: str) -> Grant | Refusal:
    """The grant of an organisation's sandbox; `not_found` where it never had one, or nothing is described to invent rows from."""
    organisation = marks.organisation_of(contract_id)
    known = session.exec(select(SandboxClient).where(SandboxClient.organisation_id == organisation)).all()
    terms = terms_of(datasets)
    if not marks.is_sandbox(contract_id) or not known or terms is None:
        return _NO_SANDBOX
    live = [each for each in known if each.revoked_at is None]
    return Grant(
        contract_id=contract_id,
        version=marks.VERSION,
        revision=1,
        organisation_id=organisation,
        terms_sha256=terms_hash(to_json(terms)),
        state=STATE,
        terms=terms,
        clients=MappingProxyType({each.id: frozenset({READ}) for each in live}),
        denied=denied_of(session, contract_id),
        bounds=MappingProxyType({each.id: Bounds((), each.last_day, each.tokens_since) for each in live}),
    )


def terms_of(datasets: Iterable[Dataset]) -> Terms | None:
    """The most that a contract may be agreed on: every dataset, field and purpose, ids as pseudonyms, at a modest pace."""
    offered = [each for each in datasets if _purposes(each)]
    if not offered:
        return None
    purposes = tuple(dict.fromkeys(purpose for each in offered for purpose in _purposes(each)))
    return Terms(
        datasets=tuple(_part(each) for each in offered),
        purposes=purposes,
        prohibited=tuple(each for each in PROHIBITED if each not in purposes),
        requests_per_second=REQUESTS_PER_SECOND,
        records_per_day=RECORDS_PER_DAY,
        starts=_FIRST_DAY,
        ends=_LAST_DAY,
        retention_days=365,
        erasure_hours=None,
        aggregates=_counted(offered),
    )


def versions_of(datasets: Iterable[Dataset]) -> Mapping[str, Version]:
    """What a sandbox has in place of the datasets' current versions."""
    return MappingProxyType({each.id: version_of(each) for each in datasets})


def is_live(client: SandboxClient, today: date) -> bool:
    """Whether the credential still works."""
    return client.revoked_at is None and today <= client.last_day


def clients_of(session: Session, organisation_id: str) -> list[SandboxClient]:
    """An organisation's sandbox credentials, those that were not revoked first, newest first."""
    query = select(SandboxClient).where(SandboxClient.organisation_id == organisation_id)
    return list(session.exec(query.order_by(col(SandboxClient.revoked_at).isnot(None), col(SandboxClient.id).desc())).all())


def _part(dataset: Dataset) -> DatasetTerms:
    names = tuple(dataset.fields)
    return DatasetTerms(
        dataset=dataset.id,
        fields=names,
        pseudonymised=replaced_fields(names, dataset.settings),
        generalised=least_grains(names, dataset.settings),
    )


def _counted(datasets: Iterable[Dataset]) -> Aggregates | None:
    """Questions of a day, where anything may be counted at all."""
    most = [each.settings.aggregates.max_queries for each in datasets if each.settings.aggregates is not None]
    return Aggregates(queries=min(QUESTIONS_PER_DAY, *most)) if most else None


def _purposes(dataset: Dataset) -> list[str]:
    return [each for each in dataset.settings.purposes if each in PURPOSES]
