"""Everything that people do in an installation, once through the real pages and as often as asked: from the first link to the end of
a contract, with mail by SMTP. Proofs about the whole running product drive it and watch.
"""

from __future__ import annotations

import base64
import hashlib
import json
import re
import secrets
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import timedelta
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, urlencode, urlsplit

import httpx

from contracts.applications.tables import Application
from contracts.lifecycle.tables import Contract
from contracts.settings import Settings, load, write_master_key
from contracts.store.unit import Store
from contracts.terms.defaults import propose
from portal.commands.init import administrator_link, prepare
from portal.demo.answers import typed
from portal.demo.story import MadeClient
from portal.pages.desk import terms_form
from tests.harness import migrated, partner
from tests.harness.codes import secret_of
from tests.harness.installation import FIELDS, TOML, write_trees
from tests.harness.smtp import Mailserver
from tests.harness.visitor import Visitor

_LINK = re.compile(r"https?://[^/\s]+(/(?:join|confirm)/(\S+))")
_SECRET = re.compile(r"licet_cs_\w+")
_KEY = re.compile(r"licet_ak_\w+")
_SANDBOX = re.compile(r"licet_sb_\w+")
_TO_REGISTER = re.compile(r"licet_ia_\w+")
PATIENCE = 60.0
BACK = "http://127.0.0.1/back"
WITH_REFRESH = {"grant_types": ["authorization_code", "refresh_token"]}
FORM = {"content-type": "application/x-www-form-urlencoded"}
REASON = "It was read with care and discussed."

Act = Callable[[], None]


def settle_in(folder: Path, port: int, mail: Mailserver, extra: str = "") -> Settings:
    """An installation without anybody in it, whose mail leaves by SMTP."""
    write_trees(folder / "trees.csv", 600)
    text = TOML.format(port=port, site_port=port + 1, database="", extra=extra, mail=mail.toml)
    (folder / "licet.toml").write_text(text)
    write_master_key(folder / ".licet")
    settings = load(folder / "licet.toml", {})
    migrated.copy_to(settings.home / "licet.db")
    prepare(settings)
    return settings


