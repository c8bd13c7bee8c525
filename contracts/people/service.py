"""Everything that faces ask of people, in one place: accounts, sessions, invitations and what is asked about them."""

from contracts.people.accounts import confirm, describe_organisation, sign_up
from contracts.people.decide import KINDS, safe_path
from contracts.people.factors import add_app, begin_app, begun_app, factors_of, give_code, has_factor, new_codes
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
from contracts.people.refusals import note_refusal
from contracts.people.session_list import SessionRow, end_other_sessions, end_session, sessions_of
from contracts.people.sessions import (
    SESSION_LIFETIME,
    Method,
    close_session,
    close_sessions_of,
    complete_session,
    give_second_factor,
    needs_touch,
    open_session,
    reauthenticate,
    touch,
    use_new_factor,
    waiting_account,
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
    "add_app",
    "ask_reset",
    "begin_app",
    "begun_app",
    "change_password",
    "close_session",
    "close_sessions_of",
    "complete_session",
    "confirm",
    "describe_organisation",
    "end_other_sessions",
    "end_session",
    "factors_of",
    "find_account",
    "first_administrator_link",
    "give_code",
    "give_second_factor",
    "has_factor",
    "invitation",
    "invitations_of",
    "invite",
    "members",
    "needs_touch",
    "new_codes",
    "note_refusal",
    "open_session",
    "platform_organisation",
    "reauthenticate",
    "reset_password",
    "safe_path",
    "sessions_of",
    "sign_up",
    "staff",
    "touch",
    "use_new_factor",
    "waiting_account",
]
