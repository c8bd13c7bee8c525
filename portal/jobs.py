"""What the worker does, and how often: the house's recurring work on one screen."""

from __future__ import annotations

import ssl
from collections.abc import Callable, Mapping
from dataclasses import replace
from functools import partial

import structlog

from contracts.agent import Agent
from contracts.amendments import rounds
from contracts.amendments.service import lapse_ended
from contracts.anchors.service import Anchoring
from contracts.anchors.settings import WitnessAt
from contracts.anchors.stamping import Stamping
from contracts.appeals import service as appeals
from contracts.applications.due import run_due
from contracts.billing.events import stripe_handler
from contracts.billing.report import CHECK_CUSTOMER, REPORT, REPORT_SECONDS, ask_to_report, check_customer_handler, report_handler
from contracts.changes import service as changes
from contracts.completeness import service as completeness
from contracts.crawlers import follow as crawler_directories
from contracts.credentials.kept import sweep_kept
from contracts.credentials.rotation import end_replaced
from contracts.credentials.sweeping import sweep_credentials
from contracts.credentials.use import UseFollower
from contracts.datasets.load import discard_old, refresh
from contracts.datasets.pseudonyms import build_for
from contracts.datasets.register import Register, RegisterFollower
from contracts.deliveries import fold
from contracts.deliveries.notify import notice_handler
from contracts.deliveries.service import NOTICE
from contracts.errors import LicetError
from contracts.guarded import GuardedClient, Reply
from contracts.holds import service as holds
from contracts.house import House
from contracts.ledger.erasing import Sweeper
from contracts.lifecycle.ending import tell_due
from contracts.lifecycle.expiry import expire_due
from contracts.lifecycle.service import ACTIVATED
from contracts.members.tell import ask_acceptance
from contracts.notices.mail import mail_handler
from contracts.notices.service import MAIL
from contracts.people.lost import finish_due
from contracts.people.passkeys import sweep_challenges
from contracts.quotas.alerts import AlertWatch
from contracts.quotas.repeats import sweep_repeats
from contracts.retention import run as retention
from contracts.retention.policy import policy_of
from contracts.signing.handler import DOCUMENT, document_handler
from contracts.store import inbox, outbox, write_ahead
from contracts.store.jobs import Job
from contracts.store.outbox import Effect
from contracts.uploads import files
from contracts.visits.service import end_due
from contracts.webhooks import follow
from contracts.webhooks.deliver import posting, webhook_handler
from contracts.webhooks.messages import WEBHOOK

log = structlog.get_logger()


