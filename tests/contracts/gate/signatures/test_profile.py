"""Web Bot Auth: the published vectors of every generation verify, nothing that differs from them does, and each rule has its case."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import http_sf
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from contracts.crawlers.decide import opened
from contracts.crawlers.key_sets import PublishedKey
from contracts.crawlers.lookup import Crawler
from contracts.gate.facts import Facts
from contracts.gate.identity import NOBODY
from contracts.gate.signatures.nonces import MemoryNonces
from contracts.gate.signatures.profile import PROBLEMS, document
from contracts.gate.signatures.verifier import Signatures
from tests.contracts.gate.signatures.vectors import CREATED, KEYS, VECTORS, Vector
from tests.harness.bots import AGENT, USUAL, Bot, asked, joined
from tests.harness.crawler import x_of

NOW = datetime(2026, 11, 2, 9, 30, tzinfo=UTC)
THEN = datetime.fromtimestamp(CREATED + 60, UTC)
WELL_KNOWN = "https://bot.example/.well-known/http-message-signatures-directory"
BOT = Bot()


@dataclass
class FixedKeys:
    """Proved keys by pair."""

    known: dict[tuple[str, str], PublishedKey] = field(default_factory=dict)

    async def found(self, thumbprint: str, keys_at: str) -> Crawler | None:
        key = self.known.get((keys_at, thumbprint))
        return Crawler("bot_1", "ctr_1", keys_at, key) if key else None


def of(bot: Bot, *keys_at: str, **times: float) -> FixedKeys:
    """The bot's key in these sets."""
    key = PublishedKey(bot.thumbprint, opened(x_of(bot.private)), **times)
    return FixedKeys({(each, bot.thumbprint): key for each in keys_at})


def judged(facts: Facts, keys: FixedKeys, now: datetime = NOW, since: datetime = NOW) -> str:
    """The outcome: verified, or what is wrong."""
    found = asyncio.run(Signatures(keys, MemoryNonces(since)).verify(facts, now))
    return "unsigned" if found is NOBODY else "verified" if found.state == "verified" else found.label


def of_vectors(vector: Vector) -> FixedKeys:
    """The two printed keys, where the vector says that they are."""
    return FixedKeys({(vector.keys_at, name): PublishedKey(name, key) for name, key in KEYS.items()})


def of_vector(vector: Vector, headers: dict[str, str], host: str = "example.com") -> str:
    """The outcome of a vector's request with these fields."""
    return judged(asked(headers, target="/path/to/resource", host=host), of_vectors(vector), THEN, THEN - timedelta(hours=1))


@pytest.mark.parametrize("vector", VECTORS, ids=lambda each: each.name)
def test_the_published_vectors_verify_and_for_no_other_host(vector: Vector) -> None:
    assert of_vector(vector, vector.headers) == "verified"
    assert of_vector(vector, vector.headers, host="example.org") == "wrong"


def _parsed(headers: dict[str, str]) -> Any:
    try:
        return [http_sf.parse(value.encode(), tltype="item" if value.startswith('"') else "dictionary") for value in headers.values()]
    except ValueError:
        return None


@settings(max_examples=150)
@given(vector=st.sampled_from(VECTORS), where=st.randoms(use_true_random=False), letter=st.characters(min_codepoint=32, max_codepoint=126))
def test_no_mutated_vector_verifies(vector: Vector, where: Any, letter: str) -> None:
    headers = dict(vector.headers)
    name = where.choice(sorted(headers))
    place = where.randrange(len(headers[name]))
    headers[name] = headers[name][:place] + letter + headers[name][place + 1 :]
    # Another spelling of the same values is the same request.
    assume(_parsed(headers) != _parsed(vector.headers))
    assert of_vector(vector, headers) != "verified"


@pytest.mark.parametrize(
    ("agent", "keys_at"),
    [
        ('"https://bot.example"', WELL_KNOWN),
        ('"https://BOT.example:443/"', WELL_KNOWN),
        ('"https://bot.example";type=directory', WELL_KNOWN),
        ('"https://bot.example/keys.json";type=jwks_uri', "https://bot.example/keys.json"),
        ('"https://bot.example/card";type=cimd', "https://bot.example/card"),
        ('"https://bot.example/a/../%6Beys.json?x=1"', "https://bot.example/keys.json"),
        (f'"{WELL_KNOWN}"', WELL_KNOWN),
    ],
)
def test_each_generation_names_its_key_set(agent: str, keys_at: str) -> None:
    bot = Bot(BOT.private, agent)
    assert judged(bot.ask(NOW), of(bot, keys_at)) == "verified"
    assert judged(bot.ask(NOW), of(bot, "https://other.example/keys.json")) == "key_unknown"
    if ";" not in agent:
        assert judged(bot.ask(NOW, legacy=True), of(bot, keys_at)) == "verified"


