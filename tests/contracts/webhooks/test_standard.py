"""The wire form of messages, checked by the standard's own library, and the schedule of tries."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from standardwebhooks.webhooks import Webhook, WebhookVerificationError

from contracts.webhooks import standard

BODY = '{"type":"contract.suspended","data":{"contract":"ctr_ü"}}'.encode()


def test_the_standards_own_library_takes_what_we_sign_by_either_secret() -> None:
    new, old, other = (standard.new_secret() for _ in range(3))
    sent = standard.headers([new, old], "msg_1", datetime.now(UTC), BODY)
    assert sent.keys() == {"webhook-id", "webhook-timestamp", "webhook-signature"}
    for secret in (new, old):
        assert Webhook(secret).verify(BODY, sent) == {"type": "contract.suspended", "data": {"contract": "ctr_ü"}}
    for changed in ({"webhook-id": "msg_2"}, {"webhook-timestamp": str(int(sent["webhook-timestamp"]) + 1)}):
        with pytest.raises(WebhookVerificationError):
            Webhook(new).verify(BODY, {**sent, **changed})
    for secret, body in ((other, BODY), (new, BODY + b" ")):
        with pytest.raises(WebhookVerificationError):
            Webhook(secret).verify(body, sent)


def test_ten_tries_over_three_days_and_then_no_more() -> None:
    waits = [standard.next_try(number) for number in range(1, 11)]
    assert waits[-1] is None
    assert sum((each for each in waits if each is not None), timedelta(0)) == timedelta(hours=75, minutes=35, seconds=5)
    assert [each for each in range(100, 600, 50) if standard.is_taken(each)] == [200, 250]
    assert not standard.is_taken(None)
