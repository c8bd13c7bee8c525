"""Pages of one person's own account: signing up and in, one-time links, and the local mailbox."""

from __future__ import annotations

from fastapi import APIRouter

from contracts.house import House
from portal.pages.account import (
    consent,
    factor,
    institution,
    links,
    lost,
    mailbox,
    own,
    passkeys,
    password,
    sessions,
    sign_in,
    sign_in_code,
    sign_up,
    signing,
)


def router(_house: House) -> APIRouter:
    """Routes of this area."""
    whole = APIRouter()
    for part in (
        sign_in,
        sign_in_code,
        institution,
        lost,
        sign_up,
        links,
        signing,
        own,
        factor,
        passkeys,
        sessions,
        password,
        consent,
        mailbox,
    ):
        whole.include_router(part.router)
    return whole
