"""People on projects through the store: what each act stores, mails and records, and that nobody has access before they may."""

from __future__ import annotations

import re
import threading
from dataclasses import replace
from typing import Any

from sqlmodel import col, select, update

from contracts.applications import service as applications
from contracts.applications.form import read_form
from contracts.applications.tables import Application
from contracts.credentials import service as credentials
from contracts.credentials.decide import ForPeople
from contracts.credentials.tables import TokenFamily
from contracts.errors import Refused
from contracts.ids import new_id
from contracts.keys import KeyRing
from contracts.lifecycle.tables import Contract, ContractVersion
from contracts.members import access, queries, service
from contracts.members.tables import ProjectMember
from contracts.members.tell import ask_acceptance
from contracts.people import service as people
from contracts.people import team
from contracts.people.actor import Actor
from contracts.people.queries import holds
from contracts.people.roles import Role
from contracts.people.tables import Account
from contracts.store.outbox import OutboxRow
from contracts.store.unit import Store
from tests.harness.cast import FORM, SETTINGS, Cast, active, events, mails, person
from tests.harness.cast import signed as signed_contract

BASE = "https://data.agora.example"
KEYS = KeyRing(b"k" * 32)


def drafted(store: Store, cast: Cast) -> Application:
    with store.write() as unit:
        application = applications.begin(unit, cast.tove, "posts")
        return applications.save(unit, cast.tove, application.id, 1, read_form(FORM))


def invited(store: Store, actor: Actor, application_id: str, email: str, name: str = "Rhea Castellan") -> str:
    with store.write() as unit:
        return service.invite(unit, actor, application_id, email=email, name=name, base_url=BASE)


def confirmed(store: Store, actor: Actor, application_id: str) -> ProjectMember:
    with store.write() as unit:
        return service.confirm(unit, actor, application_id, position="doctoral researcher", agreed=True, settings=SETTINGS)


def accepted(store: Store, actor: Actor, contract_id: str) -> ProjectMember:
    with store.write() as unit:
        return service.accept(unit, actor, contract_id, name=actor.name, read=True)


def joined(store: Store, link: str) -> Actor:
    """Somebody new follows the link of the mail and makes an account."""
    with store.write() as unit:
        account = people.accept_invitation(unit, link.rsplit("/", 1)[1], name="Rhea Castellan", password_hash="x")
        token = people.open_session(unit, account.id, "203.0.113.0/24", second_factor=True)
    with store.read() as session:
        found = people.actor_of(session, token, store.clock.now(), "203.0.113.0/24")
    assert found is not None
    return found


def code_of(act: Any) -> str:
    try:
        act()
    except Refused as error:
        return error.refusal.code
    return ""


def may_read(store: Store, contract: Contract, actor: Actor) -> bool:
    with store.read() as session:
        return access.refusal(session, contract.id, actor.account_id) is None


def colleague(store: Store, cast: Cast, *roles: Role, name: str = "Rhea Castellan") -> Actor:
    """A colleague at the laboratory's own domain."""
    with store.write() as unit:
        return person(unit, cast.lab, name, *(roles or (Role.READER,)), given_by=cast.tove)


def test_somebody_new_is_invited_says_who_they_are_and_accepts_before_anything_is_read(store: Store) -> None:
    cast = Cast(store)
    draft = drafted(store, cast)
    domain = cast.tove.email.partition("@")[2]
    link = invited(store, cast.tove, draft.id, f"Rhea@{domain.upper()} ")
    rhea = joined(store, link)
    row = confirmed(store, rhea, draft.id)
    assert (row.state, row.affiliation, row.position, row.account_id) == ("confirmed", "domain", "doctoral researcher", rhea.account_id)
    with store.write() as unit:
        handed_in = applications.submit(unit, cast.tove, draft.id, draft.revision, SETTINGS)
    contract = _in_force(store, cast, handed_in, named_users=True)
    assert (may_read(store, contract, rhea), may_read(store, contract, cast.dev), may_read(store, contract, cast.tove)) == (
        False,
        False,
        True,
    )
    assert (ask_acceptance(store), ask_acceptance(store)) == (1, 0)
    assert accepted(store, rhea, contract.id).state == "accepted"
    assert may_read(store, contract, rhea)
    told = [each for each in events(store) if each.startswith("member.")]
    assert told == ["member.invited", "member.confirmed", "member.accepted"]
    assert [subject for reader, subject in mails(store) if reader == "rhea"] == [
        'Accept the terms of "Political ads and regional reach" before you read under it',
        'Tove Okafor named you on the project "Political ads and regional reach": say who you are within 7 days',
    ]


def test_a_later_member_waits_for_the_desk(store: Store) -> None:
    cast = Cast(store)
    contract = active(store, cast, KEYS)
    rhea = colleague(store, cast)
    assert invited(store, cast.tove, contract.application_id, rhea.email) == ""
    row = confirmed(store, rhea, contract.application_id)
    assert (row.state, row.later, row.affiliation) == ("review", True, "domain")
    assert code_of(lambda: accepted(store, rhea, contract.id)) == "command_not_possible"
    with store.read() as session:
        assert [member.id for member, _ in queries.waiting(session)] == [row.id]
    for actor, expected in ((cast.cora, "role_required"), (cast.tove, "role_required"), (cast.mara, "")):
        assert code_of(lambda actor=actor: _admit(store, actor, row)) == expected
    assert accepted(store, rhea, contract.id).state == "accepted"
    assert ("mara", 'Admit Rhea Castellan to the project "Political ads and regional reach", or say why not') in mails(store)


