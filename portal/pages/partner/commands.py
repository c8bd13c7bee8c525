"""Commands beside a new secret that run copied unchanged: a shell with nothing but curl, and Python's standard library. Pure."""

from __future__ import annotations

import json
from collections.abc import Collection
from dataclasses import dataclass

from contracts.terms.model import Terms


@dataclass(frozen=True, slots=True)
class Key:
    """A client's credentials and the portal's address."""

    base_url: str
    client_id: str
    secret: str


def records_path(terms: Terms, limit: int, datasets: Collection[str] = ()) -> str:
    """Path and query for the first dataset of the contract, or of those that a credential is held to, with all of its fields."""
    part = next((each for each in terms.datasets if each.dataset in datasets), terms.datasets[0])
    return f"/v1/datasets/{part.dataset}/records?fields={','.join(part.fields)}&limit={limit}"


def curl_key(key: Key, path: str) -> str:
    """One request with an API key."""
    return f'curl -sS -H "Authorization: Bearer {key.secret}" "{key.base_url}{path}"'


def curl_api(key: Key, path: str) -> str:
    """Token, then one request. The token is cut out of the answer by the shell itself, so that no other program is needed."""
    return (
        f"answer=$(curl -sS -u '{key.client_id}:{key.secret}' -d grant_type=client_credentials {key.base_url}/oauth/token)\n"
        'token=${answer#*\\"access_token\\"*:*\\"}; token=${token%%\\"*}\n'
        f'curl -sS -H "Authorization: Bearer $token" "{key.base_url}{path}"'
    )


def python_records(key: Key, terms: Terms) -> str:
    """Two pages with the standard library."""
    return f'''import base64, json, urllib.parse, urllib.request

def call(url, data=None, **headers):
    with urllib.request.urlopen(urllib.request.Request(url, data, headers)) as answer:
        return json.load(answer)

basic = base64.b64encode(b"{key.client_id}:{key.secret}").decode()
token = call("{key.base_url}/oauth/token", b"grant_type=client_credentials", Authorization="Basic " + basic)

url = "{key.base_url}{records_path(terms, 100)}"
cursor = ""
for page in (1, 2):
    answer = call(url + cursor, Authorization="Bearer " + token["access_token"])
    print("page", page, "-", len(answer["data"]), "records, ledger entry", answer["entry"])
    for record in answer["data"][:3]:
        print(record)
    if answer["next"] is None:
        break
    cursor = "&cursor=" + urllib.parse.quote(answer["next"])'''


def register(base_url: str, token: str, terms: Terms) -> str:
    """A registration (RFC 7591 section 3.1) of the usual kind that the contract takes: a program by itself, or one that people sign in with."""
    alone = {"client_name": "nightly-pull", "grant_types": ["client_credentials"]}
    people = {"client_name": "desk-tool", "redirect_uris": ["http://127.0.0.1/back"], "token_endpoint_auth_method": "none"}
    return (
        f'curl -sS -H "Authorization: Bearer {token}" \\\n'
        '  -H "Content-Type: application/json" \\\n'
        f"  -d '{json.dumps(people if terms.named_users else alone)}' \\\n"
        f"  {base_url}/oauth/register"
    )


def login(base_url: str, client_id: str, terms: Terms) -> str:
    """Sign in at the portal once, then read the contract's first dataset whole into a file."""
    dataset = terms.datasets[0].dataset
    return f"licet login {base_url} --client {client_id}\nlicet pull {dataset} --out {dataset}.ndjson"


def curl_site(key: Key, terms: Terms, site: str) -> str:
    """Token for the site, then one page of it, answered 200 where the contract's paths hold it."""
    path = terms.crawl.paths[0] if terms.crawl else "/"
    return (
        f"answer=$(curl -sS -u '{key.client_id}:{key.secret}' -d grant_type=client_credentials {key.base_url}/oauth/token)\n"
        'token=${answer#*\\"access_token\\"*:*\\"}; token=${token%%\\"*}\n'
        f"curl -sS -o /dev/null -w '%{{http_code}}\\n' -H \"Authorization: Bearer $token\" {site.rstrip('/')}{path}"
    )
