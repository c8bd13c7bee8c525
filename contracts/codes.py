"""Every refusal code of the house, with its kind and its meaning. `docs/reference/codes.md` is made from this table."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Kind(StrEnum):
    """What sort of refusal; `api.problems` and `portal.problems` map each to a status once."""

    MALFORMED = "malformed"
    INVALID = "invalid"
    UNAUTHENTICATED = "unauthenticated"
    FORBIDDEN = "forbidden"
    MISSING = "missing"
    NOT_ALLOWED = "not_allowed"
    CONFLICT = "conflict"
    LIMITED = "limited"
    UNAVAILABLE = "unavailable"


@dataclass(frozen=True, slots=True)
class Code:
    """One row of the table."""

    kind: Kind
    meaning: str


CODES: dict[str, Code] = {
    # every face
    "not_found": Code(Kind.MISSING, "There is no such thing, or it is not yours to see."),
    "bad_request": Code(Kind.MALFORMED, "The request could not be read."),
    "method_not_allowed": Code(Kind.NOT_ALLOWED, "The address exists but does not take this HTTP method."),
    "body_too_large": Code(Kind.MALFORMED, "The request's body is larger than this address accepts."),
    "invalid_input": Code(Kind.INVALID, "A field of the form or body is missing or wrong; `fields` says which."),
    "store_unavailable": Code(Kind.UNAVAILABLE, "The ledger or store takes no entries now, so nothing is answered; try again."),
    "too_many_requests": Code(Kind.LIMITED, "A public page or form was used too often from one network."),
    "appealed_already": Code(
        Kind.CONFLICT, "Somebody objected to this decision of the gate, or to another stop of the same visitor, before."
    ),
    "appeals_full": Code(Kind.UNAVAILABLE, "So many objections to decisions of the gate wait that no more are taken."),
    # people
    "sign_in_required": Code(Kind.UNAUTHENTICATED, "The page is for people who are signed in."),
    "sign_in_failed": Code(Kind.UNAUTHENTICATED, "Address and password do not belong together, or the address is not confirmed."),
    "reauthentication_required": Code(Kind.FORBIDDEN, "The act asks for the password or a second factor within ten minutes."),
    "second_factor_required": Code(Kind.FORBIDDEN, "The act asks for a second factor, which was not given in this session."),
    "code_wrong": Code(Kind.FORBIDDEN, "The code is not the present one, was used before, or is no code of this account."),
    "wrong_password": Code(Kind.FORBIDDEN, "The password given to confirm an act is wrong."),
    "role_required": Code(Kind.FORBIDDEN, "The act belongs to a role that this account does not have."),
    "second_person_required": Code(Kind.FORBIDDEN, "The act asks for another person than the one who took the step before."),
    "institution_failed": Code(Kind.FORBIDDEN, "An institution's sign-in did not hold, or belongs to no account here."),
    "last_lead": Code(Kind.CONFLICT, "Somebody has to lead an organisation, and this person is the last one who does."),
    "csrf_failed": Code(Kind.FORBIDDEN, "The form does not belong to this session; open the page again."),
    "link_unusable": Code(Kind.CONFLICT, "The one-time link was used before, has ended or never existed."),
    "barred": Code(Kind.FORBIDDEN, "The organisation, person or project was barred by the platform."),
    # applications and contracts
    "command_not_possible": Code(Kind.CONFLICT, "The thing's present state does not know this command."),
    "changed_meanwhile": Code(Kind.CONFLICT, "Someone else changed the thing since the page was opened."),
    "reason_required": Code(Kind.INVALID, "The decision needs a reason in words."),
    "wider_than_asked": Code(Kind.INVALID, "The terms would allow more than was applied for or than the dataset's policy allows."),
    "certificate_overdue": Code(
        Kind.CONFLICT, "A certificate of destruction under an ended contract is late; nothing is renewed until it is there."
    ),
    "odrl_not_understood": Code(
        Kind.INVALID, "An ODRL agreement holds a word, rule or value that Licet does not know, so nothing of it counts."
    ),
    "clause_unconfirmed": Code(
        Kind.INVALID,
        "The contract's text would hold a clause in the operator's own words that binds a term, and nobody of staff confirmed it.",
    ),
    "hash_differs": Code(Kind.INVALID, "The short hash on a signed paper is not that of the version under signature."),
    "form_unusable": Code(Kind.UNAVAILABLE, "A form's file cannot be read, or its frozen version was changed; it asks and judges nothing."),
    "signed_file_refused": Code(Kind.INVALID, "A PDF that was signed elsewhere is not ours, or holds more than signatures after it."),
    "handled_by_other": Code(Kind.CONFLICT, "A colleague deals with the application; take it over first."),
    "recused": Code(Kind.FORBIDDEN, "The person stepped back from the application because of a conflict of interest."),
    "not_checked": Code(Kind.CONFLICT, "The application was not found complete yet, which comes before its approval."),
    "review_open": Code(Kind.CONFLICT, "A review that was asked for has no answer yet."),
    "basis_missing": Code(Kind.CONFLICT, "Compliance has not confirmed the lawful basis, without which no data is given."),
    "not_as_requested": Code(
        Kind.INVALID, "The terms are not those of the Coordinator's reasoned request, which is taken over as it stands."
    ),
    "seal_broken": Code(
        Kind.UNAVAILABLE, "The stored terms are not those of the sealed contract; access stays closed until an incident is settled."
    ),
    # grants and data
    "contract_not_active": Code(Kind.FORBIDDEN, "The contract is not active: not yet countersigned, suspended, ended or not begun."),
    "field_not_in_contract": Code(Kind.FORBIDDEN, "The contract does not name this field."),
    "dataset_not_in_contract": Code(Kind.FORBIDDEN, "The contract does not name this dataset."),
    "rows_outside_contract": Code(Kind.FORBIDDEN, "The filter asks only for rows that the contract leaves out."),
    "records_not_agreed": Code(Kind.FORBIDDEN, "The contract allows counts and sums alone, and no records."),
    "aggregates_not_agreed": Code(Kind.FORBIDDEN, "The contract allows no counts and sums of this dataset, or the dataset takes none."),
    "table_too_large": Code(Kind.INVALID, "The counts that are asked for have too many cells; group by fewer fields, or coarser ones."),
    "query_too_slow": Code(Kind.INVALID, "The query takes longer than the platform lets one take; narrow it and send it again."),
    "queries_exhausted": Code(
        Kind.FORBIDDEN, "The contract's questions for counts and sums, from its first day to its last, are used up; waiting frees none."
    ),
    "estimates_exhausted": Code(Kind.LIMITED, "The contract's estimates for the day are used up."),
    "purpose_not_in_contract": Code(Kind.FORBIDDEN, "The contract does not name this purpose."),
    "network_not_in_contract": Code(Kind.FORBIDDEN, "The contract does not name the network that the request came from."),
    "scope_not_granted": Code(Kind.FORBIDDEN, "The credential's scope does not reach this."),
    "not_in_token": Code(Kind.FORBIDDEN, "The contract allows it, but the token was made for less: its `authorization_details` say what."),
    "user_required": Code(Kind.FORBIDDEN, "The contract names its users: a program reads only for a person who signed in and allowed it."),
    "member_required": Code(Kind.FORBIDDEN, "The person has not accepted the contract's terms personally, or is not on its project."),
    "filter_not_possible": Code(Kind.INVALID, "The field, operator or value of a filter is not known or not allowed."),
    "cursor_unusable": Code(Kind.INVALID, "The cursor is not of this contract and query, or its lifetime has ended."),
    "rate_exceeded": Code(Kind.LIMITED, "More requests than the contract's rate allows."),
    "quota_exhausted": Code(Kind.LIMITED, "The contract's records for the day are used up."),
    "period_exhausted": Code(Kind.FORBIDDEN, "The contract's records from its first day to its last are used up; waiting frees none."),
    "distinct_exhausted": Code(
        Kind.FORBIDDEN, "The contract's different records are used up; those that were read before may be read again."
    ),
    "bytes_exhausted": Code(Kind.LIMITED, "The next record has more bytes than the contract's day has left."),
    "period_bytes_exhausted": Code(
        Kind.FORBIDDEN, "The next record has more bytes than the contract has left from its first day to its last; waiting frees none."
    ),
    "too_many_at_once": Code(Kind.LIMITED, "More requests for records at the same time than the contract allows."),
    "grant_unverified": Code(
        Kind.UNAVAILABLE, "This process could not read the latest suspensions for two seconds; it refuses until it can."
    ),
    "dataset_unavailable": Code(Kind.UNAVAILABLE, "The dataset's current version cannot be read now."),
    # credentials
    "credential_ended": Code(Kind.FORBIDDEN, "The credential's own last day has passed; its contract may go on."),
    "network_not_in_credential": Code(Kind.FORBIDDEN, "The request came from a network that the credential was not made for."),
    "oauth_required": Code(Kind.FORBIDDEN, "The contract takes no API keys; its programs use tokens of an OAuth client."),
    "dataset_not_in_credential": Code(Kind.FORBIDDEN, "The credential was made for other datasets of its contract."),
    "token_missing": Code(Kind.UNAUTHENTICATED, "The request carries no access token."),
    "token_invalid": Code(Kind.UNAUTHENTICATED, "The access token is malformed, expired, revoked or for another audience."),
    "dpop_proof_invalid": Code(Kind.UNAUTHENTICATED, "The DPoP proof is missing, malformed, for another request, or was used before."),
    "dpop_nonce_required": Code(Kind.UNAUTHENTICATED, "The DPoP proof lacks a nonce that this platform gave out in the last minutes."),
    "token_never_issued": Code(Kind.UNAUTHENTICATED, "The access token bears the platform's signature and was never issued by it."),
    # addresses that others chose
    "address_refused": Code(Kind.INVALID, "An address given to the house to ask is not public https, or leads elsewhere."),
    "fetch_failed": Code(Kind.UNAVAILABLE, "An address given to the house to ask did not answer as it must."),
    # programs that send people here
    "program_unknown": Code(Kind.MALFORMED, "The program that sent a person here is no live client."),
    "return_address_unknown": Code(Kind.MALFORMED, "The address that a person would be sent back to is not registered for the program."),
    "pushed_request_unusable": Code(Kind.MALFORMED, "The request that a program pushed ahead is unknown, over, or was used before."),
    # outside events
    "signature_invalid": Code(Kind.UNAUTHENTICATED, "The webhook's signature is missing, wrong or too old."),
}
