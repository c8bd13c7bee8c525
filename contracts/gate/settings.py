"""The section `gate` of the settings."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

from pydantic import Field, StringConstraints, field_validator

from contracts.gate.recognition import Resolver, SearchCrawler, SiteAccounts, search_crawlers
from contracts.gate.routes import MAX_PATTERNS, problem
from contracts.sections import Section

RouteClass = Literal["static", "page", "profile", "search", "api", "sync"]
_CLASSES: dict[str, RouteClass] = {"/search": "search", "/api/": "api"}
_OPEN: list[RouteClass] = ["static", "page", "api", "sync"]


class Gate(Section):
    """The gate's start values. The mode lives in the store, and so do the numbers once they are changed on the operator's page."""

    mode: Literal["shadow", "enforce"] = Field(default="shadow", description="Mode that a new installation starts in.")
    anonymous_budget: int = Field(default=300, ge=1, description="Distinct pages that one anonymous identity may fetch in an hour.")
    network_factor: int = Field(
        default=5,
        ge=1,
        description="Anonymous budgets that one network (/24, /48) has in all, so that naming another user agent earns no new one.",
    )
    free_paths: list[str] = Field(
        default_factory=lambda: ["/static/", "/assets/", "/favicon.ico"],
        description="Paths of the main site that are no pages and are not counted; a slash at the end means all below.",
    )
    proxies: list[str] = Field(
        default_factory=lambda: ["127.0.0.1/32", "::1/128", "unix"],
        description="Networks of the proxies whose forwarded headers are believed.",
    )
    classes: dict[str, RouteClass] = Field(
        default_factory=lambda: _CLASSES,
        description="Class of the paths that fit a pattern as in robots.txt (`*` for anything, `$` for the end), the longest first: static, page, profile, search, api or sync. Pages of datasets' records are profiles, and what fits none is a page.",
    )
    open_classes: list[RouteClass] = Field(
        default_factory=lambda: _OPEN,
        description="Classes whose paths stay open while the gate cannot decide; the others are refused then.",
    )

    accounts: SiteAccounts = Field(default_factory=SiteAccounts)
    search_crawlers: dict[Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9-]{0,31}$")], SearchCrawler] = Field(
        default_factory=search_crawlers,
        description="Search engines whose crawlers are let through, by a short name; naming any replaces the list of those that publish how they are told.",
    )
    resolver: Resolver | None = Field(
        default=None,
        description="Name server that is asked for the names of crawlers' addresses, such as 127.0.0.1:53; the machine's own if empty.",
    )
    ask_for_signatures: bool = Field(
        default=False, description="Whether stopped visitors are asked to sign their requests (`Accept-Signature`), as crawlers can."
    )
    listen: Path | None = Field(
        default=None,
        description="Unix socket on which the gate answers proxies of this machine, beside its addresses under /gate/: the quicker way. Whoever may write to the file is believed as a proxy.",
    )
    listen_mode: str = Field(default="660", pattern="^[0-7]{3}$", description="Permissions of that file, as chmod takes them.")

    @field_validator("classes")
    @classmethod
    def _patterns_are_sound(cls, classes: dict[str, RouteClass]) -> dict[str, RouteClass]:
        if len(classes) > MAX_PATTERNS:
            raise ValueError(f"at most {MAX_PATTERNS} patterns are looked at")
        for pattern, named in classes.items():
            if wrong := problem(pattern, named):
                raise ValueError(wrong)
        return classes