@dataclass
class Life:
    """People and their browsers. `secrets` keeps every secret that was ever shown or typed, by what it is."""

    base_url: str
    settings: Settings
    store: Store
    mail: Mailserver
    around: Callable[[str], Any]
    secrets: dict[str, set[str]] = field(default_factory=dict)
    people: dict[str, Visitor] = field(default_factory=dict)
    once: list[httpx.Response] = field(default_factory=list)
    tokens: list[str] = field(default_factory=list)
    clients: list[MadeClient] = field(default_factory=list)

    def begin(self) -> None:
        """The first administrator, and the staff whom they invite."""
        self._join("administrator", _LINK.search(administrator_link(self.settings)))
        for key, role in (("steward", "steward"), ("second", "steward"), ("officer", "compliance"), ("operator", "operator")):
            self.invite("administrator", "/desk/people", key, role)

    def round(self, number: int, refresh: Act) -> None:
        """All acts once, by a new partner and the staff that there is."""
        for name, act in self._acts(f"lead{number}", refresh):
            with self.around(name):
                act()

    def reader(self) -> str:
        """An access token of a contract that outlives every round."""
        for name, act in self._acts("lead99", lambda: None):
            act()
            if name == "read":
                break
        return self.tokens[0]

    def invite(self, inviter: str, path: str, key: str, role: str) -> None:
        """One person invites another, who comes."""
        self._posted(
            self.people[inviter], path, {"email": self.address(key), "role": role, "password": self.password(inviter)}, "done=invited"
        )
        self._join(key, self._mailed(key))

    def address(self, key: str) -> str:
        """A person's mail address."""
        return f"{key}@people.example"

    def password(self, key: str) -> str:
        """A person's password."""
        return self.kept("password", f"quiet orchard of {key} {len(key)}")

    def kept(self, kind: str, secret: str) -> str:
        """Note a secret."""
        self.secrets.setdefault(kind, set()).add(secret)
        return secret

    def close(self) -> None:
        """Shut every browser, keeping its cookies among the secrets."""
        for each in self.people.values():
            for name in ("licet_session", "licet_visitor"):
                for value in each.held.get(name, ()):
                    self.kept(name, value)
            each.close()

    def _acts(self, lead: str, refresh: Act) -> Iterator[tuple[str, Act]]:
        at: dict[str, str] = {}
        steward, second, officer = self.people["steward"], self.people["second"], self.people["officer"]
        clients: list[MadeClient] = []
        programs: list[str] = []

        def desk(who: Visitor, act: str, **fields: str) -> None:
            path = f"/desk/contracts/{at['contract']}"
            self._posted(who, f"{path}/{act}", {"revision": self._revision(Contract, at["contract"]), **fields}, path)

        yield "sign up", lambda: self._sign_up(lead)
        yield "try the sandbox", lambda: self._sandbox(lead)
        yield "apply", lambda: self._apply(lead, at)
        yield "withdraw", lambda: self._withdraw(lead)
        yield "decline", lambda: self._decline(lead)
        yield "return", lambda: self._decide(steward, at["application"], "return", return_code="unclear", return_reason=REASON)
        yield "hand in again", lambda: self._hand_in(lead, at)
        yield "remark", lambda: self._decide(officer, at["application"], "remarks", remark=REASON)
        yield "check", lambda: self._decide(steward, at["application"], "check")
        yield "confirm the basis", lambda: self._decide(officer, at["application"], "basis", basis="public-task", basis_reason=REASON)
        yield "approve", lambda: self._decide(steward, at["application"], "approve", code="as-asked", reason=REASON)
        yield "draft", lambda: self._draft(steward, at)
        yield "offer", lambda: desk(steward, "offer")
        yield "sign", lambda: self._sign(lead, at["contract"])
        yield "countersign", lambda: desk(second, "countersign", name="Sofia Second", capacity="Director", password=self.password("second"))
        yield "invite a colleague", lambda: self.invite(lead, "/partner/team", f"{lead}dev", "developer")
        yield "make clients", lambda: clients.extend(self._client(lead, at["contract"], audience) for audience in ("api", "site"))
        yield "make a key", lambda: self._key(lead, at["contract"])
        yield "read", lambda: self._read(clients)
        yield "renew a secret", lambda: self._renew(lead, clients[0])
        yield "let programs register themselves", lambda: programs.extend(self._registered(lead, at["contract"]))
        yield "let a program in", lambda: self._consent(lead, programs[0])
        yield "suspend", lambda: desk(steward, "suspend", reason=REASON)
        yield "ask to lift", lambda: desk(steward, "ask-lift", lift_reason=REASON)
        yield "lift", lambda: desk(second, "lift")
        yield "refresh the dataset", refresh
        yield (
            "search the ledger",
            lambda: self._seen(officer, f"/compliance?contract={at['contract']}", f"/compliance/export?q={at['contract']}"),
        )
        yield "erase", lambda: self._erase(officer, lead)
        yield "verify", lambda: self._seen(officer, "/compliance") or self._verify(officer)
        yield "switch the gate", lambda: self._switch(self.people["operator"])
        yield "revoke a client", lambda: self._revoke(lead, clients[1])
        yield "terminate", lambda: desk(steward, "terminate", title=self._project(lead), end_reason=REASON)
        yield "sign out", lambda: self._posted(self.people[f"{lead}dev"], "/sign-out", {}, "done=signed-out")

    def _sign_up(self, key: str) -> None:
        visitor = self.people[key] = Visitor(self.base_url, f"198.51.{len(self.people)}.7")
        fields = {"name": f"{key} Person", "email": self.address(key), "password": self.password(key)}
        home = {"organisation_name": f"House of {key}", "organisation_kind": "university", "country": "SE"}
        answer = visitor.post("/sign-up", {**fields, **home})
        assert answer.status_code == 200, answer.text
        # A wrong password first, as it happens; it must not be kept either.
        link = self._mailed(key)
        assert visitor.post(link.group(1), {"password": self.kept("password", f"mistyped {key}")}).status_code == 403
        self._posted(visitor, link.group(1), {"password": self.password(key)}, "/partner")
        visitor.changed_hands()
        visitor.post("/sign-out")
        visitor.changed_hands()
        visitor.sign_in(self.address(key), self.password(key))
        self._set_up_factor(key)

    def _join(self, key: str, link: re.Match[str] | None) -> None:
        assert link is not None
        self.kept("one-time token", link.group(2))
        visitor = self.people[key] = Visitor(self.base_url, f"198.51.{len(self.people)}.7")
        assert visitor.get(link.group(1)).status_code == 200
        self._posted(visitor, link.group(1), {"name": f"{key} Person", "password": self.password(key)}, "/")
        visitor.changed_hands()
        self._set_up_factor(key)

    def _set_up_factor(self, key: str) -> None:
        """An app for codes, and its recovery codes: shown on two pages, once."""
        shown = self.people[key].set_up_factor(self.address(key))
        self.once.extend(shown)
        self.kept("app secret", secret_of(self.address(key)))
        for code in re.findall(r"<li>((?:[0-9A-Z]{4}-){3}[0-9A-Z]{4})</li>", shown[1].text):
            self.kept("recovery code", code)

    def _apply(self, key: str, at: dict[str, str], **changes: str) -> None:
        lead = self.people[key]
        begun = lead.post("/apply", {"dataset": "trees"})
        assert begun.status_code == 303, begun.text
        at["application"] = begun.headers["location"].rsplit("/", 1)[1]
        self._hand_in(key, at, **changes)

    def _hand_in(self, key: str, at: dict[str, str], **changes: str) -> None:
        asked = {
            "project": self._project(key),
            "kind": "research",
            "purpose": "research",
            "fields": list(FIELDS),
            "rows.species": "oak, ash",
        }
        words = {"purpose_text": "Where trees give shade and where they are missing.", "crawl": "yes"}
        days = {"starts": self._day(0), "ends": self._day(200)}
        form = {
            "revision": self._revision(Application, at["application"]),
            "act": "submit",
            **typed(FIELDS),
            **asked,
            **words,
            **days,
            **changes,
        }
        self._posted(self.people[key], f"/partner/applications/{at['application']}", form, "done=submitted")

    def _withdraw(self, key: str) -> None:
        at: dict[str, str] = {}
        self._apply(key, at, project="Something else")
        path = f"/partner/applications/{at['application']}"
        self._posted(self.people[key], f"{path}/withdraw", {"revision": self._revision(Application, at["application"])}, "done=withdrawn")

    def _decline(self, key: str) -> None:
        at: dict[str, str] = {}
        self._apply(key, at, project="Something else again")
        self._decide(self.people["steward"], at["application"], "decline", decline_code="other", decline_reason=REASON)

    def _decide(self, who: Visitor, application: str, act: str, **fields: str) -> None:
        path = f"/desk/applications/{application}"
        self._posted(who, f"{path}/{act}", {"revision": self._revision(Application, application), **fields}, path)

    def _draft(self, steward: Visitor, at: dict[str, str]) -> None:
        with self.store.read() as session:
            application = session.get_one(Application, at["application"])
        terms = propose(application, self.settings.datasets["trees"], self.settings.platform.site)
        form = {**terms_form.shown(terms).values, "act": "create"}
        answer = steward.post(f"/desk/applications/{application.id}/draft", form)
        assert answer.status_code == 303, answer.text
        at["contract"] = answer.headers["location"].split("/")[3].partition("?")[0]

    def _sign(self, key: str, contract: str) -> None:
        who = {"name": f"{key} Person", "capacity": "Head of house", "authority": "office", "read": "yes", "password": self.password(key)}
        path = f"/partner/contracts/{contract}"
        self._posted(self.people[key], f"{path}/sign", {"revision": self._revision(Contract, contract), **who}, "done=signed")

    def _client(self, key: str, contract: str, audience: str) -> MadeClient:
        answer = self.people[key].post(
            f"/partner/contracts/{contract}/clients", {"name": f"{audience} program", "audience": audience, "password": self.password(key)}
        )
        return replace(self._shown(answer), name=audience, contract_id=contract)

    def _key(self, key: str, contract: str) -> None:
        """An API key, and a record by it."""
        form = {"name": "a sheet", "who": "key", "audience": "api", "scopes": "records:read", "password": self.password(key)}
        answer = self.people[key].post(f"/partner/contracts/{contract}/clients", form)
        found = _KEY.search(answer.text)
        assert found is not None, answer.text
        self.once.append(answer)
        assert partner.records(self.base_url, self.kept("API key", found.group()), query="limit=1").status == 200

    def _renew(self, key: str, client: MadeClient) -> None:
        path = f"/partner/contracts/{client.contract_id}/clients/{client.client_id}"
        self._shown(self.people[key].post(f"{path}/rotate", {"overlap": "24", "password": self.password(key)}))

    def _shown(self, answer: httpx.Response) -> MadeClient:
        """The credential on the page that shows its secret once."""
        secret, named = _SECRET.search(answer.text), re.search(r"cli_\w+", answer.text)
        assert secret is not None and named is not None, answer.text
        self.once.append(answer)
        made = MadeClient("", named.group(), self.kept("client secret", secret.group()), "", ())
        self.clients.append(made)
        return made

    def _consent(self, key: str, program: str) -> None:
        """A program asks to read for a person, by a request that it sent ahead; it is let in, and renews its token once."""
        lead = self.people[key]
        verifier = self.kept("code verifier", secrets.token_urlsafe(40))
        challenge = base64.urlsafe_b64encode(hashlib.sha256(verifier.encode()).digest()).rstrip(b"=").decode()
        asked = {"response_type": "code", "client_id": program, "redirect_uri": BACK, "scope": "records:read", "state": "s1"}
        ahead = urlencode({**asked, "code_challenge": challenge, "code_challenge_method": "S256"}).encode()
        reply = partner.ask(self.base_url, "POST", "/oauth/par", ahead, FORM)
        assert reply.status == 201, reply.body
        request_uri = reply.json["request_uri"]
        self.kept("pushed request", request_uri.rpartition(":")[2])
        page = lead.get(f"/oauth/authorize?{urlencode({'client_id': program, 'request_uri': request_uri})}").headers["location"]
        assert lead.get(page).status_code == 200
        answer = lead.post(page, {"answer": "allow"})
        self.once.append(answer)
        code = self.kept("authorization code", dict(parse_qsl(urlsplit(answer.headers["location"]).query))["code"])
        given = {"grant_type": "authorization_code", "code": code, "redirect_uri": BACK, "code_verifier": verifier}
        refresh = self._exchanged(program, given)
        self._exchanged(program, {"grant_type": "refresh_token", "refresh_token": refresh})

    def _exchanged(self, program: str, given: dict[str, str]) -> str:
        """The refresh token that a public program gets for what it was given."""
        reply = partner.ask(self.base_url, "POST", "/oauth/token", urlencode({**given, "client_id": program}).encode(), FORM)
        assert reply.status == 200, reply.body
        self.kept("access token", reply.json["access_token"])
        return self.kept("refresh token", reply.json["refresh_token"])

    def _sandbox(self, key: str) -> None:
        """A sandbox credential, and an invented record by it."""
        answer = self.people[key].post("/partner/sandbox", {"name": "first try", "dataset": "trees"})
        found, named = _SANDBOX.search(answer.text), re.search(r"cli_\w+", answer.text)
        assert found is not None and named is not None, answer.text
        self.once.append(answer)
        self._tried(MadeClient("", named.group(), self.kept("sandbox secret", found.group()), "", ()))

    def _registered(self, key: str, contract: str) -> list[str]:
        """A public program and one with a secret, which register themselves with a token that a person made and then ended."""
        path = f"/partner/contracts/{contract}/registration"
        answer = self.people[key].post(path, {"uses": "3", "days": "1", "password": self.password(key)})
        found = _TO_REGISTER.search(answer.text)
        assert found is not None, answer.text
        self.once.append(answer)
        token = self.kept("registration token", found.group())
        public = self._register(
            token, {"client_name": "a tool", "redirect_uris": [BACK], "token_endpoint_auth_method": "none", **WITH_REFRESH}
        )
        alone = self._register(token, {"client_name": "a loader", "grant_types": ["client_credentials"]})
        made = MadeClient("", alone["client_id"], self.kept("client secret", alone["client_secret"]), contract, ())
        self.clients.append(made)
        self._tried(made)
        listed = re.search(rf"{path}/iat_\w+/end", self.people[key].get(path).text)
        assert listed is not None
        self._posted(self.people[key], listed.group(), {}, "done=registration-closed")
        return [public["client_id"], alone["client_id"]]

    def _register(self, token: str, document: dict[str, Any]) -> dict[str, Any]:
        """What the program was told, after it has read its registration once with its own token."""
        bearer = {"authorization": f"Bearer {token}", "content-type": "application/json"}
        reply = partner.ask(self.base_url, "POST", "/oauth/register", json.dumps(document).encode(), bearer)
        assert reply.status == 201, reply.body
        made: dict[str, Any] = reply.json
        manages = self.kept("registration access token", made["registration_access_token"])
        own = partner.ask(self.base_url, "GET", f"/oauth/register/{made['client_id']}", headers={"authorization": f"Bearer {manages}"})
        assert own.status == 200, own.body
        return made

    def _tried(self, client: MadeClient) -> None:
        """A token by a secret, and a record by the token."""
        reply = partner.token(self.base_url, client)
        assert reply.status == 200, reply.body
        assert partner.records(self.base_url, self.kept("access token", reply.json["access_token"]), query="limit=1").status == 200

    def _read(self, clients: list[MadeClient]) -> None:
        for client in clients:
            token = self.kept("access token", str(partner.token(self.base_url, client).json["access_token"]))
            self.tokens.append(token)
            if client.name == "api":
                assert partner.records(self.base_url, token, query="limit=50").status == 200
                assert partner.ask(self.base_url, "GET", "/v1/access-log", headers={"authorization": f"Bearer {token}"}).status == 200
            else:
                told = {"authorization": f"Bearer {token}", "x-original-uri": "/trees/1", "x-original-method": "GET"}
                partner.ask(self.base_url, "GET", "/gate/nginx", headers=told)

    def _seen(self, visitor: Visitor, *paths: str) -> None:
        for path in paths:
            assert visitor.get(path).status_code == 200, path

    def _erase(self, officer: Visitor, lead: str) -> None:
        key = str(int(lead.removeprefix("lead")) * 3)
        self._seen(officer, f"/compliance/erasure?dataset=trees&key={key}")
        self._posted(officer, "/compliance/erasure", {"dataset": "trees", "key": key, "reason": REASON}, "done=erased")

    def _verify(self, officer: Visitor) -> None:
        assert officer.post("/compliance/verify").status_code == 200

    def _switch(self, operator: Visitor) -> None:
        for mode in ("enforce", "shadow"):
            self._posted(operator, "/operator/mode", {"mode": mode}, f"done=gate-{mode}")

    def _revoke(self, key: str, client: MadeClient) -> None:
        path = f"/partner/contracts/{client.contract_id}/clients/{client.client_id}/revoke"
        self._posted(self.people[key], path, {}, "done=revoked")

    def _posted(self, visitor: Visitor, path: str, fields: dict[str, Any], leads_to: str) -> None:
        answer = visitor.post(path, fields)
        assert answer.status_code == 303 and leads_to in answer.headers["location"], f"{path}: {answer.text}"

    def _mailed(self, key: str) -> re.Match[str]:
        """The link in the newest mail to a person, once it has come."""
        deadline = time.monotonic() + PATIENCE
        while time.monotonic() < deadline:
            for each in reversed(self.mail.received):
                found = _LINK.search(str(each.message.get_content()))
                if self.address(key) in each.recipients and found is not None:
                    self.kept("one-time token", found.group(2))
                    return found
        raise TimeoutError(f"no mail with a link came to {key}")

    def _revision(self, table: type[Any], key: str) -> str:
        with self.store.read() as session:
            return str(session.get_one(table, key).revision)

    def _project(self, key: str) -> str:
        return f"Shade around the {key}"

    def _day(self, count: int) -> str:
        return (self.store.clock.now().date() + timedelta(days=count)).isoformat()


@contextmanager
def quietly(_name: str) -> Iterator[None]:
    """Nothing around an act."""
    yield
