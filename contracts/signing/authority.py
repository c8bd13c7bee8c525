"""The operator's authority for time-stamps (RFC 3161), for seals in PDFs and for checkpoints of the ledger. Imports pyHanko."""

from __future__ import annotations

import httpx
from asn1crypto import tsp
from pyhanko.sign.timestamps import TimeStamper

from contracts.errors import refuse

_SECONDS = 10.0
_MOST_BYTES = 64 * 1024


class Authority(TimeStamper):
    """Asked as RFC 3161 section 3.4 says. Its address is a setting, nobody else's choice."""

    def __init__(self, url: str) -> None:
        super().__init__()  # type: ignore[no-untyped-call]  # pyHanko types it not
        self._url = url

    async def async_request_tsa_response(self, req: tsp.TimeStampReq) -> tsp.TimeStampResp:
        """The authority's answer; pyHanko checks that it is one to this question. `fetch_failed` where there is none."""
        headers = {"content-type": "application/timestamp-query", "accept": "application/timestamp-reply"}
        try:
            with (
                httpx.Client(timeout=_SECONDS, trust_env=False) as client,
                client.stream("POST", self._url, content=req.dump(), headers=headers) as answer,
            ):
                answer.raise_for_status()
                body = _read(answer)
            return tsp.TimeStampResp.load(body)
        except (httpx.HTTPError, ValueError) as error:
            raise refuse("fetch_failed", f"The authority for time-stamps gave none: {type(error).__name__}.") from error


def _read(answer: httpx.Response) -> bytes:
    body = b""
    for chunk in answer.iter_bytes():
        body += chunk
        if len(body) > _MOST_BYTES:
            raise ValueError("the answer is too long")
    return body
