"""The hot path's one decision, pure: contract and dataset policy and credential and token and request. Every step only narrows."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date

from contracts.access.query import Filter, Given, Query, Sampled, shape_of
from contracts.access.reach import reached
from contracts.access.rows import outside
from contracts.credentials.decide import LOOK, READ
from contracts.credentials.details import Details
from contracts.credentials.tokens import Claims
from contracts.datasets.catalogue import Dataset
from contracts.datasets.coarse import Span
from contracts.datasets.plan import All, AnyOf, Column, Condition, Not, Test, Tree, leaves, replaced
from contracts.datasets.pseudonyms import fields_of, is_pseudonym
from contracts.datasets.values import Value, read, read_typed
from contracts.errors import Refusal, Refused, refuse
from contracts.ledger.stage import canonical
from contracts.terms.grant import Grant
from contracts.terms.model import Condition as RowCondition
from contracts.terms.model import DatasetTerms

SCOPE = READ
# Who may read records may read the contract that they come under.
_REACHED_BY = {READ: frozenset({READ}), LOOK: frozenset({LOOK, READ})}


@dataclass(frozen=True, slots=True)
class Allowed:
    """A request that may be answered, narrowed to what its contract allows.

    `tests` hold the contract's conditions, then the request's. `fingerprint` binds cursors to the query: SHA-256 over dataset,
    purpose, fields and filters. `cap` is the day's record quota, `rate` the requests of a second, `order` what the field of time
    is generalised to, if it is: records are in no finer order than that.
    """

    dataset: Dataset
    terms: DatasetTerms
    purpose: str
    columns: tuple[Column, ...]
    tests: tuple[Condition, ...]
    contract_tests: tuple[Test, ...]
    pseudonyms: tuple[str, ...]
    shape: tuple[str, ...]
    limit: int
    cap: int
    fingerprint: bytes
    sample: Sampled | None = None
    order: Span | None = None

    @property
    def pseudonyms_tested(self) -> bool:
        """Whether a condition is on a pseudonym, which only the contract's own table can tell."""
        return any(test.column.pseudonym for test in leaves(self.tests))


def admit(grant: Grant, claims: Claims, address: str, today: date, scope: str = SCOPE) -> Refusal | None:
    """Whether this credential may use the API at all now: live client, current version, a person where one is named, scope, dates, network."""
    dead = grant.refusal_of(claims) or (None if claims.family else grant.refusal_alone())
    if dead is not None:
        return dead
    if not _REACHED_BY[scope] & claims.scopes & grant.clients[claims.client_id]:
        return Refusal("scope_not_granted", f"This needs a credential, and a token, with the scope {scope}.", {"scope": scope})
    return grant.refusal_at(today, claims.client_id) or grant.refusal_from(address, claims.client_id)


# What a grant allows of queries, by the query without its cursor, the dataset and what the token is narrowed to, told apart by their texts:
# in a comparison 1 and true are the same.
Decided = dict[tuple[str, str, str], Allowed]
_MOST_DECIDED = 64


def decide(
    grant: Grant, claims: Claims, dataset: Dataset | None, query: Query, address: str, today: date, decided: Decided | None = None
) -> Allowed | Refusal:
    """What may leave, or the rule that says no. Unknown datasets and foreign ones are refused alike.

    `decided` keeps what the grant allows of queries, so that the next page of one costs less; it must be this grant's own.
    """
    refusal = admit(grant, claims, address, today)
    if refusal is not None:
        return refusal
    try:
        allowed = _known(decided, grant, dataset, query, claims.details)
        return grant.refusal_of_dataset(allowed.dataset.id, claims.client_id) or allowed
    except Refused as refused:
        return refused.refusal


def _known(decided: Decided | None, grant: Grant, dataset: Dataset | None, query: Query, details: Details) -> Allowed:
    if decided is None or dataset is None:
        return _allowed(grant, dataset, query, details)
    key = (dataset.id, repr(replace(query, cursor="")), repr(details))
    found = decided.get(key)
    if found is None:
        found = _allowed(grant, dataset, query, details)
        if len(decided) >= _MOST_DECIDED:
            decided.clear()
        decided[key] = found
    return found


def _allowed(grant: Grant, dataset: Dataset | None, query: Query, details: Details) -> Allowed:
    terms = None if dataset is None else grant.terms.for_dataset(dataset.id)
    if dataset is None or terms is None:
        named = ", ".join(each.dataset for each in grant.terms.datasets)
        raise refuse("dataset_not_in_contract", f"The contract names {named}. Apply for other datasets in the portal.")
    if grant.terms.aggregates is not None and grant.terms.aggregates.alone:
        raise refuse("records_not_agreed", "The contract allows counts and sums alone. Ask at /v1/datasets/{id}/aggregate.")
    reach, only = reached(terms, details, query)
    purpose = purpose_of(grant, dataset, query.purpose or only)
    columns = _columns(dataset, reach, query.fields)
    bounds = contract_tests(dataset, terms)
    asked = tuple(replaced(each, lambda leaf: _asked(dataset, reach, leaf)) for each in query.filters)
    field = outside(bounds, asked)
    if field is not None:
        reason = f"The contract's rows have other values of {field}. Its terms are at /v1/contract."
        raise refuse("rows_outside_contract", reason, field=field)
    seen = (*columns, *(test.column for test in leaves(asked)))
    timed = None if dataset.settings.time is None else dataset.coarse(dataset.settings.time, terms)
    grains = {column.name: column.coarse.grain for column in seen if column.coarse is not None} | ({"": timed.grain} if timed else {})
    return Allowed(
        dataset=dataset,
        terms=terms,
        purpose=purpose,
        columns=columns,
        tests=bounds + asked,
        contract_tests=bounds,
        pseudonyms=fields_of(dataset, terms) if any(column.pseudonym for column in seen) else (),
        shape=(*map(shape_of, query.filters), *((query.sample.shape,) if query.sample else ())),
        limit=query.limit,
        cap=record_cap(grant, dataset),
        fingerprint=_fingerprint(dataset.id, purpose, columns, query, grains),
        sample=query.sample,
        order=None if timed is None else timed.span,
    )


