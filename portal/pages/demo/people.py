"""What the tour does in the name of the cast: signing a visitor in, filling Nora's form, making the lab's client."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta
from urllib.parse import urlencode

from sqlmodel import col, select
from starlette.requests import Request
from starlette.responses import Response

from contracts.applications import service as applications
from contracts.applications.form import ApplicationForm
from contracts.applications.tables import Application
from contracts.credentials.service import create_client
from contracts.datasets.persons import names_in
from contracts.deliveries.ordinals import Ordinals, unpack
from contracts.deliveries.tables import Delivery
from contracts.errors import refuse
from contracts.forms.files import current
from contracts.house import House
from contracts.lifecycle.queries import version_of
from contracts.lifecycle.tables import Contract
from contracts.people import service as people
from contracts.people.actor import Actor
from contracts.settings import Settings
from contracts.terms.model import from_json
from portal import cookies
from portal.browsers import browser_of
from portal.demo.answers import usual
from portal.deps import go, house_of
from portal.limits import network_of
from portal.pages.demo import state
from portal.pages.demo.exchange import Reader
from portal.words import home_of

DATASET = "posts"
FIELDS = ("id", "author_id", "created_at", "lang", "country", "topic", "text")
PURPOSE = (
    "We ask how news about floods, trains and prices in one country reaches readers in the next, and how long that takes. "
    "We publish figures by topic, week and region; nobody is named or quoted."
)
RECORDS = 20


def sign_in(request: Request, key: str, next_path: str) -> Response:
    """Open a session of a person of the cast in this browser, closing the one before; password and second factor count as given."""
    house = house_of(request)
    with house.store.read() as session:
        account = state.account(session, key)
    if account is None:
        raise refuse("not_found", "The demo’s people are not there yet; start it with make demo.")
    browser, before = browser_of(request.headers.get("user-agent", "")), cookies.session_of(request)
    with house.store.write("tour") as unit:
        opened = people.open_session(unit, account.id, network_of(request), browser=browser, instead_of=before, second_factor=True)
    cookies.keep_session(request, opened)
    with house.store.read() as session:
        actor = people.actor_of(session, opened, house.clock.now(), "")
    return go(next_path or home_of(actor))


def fill_in(house: House) -> Application:
    """A draft of Nora's application with every field filled."""
    lead = actor_of(house, "lead")
    today, asked = house.clock.now().date(), current(house.settings, "research", DATASET)
    with house.store.write("tour") as unit:
        draft = applications.begin(unit, lead, DATASET, asked)
        return applications.save(unit, lead, draft.id, draft.revision, _form(house.settings, today))


def make_reader(house: House, contract: Contract) -> Reader:
    """A client of the contract, made as Nora makes one, and the request that it sends."""
    lead = actor_of(house, "lead")
    with house.store.read() as session:
        terms = from_json(version_of(session, contract).terms_json)
    with house.store.write("tour") as unit:
        client, secret = create_client(unit, lead, contract, name="the tour", audience="api")
    part = terms.datasets[0]
    query = urlencode({"fields": ",".join(part.fields), "limit": RECORDS}, safe=",")
    return Reader(house.settings.base_url, client.id, secret, f"/v1/datasets/{part.dataset}/records?{query}")


def who_asks(house: House, contract_id: str) -> str:
    """The handle of somebody of whom the contract received a post; empty where it received none of anybody."""
    with house.store.read() as session:
        mine = select(Delivery).where(Delivery.contract_id == contract_id, Delivery.dataset == DATASET)
        first = session.exec(mine.order_by(col(Delivery.at), col(Delivery.entry_id))).first()
    version = house.catalogue.version_of(DATASET)
    if first is None or version is None:
        return ""
    found = names_in(house.settings, version, Ordinals([unpack(first.ordinals).min()]))
    return next((names[-1] for _, _, names in found), "")


def actor_of(house: House, key: str) -> Actor:
    """A person of the cast as the edge would establish them, without a session."""
    with house.store.read() as session:
        account = state.account(session, key)
        home = state.home(session, account) if account else None
        row = next((each for each in people.members(session, home) if account and each.account_id == account.id), None) if home else None
    if row is None or home is None:
        raise refuse("not_found", "The demo’s people are not there yet; start it with make demo.")
    now = house.clock.now()
    known = Actor(row.account_id, home, row.name, row.email, frozenset(row.roles))
    return replace(known, reauthenticated_at=now, second_factor_at=now)


def _form(settings: Settings, today: date) -> ApplicationForm:
    known = settings.datasets[DATASET].fields
    return ApplicationForm(
        project=state.PROJECT,
        kind="research",
        purpose="research",
        purpose_text=PURPOSE,
        fields=tuple(name for name in FIELDS if name in known),
        answers=usual(FIELDS),
        rows={"country": ("DE", "FR")} if "country" in known else {},
        starts=today,
        ends=today + timedelta(days=365),
    )
