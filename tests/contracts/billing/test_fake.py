"""The fake on the wire: as strict as Stripe, and it remembers."""

from __future__ import annotations

import http.client
import json
import socket
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import urlencode, urlsplit

import pytest
import stripe
from stripe.params import CustomerCreateParams
from stripe.params.billing import MeterCreateParams, MeterEventCreateParams, MeterEventSummaryListParams, MeterListParams

from contracts.billing.fake.server import FakeServer
from contracts.billing.fake.service import SHAPES
from contracts.clock import FixedClock

KEY = "sk_test_fake"


@pytest.fixture
def fake(clock: FixedClock) -> Iterator[FakeServer]:
    server = FakeServer(KEY, clock)
    yield server
    server.close()


def ask(fake: FakeServer, method: str, path: str, params: dict[str, Any] | None = None, **headers: str) -> tuple[int, dict[str, Any]]:
    address, encoded = urlsplit(fake.url), urlencode(params or {})
    connection = http.client.HTTPConnection(str(address.hostname), address.port or 0, timeout=60)
    sent = {"Authorization": f"Bearer {KEY}", **{name.replace("_", "-"): value for name, value in headers.items()}}
    connection.request(method, path + (f"?{encoded}" if method != "POST" and encoded else ""), encoded if method == "POST" else None, sent)
    answer = connection.getresponse()
    body = json.loads(answer.read())
    connection.close()
    return answer.status, body


def error(message: str, *, kind: str = "invalid_request_error", **details: str) -> dict[str, Any]:
    return {"error": {"message": message, "type": kind, **details}}


def test_head_and_body_of_an_answer_leave_together(fake: FakeServer) -> None:
    address = urlsplit(fake.url)
    with socket.create_connection((str(address.hostname), address.port or 0), timeout=60) as connection:
        for _ in range(3):
            connection.sendall(f"GET /v1/customers/cus_1 HTTP/1.1\r\nHost: fake\r\nAuthorization: Bearer {KEY}\r\n\r\n".encode())
            head, _, body = connection.recv(65_536).partition(b"\r\n\r\n")
            assert (head.split()[1], json.loads(body)["error"]["code"]) == (b"404", "resource_missing")


def test_it_knows_no_parameter_that_stripes_library_does_not_know() -> None:
    library = {
        "POST /v1/customers": CustomerCreateParams,
        "POST /v1/billing/meters": MeterCreateParams,
        "GET /v1/billing/meters": MeterListParams,
        "POST /v1/billing/meter_events": MeterEventCreateParams,
        "GET /v1/billing/meters/{id}/event_summaries": MeterEventSummaryListParams,
    }
    for endpoint, shape in SHAPES.items():
        known = set(library[endpoint].__annotations__) if endpoint in library else set()
        assert (endpoint, {each.partition("[")[0] for each in (*shape.required, *shape.optional)} - known) == (endpoint, set())


@pytest.mark.parametrize(
    ("method", "path", "params", "expected"),
    [
        (
            "POST",
            "/v1/customers",
            {"nmae": "x"},
            (400, error("Received unknown parameter: nmae", code="parameter_unknown", param="nmae")),
        ),
        (
            "POST",
            "/v1/billing/meter_events",
            {"event_name": "x"},
            (400, error("Missing required param: payload.", code="parameter_missing", param="payload")),
        ),
        (
            "GET",
            "/v1/billing/meters",
            {"limit": "ten"},
            (400, error("Invalid integer: ten", code="parameter_invalid_integer", param="limit")),
        ),
        ("GET", "/v1/customers/cus_1", {}, (404, error("No such customer: 'cus_1'", code="resource_missing", param="id"))),
        (
            "GET",
            "/v1/invoices",
            {},
            (
                404,
                error("Unrecognized request URL (GET: /v1/invoices). The built-in stand-in knows only the endpoints that Licet uses."),
            ),
        ),
    ],
)
def test_what_it_does_not_know_is_refused(
    fake: FakeServer, method: str, path: str, params: dict[str, Any], expected: tuple[int, Any]
) -> None:
    assert ask(fake, method, path, params) == expected


def test_another_key_is_refused(fake: FakeServer) -> None:
    assert ask(fake, "GET", "/v1/billing/meters", Authorization="Bearer sk_test_other") == (401, error("Invalid API Key provided."))


def test_a_body_above_its_limit_is_refused(fake: FakeServer) -> None:
    assert ask(fake, "POST", "/v1/customers", {"name": "x" * 70_000}) == (413, error("Request body too large."))


