"""The tour's routes: the page, one-click sign-in, and the buttons that really do something."""

from __future__ import annotations

import threading
from dataclasses import dataclass, field
from urllib.parse import urlencode

from fastapi import APIRouter, Depends
from sqlmodel import Session
from starlette.requests import Request
from starlette.responses import Response

from contracts.errors import refuse
from contracts.house import House
from contracts.lifecycle.tables import Contract
from portal.demo.people import PEOPLE, person
from portal.deps import go, house_of, page, safe_path
from portal.forms import Form, submitted
from portal.limits import asked_here, is_loopback
from portal.pages.demo import state
from portal.pages.demo.crawl import Crawler
from portal.pages.demo.exchange import Reading, read
from portal.pages.demo.people import DATASET, fill_in, make_reader, sign_in, who_asks
from portal.pages.demo.readers import Readers
from portal.pages.demo.stops import TourFacts, progress

REASONS = {
    "approve": "A clear question, few fields, two countries, and results in figures only. The team has published on this before.",
    "basis": "Legitimate interests: research in the public interest, pseudonyms for people, and nobody can be contacted.",
    "appeal": "Rumours start before a campaign and outlast it, as section 2 shows. The time asked for is necessary.",
    "counter": "A year is the most that we agree with anyone for this data. Figures in which nobody is named may be kept for longer.",
    "suspend": "Requests came from a network that the project did not name. Access is closed until the lab has explained it.",
}


@dataclass
class Played:
    """What the last requests of the tour answered in this process, by contract."""

    first: dict[str, Reading] = field(default_factory=dict)
    again: dict[str, Reading] = field(default_factory=dict)
    asking: dict[str, str] = field(default_factory=dict)
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
        """The stops, with the one to go to now."""
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
            asks=self._asks(house, facts),
            crawl=crawl,
            site=house.settings.platform.site,
        )

    def _asks(self, house: House, facts: TourFacts) -> str:
        """The handle of who asks at the stop with the letter; looked up once for each contract."""
        if not facts.entry_viewed or facts.letter_written:
            return ""
        if facts.contract_id not in self._played.asking:
            self._played.asking[facts.contract_id] = who_asks(house, facts.contract_id)
        return self._played.asking[facts.contract_id]

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
    """Refuse unless this is the demo, on this machine, asked from this machine by its own name."""
    settings = house_of(request).settings
    if settings.profile != "demo" or not is_loopback(settings.host) or not asked_here(request):
        raise refuse("not_found", "Look at the address for a slip, or start again from your first page.")


def paths(facts: TourFacts) -> dict[str, str]:
    """Where each stop's person has to go, by stop; empty where the stop before has not made it yet."""
    lead, second = person("lead"), person("second-steward")
    application, contract = f"/desk/applications/{facts.application_id}", f"/desk/contracts/{facts.contract_id}"
    found = {"catalogue": f"/datasets/{DATASET}", "scraper": "/operator"}
    if facts.application_id:
        found["check"] = f"{application}#check"
        found["basis"] = f"{application}?{urlencode({'basis': 'legitimate-interests', 'basis_reason': REASONS['basis']})}#basis"
        found["approve"] = f"{application}?{urlencode({'reason': REASONS['approve']})}#decide"
        found["contract"] = contract if facts.contract_id else f"{application}/draft"
    if facts.contract_id:
        found["sign"] = f"/partner/contracts/{facts.contract_id}?{urlencode({'name': lead.name, 'capacity': lead.capacity})}#sign"
        found["countersign"] = f"{contract}?{urlencode({'name': second.name, 'capacity': second.capacity})}#countersign"
        found["suspension"] = f"{contract}?{urlencode({'reason': REASONS['suspend']})}#suspend"
    found |= _under_way(facts)
    if facts.answered_entry:
        found["proof"] = f"/compliance/entries/{facts.answered_entry}"
        found["letter"] = "/compliance/deliveries"
    return found


def _under_way(facts: TourFacts) -> dict[str, str]:
    lead, found = person("lead"), dict[str, str]()
    if facts.returned_id:
        found["return"] = f"/partner/applications/{facts.returned_id}"
    if facts.appealed_id:
        found["appeal"] = f"/desk/applications/{facts.appealed_id}?{urlencode({'reason': REASONS['appeal']})}#decide"
    if facts.countered_id:
        found["counter"] = f"/desk/contracts/{facts.countered_id}?{urlencode({'decline_reason': REASONS['counter']})}#wishes"
    if facts.amendment_id:
        found["amend"] = f"/partner/amendments/{facts.amendment_id}?{urlencode({'name': lead.name, 'capacity': lead.capacity})}#sign"
    return found


def _contract(session: Session) -> Contract:
    contract = state.contract(session, state.application(session))
    if contract is None:
        raise refuse("command_not_possible", "There is no contract yet; take the stops before this one first.")
    return contract
