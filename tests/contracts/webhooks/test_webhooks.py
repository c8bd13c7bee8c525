"""Webhooks from the ledger's entry to the receiver: who is told what, each try, and what a crash in between leaves."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta

import pytest
from sqlmodel import select
from standardwebhooks.webhooks import Webhook

from contracts.clock import FixedClock
from contracts.errors import Refused
from contracts.ledger.tables import LedgerEntry
from contracts.store.outbox import OutboxRow
from contracts.store.unit import Store
from contracts.webhooks import queries, service
from contracts.webhooks.messages import make
from contracts.webhooks.standard import SCHEDULE
from contracts.webhooks.tables import WebhookEndpoint
from tests.contracts.webhooks.hooks import URL, Hooks
from tests.harness.cast import mails

OTHER = "https://hooks.quotient.example/in"
AT_PLATFORM = "https://ops.agora.example/in"


class Killed(BaseException):
    """The process ends here."""


@pytest.fixture
def hooks(store: Store, clock: FixedClock) -> Hooks:
    return Hooks(store, clock)


def _refusal(hooks: Hooks, **given: object) -> tuple[str, object]:
    with pytest.raises(Refused) as refused:
        hooks.create(**given)  # type: ignore[arg-type]  # as `create` takes them
    return refused.value.refusal.code, refused.value.refusal.facts.get("fields")


def test_each_side_is_told_its_own_and_signed_with_its_own_secret(hooks: Hooks) -> None:
    _, secret = hooks.create()
    hooks.create("contract.suspended", url=OTHER, actor=hooks.cast.eve)
    hooks.create("contract.drafted", "contract.suspended", url=AT_PLATFORM, actor=hooks.cast.admin)
    drafted = hooks.enter("contract.drafted", subject="ctr_1", contract="ctr_1")
    suspended = hooks.enter("contract.suspended", subject="ctr_1", contract="ctr_1", contract_version=2, personal={"reason": "R"})
    hooks.enter("token.issued", subject="tok_1")
    hooks.enter("contract.suspended", decision="refuse", rule="role_required")
    hooks.follow()
    hooks.follow()
    assert hooks.send() == 3
    at = "2026-11-02T09:00:01.000Z"
    data = {"entry": suspended, "subject": "ctr_1", "contract": "ctr_1", "contract_version": 2, "organisation": hooks.cast.lab}
    told = {"type": "contract.suspended", "timestamp": at, "data": data}
    first = {"entry": drafted, "subject": "ctr_1", "contract": "ctr_1", "organisation": hooks.cast.lab}
    before = {"type": "contract.drafted", "timestamp": at, "data": first}
    assert sorted(hooks.told(), key=lambda each: (each[0], each[1]["type"])) == [(URL, told), (AT_PLATFORM, before), (AT_PLATFORM, told)]
    sent, body = next((headers, body) for url, headers, body in hooks.receiver.got if url == URL)
    assert sent["webhook-timestamp"] == str(int(datetime.fromisoformat(at).timestamp()))
    assert Webhook(secret).sign(sent["webhook-id"], datetime.fromisoformat(at), body.decode()) == sent["webhook-signature"]


def test_what_happened_before_a_webhook_is_not_told_there(hooks: Hooks) -> None:
    hooks.enter("contract.offered")
    hooks.follow()
    hooks.clock.advance(seconds=1)
    hooks.create()
    hooks.follow()
    assert (hooks.messages(), hooks.followed()) == ([], None), "it is not even read"
    hooks.enter("contract.signed")
    hooks.follow()
    assert [each.event for each in hooks.messages()] == ["contract.signed"]


def test_nine_failures_and_the_tenth_try_arrives_with_the_same_id(hooks: Hooks) -> None:
    hooks.create()
    hooks.receiver.answers = [500, 0, 302, 404, 429, 503, 0, 400, 199]
    hooks.enter("contract.offered")
    hooks.follow()
    assert hooks.send() == 1
    for wait in SCHEDULE[1:]:
        assert hooks.send_after(wait - timedelta(seconds=1)) == 0
        assert hooks.send_after(timedelta(seconds=1)) == 1
    (message,) = hooks.messages()
    assert (message.tries, message.delivered_at, message.given_up_at) == (10, hooks.clock.now(), None)
    assert hooks.receiver.ids == [message.id] * 10
    none = "The address did not answer."
    expected = [(1, 500, ""), (2, None, none), (3, 302, ""), (4, 404, ""), (5, 429, ""), (6, 503, ""), (7, None, none), (8, 400, "")]
    assert hooks.tries() == [*expected, (9, 199, ""), (10, 204, "")]
    assert hooks.send_after(timedelta(days=30)) == 0


def test_ten_failures_switch_it_off_and_who_keeps_it_hears_of_it(hooks: Hooks) -> None:
    endpoint, _ = hooks.create()
    hooks.receiver.answers = [500] * 10
    hooks.enter("contract.offered")
    hooks.follow()
    for wait in SCHEDULE:
        hooks.send_after(wait)
    assert hooks.endpoint(endpoint.id).disabled_at == hooks.clock.now()
    subject = "A webhook was switched off: mend its receiver and save it again"
    assert mails(hooks.store) == [("dev", subject), ("tove", subject)]
    # What comes meanwhile is not told; once it is saved, things go on, and what was given up can be sent again.
    hooks.enter("contract.suspended")
    hooks.follow()
    message = hooks.messages()[0]
    _again(hooks)
    with hooks.store.write() as unit, pytest.raises(Refused, match="switched off"):
        service.resend(unit, hooks.cast.dev, endpoint.id, message.id)
    with hooks.store.write() as unit:
        service.change(unit, hooks.cast.dev, endpoint.id, OTHER, [])
    with hooks.store.write() as unit:
        service.resend(unit, hooks.cast.dev, endpoint.id, message.id)
    assert hooks.send() == 1
    assert (hooks.receiver.got[-1][0], hooks.receiver.ids[-1], hooks.messages()[0].delivered_at) == (OTHER, message.id, hooks.clock.now())


def test_an_address_that_is_gone_is_asked_no_more(hooks: Hooks) -> None:
    endpoint, _ = hooks.create()
    hooks.receiver.answers = [410]
    for event in ("contract.offered", "contract.signed"):
        hooks.enter(event)
    hooks.follow()
    assert hooks.send() == 2
    assert (len(hooks.receiver.got), hooks.endpoint(endpoint.id).disabled_at) == (1, hooks.clock.now())
    assert {each.given_up_at for each in hooks.messages()} == {hooks.clock.now()}


def test_killed_before_the_commit_nothing_is_told_and_after_it_nothing_is_lost(hooks: Hooks) -> None:
    endpoint, _ = hooks.create()
    with pytest.raises(Killed), hooks.store.write() as unit:
        make(unit, unit.session.get_one(WebhookEndpoint, endpoint.id), "contract.offered", "ent_1", {})
        raise Killed
    assert (hooks.messages(), hooks.send()) == ([], 0)
    hooks.enter("contract.offered")
    hooks.follow()

    def killed_before(_url: str, _headers: dict[str, str], _body: bytes) -> int:
        raise Killed

    with pytest.raises(Killed):
        hooks.send(killed_before)
    assert hooks.send() == 0, "another worker may be at it"
    assert hooks.send_after(timedelta(seconds=61)) == 1
    assert [each.delivered_at for each in hooks.messages()] == [hooks.clock.now()]


def test_killed_between_the_receivers_answer_and_its_note_it_comes_twice_with_one_id(hooks: Hooks) -> None:
    hooks.create()
    hooks.enter("contract.offered")
    hooks.follow()

    def killed_after(url: str, headers: dict[str, str], body: bytes) -> int:
        hooks.receiver(url, headers, body)
        raise Killed

    with pytest.raises(Killed):
        hooks.send(killed_after)
    assert hooks.send_after(timedelta(seconds=61)) == 1
    assert len(hooks.receiver.got) == 2
    assert {*hooks.receiver.ids} == {hooks.messages()[0].id}
    assert hooks.receiver.got[0][2] == hooks.receiver.got[1][2]


def test_a_try_that_was_written_down_is_not_made_again(hooks: Hooks) -> None:
    hooks.create()
    hooks.enter("contract.offered")
    hooks.follow()
    assert hooks.send() == 1
    with hooks.store.write() as unit:  # as if the process ended between the note and the outbox's own mark
        row = unit.session.exec(select(OutboxRow).where(OutboxRow.kind == "webhook")).one()
        row.done_at = row.claimed_until = None
        unit.session.add(row)
    assert (hooks.send(), len(hooks.receiver.got)) == (1, 1)


def test_an_entry_is_told_once_though_two_processes_follow(hooks: Hooks) -> None:
    hooks.create()
    for _ in range(30):
        hooks.enter("contract.offered")
    hooks.follow()
    hooks.follow()
    assert len({each.entry_id for each in hooks.messages()}) == len(hooks.messages()) == 30


def test_for_a_day_both_secrets_fit(hooks: Hooks) -> None:
    endpoint, old = hooks.create()
    with hooks.store.write() as unit:
        new = service.rotate(unit, hooks.cast.dev, hooks.keys, endpoint.id)
    signatures = []
    for wait in (timedelta(0), timedelta(hours=24)):
        hooks.clock.advance(seconds=wait.total_seconds())
        hooks.enter("contract.offered")
        hooks.follow()
        hooks.send()
        _, sent, body = hooks.receiver.got[-1]
        at = hooks.clock.now()
        fitting = [Webhook(secret).sign(sent["webhook-id"], at, body.decode()) for secret in (new, old)]
        signatures.append([each in sent["webhook-signature"].split(" ") for each in fitting])
    assert signatures == [[True, True], [True, False]]


def test_a_test_message_goes_to_its_webhook_alone(hooks: Hooks) -> None:
    endpoint, _ = hooks.create("contract.suspended")
    hooks.create(url=OTHER)
    with hooks.store.write() as unit:
        service.test(unit, hooks.cast.dev, endpoint.id)
    hooks.send()
    assert [(url, body["type"], body["data"]) for url, body in hooks.told()] == [(URL, "webhook.test", {"webhook": endpoint.id})]
    with hooks.store.read() as session:
        (sent,) = queries.log_of(session, endpoint.id)
    assert (sent.state, [each.status for each in sent.tries]) == ("delivered", [204])


def test_an_ended_one_is_told_nothing_not_even_what_waits(hooks: Hooks) -> None:
    endpoint, _ = hooks.create()
    hooks.enter("contract.offered")
    hooks.follow()
    with hooks.store.write() as unit:
        service.end(unit, hooks.cast.dev, endpoint.id)
    hooks.send()
    assert hooks.receiver.got == []
    with hooks.store.write() as unit, pytest.raises(Refused, match="was ended"):
        service.test(unit, hooks.cast.dev, endpoint.id)


@pytest.mark.parametrize(
    "url",
    ["http://hooks.example/in", "https://hooks.example:8443/in", "https://a:b@hooks.example/", "ftp://x.example/", "https://", "hooks"],
)
def test_an_address_that_may_not_be_asked_is_refused(hooks: Hooks, url: str) -> None:
    code, fields = _refusal(hooks, url=url)
    assert (code, list(dict(fields))) == ("invalid_input", ["url"])  # type: ignore[call-overload]  # the fields are a mapping


def test_who_may_keep_webhooks_and_of_what(hooks: Hooks) -> None:
    cast = hooks.cast
    event = {"events": "There is no event 'contract.drafted' to be told of."}
    with pytest.raises(Refused) as refused, hooks.store.write() as unit:
        service.create(unit, cast.dev, hooks.keys, URL, ["contract.drafted"])
    assert (refused.value.refusal.code, refused.value.refusal.facts["fields"]) == ("invalid_input", event)
    for actor, code in (
        (cast.mara, "role_required"),
        (replace(cast.dev, second_factor_at=None), "second_factor_required"),
        (replace(cast.dev, second_factor_at=hooks.clock.now() - timedelta(hours=1), reauthenticated_at=None), "reauthentication_required"),
    ):
        assert _refusal(hooks, actor=actor) == (code, None)
    endpoint, _ = hooks.create()
    assert _refusal(hooks)[1] == {"url": "This address has a webhook already; change that one."}
    for act in (service.end, service.test):
        with pytest.raises(Refused) as foreign, hooks.store.write() as unit:
            act(unit, cast.eve, endpoint.id)
        assert foreign.value.refusal.code == "not_found"
    with hooks.store.read() as session, pytest.raises(Refused, match="no such webhook"):
        queries.get_for(session, cast.eve, endpoint.id)


def test_a_message_of_another_webhook_is_not_sent_again_through_this_one(hooks: Hooks) -> None:
    mine, _ = hooks.create()
    theirs, _ = hooks.create(url=OTHER, actor=hooks.cast.eve)
    with hooks.store.write() as unit:
        message = service.test(unit, hooks.cast.eve, theirs.id)
    with pytest.raises(Refused) as refused, hooks.store.write() as unit:
        service.resend(unit, hooks.cast.dev, mine.id, message.id)
    assert refused.value.refusal.code == "not_found"


def test_ten_and_no_more(hooks: Hooks) -> None:
    for number in range(10):
        hooks.create(url=f"{URL}/{number}")
    assert _refusal(hooks) == ("command_not_possible", None)


def test_neither_secret_nor_address_stands_in_the_clear(hooks: Hooks) -> None:
    endpoint, secret = hooks.create()
    with hooks.store.write() as unit:
        newer = service.rotate(unit, hooks.cast.dev, hooks.keys, endpoint.id)
    row = hooks.endpoint(endpoint.id)
    for each in (secret, newer):
        assert each.encode() not in row.secret + (row.earlier_secret or b"")
    hooks.sequencer.integrate()
    with hooks.store.read() as session:
        leaves = session.exec(select(LedgerEntry.leaf)).all()
    assert (len(leaves) >= 2, [leaf for leaf in leaves if URL.encode() in leaf]) == (True, [])


def _again(hooks: Hooks) -> None:
    """Both people gave their password just now."""
    hooks.cast.dev = replace(hooks.cast.dev, reauthenticated_at=hooks.clock.now())