def test_the_same_key_answers_the_same_and_another_request_under_it_is_refused(fake: FakeServer) -> None:
    first = ask(fake, "POST", "/v1/customers", {"name": "A", "metadata[o]": "1"}, Idempotency_Key="k")
    assert first[0] == 200
    assert ask(fake, "POST", "/v1/customers", {"name": "A", "metadata[o]": "1"}, Idempotency_Key="k") == first
    reason = "Keys for idempotent requests can only be used with the same parameters they were first used with ('k')."
    assert ask(fake, "POST", "/v1/customers", {"name": "B"}, Idempotency_Key="k") == (400, error(reason, kind="idempotency_error"))


def test_a_reused_identifier_is_refused_in_stripes_words(fake: FakeServer) -> None:
    ask(fake, "POST", "/v1/billing/meters", {"display_name": "R", "event_name": "r", "default_aggregation[formula]": "sum"})
    _, customer = ask(fake, "POST", "/v1/customers")
    event = {"event_name": "r", "identifier": "use_1", "payload[stripe_customer_id]": customer["id"], "payload[value]": "5"}
    assert ask(fake, "POST", "/v1/billing/meter_events", event) == (
        200,
        {
            "object": "billing.meter_event",
            "created": 1793610000,
            "event_name": "r",
            "identifier": "use_1",
            "livemode": False,
            "payload": {"stripe_customer_id": customer["id"], "value": "5"},
            "timestamp": 1793610000,
        },
    )
    assert ask(fake, "POST", "/v1/billing/meter_events", event) == (400, error("An event already exists with identifier use_1."))


def test_lists_go_page_by_page_newest_first(fake: FakeServer) -> None:
    for name in ("a", "b", "c"):
        ask(fake, "POST", "/v1/billing/meters", {"display_name": name, "event_name": name, "default_aggregation[formula]": "sum"})
    _, first = ask(fake, "GET", "/v1/billing/meters", {"limit": 2})
    _, second = ask(fake, "GET", "/v1/billing/meters", {"limit": 2, "starting_after": first["data"][-1]["id"]})
    assert [([each["event_name"] for each in page["data"]], page["has_more"]) for page in (first, second)] == [
        (["c", "b"], True),
        (["a"], False),
    ]


def test_it_remembers_across_a_restart(tmp_path: Path, clock: FixedClock) -> None:
    before = FakeServer(KEY, clock, file=tmp_path / "stand-in.db")
    _, customer = ask(before, "POST", "/v1/customers", {"name": "A"}, Idempotency_Key="k")
    before.close()
    after = FakeServer(KEY, clock, file=tmp_path / "stand-in.db")
    assert ask(after, "GET", f"/v1/customers/{customer['id']}") == (200, customer)
    assert ask(after, "POST", "/v1/customers", {"name": "A"}, Idempotency_Key="k") == (200, customer)
    after.close()


class Inbox:
    """A real web server that takes webhooks: refuses the first delivery, then keeps what comes."""

    def __init__(self) -> None:
        self.deliveries: list[tuple[bytes, str]] = []
        self.told = threading.Event()
        outer = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                outer.deliveries.append((body, self.headers["Stripe-Signature"]))
                self.send_response(500 if len(outer.deliveries) == 1 else 200)
                self.end_headers()
                if len(outer.deliveries) > 1:
                    outer.told.set()

            def log_message(self, format: str, *args: Any) -> None:
                """Stay quiet."""

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.thread = threading.Thread(target=self.server.serve_forever, kwargs={"poll_interval": 0.05})
        self.thread.start()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server.server_address[1]}/inbox/stripe"

    def close(self) -> None:
        self.server.shutdown()
        self.server.server_close()
        self.thread.join()


@pytest.fixture
def inbox() -> Iterator[Inbox]:
    made = Inbox()
    yield made
    made.close()


def test_webhooks_come_again_until_they_are_taken_signed_as_stripe_signs(inbox: Inbox, clock: FixedClock) -> None:
    fake = FakeServer(KEY, clock, webhook_url=inbox.url, webhook_secret="whsec_1", pauses=(0.0, 0.05))
    _, customer = ask(fake, "POST", "/v1/customers", {"name": "A"})
    ask(fake, "DELETE", f"/v1/customers/{customer['id']}")
    assert inbox.told.wait(60)
    (first, _), (body, signature) = inbox.deliveries
    assert first == body
    assert stripe.WebhookSignature.verify_header(body, signature, "whsec_1")
    event = json.loads(body)
    assert event == {
        "id": event["id"],
        "object": "event",
        "api_version": None,
        "created": 1793610000,
        "data": {"object": customer},
        "livemode": False,
        "pending_webhooks": 1,
        "request": {"id": None, "idempotency_key": None},
        "type": "customer.deleted",
    }
    fake.close()
