"""How a sandbox is told from a contract: by an id that no contract can have. Pure.

Grants, tokens, cursors, quotas and ledger entries all name what they belong to by one id. That of a sandbox is made from its
organisation's and begins with a prefix that no contract's has, so that a lookup of a contract by it finds none, and whoever asks
whether something is a sandbox's asks the id and nothing that could be set apart from it.
"""

from __future__ import annotations

PREFIX = "sbx_"
VERSION = 1
"""What tokens and entries name as the contract's version; a sandbox has one."""

EVENTS = {"access.records": "sandbox.records", "access.catalogue": "sandbox.catalogue"}
"""Answers of a sandbox are events of their own, so that nothing that counts deliveries can count them."""


def contract_id_of(organisation_id: str) -> str:
    """What stands for a contract's id in everything of this organisation's sandbox."""
    return PREFIX + organisation_id


def organisation_of(contract_id: str) -> str:
    """The organisation whose sandbox it is; call it with a sandbox's id only."""
    return contract_id.removeprefix(PREFIX)


def is_sandbox(contract_id: str) -> bool:
    """Whether the id is a sandbox's, and so nothing of a contract's."""
    return contract_id.startswith(PREFIX)


def event_of(event: str, contract_id: str) -> str:
    """The event as the ledger names it for this contract or sandbox."""
    return EVENTS.get(event, event) if is_sandbox(contract_id) else event


def facts_of(contract_id: str) -> dict[str, bool]:
    """The mark in an entry's facts; nothing for a contract."""
    return {"sandbox": True} if is_sandbox(contract_id) else {}
