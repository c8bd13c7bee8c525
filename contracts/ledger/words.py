"""Each event as a line of a timeline, by what was decided; whole sentences, so that they can be translated."""

from __future__ import annotations

from contracts.ledger.events import EVENTS

_LINES: dict[tuple[str, str], str] = {
    ("access.catalogue", "allow"): "Catalogue, contract or usage read",
    ("access.catalogue", "refuse"): "Reading of catalogue, contract or usage refused",
    ("access.records", "allow"): "Records delivered",
    ("access.records", "refuse"): "Records refused",
    ("account.confirmed", "done"): "Address confirmed",
    ("account.created", "done"): "Account made",
    ("account.reauthenticated", "done"): "Password given once more",
    ("account.signed_in", "done"): "Signed in",
    ("account.signed_in", "refuse"): "Sign-in refused",
    ("account.signed_out", "done"): "Signed out",
    ("application.approved", "done"): "Application approved",
    ("application.declined", "done"): "Application declined",
    ("application.drafted", "done"): "Application begun",
    ("application.submitted", "done"): "Application submitted",
    ("application.withdrawn", "done"): "Application withdrawn",
    ("authorization.allowed", "done"): "Program allowed to read for a person",
    ("authorization.asked", "done"): "Program asked to read for a person",
    ("authorization.denied", "done"): "Program not allowed to read for a person",
    ("client.changed", "done"): "Client's way of proving itself changed",
    ("client.created", "done"): "Client made",
    ("client.rotated", "done"): "Client given a new secret",
    ("client.secret_ended", "done"): "Client's old secret ended",
    ("client.revoked", "done"): "Client revoked",
    ("contract.activated", "done"): "Countersigned and sealed; in force",
    ("contract.drafted", "done"): "Contract drafted",
    ("contract.expired", "done"): "Ended on its last day",
    ("contract.lift_asked", "done"): "Lifting of the suspension asked for",
    ("contract.lifted", "done"): "Suspension lifted by a second person",
    ("contract.offered", "done"): "Offered to the partner",
    ("contract.signed", "done"): "Signed by the partner",
    ("contract.suspended", "done"): "Suspended",
    ("contract.terminated", "done"): "Ended before its time",
    ("dataset.refreshed", "done"): "New version of the dataset loaded",
    ("erasure.made", "done"): "Record erased and its holders told",
    ("gate.counted", "done"): "Visitors without a licence counted",
    ("gate.fetched", "allow"): "Licensed fetches of the site",
    ("gate.fetched", "done"): "Licensed fetches of the site",
    ("gate.fetched", "refuse"): "Fetches of the site refused",
    ("gate.mode_changed", "done"): "Mode of the gate changed",
    ("incident.opened", "done"): "Incident opened",
    ("key.ended", "done"): "Signing key ended with its last token",
    ("key.made", "done"): "Signing key made",
    ("key.revoked", "done"): "Signing key and its tokens revoked",
    ("ledger.searched", "done"): "Ledger searched",
    ("ledger.viewed", "done"): "Ledger entry opened",
    ("person.invited", "done"): "Person invited",
    ("role.given", "done"): "Role taken up",
    ("token.family_revoked", "done"): "Every token of one consent revoked",
    ("token.issued", "allow"): "Access token issued",
    ("token.issued", "done"): "Access token issued",
    ("token.refused", "refuse"): "Access token refused",
    ("token.revoked", "done"): "Access token revoked",
    ("usage.reported", "done"): "Usage reported to the payment service",
}


def line(event: str, decision: str) -> str:
    """The line of a timeline; where no line is written for the pair, the event's own description."""
    return _LINES.get((event, decision)) or EVENTS.get(event, event)
