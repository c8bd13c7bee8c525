"""What staff do with an application, through the store: what each act stores, mails and records, and whom it refuses."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import replace
from datetime import date
from typing import Any

import pytest
from sqlmodel import select

from contracts.applications import queries, service
from contracts.applications.due import run_due
from contracts.applications.form import read_form
from contracts.applications.narrowing import as_asked
from contracts.applications.tables import Application
from contracts.clock import FixedClock
from contracts.errors import Refused
from contracts.ids import new_id
from contracts.keys import KeyRing
from contracts.ledger.tables import LedgerEntry
from contracts.lifecycle import service as lifecycle
from contracts.people.roles import Role
from contracts.people.tables import Membership
from contracts.signing import facts_of, render
from contracts.store.unit import Store, Unit
from contracts.terms.defaults import propose
from tests.harness import cast as harness
from tests.harness.cast import FORM, POSTS, SETTINGS, Cast, events, mails

PROJECT = "Political ads and regional reach"
Act = Callable[[Unit], Any]


def submitted(store: Store, cast: Cast, **changed: Any) -> str:
    with store.write() as unit:
        application = service.begin(unit, cast.tove, "posts")
        service.save(unit, cast.tove, application.id, 1, read_form({**FORM, **changed}))
        return service.submit(unit, cast.tove, application.id, 2, SETTINGS).id


def done(store: Store, *acts: Act) -> Any:
    for act in acts:
        with store.write() as unit:
            made = act(unit)
    return made


def refused(store: Store, act: Act) -> str:
    with pytest.raises(Refused) as caught, store.write() as unit:
        act(unit)
    return caught.value.refusal.code


def row(store: Store, application_id: str) -> Application:
    with store.read() as session:
        return session.get_one(Application, application_id)


def decline(cast: Cast, application_id: str, revision: int) -> Act:
    return lambda unit: service.decline(unit, cast.mara, application_id, revision, "Too broad.", "not-proportionate")


def test_returned_changed_and_handed_in_again(store: Store, clock: FixedClock) -> None:
    cast = Cast(store)
    application = submitted(store, cast)
    clock.advance(days=2)
    done(store, lambda unit: service.return_for_changes(unit, cast.mara, application, 3, "too-wide", "Why the ids?", SETTINGS))
    found = row(store, application)
    assert (found.state, found.decide_by, found.days_left, found.handler) == ("returned", None, 8, cast.mara.account_id)
    assert found.answer_by == date(2026, 12, 4)
    narrower = read_form({**FORM, "fields": ["lang", "text"], "starts": "2026-11-10"})
    clock.advance(days=5)
    done(
        store,
        lambda unit: service.save(unit, cast.tove, application, 4, narrower),
        lambda unit: service.submit(unit, cast.tove, application, 5, SETTINGS),
    )
    found = row(store, application)
    assert (found.state, found.decide_by, found.answer_by, found.checked_at) == ("submitted", date(2026, 11, 19), None, None)
    with store.read() as session:
        first, second = queries.submissions(session, application)
        shared = queries.notes(session, application, shared_only=True)
    assert (first.number, second.number, second.content["fields"]) == (1, 2, ["lang", "text"])
    assert [(note.kind, note.code, note.text) for note in shared] == [("return", "too-wide", "Why the ids?")]
    assert ("tove", f'Change your application "{PROJECT}" and hand it in again by 4 December 2026') in mails(store)
    assert ("mara", f'Application "{PROJECT}" was changed; decide it by 19 November 2026') in mails(store)
    assert events(store)[2:] == ["application.returned", "application.resubmitted"]


def test_approval_asks_for_the_check_again_after_a_return(store: Store) -> None:
    cast = Cast(store)
    application = submitted(store, cast)
    done(
        store,
        lambda unit: service.check(unit, cast.mara, application, 3),
        lambda unit: service.return_for_changes(unit, cast.mara, application, 4, "unclear", "Say more.", SETTINGS),
        lambda unit: service.submit(unit, cast.tove, application, 5, SETTINGS),
    )
    assert refused(store, lambda unit: service.approve(unit, cast.mara, application, 6, "Fine.")) == "command_not_possible"


def test_only_who_deals_with_it_decides(store: Store) -> None:
    cast = Cast(store)
    application = submitted(store, cast)
    done(store, lambda unit: service.check(unit, cast.mara, application, 3))
    assert refused(store, lambda unit: service.approve(unit, cast.jon, application, 4, "Fine.")) == "handled_by_other"
    done(store, lambda unit: service.claim(unit, cast.jon, application))
    assert refused(store, lambda unit: service.approve(unit, cast.mara, application, 5, "Fine.")) == "handled_by_other"
    done(store, lambda unit: service.assign(unit, cast.jon, application, cast.mara.account_id))
    assert done(store, lambda unit: service.approve(unit, cast.mara, application, 6, "Fine.")).state == "approved"
    assert [mail for mail in mails(store) if "yours" in mail[1] or "deals with" in mail[1]] == [
        ("mara", f'Jon Steward deals with the application "{PROJECT}" now; you need do nothing'),
        ("mara", f'The application "{PROJECT}" is yours; decide it by 16 November 2026'),
    ]


def test_it_is_given_to_stewards_alone(sqlite_store: Store) -> None:
    cast = Cast(sqlite_store)
    application = submitted(sqlite_store, cast)
    for to in (cast.cora, cast.tove, cast.admin):
        assert refused(sqlite_store, lambda unit, to=to: service.assign(unit, cast.mara, application, to.account_id)) == "invalid_input"


def test_who_steps_back_does_nothing_more(store: Store) -> None:
    cast = Cast(store)
    application = submitted(store, cast)
    done(
        store,
        lambda unit: service.claim(unit, cast.mara, application),
        lambda unit: service.recuse(unit, cast.mara, application, "My sister works there."),
    )
    assert row(store, application).handler is None
    revision = row(store, application).revision
    acts: list[Act] = [
        lambda unit: service.claim(unit, cast.mara, application),
        lambda unit: service.check(unit, cast.mara, application, revision),
        lambda unit: service.remark(unit, cast.mara, application, "Still, I like it."),
        lambda unit: service.decline(unit, cast.mara, application, revision, "No.", "other"),
    ]
    assert [refused(store, act) for act in acts] == ["recused"] * 4
    assert refused(store, lambda unit: service.assign(unit, cast.jon, application, cast.mara.account_id)) == "invalid_input"
    assert refused(store, lambda unit: service.ask_review(unit, cast.jon, application, cast.mara.account_id)) == "invalid_input"
    assert ("jon", f'The application "{PROJECT}" needs somebody; decide it by 16 November 2026') in mails(store)
    with store.read() as session:
        assert queries.notes(session, application, shared_only=True) == []


def test_a_review_that_was_asked_for_is_waited_for(store: Store) -> None:
    cast = Cast(store)
    application = submitted(store, cast)
    done(
        store,
        lambda unit: service.check(unit, cast.mara, application, 3),
        lambda unit: service.ask_review(unit, cast.mara, application, cast.jon.account_id),
        lambda unit: service.ask_review(unit, cast.mara, application, cast.cora.account_id),
    )
    assert refused(store, lambda unit: service.approve(unit, cast.mara, application, 6, "Fine.")) == "review_open"
    done(
        store,
        lambda unit: service.remark(unit, cast.jon, application, "Only reading it now."),
        lambda unit: service.remark(unit, cast.jon, application, "Sound, but drop the ids.", opinion="for"),
        lambda unit: service.release(unit, cast.mara, application, cast.cora.account_id),
    )
    assert done(store, lambda unit: service.approve(unit, cast.mara, application, 7, "Fine.")).state == "approved"
    with store.read() as session:
        assert [each.part for each in queries.reviewers(session, application)] == ["answered", "released"]


def test_what_is_said_among_staff_reaches_no_applicant(store: Store) -> None:
    cast = Cast(store)
    application = submitted(store, cast)
    done(
        store,
        lambda unit: service.remark(unit, cast.jon, application, "I doubt their funding."),
        lambda unit: service.remark(unit, cast.jon, application, "Is there a grant agreement?", shared=True),
    )
    assert (
        refused(store, lambda unit: service.remark(unit, cast.jon, application, "No.", shared=True, opinion="against")) == "invalid_input"
    )
    with store.read() as session:
        assert [each.text for each in queries.notes(session, application, shared_only=True)] == ["Is there a grant agreement?"]
        leaves = [each.leaf for each in session.exec(select(LedgerEntry)).all() if b"application.remarked" in each.leaf]
    assert sorted(cast.lab.encode() in leaf for leaf in leaves) == [False, True]
    assert not any(b"doubt" in leaf for leaf in leaves)
    assert [mail for mail in mails(store) if "remark" in mail[1]] == [
        ("tove", f'A remark on your application "{PROJECT}", for you to read')
    ]


def test_a_clock_moves_with_a_reason_and_a_later_day(store: Store) -> None:
    cast = Cast(store)
    application = submitted(store, cast)
    early = refused(store, lambda unit: service.extend(unit, cast.mara, application, 3, date(2026, 11, 16), "Ill.", SETTINGS))
    silent = refused(store, lambda unit: service.extend(unit, cast.mara, application, 3, date(2026, 11, 20), " ", SETTINGS))
    assert (early, silent) == ("invalid_input", "reason_required")
    done(store, lambda unit: service.extend(unit, cast.mara, application, 3, date(2026, 11, 20), "An expert is asked.", SETTINGS))
    assert row(store, application).decide_by == date(2026, 11, 20)
    assert ("tove", f'Your application "{PROJECT}" is decided by 20 November 2026, later than we said') in mails(store)


def test_an_approval_grants_less_and_everything_begins_from_there(store: Store) -> None:
    cast = Cast(store)
    application = submitted(store, cast)
    done(store, lambda unit: service.check(unit, cast.mara, application, 3))
    less = replace(as_asked(row(store, application)), fields=("lang", "text"), rows={"lang": ("de",)}, ends=date(2027, 3, 31))
    wider = replace(less, fields=("lang", "likes"))
    assert refused(store, lambda unit: service.approve(unit, cast.mara, application, 4, "Part.", "narrowed", wider)) == "wider_than_asked"
    found = done(store, lambda unit: service.approve(unit, cast.mara, application, 4, "Part.", "narrowed", less))
    terms = propose(found, POSTS, SETTINGS.platform.site)
    assert (terms.datasets[0].fields, terms.datasets[0].rows[0].value, terms.ends) == (("lang", "text"), "de", date(2027, 3, 31))
    with store.read() as session:
        assert queries.submissions(session, application)[0].content["fields"] == FORM["fields"]


def test_no_contract_without_a_lawful_basis_for_what_was_handed_in(store: Store) -> None:
    cast = Cast(store)
    application = submitted(store, cast)
    done(
        store,
        lambda unit: service.check(unit, cast.mara, application, 3),
        lambda unit: service.confirm_basis(unit, cast.cora, application, 4, "public-task", "The law on universities."),
        lambda unit: service.return_for_changes(unit, cast.mara, application, 5, "unclear", "Say more.", SETTINGS),
        lambda unit: service.save(
            unit, cast.tove, application, 6, read_form({**FORM, "purpose_text": "Something else altogether is asked."})
        ),
        lambda unit: service.submit(unit, cast.tove, application, 7, SETTINGS),
        lambda unit: service.check(unit, cast.mara, application, 8),
        lambda unit: service.approve(unit, cast.mara, application, 9, "Fine."),
    )
    assert refused(store, draft(store, cast, application)) == "basis_missing"
    done(store, lambda unit: service.confirm_basis(unit, cast.cora, application, 10, "public-task", "It holds for this as well."))
    assert done(store, draft(store, cast, application)).state == "draft"


def draft(store: Store, cast: Cast, application_id: str) -> Act:
    application, contract_id = row(store, application_id), new_id("ctr")
    terms = propose(application, POSTS, SETTINGS.platform.site)
    with store.read() as session:
        rendered = render(SETTINGS, facts_of(session, application), terms, contract_id)
    return lambda unit: lifecycle.draft(unit, cast.mara, contract_id, application_id, rendered, terms, SETTINGS)


def test_nothing_comes_into_force_where_the_basis_was_taken_from_the_row(store: Store) -> None:
    cast = Cast(store)
    contract = harness.signed(store, cast)
    with store.write() as unit:
        found = unit.lock(Application, contract.application_id)
        found.basis = ""
        unit.session.add(found)
    code = refused(
        store,
        lambda unit: lifecycle.countersign(unit, cast.jon, KeyRing(b"m" * 32), contract.id, 3, name="Jon Steward", capacity="Head of data"),
    )
    assert code == "basis_missing"


def test_an_independent_review_is_made_by_somebody_else_and_once(store: Store) -> None:
    cast = Cast(store)
    application = submitted(store, cast)
    done(
        store,
        decline(cast, application, 3),
        lambda unit: service.appeal(unit, cast.tove, application, 4, "The fields are few.", SETTINGS),
    )
    with store.write() as unit:
        # A second account whose role the first one gave is no second person.
        friend = harness.person(unit, cast.platform, "Fay Friend", Role.STEWARD, given_by=cast.mara)
    for who in (cast.mara, friend):
        assert refused(store, lambda unit, who=who: service.check(unit, who, application, 5)) == "second_person_required"
        assert refused(store, lambda unit, who=who: service.claim(unit, who, application)) == "second_person_required"
    assert refused(store, lambda unit: service.approve(unit, cast.jon, application, 5, "Fine.")) == "not_checked"
    done(
        store,
        lambda unit: service.check(unit, cast.jon, application, 5),
        lambda unit: service.decline(unit, cast.jon, application, 6, "Still too broad.", "not-proportionate"),
    )
    assert row(store, application).state == "upheld"
    assert refused(store, lambda unit: service.appeal(unit, cast.tove, application, 7, "Again.", SETTINGS)) == "command_not_possible"
    assert ("tove", f'Your application "{PROJECT}" stays declined after an independent review, which ends it') in mails(store)
    assert events(store)[2:] == ["application.declined", "application.appealed", "application.checked", "application.upheld"]


def test_one_who_once_gave_the_decliner_a_role_is_not_independent_either(sqlite_store: Store) -> None:
    cast = Cast(sqlite_store)
    application = submitted(sqlite_store, cast)
    done(
        sqlite_store,
        decline(cast, application, 3),
        lambda unit: service.appeal(unit, cast.tove, application, 4, "Look again.", SETTINGS),
    )
    with sqlite_store.write() as unit:
        given = Membership(
            id=new_id("mem"),
            account_id=cast.mara.account_id,
            organisation_id=cast.platform,
            role="operator",
            given_by=cast.jon.account_id,
            created_at=unit.now,
            ended_at=unit.now,
        )
        unit.session.add(given)
    assert refused(sqlite_store, lambda unit: service.check(unit, cast.jon, application, 5)) == "second_person_required"


def test_a_stopped_application_goes_nowhere(store: Store) -> None:
    cast = Cast(store)
    application = submitted(store, cast)
    with store.write() as unit:
        begun = service.begin(unit, cast.tove, "posts").id
    done(
        store,
        lambda unit: service.stop(unit, cast.cora, application, "The organisation is barred."),
        lambda unit: service.stop(unit, cast.cora, begun, "The organisation is barred."),
    )
    acts: list[Act] = [
        lambda unit: service.save(unit, cast.tove, begun, 2, read_form(FORM)),
        lambda unit: service.approve(unit, cast.mara, application, 4, "Fine."),
        lambda unit: service.withdraw(unit, cast.tove, application, 4),
    ]
    assert [refused(store, act) for act in acts] == ["command_not_possible"] * 3


def test_two_approvals_at_once_are_one(store: Store) -> None:
    cast = Cast(store)
    application = submitted(store, cast)
    outcomes: list[str] = []
    together = threading.Barrier(2)

    def attempt(who: Any) -> None:
        together.wait()
        for act in (service.check, service.approve):
            try:
                with store.write() as unit:
                    revision = unit.session.get_one(Application, application).revision
                    found = (
                        act(unit, who, application, revision) if act is service.check else act(unit, who, application, revision, "Fine.")
                    )  # type: ignore[operator]  # two shapes
                    outcomes.append(found.state)
            except Refused as error:
                outcomes.append(error.refusal.code)

    threads = [threading.Thread(target=attempt, args=(each,)) for each in (cast.mara, cast.jon)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert outcomes.count("in_review") == 1 and outcomes.count("approved") == 1
    assert set(outcomes) <= {"in_review", "approved", "handled_by_other", "command_not_possible", "changed_meanwhile"}
    assert events(store).count("application.approved") == 1


def test_reminders_go_out_once_and_what_nobody_goes_on_with_ends(store: Store, clock: FixedClock) -> None:
    cast = Cast(store)
    waits, back = submitted(store, cast), submitted(store, cast, project="Reach of small parties")
    done(
        store,
        lambda unit: service.claim(unit, cast.jon, waits),
        lambda unit: service.return_for_changes(unit, cast.mara, back, 3, "unclear", "Say more.", SETTINGS),
    )
    with store.write() as unit:
        begun = service.begin(unit, cast.tove, "posts").id

    def ran(*days: int) -> list[int]:
        counted = []
        for each in days:
            clock.advance(days=each)
            counted.append(run_due(store, SETTINGS))
        return counted

    # 2 November 2026 is a Monday: two working days before 16 November is the 12th.
    assert ran(9, 1, 0, 4, 1, 0) == [0, 1, 0, 0, 1, 0]
    # The returned one ends after 2 December, with a word on 25 November.
    assert ran(7, 1, 0, 7, 1, 0) == [0, 1, 0, 0, 1, 0]
    # A draft is kept for 180 days.
    assert ran(141, 1, 7, 1) == [0, 1, 0, 1]
    assert [row(store, each).state for each in (waits, back, begun)] == ["submitted", "expired", "expired"]
    sent = mails(store)
    assert [mail for mail in sent if mail[0] == "jon" and ("Decide the" in mail[1] or "Late: " in mail[1])] == [
        ("jon", f'Decide the application "{PROJECT}" by 16 November 2026'),
        ("jon", f'Late: the application "{PROJECT}" had to be decided by 16 November 2026'),
    ]
    assert ("tove", 'Go on with your application "Reach of small parties" by 2 December 2026, or it ends') in sent
    assert ("tove", 'Your application "Reach of small parties" has ended; write a new one if you still need it') in sent


def test_the_queue_is_sorted_by_what_is_due(store: Store, clock: FixedClock) -> None:
    cast = Cast(store)
    first = submitted(store, cast)
    clock.advance(days=1)
    second = submitted(store, cast, starts="2026-11-10")
    done(store, lambda unit: service.extend(unit, cast.mara, first, 3, date(2026, 12, 1), "An expert is asked.", SETTINGS))
    with store.read() as session:
        assert [each.id for each in queries.waiting(session)] == [second, first]