def jobs_of(house: House) -> list[Job]:
    """Every recurring job but the gate's own, with the pause between its runs in seconds. Safe to run in several processes at once."""
    settings = house.settings
    # A thread of their own: a receiver that takes its time delays no mail.
    handlers, messages = handlers_of(house), {WEBHOOK: webhook_handler(house.store, house.keys, posting(guarded(house)))}
    asking = guarded(house)
    return [
        Job("ledger", 0.25, house.sequencer.tick),
        Job("write-ahead log", 0.1, lambda: write_ahead.tick(house.store)),
        Job(
            "witnesses",
            settings.anchors.seconds,
            Anchoring(house.store, settings.anchors, house.sequencer.origin, posted(guarded(house))).tick,
        ),
        Job("time-stamps", 60.0, Stamping(house.store, settings.anchors).tick),
        Job("completeness", 600.0, lambda: completeness.tick(house.store, house.settings)),
        Job("holds", 30.0, lambda: holds.end_due(house.store)),
        Job("erased values", 30.0, Sweeper(house.store).tick),
        Job("erased records", 30.0, RegisterFollower(Register(house.store, settings, house.keys)).tick),
        Job("retention", 60.0, lambda: retention.tick(house.store, policy_of(settings.retention))),
        Job("objections", 600.0, lambda: appeals.prune(house.store, policy_of(settings.retention))),
        Job("outbox", 0.5, lambda: outbox.run_due(house.store, handlers)),
        Job("webhooks", 1.0, lambda: follow.tick(house.store)),
        Job("messages", 0.5, lambda: outbox.run_due(house.store, messages, most=10)),
        Job("inbox", 0.5, lambda: inbox.run_waiting(house.store, {"stripe": stripe_handler})),
        Job("billing", REPORT_SECONDS, lambda: ask_to_report(house.store)),
        Job("keys", 30.0, lambda: end_replaced(house.store)),
        Job("crawler directories", 30.0, lambda: crawler_directories.tick(house.store, asking)),
        Job("tokens", 60.0, lambda: sweep_credentials(house.store) + sweep_kept(house.store) + sweep_challenges(house.store)),
        Job("quotas", 5.0, AlertWatch(house.store, house.settings).tick),
        Job("deliveries", 30.0, lambda: fold.tick(house.store)),
        Job("repeats", 30.0, lambda: sweep_repeats(house.store)),
        Job("use", 5.0, UseFollower(house.store, house.settings.platform.time_zone).tick),
        Job("lost factors", 30.0, lambda: finish_due(house.store)),
        Job("members", 15.0, lambda: ask_acceptance(house.store)),
        Job("documents", 300.0, lambda: files.sweep(house.store, house.settings.home)),
        Job("old versions", 60.0, lambda: discard_old(house.store, house.settings.home)),
        Job("expiry", 30.0, lambda: expire_due(house.store, house.settings.platform.time_zone) + lapse_ended(house.store, house.settings)),
        Job("new texts", 60.0, lambda: rounds.advance(house.store, house.settings)),
        Job("endings", 60.0, lambda: tell_due(house.store, house.settings.platform.time_zone)),
        Job("field changes", 60.0, lambda: changes.tell_due(house.store, house.settings)),
        Job("visits", 60.0, lambda: end_due(house.store)),
        Job("applications", 60.0, lambda: run_due(house.store, house.settings)),
    ]


def handlers_of(house: House) -> Mapping[str, outbox.Handler]:
    """Who does which effect of the outbox."""

    def activated(effect: Effect) -> None:
        build_for(house.store, house.keys, house.settings, str(effect.payload["contract_id"]))

    # Without a transport nobody takes mail: it waits in the outbox until there is one.
    mail = {} if house.settings.mail.transport == "none" else {MAIL: mail_handler(house.settings, house.store)}
    return {
        **mail,
        ACTIVATED: activated,
        DOCUMENT: document_handler(house.settings, house.store, house.keys),
        REPORT: report_handler(house.store, house.payments),
        CHECK_CUSTOMER: check_customer_handler(house.store, house.payments),
        NOTICE: notice_handler(house.store, house.settings, house.keys),
    }


def guarded(house: House) -> GuardedClient:
    """The one client for addresses that others chose, which says by its signature who asks."""
    return GuardedClient(sign=Agent(house.keys, house.store, house.clock, house.settings.base_url).sign)


def posted(guarded: GuardedClient) -> Callable[[WitnessAt, bytes], Reply]:
    """Sends a checkpoint to a witness through the guarded client; a private address only where its settings allow that."""

    def post(witness: WitnessAt, body: bytes) -> Reply:
        client = replace(guarded, ports=None)
        if witness.private:
            client = replace(client, permitted=lambda _address: True)
        if witness.trust is not None:
            client = replace(client, trust=ssl.create_default_context(cafile=witness.trust))
        return client.request("POST", witness.url, headers={"content-type": "text/plain; charset=utf-8"}, body=body)

    return post


def load_missing(house: House) -> None:
    """Load datasets that have no version yet; one that cannot be loaded is logged and stays closed, the rest open."""
    for dataset in house.catalogue.all():
        if house.catalogue.version_of(dataset.id) is None:
            try:
                register = Register(house.store, house.settings, house.keys)
                refresh(house.store, house.settings, dataset.id, before_current=partial(register.replay, dataset.id))
            except LicetError as error:
                log.error("dataset.not_loaded", dataset=dataset.id, error=str(error))
