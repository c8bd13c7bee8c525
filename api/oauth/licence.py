"""POST /token: RSL's Open License Protocol. A crawler names the licence that it accepts and gets a token of its contract for the site.

The same clients, contracts, limits and ledger entries as at /oauth/token; what the licence offers to everyone is only where to apply,
so a program without a contract is told that here too.
"""

from __future__ import annotations

from dataclasses import replace

import orjson
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from api.oauth.endpoint import TokenEndpoint
from api.oauth.form import TokenForm, Unreadable, read_form
from api.oauth.shell import Form, Shell
from contracts.gate.offers import licence_form, offers_of
from contracts.gate.signals import RSL_MEDIA_TYPE

TOKEN_TYPE = "License"
_OWN = ("license", "license_type", "resource")


class LicenceEndpoint:
    """Answers requests for licences by the token endpoint."""

    def __init__(self, shell: Shell, tokens: TokenEndpoint) -> None:
        self._shell, self._tokens, self._offers = shell, tokens, offers_of(shell.house.settings)

    async def __call__(self, scope: Scope, receive: Receive, send: Send, _path: dict[str, str]) -> None:
        """One request. Errors have the protocol's names beside OAuth's own."""
        form = await read_form(scope, receive)
        answered = await self._tokens.answer(self._read(form) if isinstance(form, TokenForm) else form, self._shell.address(scope))
        await _as_licence(answered)(scope, receive, send)

    def _read(self, form: TokenForm) -> Form:
        """The request as one for a token, where licence and resource are what is offered."""
        if form.values.get("grant_type") != "client_credentials" or form.values.get("license_type", RSL_MEDIA_TYPE) != RSL_MEDIA_TYPE:
            return Unreadable(400, "invalid_request", f"Send grant_type=client_credentials and a licence of the type {RSL_MEDIA_TYPE}.")
        offer = self._offers.get(form.values.get("resource", ""))
        if offer is None or len(form.resources) > 1:
            return Unreadable(400, "invalid_resource", "Name a resource as /license.xml names it.")
        if licence_form(form.values.get("license", "")) != offer.form:
            return Unreadable(400, "invalid_license", "Send the license element that /license.xml has for the resource.")
        kept = {name: value for name, value in form.values.items() if name not in _OWN}
        return replace(form, values=kept, resources=(), offer=offer)


def _as_licence(answered: Response) -> Response:
    if answered.status_code != 200:
        return answered
    body = orjson.dumps(orjson.loads(answered.body) | {"token_type": TOKEN_TYPE})
    headers = {name: value for name, value in answered.headers.items() if name != "content-length"}
    return Response(body, 200, headers)
