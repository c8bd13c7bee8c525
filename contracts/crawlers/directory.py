"""A partner's key directory: fetched through the guarded client, and signed by each key in it.

draft-ietf-webbotauth-httpsig-protocol section 5: at its well-known path, as its media type, each key signing the response for the
name that was asked. A copy of someone else's directory under another name therefore fails.
"""

from __future__ import annotations

from datetime import datetime
from urllib.parse import urlsplit

from contracts.crawlers.decide import PublicPart, keys_in, opened
from contracts.errors import Refused, refuse
from contracts.guarded import GuardedClient
from contracts.message_signatures import signers

PATH = "/.well-known/http-message-signatures-directory"
MEDIA_TYPE = "application/http-message-signatures-directory+json"
TAG = "http-message-signatures-directory"


def fetch(client: GuardedClient, url: str, now: datetime) -> list[PublicPart]:
    """The keys of a directory. Call it in a thread, never in a unit of work.

    Raises `invalid_input` for what is no such directory, beside what the guarded client raises.
    """
    parts = urlsplit(url)
    if parts.path != PATH or parts.query:
        raise _wrong(f"Give the directory’s whole address, which ends with {PATH}.")
    reply = client.get(url, MEDIA_TYPE)
    if reply.headers.get("content-type", "").partition(";")[0].strip().lower() != MEDIA_TYPE:
        raise _wrong(f"The directory must be answered as {MEDIA_TYPE}.")
    try:
        found = keys_in(reply.body.decode())
    except UnicodeDecodeError as error:
        raise _wrong("The directory is no JSON in UTF-8.") from error
    except Refused as refused:
        raise _wrong(str(refused.refusal.facts["fields"]["keys"])) from refused
    signed = signers(reply.headers, reply.body, parts.netloc, TAG, {each.thumbprint: opened(each.x) for each in found}, now)
    missing = next((each.thumbprint for each in found if each.thumbprint not in signed), None)
    if missing is not None:
        raise _wrong(f"The directory’s answer is not signed by its key {missing}, with the tag {TAG} over its own name.")
    return found


def _wrong(problem: str) -> Refused:
    return refuse("invalid_input", "The directory needs your attention.", fields={"directory_url": problem})
