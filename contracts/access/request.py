"""Requests for records and their answers, and the ledger entry that each makes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from contracts import networks
from contracts.access.decide import Allowed
from contracts.access.query import Query
from contracts.credentials.spent import Once
from contracts.credentials.tokens import Claims
from contracts.datasets.plan import Column, Mark
from contracts.errors import Refusal
from contracts.ledger.receipt import Receipt
from contracts.ledger.stage import Entry
from contracts.quotas.repeats import digest
from contracts.quotas.standing import Standing
from contracts.sandbox import marks
from contracts.terms.grant import Grant

# A request is run this often while grants or erasures move under it.
RUNS = 5
UNSETTLED = Refusal("grant_unverified", "Contracts or erasures changed while the request ran. Send it again.")


@dataclass(frozen=True, slots=True)
class Caller:
    """Whose request it is: what the verified token says, the client's address, and the proof of its key, which is good once."""

    claims: Claims
    address: str = ""
    proof: Once | None = None


@dataclass(frozen=True, slots=True)
class RecordsRequest:
    """One request for records. `query` is its parsed query, `asked` its text as it came (personal), `key` its `Idempotency-Key`."""

    caller: Caller
    dataset_id: str
    query: Query
    asked: str = ""
    key: str = ""

    @property
    def is_repeatable(self) -> bool:
        """Whether the same request may come again, and is then known by its key or its cursor."""
        return bool(self.key or self.query.cursor)

    def repeat(self, grant: Grant, allowed: Allowed, mark: Mark | None) -> bytes | None:
        """What tells this request from others of the contract's version; a key is good once for each place that is read from."""
        if not self.is_repeatable:
            return None
        place = "" if mark is None else f"{mark.time} {mark.ordinal}"
        named = f"key {self.key} {place}" if self.key else f"cursor {self.query.cursor}"
        return digest(grant.contract_id, grant.version, allowed.fingerprint, allowed.limit, named)


@dataclass(frozen=True, slots=True)
class Quotas:
    """Where the contract stands in its quotas, the day's records first; `seconds` until those of the day free."""

    standings: tuple[Standing, ...]
    seconds: int

    def told(self) -> dict[str, dict[str, int]]:
        """The quotas as the end of a stream says them."""
        return {each.term: {"limit": each.limit, "left": each.left} for each in self.standings}


@dataclass(frozen=True, slots=True)
class Part:
    """Records that may leave: each as JSON, all with commas between, and the cursor to go on with, empty where none follow."""

    columns: tuple[Column, ...]
    rows: Sequence[str]
    data: bytes
    following: str
    withheld: bytes

    def page(self, entry: str) -> bytes:
        """The part as a page of JSON."""
        following = b'"%b"' % self.following.encode() if self.following else b"null"
        return b'{"data":[%b],"next":%b,"withheld":%b,"entry":"%b"}' % (self.data, following, self.withheld, entry.encode())


@dataclass(frozen=True, slots=True)
class Answer:
    """What may leave: the body, or the refusal. The entry is durable. `grant` is there once the contract is known.

    An answer of records has them as `part` too, which other forms than JSON are written from. `receipt` is that of the entry.
    """

    entry: str
    body: bytes = b""
    refusal: Refusal | None = None
    grant: Grant | None = None
    quotas: Quotas | None = None
    part: Part | None = None
    receipt: Receipt | None = None


def entry_by(caller: Caller, grant: Grant | None, event: str, refusal: Refusal | None, asked: str = "") -> Entry:
    """The entry of any answer or refusal to a caller, before what it is about: whose, under which contract, decided how.

    The network's prefix, the query with its values, and the person that a program acts for are personal values.
    """
    claims = caller.claims
    personal = {"network": networks.prefix(caller.address), "query": asked[:4_000], "account": claims.account}
    return Entry(
        event=marks.event_of(event, claims.contract_id),
        decision="allow" if refusal is None else "refuse",
        rule="" if refusal is None else refusal.code,
        organisation="" if grant is None else grant.organisation_id,
        contract=claims.contract_id,
        contract_version=claims.contract_version or (0 if grant is None else grant.version),
        contract_hash="" if grant is None else grant.terms_sha256,
        credential=claims.client_id,
        credential_kind=claims.kind,
        facts=marks.facts_of(claims.contract_id),
        personal={name: value for name, value in personal.items() if value},
    )


def entry_of(
    request: RecordsRequest,
    grant: Grant | None,
    dataset_known: bool,
    allowed: Allowed | None,
    refusal: Refusal | None,
    version: str = "",
    event: str = "access.records",
) -> Entry:
    """The entry of a request for records: which fields, and to what grain those that are generalised.

    Names that the request invented stay out of the leaf.
    """
    entry = entry_by(request.caller, grant, event, refusal, request.asked)
    grains = {} if allowed is None else {each.name: each.coarse.grain for each in allowed.columns if each.coarse is not None}
    return entry._replace(
        facts={**entry.facts, "generalised": grains} if grains else entry.facts,
        purpose="" if allowed is None else allowed.purpose,
        dataset=request.dataset_id if dataset_known else "",
        dataset_version=version,
        fields=() if allowed is None else tuple(column.name for column in allowed.columns),
        filter_shape=() if allowed is None else allowed.shape,
    )
