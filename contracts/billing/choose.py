"""Which payment service this installation uses."""

from __future__ import annotations

import secrets
from pathlib import Path

from contracts.billing.fake.server import FakeServer
from contracts.billing.port import Payments
from contracts.billing.stripe_port import StripePayments
from contracts.clock import Clock
from contracts.settings import Settings

STAND_IN_FILE = "stand-in.db"


def open_payments(settings: Settings, clock: Clock) -> Payments:
    """Stripe where a key is set; otherwise the fake, started here on a free port of 127.0.0.1, which pages must say.

    The fake keeps its customers and counts under `home`, and delivers its webhooks to this installation's own inbox with a
    secret of this start, or the configured one. Close what is returned when the house shuts.
    """
    billing = settings.billing
    secret = billing.webhook_secret.get_secret_value() if billing.webhook_secret else ""
    if billing.stripe_key is not None:
        return StripePayments(
            billing.stripe_key.get_secret_value(),
            clock,
            meter_event=billing.meter_event,
            webhook_secret=secret,
            api_base=billing.api_base,
        )
    return _stand_in(billing.meter_event, clock, settings.home / STAND_IN_FILE, _own_inbox(settings), secret or f"whsec_{_random()}")


def _stand_in(meter_event: str, clock: Clock, file: Path, inbox: str, secret: str) -> Payments:
    file.parent.mkdir(parents=True, exist_ok=True)
    fake = FakeServer(f"sk_test_{_random()}", clock, file=file, webhook_url=inbox, webhook_secret=secret)
    return StripePayments(
        fake.key, clock, meter_event=meter_event, webhook_secret=secret, api_base=fake.url, provider="stand-in", on_close=fake.close
    )


def _own_inbox(settings: Settings) -> str:
    # The listening address, not the public one: the stand-in must not need the balancer or the outside to reach us.
    host = "127.0.0.1" if settings.host in {"0.0.0.0", "::", "localhost"} else settings.host  # noqa: S104 - compared, not bound
    return f"http://{f'[{host}]' if ':' in host else host}:{settings.port}/inbox/stripe"


def _random() -> str:
    return secrets.token_urlsafe(32).replace("-", "").replace("_", "")
