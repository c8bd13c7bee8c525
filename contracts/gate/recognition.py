"""Settings of whom the gate recognises beside its own partners: search crawlers, and people signed in at the site."""

from __future__ import annotations

from typing import Annotated

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.ec import SECP256R1, EllipticCurvePublicKey
from cryptography.hazmat.primitives.serialization import load_pem_public_key
from pydantic import Field, SecretStr, StringConstraints, field_validator, model_validator

from contracts.sections import Section

LEAST_SECRET = 32
Domain = Annotated[str, StringConstraints(pattern=r"^[a-z0-9-]+(\.[a-z0-9-]+)+$")]
Resolver = Annotated[str, StringConstraints(pattern=r"^([0-9.]+|\[[0-9a-f:]+\])(:[0-9]{1,5})?$")]


class SearchCrawler(Section):
    """A search engine's crawler. Its user agent alone proves nothing: the address lies in a published network, or has a confirmed name."""

    agent: Annotated[str, StringConstraints(pattern=r"^[A-Za-z][A-Za-z0-9 _-]{2,39}$")] = Field(
        description="Word of the user agent by which the crawler calls itself."
    )
    domains: tuple[Domain, ...] = Field(
        default=(), description="Domains that the names of its addresses end with, at a dot; each name must lead back to the address."
    )
    ranges: Annotated[str, StringConstraints(pattern=r"^https://[^\s#]+$")] | None = Field(
        default=None, description="Address of its published networks, which `licet gate ranges` fetches."
    )


class SiteAccounts(Section):
    """How the gate knows people who are signed in at the main site: by a cookie that the site signs."""

    cookie: Annotated[str, StringConstraints(pattern=r"^[a-z0-9_]{1,64}$")] = Field(
        default="site_account", description="Name of the cookie; it counts only where `secret` or `public_key` is set."
    )
    secret: SecretStr | None = Field(default=None, description="Secret of at least 32 characters for cookies signed with HS256.")
    public_key: str | None = Field(default=None, description="Public key in PEM, ECDSA on P-256, for cookies signed with ES256.")

    @property
    def read(self) -> str:
        """The cookie that proxies hand over to the gate; empty where it could not be verified."""
        return self.cookie if self.secret is not None or self.public_key is not None else ""

    @field_validator("secret")
    @classmethod
    def _long_enough(cls, secret: SecretStr | None) -> SecretStr | None:
        if secret is not None and len(secret.get_secret_value()) < LEAST_SECRET:
            raise ValueError(f"the secret has at least {LEAST_SECRET} characters")
        return secret

    @field_validator("public_key")
    @classmethod
    def _on_p256(cls, pem: str | None) -> str | None:
        if pem is None:
            return None
        try:
            key = load_pem_public_key(pem.encode())
        except (ValueError, UnsupportedAlgorithm) as error:
            raise ValueError("the public key is no PEM") from error
        if not isinstance(key, EllipticCurvePublicKey) or not isinstance(key.curve, SECP256R1):
            raise ValueError("the public key is one on P-256")
        return pem

    @model_validator(mode="after")
    def _one_way(self) -> SiteAccounts:
        if self.secret is not None and self.public_key is not None:
            raise ValueError("cookies are signed in one way: set secret or public_key")
        return self


def search_crawlers() -> dict[str, SearchCrawler]:
    """Search engines that publish how their crawlers are told, as of November 2026."""
    return {
        "google": SearchCrawler(
            agent="Googlebot",
            domains=("googlebot.com", "google.com"),
            ranges="https://developers.google.com/static/search/apis/ipranges/googlebot.json",
        ),
        "bing": SearchCrawler(agent="bingbot", domains=("search.msn.com",), ranges="https://www.bing.com/toolbox/bingbot.json"),
        "apple": SearchCrawler(
            agent="Applebot", domains=("applebot.apple.com",), ranges="https://search.developer.apple.com/applebot.json"
        ),
        "duckduckgo": SearchCrawler(agent="DuckDuckBot", ranges="https://duckduckgo.com/duckduckbot.json"),
        "yandex": SearchCrawler(agent="YandexBot", domains=("yandex.ru", "yandex.net", "yandex.com")),
        "baidu": SearchCrawler(agent="Baiduspider", domains=("baidu.com", "baidu.jp")),
    }
