"""Grants: sealed terms compiled for enforcement. What the hot path knows of a contract; it never trusts a row without its seal."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from types import MappingProxyType

from pydantic import ValidationError
from sqlalchemy import bindparam
from sqlmodel import Session, col, select

from contracts import networks
from contracts.credentials.bounds import Bounds
from contracts.credentials.decide import KEY_KIND, key_refusal
from contracts.credentials.issued import denied_of
from contracts.credentials.tables import Client
from contracts.credentials.tokens import Claims
from contracts.errors import Refusal
from contracts.keys import KeyRing
from contracts.lifecycle.seal import check_seal
from contracts.lifecycle.states import MEANING, State
from contracts.lifecycle.tables import Contract, ContractVersion
from contracts.lifecycle.told import check_state
from contracts.sandbox.marks import is_sandbox
from contracts.terms.model import Terms, from_json

_UNBOUND = Bounds()


@dataclass(frozen=True, slots=True)
class Grant:
    """What the credentials of one contract may do. `clients` maps each live credential's id to its scopes.

    `denied` are the tokens and families of tokens that were revoked before their end, `bounds` what single credentials are held to,
    `keys` the SHA-256 of every API key in use with its credential's id.
    """

    contract_id: str
    version: int
    revision: int
    organisation_id: str
    terms_sha256: str
    state: str
    terms: Terms
    clients: Mapping[str, frozenset[str]]
    denied: frozenset[str] = frozenset()
    bounds: Mapping[str, Bounds] = field(default_factory=dict)
    keys: Mapping[str, str] = field(default_factory=dict, repr=False)

    @property
    def sandbox(self) -> bool:
        """Whether it is a sandbox's, whose rows are invented; told by the id alone."""
        return is_sandbox(self.contract_id)

    @property
    def networks(self) -> tuple[str, ...]:
        """Networks in CIDR form that requests may come from; empty where the contract names none."""
        return self.terms.networks

    def refusal_of(self, claims: Claims) -> Refusal | None:
        """`token_invalid` for a token that outlived its client, its contract's version, or its own revocation.

        An API key is of no version: `token_invalid` once it was replaced, `oauth_required` where the contract takes none.
        """
        if claims.contract_id != self.contract_id or claims.client_id not in self.clients:
            return Refusal("token_invalid", "The credential was revoked. Create a new one in the portal.")
        if claims.kind == KEY_KIND:
            return self._key_refusal(claims)
        if claims.contract_version != self.version:
            return Refusal("token_invalid", "The contract has a new version. Ask for a new token.", {"contract_version": self.version})
        if self.is_over(claims):
            return Refusal("token_invalid", "The access token was revoked. Ask for a new one.")
        if self.binds(claims.client_id) and not claims.bound:
            return Refusal("token_invalid", "Tokens of this credential are bound to a key. Ask for a new one with a DPoP proof.")
        return None

    def is_over(self, claims: Claims) -> bool:
        """Whether the token was revoked, by itself, with its family, or with the secret that it came by."""
        if claims.jti in self.denied or claims.family in self.denied:
            return True
        since = self._bounds(claims.client_id).tokens_since
        issued = claims.payload.get("iat")
        return since is not None and not (isinstance(issued, int) and issued > int(since.timestamp()))

    def binds(self, client_id: str) -> bool:
        """Whether the client's tokens must be bound to a key of its own (RFC 9449), by its own wish or by the contract's."""
        return self._bounds(client_id).dpop

    def refusal_at(self, today: date, client_id: str = "") -> Refusal | None:
        """`contract_not_active` before the first and after the last day, `credential_ended` after the credential's own.

        `today` is the date in the platform's time zone.
        """
        starts, ends = self.terms.starts, self.terms.ends
        if not starts <= today <= ends:
            facts = {"contract": self.contract_id, "starts": starts.isoformat(), "ends": ends.isoformat()}
            reason = f"ended with {ends.isoformat()}. Apply for a new one." if today > ends else f"begins on {starts.isoformat()}."
            return Refusal("contract_not_active", f"The contract {reason}", facts)
        last = self._bounds(client_id).last_day
        if last is not None and today > last:
            reason = f"The credential ended with {last.isoformat()}. Create another one under the contract."
            return Refusal("credential_ended", reason, {"credential": client_id, "last_day": last.isoformat()})
        return None

    def refusal_from(self, address: str, client_id: str = "") -> Refusal | None:
        """`network_not_in_contract` where the contract names networks and the client's address lies in none of them.

        `network_not_in_credential` likewise for the credential's own, which may only narrow them.
        """
        if self.networks and not networks.within(address, self.networks):
            reason = "Requests under this contract must come from its networks. Send them from there, or ask for an amendment."
            return Refusal("network_not_in_contract", reason, {"contract": self.contract_id})
        own = self._bounds(client_id).networks
        if own and not networks.within(address, own):
            reason = "This credential was made for other networks. Send the request from one of them, or create another credential."
            return Refusal("network_not_in_credential", reason, {"credential": client_id})
        return None

    def refusal_alone(self) -> Refusal | None:
        """`user_required` for a program that reads for nobody, where the contract names its users."""
        if not self.terms.named_users:
            return None
        reason = "The contract names its users. Create a client for people, and let a person sign in: grant_type=authorization_code."
        return Refusal("user_required", reason, {"contract": self.contract_id})

    def _key_refusal(self, claims: Claims) -> Refusal | None:
        if self.keys.get(claims.key_sha256) != claims.client_id:
            return Refusal("token_invalid", "The API key was replaced. Use the new one, or create another in the portal.")
        return key_refusal(self.terms)

    def refusal_of_dataset(self, dataset: str, client_id: str) -> Refusal | None:
        """`dataset_not_in_credential` where the credential is held to other datasets of its contract."""
        own = self._bounds(client_id).datasets
        if not own or dataset in own:
            return None
        reason = f"This credential was made for {', '.join(sorted(own))} alone. Create another one under the contract."
        return Refusal("dataset_not_in_credential", reason, {"credential": client_id})

    def _bounds(self, client_id: str) -> Bounds:
        return self.bounds.get(client_id, _UNBOUND)


