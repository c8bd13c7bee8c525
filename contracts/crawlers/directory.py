"""A partner's key sets, fetched through the guarded client: directories, bare JWK sets, and client metadata that name one.

draft-ietf-webbotauth-httpsig-protocol section 4.4. A directory at its well-known path has a media type of its own and is registered
only where each key signed the response for the name that was asked: a copy of someone else's under another name then fails.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import datetime
from typing import Any
from urllib.parse import urlsplit

from contracts.crawlers.decide import MAX_KEYS, PublicPart, keys_in, opened
from contracts.crawlers.key_sets import published
from contracts.errors import Refused, refuse
from contracts.guarded import GuardedClient, Reply
from contracts.message_signatures import signers

PATH = "/.well-known/http-message-signatures-directory"
MEDIA_TYPE = "application/http-message-signatures-directory+json"
TAG = "http-message-signatures-directory"


def fetch(client: GuardedClient, url: str, now: datetime) -> list[PublicPart]:
    """The keys of a directory, to be registered. Call it in a thread, never in a unit of work.

    Raises `invalid_input` for what is no such directory, beside what the guarded client raises.
    """
    parts = urlsplit(url)
    if parts.path in ("", "/") or parts.query:
        raise _wrong(f"Give the whole address without a query: that of a JWK set, or the directory’s, which ends with {PATH}.")
    return _directory(client, url, now) if parts.path == PATH else _plain(client, url)


def current(client: GuardedClient, url: str) -> dict[str, Mapping[str, Any]]:
    """The usable keys that a registered address publishes now, by thumbprint. Call it in a thread, never in a unit of work.

    Raises as `fetch`. What it answers is what counts: a key that it no longer lists has ended.
    """
    well_known = urlsplit(url).path == PATH
    reply = client.get(url, MEDIA_TYPE if well_known else "application/json")
    if well_known:
        _check_media_type(reply)
    document = _document(reply)
    if "keys" not in document and document.get("client_id") == url:
        document = _named_by(client, document)
    if not isinstance(document.get("keys"), list):
        raise _wrong("At this address there is neither a JWK set nor client metadata that name one.")
    return published(document["keys"], named_by_thumbprint=well_known)


def _directory(client: GuardedClient, url: str, now: datetime) -> list[PublicPart]:
    reply = client.get(url, MEDIA_TYPE)
    _check_media_type(reply)
    try:
        found = keys_in(reply.body.decode())
    except UnicodeDecodeError as error:
        raise _wrong("The directory is no JSON in UTF-8.") from error
    except Refused as refused:
        raise _wrong(str(refused.refusal.facts["fields"]["keys"])) from refused
    thumbprints = {each.thumbprint: opened(each.x) for each in found}
    signed = signers(reply.headers, reply.body, urlsplit(url).netloc, TAG, thumbprints, now)
    missing = next((each.thumbprint for each in found if each.thumbprint not in signed), None)
    if missing is not None:
        raise _wrong(f"The directory’s answer is not signed by its key {missing}, with the tag {TAG} over its own name.")
    return found


def _plain(client: GuardedClient, url: str) -> list[PublicPart]:
    found = [PublicPart(jwk["x"], known) for known, jwk in current(client, url).items() if jwk["kty"] == "OKP"]
    if not 1 <= len(found) <= MAX_KEYS:
        raise _wrong(f"At this address there must be 1 to {MAX_KEYS} Ed25519 keys for signatures.")
    return found


def _named_by(client: GuardedClient, metadata: Mapping[str, Any]) -> Mapping[str, Any]:
    """The key set of client metadata (draft-ietf-oauth-client-id-metadata-document), inside it or at its `jwks_uri`."""
    inside, at = metadata.get("jwks"), metadata.get("jwks_uri")
    if isinstance(inside, dict) and at is None:
        return inside
    if isinstance(at, str) and inside is None:
        return _document(client.get(at, "application/json"))
    raise _wrong("The client metadata name no key set, or two.")


def _document(reply: Reply) -> Mapping[str, Any]:
    try:
        document = json.loads(reply.body)
    except (ValueError, RecursionError) as error:
        raise _wrong("At this address there is no JSON in UTF-8.") from error
    if not isinstance(document, dict):
        raise _wrong("At this address there is neither a JWK set nor client metadata.")
    return document


def _check_media_type(reply: Reply) -> None:
    if reply.headers.get("content-type", "").partition(";")[0].strip().lower() != MEDIA_TYPE:
        raise _wrong(f"The directory must be answered as {MEDIA_TYPE}.")


def _wrong(problem: str) -> Refused:
    return refuse("invalid_input", "The directory needs your attention.", fields={"directory_url": problem})
