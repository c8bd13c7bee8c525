"""Hooks of the fuzzer: each request comes from a network of its own, most of them with a good credential in the place for one.

Otherwise nearly every answer would be 429 or 401, and nothing behind those would be looked at.
"""

from __future__ import annotations

import base64
import itertools
import json
import os
from typing import Any

import schemathesis

_numbers = itertools.count()
_GIVEN: dict[str, str] = json.loads(os.environ["FUZZ_CREDENTIALS"])
_BASIC = base64.b64encode(f"{_GIVEN['client_id']}:{_GIVEN['client_secret']}".encode()).decode()


@schemathesis.hook
def before_call(_context: schemathesis.HookContext, case: schemathesis.Case, _kwargs: Any) -> None:
    """Say where the request comes from, and, four times of five, who asks."""
    number = next(_numbers)
    case.headers["x-forwarded-for"] = f"203.{number // 65536 % 256}.{number // 256 % 256}.{number % 256}"
    case.headers.setdefault("accept", "application/json")
    if number % 5 and case.operation.path.startswith("/oauth/register"):
        case.headers.setdefault("authorization", f"Bearer {_GIVEN['registration']}")
    elif number % 5 and case.operation.path.startswith(("/v1", "/oauth")):
        scheme = f"Bearer {_GIVEN['token']}" if case.operation.path.startswith("/v1") else f"Basic {_BASIC}"
        case.headers.setdefault("authorization", scheme)