def test_an_address_that_shows_nothing_is_looked_at_by_the_desk(store: Store) -> None:
    cast = Cast(store)
    draft = drafted(store, cast)
    rhea = joined(store, invited(store, cast.tove, draft.id, "rhea@gmail.com"))
    row = confirmed(store, rhea, draft.id)
    assert (row.state, row.affiliation) == ("review", "")
    with store.read() as session:
        assert queries.waiting(session) == []  # staff know nothing of a draft
    assert code_of(lambda: _admit(store, cast.mara, row)) == "not_found"
    with store.write() as unit:
        applications.submit(unit, cast.tove, draft.id, draft.revision, SETTINGS)
        service.refuse_member(unit, cast.mara, draft.id, row.id, "Nobody there knows the person.")
    assert code_of(lambda: confirmed(store, rhea, draft.id)) == "command_not_possible"


def test_a_lead_cannot_add_a_domain_by_inviting_somebody_who_leads(store: Store) -> None:
    cast = Cast(store)
    draft = drafted(store, cast)
    with store.write() as unit:
        friend = person(unit, cast.lab, "Eva Friend", Role.LEAD, given_by=cast.tove)
        unit.session.execute(update(Account).where(col(Account.id) == friend.account_id).values(email="eva@elsewhere.example"))
    invited(store, cast.tove, draft.id, "eva@elsewhere.example")
    assert confirmed(store, replace(friend, email="eva@elsewhere.example"), draft.id).state == "review"


def test_whoever_is_taken_off_loses_what_programs_hold_for_them(store: Store) -> None:
    cast = Cast(store)
    contract = active(store, cast, KEYS)
    rhea, row = _accepted_colleague(store, cast, contract)
    family = _family(store, cast, contract, rhea)
    with store.write() as unit:
        service.remove(unit, cast.tove, contract.application_id, row.id)
    with store.read() as session:
        assert session.get_one(TokenFamily, family).revoked_at is not None
    assert (may_read(store, contract, rhea), "token.family_revoked" in events(store)) == (False, True)


def test_who_leaves_the_organisation_leaves_its_projects_and_comes_back_as_nobody(store: Store) -> None:
    cast = Cast(store)
    contract = active(store, cast, KEYS)
    rhea, _ = _accepted_colleague(store, cast, contract)
    with store.write() as unit:
        team.leave(unit, rhea)
    with store.write() as unit:
        team.give(unit, cast.tove, rhea.account_id, cast.lab, Role.READER)
    assert not may_read(store, contract, rhea)
    invited(store, cast.tove, contract.application_id, rhea.email)
    assert confirmed(store, rhea, contract.application_id).state == "review"


def test_a_new_version_is_accepted_anew_and_asks_by_itself(store: Store) -> None:
    cast = Cast(store)
    contract = active(store, cast, KEYS)
    rhea, _ = _accepted_colleague(store, cast, contract)
    assert ask_acceptance(store) == 0
    with store.write() as unit:
        version = unit.session.exec(select(ContractVersion).where(ContractVersion.contract_id == contract.id)).one()
        again = ContractVersion(**{**version.model_dump(), "id": new_id("ver"), "number": 2, "text": "x", "text_sha256": "ab" * 32})
        unit.session.add(again)
        unit.lock(Contract, contract.id).version = 2
    assert not may_read(store, contract, rhea)
    assert (ask_acceptance(store), ask_acceptance(store)) == (1, 0)
    assert (accepted(store, rhea, contract.id).accepted_version, may_read(store, contract, rhea)) == (2, True)


def test_the_applicant_is_on_the_project_without_an_invitation_and_others_are_not(store: Store) -> None:
    cast = Cast(store)
    contract = active(store, cast, KEYS, terms={"named_users": True, "crawl": None})
    assert may_read(store, contract, cast.tove)  # signed it
    assert not may_read(store, contract, cast.dev)
    assert code_of(lambda: accepted(store, cast.dev, contract.id)) == "command_not_possible"
    assert code_of(lambda: accepted(store, cast.eve, contract.id)) == "not_found"
    assert accepted(store, cast.tove, contract.id).state == "accepted"


def test_terms_are_accepted_once_the_contract_is_in_force_and_not_before(store: Store) -> None:
    cast = Cast(store)
    contract = signed_contract(store, cast)
    assert code_of(lambda: accepted(store, cast.tove, contract.id)) == "contract_not_active"


def test_somebody_on_the_project_makes_no_program_for_itself_before_accepting(store: Store) -> None:
    cast = Cast(store)
    contract = active(store, cast, KEYS)
    made = _client(store, cast.dev, contract)
    assert made.organisation_id == cast.lab
    invited(store, cast.tove, contract.application_id, cast.dev.email)
    assert code_of(lambda: _client(store, cast.dev, contract)) == "member_required"
    assert code_of(lambda: _client(store, cast.dev, contract, ForPeople(("http://127.0.0.1/back",)))) == ""