@pytest.mark.parametrize(
    ("agent", "problem"),
    [
        ('"http://bot.example"', "agent_unusable"),
        ('"https://bot.example/x";type=directory', "agent_unusable"),
        ('"https://bot.example";type=other', "agent_unusable"),
        ('"https://bot.example";purpose="x"', "agent_unusable"),
        ('"https://user@bot.example/keys"', "agent_unusable"),
        ('"not an address"', "agent_unusable"),
        ("7", "agent_unusable"),
        ("(", "unreadable"),
    ],
)
def test_a_member_that_names_no_key_set_is_refused(agent: str, problem: str) -> None:
    assert judged(Bot(BOT.private, agent).ask(NOW), of(BOT, WELL_KNOWN, "")) == problem


SECONDS = int(NOW.timestamp())


@pytest.mark.parametrize(
    ("how", "outcome"),
    [
        ({}, "verified"),
        ({"alg": None}, "verified"),
        ({"covered": ("@target-uri", "agent"), "target": "/posts/1?a=1"}, "verified"),
        ({"covered": ("@authority", "@query", "agent"), "target": "/posts/1"}, "verified"),
        ({"label": "sig2", "member": "agent2"}, "verified"),
        ({"scheme": "http"}, "not_https"),
        ({"tag": "other"}, "unsigned"),
        ({"tag": None}, "unsigned"),
        ({"covered": ("@method", "@path", "agent")}, "target_not_covered"),
        ({"covered": ("@authority", "@path")}, "agent_not_covered"),
        ({"covered": ("@authority", "@authority", "agent")}, "wrong"),
        ({"covered": (*USUAL, "user-agent")}, "verified"),
        ({"more": (("content-digest", {}, "sha-256=:AAAA:"),)}, "wrong"),
        ({"more": (("accept", {}, "text/html"),)}, "field_unseen"),
        ({"created": None}, "incomplete"),
        ({"expires": None}, "incomplete"),
        ({"keyid": None}, "incomplete"),
        ({"created": "1"}, "incomplete"),
        ({"nonce": "n" * 513}, "incomplete"),
        ({"alg": "hmac-sha256"}, "wrong"),
        ({"alg": "rsa-pss-sha512"}, "wrong"),
        ({"created": SECONDS + 30}, "verified"),
        ({"created": SECONDS + 31, "expires": SECONDS + 90}, "from_the_future"),
        ({"expires": SECONDS + 1}, "verified"),
        ({"expires": SECONDS}, "ended"),
        ({"created": SECONDS - 3600}, "verified"),
        ({"created": SECONDS - 3601}, "too_old"),
        ({"created": SECONDS - 300, "nonce": None}, "verified"),
        ({"created": SECONDS - 301, "nonce": None}, "too_old"),
        ({"keyid": "x" * 43}, "key_unknown"),
    ],
)
def test_each_rule_of_the_profile(how: dict[str, Any], outcome: str) -> None:
    assert judged(BOT.ask(NOW, **how), of(BOT, WELL_KNOWN), since=NOW - timedelta(hours=2)) == outcome


@pytest.mark.parametrize(
    ("change", "outcome"),
    [
        ({"signature": "sig1=:AAAA:"}, "wrong"),
        ({"signature": "sig1=7"}, "unreadable"),
        ({"signature": "other=:AAAA:"}, "unreadable"),
        ({"signature": ""}, "unreadable"),
        ({"signature-input": 'sig1=("@authority";tag="web-bot-auth"'}, "unreadable"),
        ({"signature-input": 'sig1=7;tag="web-bot-auth"'}, "unreadable"),
        ({"signature-agent": ""}, "agent_unusable"),
        ({"signature-agent": 'other="https://bot.example"'}, "agent_unusable"),
        ({"signature-agent": 'sig1="https://bot.example", sig1="https://bot.example"'}, "unreadable"),
        ({"signature-agent": 'sig1="https://evil.example"'}, "key_unknown"),
    ],
)
def test_changed_fields_are_refused(change: dict[str, str], outcome: str) -> None:
    assert judged(asked({**BOT.headers(NOW), **change}), of(BOT, WELL_KNOWN)) == outcome


@pytest.mark.parametrize("changed", [{"method": "POST"}, {"target": "/posts/2"}, {"host": "other.example"}])
def test_another_request_is_not_the_one_that_was_signed(changed: dict[str, str]) -> None:
    assert judged(asked(BOT.headers(NOW), **changed), of(BOT, WELL_KNOWN)) == "wrong"


