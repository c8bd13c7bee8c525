"""The tour's routes: the page, one-click sign-in, and the buttons that really do something."""

from __future__ import annotations

import threading
from dataclasses import dataclass, field
from datetime import date, timedelta
from ipaddress import ip_address
from urllib.parse import urlencode

from fastapi import APIRouter, Depends
from sqlmodel import Session
from starlette.requests import Request
from starlette.responses import Response

from contracts.applications import service as applications
from contracts.applications.form import ApplicationForm
from contracts.applications.tables import Application
from contracts.credentials.service import create_client
from contracts.errors import refuse
from contracts.house import House
from contracts.lifecycle.queries import version_of
from contracts.lifecycle.tables import Contract
from contracts.people import service as people
from contracts.people.actor import Actor
from contracts.settings import Settings
from contracts.terms.model import from_json
from portal.demo.people import PEOPLE, person
from portal.deps import SESSION_COOKIE, SESSION_SECONDS, go, house_of, page, safe_path, set_cookie
from portal.forms import Form, submitted
from portal.limits import address_of, network_of
from portal.pages.demo import state
from portal.pages.demo.crawl import Crawler
from portal.pages.demo.exchange import Reader, Reading, read
from portal.pages.demo.readers import Readers
from portal.pages.demo.stops import TourFacts, progress
from portal.words import home_of

DATASET = "posts"
FIELDS = ("id", "author_id", "created_at", "lang", "country", "topic", "text")
PURPOSE = (
    "We ask how news about floods, trains and prices in one country reaches readers in the next, and how long that takes. "
    "We publish figures by topic, week and region; nobody is named or quoted."
)
REASONS = {
    "approve": "A clear question, few fields, two countries, and results in figures only. The team has published on this before.",
    "suspend": "Requests came from a network that the project did not name. Access is closed until the lab has explained it.",
}
RECORDS = 20


@dataclass
class Played:
    """What the last requests of the tour answered in this process, by contract."""

    first: dict[str, Reading] = field(default_factory=dict)
    again: dict[str, Reading] = field(default_factory=dict)
    lock: threading.Lock = field(default_factory=threading.Lock)


class Tour:
    """The tour of one house."""

    def __init__(self, house: House) -> None:
        self._played = Played()
        self._readers = Readers(house.settings.home / "tour.json")
        self._crawler = Crawler(house.settings)

    def routes(self) -> APIRouter:
        """Every route under /demo; all of them answer 404 outside the demo."""
        routes = APIRouter(prefix="/demo", dependencies=[Depends(only_in_the_demo)])
        routes.add_api_route("", self.show, methods=["GET"])
        routes.add_api_route("/become/{key}", self.become, methods=["POST"])
        routes.add_api_route("/apply", self.apply, methods=["POST"])
        routes.add_api_route("/read", self.read, methods=["POST"])
        routes.add_api_route("/read-again", self.read_again, methods=["POST"])
        routes.add_api_route("/crawl", self.crawl, methods=["POST"])
        return routes

    def show(self, request: Request) -> Response:
        """The ten stops, with the one to go to now."""
        house, crawl = house_of(request), self._crawler.now
        with house.store.read() as session:
            facts = state.facts(session, scraper_stopped=crawl.proved)
        views = progress(facts)
        return page(
            request,
            "demo/tour.html",
            facts=facts,
            views=views,
            done_count=sum(view.state == "done" for view in views),
            paths=paths(facts),
            cast={each.key: each for each in PEOPLE},
            people=PEOPLE,
            can_repeat=self._readers.of(facts.contract_id) is not None,
            first=self._played.first.get(facts.contract_id),
            again=self._played.again.get(facts.contract_id),
            crawl=crawl,
            site=house.settings.platform.site,
        )

    def become(self, request: Request, key: str, form: Form = Depends(submitted)) -> Response:
        """Sign in as a person of the cast with one click, the password counted as just given."""
        if key not in {each.key for each in PEOPLE}:
            raise refuse("not_found", "The demo has no such person.")
        return sign_in(request, key, safe_path(form.text("next")))

    def apply(self, request: Request, form: Form = Depends(submitted)) -> Response:
        """Fill in Nora's application, or take the one that she has begun, and go to it as Nora. `act` over starts anew."""
        house = house_of(request)
        with house.store.read() as session:
            asked = state.application(session)
        if asked is None or form.text("act") == "over":
            asked = fill_in(house)
        return sign_in(request, "lead", f"/partner/applications/{asked.id}")

    def read(self, request: Request) -> Response:
        """Make the client, once, and ask for a token and for records."""
        house = house_of(request)
        with house.store.read() as session:
            contract = _contract(session)
        with self._played.lock:
            reader = self._readers.of(contract.id) or self._readers.keep(contract.id, make_reader(house, contract))
        self._played.first[contract.id] = read(reader)
        return go("/demo#request")

    def read_again(self, request: Request) -> Response:
        """Send the same request with the same token once more, as a partner's program would."""
        with house_of(request).store.read() as session:
            contract = _contract(session)
        reader, first = self._readers.of(contract.id), self._played.first.get(contract.id)
        if reader is None:
            raise refuse("command_not_possible", "Read the first records before you repeat the request.")
        self._played.again[contract.id] = read(reader, first.token if first else "")
        return go("/demo#suspension")

    def crawl(self, request: Request) -> Response:
        """Start the crawler; the page shows how far it came."""
        self._crawler.start()
        return go("/demo#scraper")


