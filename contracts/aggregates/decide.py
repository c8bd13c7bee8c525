"""The rule of counts and sums, pure: grant, token, dataset and question give the table that may be counted, or a refusal."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

from contracts.access.decide import admit, contract_tests, purpose_of
from contracts.access.query import Query
from contracts.access.reach import reached
from contracts.aggregates.buckets import Bucketed, bucketed
from contracts.aggregates.plan import Clamped
from contracts.aggregates.query import Question
from contracts.credentials.tokens import Claims
from contracts.datasets.catalogue import Dataset
from contracts.datasets.plan import Column, Condition
from contracts.errors import Refusal, Refused, refuse
from contracts.sections import Aggregates
from contracts.terms.grant import Grant
from contracts.terms.model import DatasetTerms


@dataclass(frozen=True, slots=True)
class Countable:
    """A table that may be counted. `people`, `dominance` and `noise` are the rules that it leaves by, `cap` the contract's questions."""

    dataset: Dataset
    terms: DatasetTerms
    purpose: str
    by: tuple[Bucketed, ...]
    sums: tuple[Clamped, ...]
    tests: tuple[Condition, ...]
    people: int
    dominance: int
    noise: int
    cap: int


def decide(grant: Grant, claims: Claims, dataset: Dataset | None, question: Question, address: str, today: date) -> Countable | Refusal:
    """What may be counted, or the rule that says no. Unknown datasets and foreign ones are refused alike."""
    refusal = admit(grant, claims, address, today)
    if refusal is not None:
        return refusal
    try:
        countable = _countable(grant, claims, dataset, question)
        return grant.refusal_of_dataset(countable.dataset.id, claims.client_id) or countable
    except Refused as refused:
        return refused.refusal


def _countable(grant: Grant, claims: Claims, dataset: Dataset | None, question: Question) -> Countable:
    terms = None if dataset is None else grant.terms.for_dataset(dataset.id)
    if dataset is None or terms is None:
        named = ", ".join(each.dataset for each in grant.terms.datasets)
        raise refuse("dataset_not_in_contract", f"The contract names {named}. Apply for other datasets in the portal.")
    agreed, policy = grant.terms.aggregates, dataset.settings.aggregates
    if agreed is None or policy is None:
        raise refuse("aggregates_not_agreed", "The contract allows no counts and sums of this dataset. Ask the platform for an amendment.")
    asked = (*question.fields, *question.summed)
    reach, only = reached(terms, claims.details, Query(fields=asked, purpose=question.purpose))
    foreign = next((name for name in asked if name not in reach.fields), None)
    if foreign is not None:
        reason = f"The contract does not name the field {foreign[:80]}. It names {', '.join(terms.fields)}."
        raise refuse("field_not_in_contract", reason, field=foreign[:80])
    by = {name: _bucketed(dataset, terms, policy, name) for name in question.fields}
    for name, bucket in question.filters:
        if not by[name].has(bucket):
            raise refuse("filter_not_possible", f"{name} has no such bucket. {_buckets_of(by[name])}", field=name)
    return Countable(
        dataset=dataset,
        terms=terms,
        purpose=purpose_of(grant, dataset, question.purpose or only),
        by=tuple(by[name] for name in question.fields),
        sums=tuple(_clamped(dataset, terms, policy, name) for name in question.summed),
        tests=contract_tests(dataset, terms),
        people=max(policy.people, agreed.people or 0),
        dominance=policy.dominance,
        noise=policy.noise,
        cap=min(agreed.queries, policy.max_queries),
    )


def _bucketed(dataset: Dataset, terms: DatasetTerms, policy: Aggregates, name: str) -> Bucketed:
    buckets = policy.by.get(name)
    if buckets is None or dataset.is_pseudonymised(name, terms):
        reason = f"Tables of this dataset go by {', '.join(policy.by) or 'no field'}, and by a field that the contract names in clear."
        raise refuse("filter_not_possible", reason, field=name)
    return bucketed(name, dataset.fields[name].type, buckets, dataset.coarse(name, terms))


def _clamped(dataset: Dataset, terms: DatasetTerms, policy: Aggregates, name: str) -> Clamped:
    bounds = policy.sums.get(name)
    if bounds is None or dataset.is_pseudonymised(name, terms):
        reason = f"What is summed of this dataset is {', '.join(policy.sums) or 'nothing'}."
        raise refuse("filter_not_possible", reason, field=name)
    return Clamped(Column(name, dataset.fields[name].type), bounds.least, bounds.most)


def _buckets_of(by: Bucketed) -> str:
    if by.every:
        return f"Its buckets are a {by.every} each, written as in RFC 3339, and other."
    return f"Its buckets are {', '.join(by.names)}."
