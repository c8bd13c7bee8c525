"""Every reason that the gate may give, on one screen. `docs/gate/reasons.md` is made from this table and compared by a test."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Reason:
    """One row: the status that the visitor is told (200 passes), what it means, and what to do about it.

    `told` says the meaning to a person who was stopped; where it is empty, `meaning` does.
    """

    status: int
    meaning: str
    mend: str = ""
    told: str = ""

    @property
    def stops(self) -> bool:
        """Whether the gate stops a request for this reason once it enforces."""
        return self.status != 200


REASONS: dict[str, Reason] = {
    # passes
    "open_path": Reason(200, "robots.txt, the licence and /.well-known are open to everyone and are not counted."),
    "not_a_page": Reason(200, "The path belongs to styles, scripts or images; it is not counted."),
    "within_budget": Reason(200, "The visitor has not used up the pages that anyone may read in an hour."),
    "licensed": Reason(200, "The crawler's contract allows the path at this pace."),
    "undecided_open": Reason(
        200, "The gate could not tell in time who asks; the path's class stays open then, within the budgets of anyone's network."
    ),
    "search_crawler": Reason(200, "A search engine's crawler, known by its published networks or by a name that leads back to it."),
    # stops visitors
    "budget_exceeded": Reason(
        403,
        "The visitor fetched more different pages in an hour than anyone may without a licence.",
        "Apply for a licence, or wait as long as Retry-After says.",
        "Within an hour, more different pages were opened from your browser than anyone may open without a licence.",
    ),
    "network_budget_exceeded": Reason(
        403,
        "The visitor's network, under several user agents, fetched more different pages in an hour than it may without a licence.",
        "Apply for a licence, or wait as long as Retry-After says.",
        "Within an hour, more different pages were opened from your network than it may open without a licence. Others may share it with you.",
    ),
    "banned": Reason(
        403,
        "The operator banned the visitor or its network for a time.",
        "Ask the platform, naming the decision, or wait as long as Retry-After says. Whoever has a licence passes nevertheless.",
        "Visits from your browser, or from your network, are stopped for a time. Others may share the network with you.",
    ),
    "search_crawler_fake": Reason(
        403,
        "The visitor calls itself a search engine's crawler, and its address is not that engine's.",
        "Call yourself what you are, and apply for a licence.",
    ),
    "search_crawler_unconfirmed": Reason(
        503, "Whether the visitor is the search engine's crawler that it names is still being found out.", "Try again shortly."
    ),
    "malformed": Reason(400, "The request's target is no path, or too long.", "Send a path of at most 8,192 characters."),
    "undecided": Reason(
        503, "The gate could not tell in time who asks, and the path's class is closed then.", "Try again as soon as Retry-After says."
    ),
    # stops licensed crawlers
    "token_invalid": Reason(
        401,
        "The token is malformed, has ended or is not for this site; a token for the API never opens the site.",
        "Ask the token address for a new one with a credential made for the site.",
    ),
    "signature_invalid": Reason(
        401,
        "The request's signature cannot be: it is malformed, has ended, covers too little, or its key did not make it.",
        "Sign as Accept-Signature says, for this very request.",
    ),
    "signature_replayed": Reason(429, "The signature's nonce was used before.", "Sign each request anew, with a nonce of its own."),
    "contract_not_active": Reason(
        403, "The contract is suspended, ended, not begun, or the credential was revoked.", "See your contract on the portal."
    ),
    "scope_not_granted": Reason(403, "The token does not carry the scope site:fetch.", "Ask for the token with scope site:fetch."),
    "crawl_not_in_contract": Reason(403, "The contract does not cover fetching the site.", "Apply for a contract that covers crawling."),
    "network_not_in_contract": Reason(403, "The request came from a network that the contract does not name.", "Fetch from a named one."),
    "network_not_in_credential": Reason(
        403, "The request came from a network that the credential was not made for.", "Fetch from one of its networks."
    ),
    "credential_ended": Reason(403, "The credential's last day has passed.", "Create another one under the contract."),
    "site_not_in_contract": Reason(403, "The contract does not name this host.", "Fetch from the hosts that the contract names."),
    "path_not_in_contract": Reason(
        403, "The path is not under one that the contract names, or is spelt ambiguously.", "Stay under the contract's paths."
    ),
    "rate_exceeded": Reason(429, "Faster than the contract's pace.", "Wait as long as Retry-After says."),
    "quota_exhausted": Reason(429, "The contract's records for the day are used up; each page is one.", "Go on when Retry-After says."),
    "bytes_exhausted": Reason(429, "The contract's bytes for the day are used up.", "Go on when Retry-After says."),
    "period_exhausted": Reason(
        429, "The contract's records from its first day to its last are used up; each page is one.", "Ask the platform for an amendment."
    ),
    "distinct_exhausted": Reason(
        429,
        "The contract's different records are used up.",
        "Read again what you have through the API, or ask the platform for an amendment.",
    ),
    "period_bytes_exhausted": Reason(
        429, "The contract's bytes from its first day to its last are used up.", "Ask the platform for an amendment."
    ),
    # stops licensed crawlers until the house can answer for them
    "grant_unverified": Reason(503, "This process could not read the latest suspensions for two seconds.", "Try again shortly."),
    "seal_broken": Reason(503, "The stored terms are not those of the sealed contract.", "Ask the platform; an incident is open."),
    "ledger_behind": Reason(503, "The ledger does not take the fetches of licensed crawlers at the moment.", "Try again shortly."),
    # stops callers of the gate itself
    "not_a_proxy": Reason(403, "Only the site's own proxies may ask the gate.", "Name the proxy's network in gate.proxies."),
}


def document() -> str:
    """The table as Markdown, for `docs/gate/reasons.md`."""
    rows = [f"| `{code}` | {each.status} | {each.meaning} | {each.mend} |" for code, each in REASONS.items()]
    head = [
        "# Reasons of the gate",
        "",
        "What `X-Gate-Reason` says, the status that goes with it (200 passes), its meaning, and what a visitor can do.",
        "In shadow every request passes; what would have been stopped is listed for the operator under the same reason.",
        "",
        "| reason | status | meaning | what to do |",
        "|---|---|---|---|",
    ]
    return "\n".join([*head, *rows]) + "\n"
