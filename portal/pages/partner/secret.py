"""The one page that shows a secret, beside commands that run copied unchanged."""

from __future__ import annotations

from starlette.requests import Request
from starlette.responses import Response

from contracts.credentials.tables import Client
from contracts.errors import refuse
from contracts.lifecycle import queries
from contracts.people.actor import Actor
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
    site = client.audience == "site"
    return page(
        request,
        "partner/secret.html",
        contract=contract,
        client=client,
        secret=secret,
        links=links,
        terms=terms,
        curl=commands.curl_site(key, terms, house.settings.platform.site) if site else commands.curl_records(key, terms),
        python="" if site else commands.python_records(key, terms),
    )