def test_who_invites_and_whom(store: Store) -> None:
    cast = Cast(store)
    draft = drafted(store, cast)
    assert code_of(lambda: invited(store, cast.dev, draft.id, "rhea@lab.example")) == "role_required"
    assert code_of(lambda: invited(store, cast.eve, draft.id, "rhea@lab.example")) == "not_found"
    unsure = replace(cast.tove, second_factor_at=None)
    assert code_of(lambda: invited(store, unsure, draft.id, "rhea@lab.example")) == "second_factor_required"
    first = invited(store, cast.tove, draft.id, "rhea@lab.example")
    second = invited(store, cast.tove, draft.id, "rhea@lab.example")
    assert code_of(lambda: joined(store, first)) == "link_unusable"
    with store.read() as session:
        assert len(queries.of_application(session, draft.id)) == 1
    rhea = joined(store, second)
    assert code_of(lambda: invited(store, cast.tove, draft.id, rhea.email)) == ""
    confirmed(store, rhea, draft.id)
    assert code_of(lambda: invited(store, cast.tove, draft.id, rhea.email)) == "invalid_input"


def test_taking_an_invited_person_off_ends_the_link(store: Store) -> None:
    cast = Cast(store)
    draft = drafted(store, cast)
    link = invited(store, cast.tove, draft.id, "rhea@lab.example")
    with store.read() as session:
        (row,) = queries.of_application(session, draft.id)
    with store.write() as unit:
        service.remove(unit, cast.tove, draft.id, row.id)
    assert code_of(lambda: joined(store, link)) == "link_unusable"


def test_a_colleague_who_could_not_let_programs_in_reads_from_now_on(store: Store) -> None:
    cast = Cast(store)
    draft = drafted(store, cast)
    bill = colleague(store, cast, Role.BILLING, name="Bill Ing")
    invited(store, cast.tove, draft.id, bill.email)
    confirmed(store, bill, draft.id)
    with store.read() as session:
        assert holds(session, bill.account_id, cast.lab, [Role.READER])


def test_names_with_markup_stand_as_text_in_mails(store: Store) -> None:
    cast = Cast(store)
    draft = drafted(store, cast)
    invited(store, cast.tove, draft.id, "rhea@lab.example", "<b>Rhea</b> $platform")
    with store.read() as session:
        bodies = [row.payload["body"] for row in session.exec(select(OutboxRow).where(OutboxRow.kind == "mail")).all()]
    assert [body for body in bodies if re.search(r"Hello <b>Rhea</b> \$platform,", body)] != []


def test_of_two_who_name_the_same_person_at_once_one_row_comes(store: Store) -> None:
    cast = Cast(store)
    draft = drafted(store, cast)
    ready = threading.Barrier(2)

    def race() -> None:
        ready.wait()
        invited(store, cast.tove, draft.id, "rhea@lab.example")

    threads = [threading.Thread(target=race) for _ in range(2)]
    for each in threads:
        each.start()
    for each in threads:
        each.join()
    with store.read() as session:
        assert len(session.exec(select(ProjectMember)).all()) == 1


def _admit(store: Store, actor: Actor, row: ProjectMember) -> None:
    with store.write() as unit:
        service.admit(unit, actor, row.application_id, row.id, "The institute confirmed it by telephone.")


def _accepted_colleague(store: Store, cast: Cast, contract: Contract) -> tuple[Actor, ProjectMember]:
    rhea = colleague(store, cast)
    invited(store, cast.tove, contract.application_id, rhea.email)
    row = confirmed(store, rhea, contract.application_id)
    _admit(store, cast.mara, row)
    return rhea, accepted(store, rhea, contract.id)


def _client(store: Store, actor: Actor, contract: Contract, for_people: ForPeople | None = None) -> Any:
    with store.write() as unit:
        return credentials.create_client(unit, actor, contract, name="a program", audience="api", people=for_people)[0]


def _family(store: Store, cast: Cast, contract: Contract, actor: Actor) -> str:
    client = _client(store, cast.tove, contract, ForPeople(("http://127.0.0.1/back",)))
    family_id = new_id("fam")
    with store.write() as unit:
        family = TokenFamily(
            id=family_id,
            client_id=client.id,
            contract_id=contract.id,
            organisation_id=cast.lab,
            account_id=actor.account_id,
            scope="records:read",
            created_at=unit.now,
            expires_at=unit.now,
        )
        unit.session.add(family)
    return family_id


def _in_force(store: Store, cast: Cast, handed_in: Application, **terms: Any) -> Contract:
    """The contract of an application that was handed in, signed by both and in force."""
    made = active(store, cast, KEYS, terms={"crawl": None, **terms})
    with store.write() as unit:
        # The way to a contract is tried elsewhere; here it is that of the project with people on it.
        contract = unit.lock(Contract, made.id)
        contract.application_id = handed_in.id
        return contract
