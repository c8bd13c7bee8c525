"""What webhooks tell: entries of the ledger by the names of their events. `docs/reference/webhooks.md` is made from this table.

A partner is told what it sees on its own pages; the platform is told the same of every partner, and what is for staff alone.
"""

from __future__ import annotations

from contracts.ledger.events import EVENTS

TEST = "webhook.test"

PARTNERS = (
    "application.submitted",
    "application.approved",
    "application.declined",
    "application.withdrawn",
    "application.stopped",
    "contract.offered",
    "contract.reoffered",
    "contract.countered",
    "contract.counter_declined",
    "contract.signed",
    "contract.activated",
    "contract.suspended",
    "contract.lifted",
    "contract.terminated",
    "contract.expired",
    "contract.closing",
    "contract.certificate_sent_back",
    "contract.closed",
    "amendment.offered",
    "amendment.signed",
    "amendment.declined",
    "amendment.withdrawn",
    "amendment.in_force",
    "amendment.lapsed",
    "client.created",
    "client.changed",
    "client.rotated",
    "client.secret_ended",
    "client.revoked",
    "crawler.proved",
    "crawler.revoked",
    "leak.ended",
    "quota.reached",
    "dataset.change_announced",
)
STAFF = ("contract.drafted", "contract.lift_asked", "bar.imposed", "bar.lifted", "incident.opened", "policy.found", "policy.confirmed")

MEANING: dict[str, str] = {name: EVENTS[name] for name in (*PARTNERS, *STAFF)}
EVERY = frozenset(MEANING)


def offered(*, platform: bool) -> tuple[str, ...]:
    """The events that an endpoint may be told of."""
    return (*PARTNERS, *STAFF) if platform else PARTNERS