def test_an_empty_path_is_signed_as_a_slash_and_the_raw_spelling_counts() -> None:
    assert judged(BOT.ask(NOW, target="/"), of(BOT, WELL_KNOWN)) == "verified"
    assert judged(BOT.ask(NOW, target="/a%2fb?q=%20"), of(BOT, WELL_KNOWN)) == "verified"
    assert judged(asked(BOT.headers(NOW, target="/a%2fb"), target="/a/b"), of(BOT, WELL_KNOWN)) == "wrong"


def test_a_key_counts_within_the_time_that_its_directory_gives_it() -> None:
    assert judged(BOT.ask(NOW), of(BOT, WELL_KNOWN, starts=SECONDS, ends=SECONDS + 1)) == "verified"
    assert judged(BOT.ask(NOW), of(BOT, WELL_KNOWN, starts=SECONDS + 1)) == "key_ended"
    assert judged(BOT.ask(NOW), of(BOT, WELL_KNOWN, ends=SECONDS)) == "key_ended"


def test_each_of_several_signatures_is_judged_by_itself() -> None:
    other = Bot(agent='"https://other.example"')
    mine, others = BOT.headers(NOW), other.headers(NOW, label="sig2", member="sig2")
    keys = of(BOT, WELL_KNOWN)
    assert judged(asked(joined(others, mine)), keys) == "verified"
    assert judged(asked(joined(others, {**mine, "signature": "sig1=:AAAA:"})), keys) == "wrong"
    many = [BOT.headers(NOW, label=f"sig{n}", member=f"sig{n}") for n in range(5)]
    assert (judged(asked(joined(*many[:4])), keys), judged(asked(joined(*many)), keys)) == ("verified", "too_many")


def test_one_that_covers_another_covers_all_that_it_covers() -> None:
    inner = Bot(agent='"https://inner.example"').headers(NOW, label="in", member="in", covered=("@authority", "@path", "agent"))
    signature, said = inner["signature"].removeprefix("in="), inner["signature-input"].removeprefix("in=")
    chain = (("signature", {"key": "in"}, signature), ("signature-input", {"key": "in"}, said))
    theirs = ("signature-agent", {"key": "in"}, '"https://inner.example"')
    keys = of(BOT, WELL_KNOWN)
    assert judged(asked(joined(inner, BOT.headers(NOW, more=(*chain, theirs)))), keys) == "verified"
    assert judged(asked(joined(inner, BOT.headers(NOW, more=chain))), keys) == "chain_not_covered"
    assert judged(asked(joined(inner, BOT.headers(NOW, more=(chain[0], theirs)))), keys) == "chain_not_covered"


def test_every_problem_has_its_state_and_its_words() -> None:
    assert {state for state, _ in PROBLEMS.values()} == {"invalid", "unverified"}
    assert all(words.endswith(".") for _, words in PROBLEMS.values())
    assert (Path(__file__).parents[4] / "docs/gate/signatures.md").read_text(encoding="utf-8") == document()


COMPONENTS = st.sampled_from(
    (
        *(
            '"@authority"',
            '"@target-uri";req',
            '"@query-param";name="a"',
            '"@nothing"',
            '"signature-agent";key="sig1"',
            '"signature-agent"',
        ),
        *('"signature";key="in"', '"signature-input";key="in"', '"user-agent";sf', '"user-agent";bs', '"content-digest";x=:AA==:'),
        *('"a";x=@1;y=%"a";z=b', "7", ":AA==:", '"A"', '"é"', "(", '"'),
    )
)
PARAMETERS = st.sampled_from(
    (
        *(f";created={SECONDS}", f";expires={SECONDS + 60}", f';keyid="{BOT.thumbprint}"', ';nonce="n"', ';alg="ed25519"', ";created=1.5"),
        *(";expires=999999999999999", ";keyid=k", ";nonce=:AA==:", ";alg", ";x=@1", ";tag=web-bot-auth", ";"),
    )
)
AGENTS = st.sampled_from(
    (f"sig1={AGENT}", AGENT, f"sig1={AGENT};type=directory", "sig1=()", "sig1", "7", '"', "é", 'sig1="https://[::1"', "")
)


@settings(max_examples=300)
@given(
    covered=st.lists(COMPONENTS, max_size=5),
    params=st.lists(PARAMETERS, max_size=6),
    agent=AGENTS,
    signature=st.sampled_from(("sig1=:AA==:", "sig1=()", "")),
    inner=st.booleans(),
)
def test_whatever_is_sent_is_judged_and_nothing_of_it_is_believed(
    covered: list[str], params: list[str], agent: str, signature: str, inner: bool
) -> None:
    said = f'sig1=({" ".join(covered)}){"".join(params)};tag="web-bot-auth"' + (', in=("@path")' if inner else "")
    fields = {"signature-input": said, "signature": signature, "signature-agent": agent}
    assert judged(asked(fields), of(BOT, WELL_KNOWN, "")) in PROBLEMS
