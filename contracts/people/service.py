"""Everything that faces ask of people, in one place: accounts, sessions, invitations and what is asked about them."""

from contracts.people.accounts import confirm, sign_up
from contracts.people.decide import KINDS, safe_path
from contracts.people.invitations import accept_invitation, first_administrator_link, invitation, invite
from contracts.people.new_password import ask_reset, change_password, reset_password
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
from contracts.people.session_list import SessionRow, end_other_sessions, end_session, sessions_of
from contracts.people.sessions import (
    SESSION_LIFETIME,
    Method,
    close_session,
    close_sessions_of,
    needs_touch,
    open_session,
    reauthenticate,
    touch,
)

__all__ = [
    "KINDS",
    "SESSION_LIFETIME",
    "InvitationRow",
    "Method",
    "SessionRow",
    "StaffRow",
    "accept_invitation",
    "actor_of",
    "ask_reset",
    "change_password",
    "close_session",
    "close_sessions_of",
    "confirm",
    "end_other_sessions",
    "end_session",
    "find_account",
    "first_administrator_link",
    "invitation",
    "invitations_of",
    "invite",
    "members",
    "needs_touch",
    "open_session",
    "platform_organisation",
    "reauthenticate",
    "reset_password",
    "safe_path",
    "sessions_of",
    "sign_up",
    "staff",
    "touch",
]