def compile_grant(keys: KeyRing, session: Session, contract_id: str) -> Grant | Refusal:
    """The grant of an active contract whose seal is intact and whose state is the one that the ledger tells.

    Refuses with `not_found`, `contract_not_active` (its state in the facts) or `seal_broken`. Dates are left to `refusal_at`,
    because a grant is kept in memory over midnight.
    """
    contract = session.get(Contract, contract_id)
    if contract is None:
        return Refusal("not_found", "There is no such contract.", {})
    if disputed := check_state(session, contract):
        return disputed
    if contract.state != State.ACTIVE:
        facts = {"contract": contract.id, "state": contract.state}
        return Refusal("contract_not_active", f"The contract is not active. {MEANING[State(contract.state)]}", facts)
    version = version_row(session, contract)
    if version is None:
        return Refusal("seal_broken", "The contract's version is missing. Access stays closed.", {"contract": contract.id})
    if broken := check_seal(keys, session, contract, version):
        return broken
    return _compiled(session, contract, version)


# Built once, because every look at a seal asks for it.
_VERSION = select(ContractVersion).where(
    col(ContractVersion.contract_id) == bindparam("contract"), col(ContractVersion.number) == bindparam("number")
)


def still_holds(keys: KeyRing, session: Session, grant: Grant) -> bool:
    """Whether contract, version and seal are those that a grant was compiled from."""
    contract = session.get(Contract, grant.contract_id)
    if contract is None or contract.state != grant.state or contract.revision != grant.revision or check_state(session, contract):
        return False
    version = version_row(session, contract)
    if version is None or version.number != grant.version or version.terms_sha256 != grant.terms_sha256:
        return False
    return check_seal(keys, session, contract, version) is None


def version_row(session: Session, contract: Contract) -> ContractVersion | None:
    """The version in force or under signature."""
    return session.exec(_VERSION, params={"contract": contract.id, "number": contract.version}).first()


def _compiled(session: Session, contract: Contract, version: ContractVersion) -> Grant | Refusal:
    try:
        terms = from_json(version.terms_json)
    except ValidationError as error:
        reason = "The sealed terms hold something that this release does not know. Access stays closed."
        return Refusal("seal_broken", reason, {"contract": contract.id, "errors": error.error_count()})
    live = session.exec(select(Client).where(Client.contract_id == contract.id, col(Client.revoked_at).is_(None))).all()
    bounds = {each.id: _bounds_of(terms, each) for each in live}
    hashes = {digest: each.id for each in live if each.kind == KEY_KIND for digest in (each.secret_sha256, each.earlier_sha256) if digest}
    return Grant(
        contract_id=contract.id,
        version=version.number,
        revision=contract.revision,
        organisation_id=contract.organisation_id,
        terms_sha256=version.terms_sha256,
        state=contract.state,
        terms=terms,
        clients=MappingProxyType({each.id: frozenset(each.scopes) for each in live}),
        denied=denied_of(session, contract.id),
        bounds=MappingProxyType({client_id: held for client_id, held in bounds.items() if held != _UNBOUND}),
        keys=MappingProxyType(hashes),
    )


def _bounds_of(terms: Terms, client: Client) -> Bounds:
    bound = _is_bound(terms, client)
    return Bounds(tuple(client.networks), client.last_day, client.tokens_since, bound, frozenset(client.datasets))


def _is_bound(terms: Terms, client: Client) -> bool:
    """Tokens for the site are bearer tokens: what stands before the site checks no proofs."""
    return client.dpop_bound or (terms.bound_tokens and client.audience == "api")
