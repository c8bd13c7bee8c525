"""The one page that shows a secret, beside commands that run copied unchanged."""

from __future__ import annotations

from starlette.requests import Request
from starlette.responses import Response

from contracts.credentials.decide import KEY_KIND, READ
from contracts.credentials.tables import Client
from contracts.errors import refuse
from contracts.lifecycle import queries
from contracts.people.actor import Actor
from contracts.terms.model import Terms
from portal.chain import chain
from portal.deps import house_of, page
from portal.pages.partner import commands, reads


def secret_page(request: Request, actor: Actor, client: Client, secret: str) -> Response:
    """The secret, once: loading the page again would make another. A program for people may have none; its page says how to sign in."""
    house = house_of(request)
    with house.store.read() as session:
        contract = queries.get_for(session, actor, client.contract_id)
        terms = reads.terms_of(session, contract)
        links = chain(session, contract=contract, staff=False)
    if terms is None:
        raise refuse("not_found", "The contract has no such version.")
    if client.redirect_uris:
        login = "" if client.secret_sha256 else commands.login(house.settings.base_url, client.id, terms)
        return page(
            request,
            "partner/program.html",
            contract=contract,
            client=client,
            secret=secret,
            links=links,
            terms=terms,
            login=login,
            base_url=house.settings.base_url.rstrip("/"),
        )
    key = commands.Key(house.settings.base_url, client.id, secret)
    site, is_key = client.audience == "site", client.kind == KEY_KIND
    return page(
        request,
        "partner/secret.html",
        contract=contract,
        client=client,
        secret=secret,
        links=links,
        terms=terms,
        curl=_curl(key, client, terms, house.settings.platform.site),
        reads_records=not site and READ in client.scopes,
        python="" if site or is_key or READ not in client.scopes else commands.python_records(key, terms),
    )


def _curl(key: commands.Key, client: Client, terms: Terms, site: str) -> str:
    if client.audience == "site":
        return commands.curl_site(key, terms, site)
    path = commands.records_path(terms, 5, client.datasets) if READ in client.scopes else "/v1/contract"
    return commands.curl_key(key, path) if client.kind == KEY_KIND else commands.curl_api(key, path)