def only_in_the_demo(request: Request) -> None:
    """Refuse unless this is the demo, on this machine, asked from this machine by its own name.

    The name is checked because another site could lead its visitors' browsers here under a name of its own (DNS rebinding).
    """
    settings = house_of(request).settings
    if (
        settings.profile != "demo"
        or not _loopback(settings.host)
        or not _loopback(address_of(request))
        or not _loopback(request.url.hostname or "")
    ):
        raise refuse("not_found", "Look at the address for a slip, or start again from your first page.")


def paths(facts: TourFacts) -> dict[str, str]:
    """Where each stop's person has to go, by stop; empty where the stop before has not made it yet."""
    lead, second = person("lead"), person("second-steward")
    application, contract = f"/desk/applications/{facts.application_id}", f"/desk/contracts/{facts.contract_id}"
    found = {"catalogue": f"/datasets/{DATASET}", "scraper": "/operator"}
    if facts.application_id:
        found["approve"] = f"{application}?{urlencode({'reason': REASONS['approve']})}#decide"
        found["contract"] = contract if facts.contract_id else f"{application}/draft"
    if facts.contract_id:
        found["sign"] = f"/partner/contracts/{facts.contract_id}?{urlencode({'name': lead.name, 'capacity': lead.capacity})}#sign"
        found["countersign"] = f"{contract}?{urlencode({'name': second.name, 'capacity': second.capacity})}#countersign"
        found["suspension"] = f"{contract}?{urlencode({'reason': REASONS['suspend']})}#suspend"
    if facts.answered_entry:
        found["proof"] = f"/compliance/entries/{facts.answered_entry}"
    return found


def sign_in(request: Request, key: str, next_path: str) -> Response:
    """Open a session of a person of the cast in this browser, closing the one before."""
    house = house_of(request)
    with house.store.read() as session:
        account = state.account(session, key)
    if account is None:
        raise refuse("not_found", "The demo’s people are not there yet; start it with make demo.")
    before = request.cookies.get(SESSION_COOKIE, "")
    with house.store.write("tour") as unit:
        if before:
            people.close_session(unit, before)
        token = people.open_session(unit, account.id, network_of(request))
        people.reauthenticate(unit, token)
    with house.store.read() as session:
        actor = people.actor_of(session, token, house.clock.now(), "")
    response = go(next_path or home_of(actor))
    set_cookie(request, response, SESSION_COOKIE, token, SESSION_SECONDS)
    return response


def fill_in(house: House) -> Application:
    """A draft of Nora's application with every field filled."""
    lead = actor_of(house, "lead")
    today = house.clock.now().date()
    with house.store.write("tour") as unit:
        draft = applications.begin(unit, lead, DATASET)
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


def actor_of(house: House, key: str) -> Actor:
    """A person of the cast as the edge would establish them, without a session."""
    with house.store.read() as session:
        account = state.account(session, key)
        home = state.home(session, account) if account else None
        row = next((each for each in people.members(session, home) if account and each.account_id == account.id), None) if home else None
    if row is None or home is None:
        raise refuse("not_found", "The demo’s people are not there yet; start it with make demo.")
    return Actor(row.account_id, home, row.name, row.email, frozenset(row.roles))


def _form(settings: Settings, today: date) -> ApplicationForm:
    known = settings.datasets[DATASET].fields
    return ApplicationForm(
        project=state.PROJECT,
        kind="research",
        purpose="research",
        purpose_text=PURPOSE,
        fields=tuple(name for name in FIELDS if name in known),
        rows={"country": ("DE", "FR")} if "country" in known else {},
        starts=today,
        ends=today + timedelta(days=365),
    )


def _contract(session: Session) -> Contract:
    contract = state.contract(session, state.application(session))
    if contract is None:
        raise refuse("command_not_possible", "There is no contract yet; take the stops before this one first.")
    return contract


def _loopback(host: str) -> bool:
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
