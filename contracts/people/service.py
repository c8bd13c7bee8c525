"""Everything that faces ask of people, in one place: accounts, sessions, invitations and what is asked about them."""

from contracts.people.accounts import confirm, sign_up
from contracts.people.decide import KINDS, safe_path
from contracts.people.invitations import accept_invitation, first_administrator_link, invitation, invite
from contracts.people.queries import (
    InvitationRow,
    StaffRow,
    actor_of,
    find_account,
    invitations_of,
    members,
    platform_organisation,
    staff,
)
from contracts.people.sessions import SESSION_LIFETIME, close_session, close_sessions_of, open_session, reauthenticate, touch

__all__ = [
    "KINDS",
    "SESSION_LIFETIME",
    "InvitationRow",
    "StaffRow",
    "accept_invitation",
    "actor_of",
    "close_session",
    "close_sessions_of",
    "confirm",
    "find_account",
    "first_administrator_link",
    "invitation",
    "invitations_of",
    "invite",
    "members",
    "open_session",
    "platform_organisation",
    "reauthenticate",
    "safe_path",
    "sign_up",
    "staff",
    "touch",
]