def record_cap(grant: Grant, dataset: Dataset) -> int:
    """Records that may leave in a day: the lower of contract and dataset policy."""
    return min(grant.terms.records_per_day, dataset.settings.max_records_per_day)


def contract_tests(dataset: Dataset, terms: DatasetTerms) -> tuple[Test, ...]:
    """The contract's row filter. A condition that the dataset cannot meet any more closes it (`dataset_unavailable`)."""
    return tuple(_bound(dataset, each) for each in terms.rows)


def purpose_of(grant: Grant, dataset: Dataset, asked: str) -> str:
    """The purpose that is asked for, or the first that contract and dataset allow; `purpose_not_in_contract` for any other."""
    allowed = [purpose for purpose in grant.terms.purposes if purpose in dataset.settings.purposes]
    if not allowed or (asked and asked not in allowed):
        raise refuse("purpose_not_in_contract", f"The contract allows {', '.join(allowed) or 'no purpose here'}.", purposes=allowed)
    return asked or allowed[0]


def _columns(dataset: Dataset, terms: DatasetTerms, asked: Sequence[str]) -> tuple[Column, ...]:
    readable = [name for name in dataset.fields if name in terms.fields]
    foreign = next((name for name in asked if name not in readable), None)
    if foreign is not None:
        reason = f"The contract does not name the field {foreign[:80]}. It names {', '.join(readable)}."
        raise refuse("field_not_in_contract", reason, field=foreign[:80])
    if not readable:
        raise refuse("dataset_unavailable", "The dataset no longer has any field of the contract. Ask the platform.")
    return tuple(_column(dataset, terms, name) for name in asked or readable)


def _column(dataset: Dataset, terms: DatasetTerms, name: str) -> Column:
    """The field as the contract sees it, in what is written and in what is compared alike."""
    coarse = dataset.coarse(name, terms)
    kind = dataset.fields[name].type if coarse is None else coarse.type
    return Column(name, kind, dataset.is_pseudonymised(name, terms), coarse)


def _asked(dataset: Dataset, terms: DatasetTerms, each: Filter) -> Test:
    if each.field not in dataset.fields:
        raise refuse("filter_not_possible", f"The dataset has no field {each.field[:80]}. Parameters are fields and {_PARAMETERS}.")
    if each.field not in terms.fields:
        raise refuse("field_not_in_contract", f"The contract does not name the field {each.field}.", field=each.field)
    possible = dataset.operators(each.field, terms)
    if each.op not in possible:
        named = f"takes {', '.join(possible)}" if possible else "cannot be filtered by"
        raise refuse("filter_not_possible", f"The field {each.field} {named}.", field=each.field, operators=possible)
    column = _column(dataset, terms, each.field)
    given = each.value if isinstance(each.value, tuple) else (each.value,)
    values = tuple(_value(column, each, value) for value in given)
    return Test(column, each.op, values if each.op == "in" else values[0])


def _value(column: Column, each: Filter, given: Given) -> Value:
    if column.pseudonym:
        if not isinstance(given, str) or not is_pseudonym(given):
            raise refuse("filter_not_possible", f"Filter {each.field} by a pseudonym that this contract was given.", field=each.field)
        return given
    kind = column.type if column.coarse is None else column.coarse.reads
    try:
        return read_typed(kind, given) if each.typed else read(kind, str(given))
    except ValueError as error:
        raise refuse("filter_not_possible", f"The value of {each.shape} {error}.", field=each.field) from error


def _bound(dataset: Dataset, condition: RowCondition) -> Test:
    field = dataset.fields.get(condition.field)
    try:
        if field is None or (condition.op not in ("eq", "in") and field.type in ("string", "boolean")):
            raise ValueError(condition.field)
        # Conditions of terms are on the values themselves, also of a field that leaves as a pseudonym.
        column, value = Column(condition.field, field.type), condition.value
        values = tuple(read(field.type, each) for each in value) if isinstance(value, tuple) else read(field.type, value)
        return Test(column, condition.op, values)
    except ValueError as error:
        reason = "The dataset no longer fits the contract's row filter, so nothing is answered. Ask the platform."
        raise refuse("dataset_unavailable", reason, field=condition.field) from error


def _fingerprint(dataset: str, purpose: str, columns: Sequence[Column], query: Query, grains: Mapping[str, str]) -> bytes:
    asked: dict[str, object] = {
        "dataset": dataset,
        "purpose": purpose,
        "fields": [column.name for column in columns],
        "filters": sorted(map(_told, query.filters), key=repr),
    }
    if query.sample is not None:
        asked["sample"] = [query.sample.millionths, query.sample.seed]
    if grains:
        # A place in one order is none in another; "" is the order's.
        asked["generalised"] = grains
    return hashlib.sha256(canonical(asked)).digest()


def _told(tree: Tree[Filter]) -> list[object]:
    match tree:
        case All(parts):
            return ["and", [_told(part) for part in parts]]
        case AnyOf(parts):
            return ["or", [_told(part) for part in parts]]
        case Not(part):
            return ["not", _told(part)]
        case _:
            values = tree.value if isinstance(tree.value, tuple) else (tree.value,)
            return [tree.field, tree.op, *map(str, values)]


_PARAMETERS = "fields, limit, cursor, purpose, format, sample and seed"
