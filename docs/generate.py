"""Writes `docs/reference/` from the code's own tables, and into `docs/gate/` the proxies' files as `licet gate config` writes them. A test compares, so that neither can drift from the other.

usage: python docs/generate.py          write the pages
       python docs/generate.py --check  fail where a page differs
"""

from __future__ import annotations

import sys
import tempfile
from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path
from types import ModuleType
from typing import Any

from fastapi.routing import APIRoute, iter_route_contexts
from pydantic import BaseModel
from pydantic_core import PydanticUndefined

import contracts.agreements.states as agreement_states
import contracts.amendments.states as amendment_states
import contracts.applications.states as application_states
import contracts.bars.states as bar_states
import contracts.coordinator.states as request_states
import contracts.lifecycle.states as contract_states
import contracts.members.states as member_states
import contracts.policies.states as policy_states
from api.app import create_machines
from api.oauth.errors import ERRORS
from api.problems import STATUS
from contracts.anchors.settings import WitnessAt
from contracts.applications.reasons import (
    APPROVAL,
    APPROVAL_BY_CRITERIA,
    BASES,
    DECLINE,
    DECLINE_BY_CRITERIA,
    OPINIONS,
    RETURN,
)
from contracts.codes import CODES
from contracts.forms.kinds import KINDS as APPLICATION_KINDS
from contracts.gate.policy import numbers_of
from contracts.gate.recognition import SearchCrawler
from contracts.ids import PREFIXES
from contracts.incidents.service import KINDS
from contracts.ledger.events import EVENTS
from contracts.people import proposal_states
from contracts.people.roles import ROLES
from contracts.sections import Aggregates, Bounds, Buckets, FieldChange, FieldSettings
from contracts.settings import DatasetSettings, Mail, Settings, write_master_key
from contracts.terms import odrl_words
from contracts.terms.purposes import DUO, PROHIBITED, PURPOSES
from contracts.webhooks.events import MEANING, PARTNERS
from contracts.webhooks.standard import SCHEDULE
from portal.app import create_portal
from portal.commands.gate_config import FILES, Places, configuration
from portal.commands.init import prepare
from portal.serve import build

FOLDER = Path(__file__).parent / "reference"
NOTE = "<!-- Made by `make docs` from the code; edits here are lost. -->\n\n"


def codes() -> str:
    """Refusal codes with their statuses."""
    rows = [(f"`{name}`", str(STATUS[code.kind]), code.meaning) for name, code in sorted(CODES.items())]
    text = "# Refusal codes\n\nErrors are RFC 9457 `application/problem+json` with `code`, `reason` and, for limits, what was exceeded and when it frees.\n\n"
    return text + _table(("code", "status", "meaning"), rows)


def events() -> str:
    """Ledger events."""
    return "# Ledger events\n\n" + _table(("event", "what happened"), [(f"`{name}`", meaning) for name, meaning in sorted(EVENTS.items())])


def roles() -> str:
    """Roles of people."""
    return "# Roles\n\n" + _table(
        ("role", "side", "what it is for"), [(f"`{role}`", facts.side.value, facts.meaning) for role, facts in ROLES.items()]
    )


def words() -> str:
    """Purposes, prohibited uses, reasons of decisions, incident kinds and id prefixes."""
    parts = [
        "# Purposes, prohibited uses, incidents, ids\n\n## Purposes\n\n",
        _table(
            ("code", "title", "meaning", "RSL usage", "GA4GH DUO"),
            [(f"`{k}`", v.title, v.meaning, ", ".join(v.rsl_usage), ", ".join(v.duo)) for k, v in PURPOSES.items()],
        ),
        "\n## Kinds of application\n\n",
        _table(("kind", "title", "meaning"), [(f"`{k}`", v.title, v.meaning) for k, v in APPLICATION_KINDS.items()]),
        "\n## Terms of the Data Use Ontology\n\n",
        _table(("term", "meaning"), [(f"`{k}`", v) for k, v in DUO.items()]),
    ]
    parts += ["\n## Prohibited uses\n\n", _table(("code", "meaning"), [(f"`{k}`", v) for k, v in PROHIBITED.items()])]
    by_criteria = {"approved by criteria alone": APPROVAL_BY_CRITERIA, "declined by criteria alone": DECLINE_BY_CRITERIA}
    for title, codes_of in {"approved": APPROVAL, "declined": DECLINE, "returned": RETURN, **by_criteria}.items():
        parts += [f"\n## Why an application is {title}\n\n", _table(("code", "meaning"), [(f"`{k}`", v) for k, v in codes_of.items()])]
    parts += ["\n## Lawful bases\n\n", _table(("code", "meaning"), [(f"`{k}`", v) for k, v in BASES.items()])]
    parts += ["\n## Advice of a reviewer\n\n", _table(("code", "meaning"), [(f"`{k}`", v) for k, v in OPINIONS.items()])]
    parts += ["\n## Kinds of incident\n\n", _table(("kind", "meaning"), [(f"`{k}`", v) for k, v in KINDS.items()])]
    parts += ["\n## Prefixes of ids\n\n", _table(("prefix", "kind"), [(f"`{k}_`", v) for k, v in PREFIXES.items()])]
    return "".join(parts)


def odrl() -> str:
    """The words of our ODRL profile."""
    text = "# ODRL profile\n\nContracts download as ODRL 2.2 agreements in JSON-LD. `licet:` stands for `urn:licet:odrl:`, everything else is ODRL's own. "
    text += "What no permission names is not allowed; a prohibition wins over a permission. A word that is not here is refused.\n\n"
    operands = {**odrl_words.OPERANDS, "licet:field:…": odrl_words.FIELD_OPERAND}
    actions = {**odrl_words.ACTIONS, "licet:use:…": odrl_words.USE_ACTION}
    for title, found in (("Left operands", operands), ("Actions", actions), ("Events", odrl_words.EVENTS)):
        text += f"## {title}\n\n{_table(('word', 'meaning'), [(f'`{name}`', meaning) for name, meaning in found.items()])}\n"
    return text + f"## Operators\n\n{', '.join(f'`{name}`' for name in sorted(odrl_words.OPERATORS))}\n"


def oauth_errors() -> str:
    """Error names of the OAuth addresses."""
    rows = [(f"`{name}`", meaning) for name, meaning in sorted(ERRORS.items())]
    return "# OAuth errors\n\nOAuth addresses keep OAuth's own error JSON.\n\n" + _table(("error", "meaning"), rows)


def webhooks() -> str:
    """What webhooks tell, whom, and how a message is made and tried."""
    rows = [(f"`{name}`", "partners and the platform" if name in PARTNERS else "the platform", text) for name, text in MEANING.items()]
    waits = ", ".join(_wait(each) for each in SCHEDULE[1:])
    return (
        "# Webhooks\n\nA webhook is told of entries of the ledger within seconds, by "
        "[Standard Webhooks](https://www.standardwebhooks.com/): check `webhook-id`, `webhook-timestamp` and `webhook-signature` with any "
        "of its libraries and the secret that was shown once. The body is "
        '`{"type": event, "timestamp": when it happened, "data": ids}`; the ids are those of `entry`, `subject`, `contract`, `credential`, '
        "`dataset` and `organisation`, as far as the event has them, and `contract_version`. Nothing in it is personal.\n\n"
        "Any answer of 200 to 299 within five seconds takes the message. What fails is tried again after " + waits + "; after the tenth "
        "try, or the answer 410, the webhook is switched off and whoever keeps it gets a mail. A message may come twice and keeps its id. "
        "Redirects are not followed, and only public https addresses are asked. `webhook.test` is sent by the button on the page.\n\n"
        + _table(("event", "told to", "meaning"), rows)
    )


def states() -> str:
    """The state tables, as diagrams and in full."""
    tables = (
        ("Applications", application_states),
        ("Contracts", contract_states),
        ("New versions of contracts", amendment_states),
        ("Agreements signed before Licet", agreement_states),
        ("People on projects", member_states),
        ("Coordinators' reasoned requests", request_states),
        ("Bars", bar_states),
        ("Wider policies", policy_states),
        ("Roles of staff that were proposed", proposal_states),
    )
    return "# States\n\n" + "\n".join(_machine(title, module) for title, module in tables)


def settings() -> str:
    """Every setting with its default."""
    text = "# Settings\n\n`licet.toml`, then variables: `LICET_PLATFORM__NAME` sets `platform.name`. An unknown setting is an error.\n\n"
    rows = list(_settings(Settings, ""))
    rows += _settings(WitnessAt, "anchors.witnesses.NAME.")
    rows += _settings(SearchCrawler, "gate.search_crawlers.NAME.")
    rows += _settings(DatasetSettings, "datasets.ID.")
    rows += _settings(FieldSettings, "datasets.ID.fields.NAME.")
    rows += _settings(FieldChange, "datasets.ID.changes.")
    rows += _settings(Aggregates, "datasets.ID.aggregates.")
    rows += _settings(Buckets, "datasets.ID.aggregates.by.NAME.")
    rows += _settings(Bounds, "datasets.ID.aggregates.sums.NAME.")
    return text + _table(("setting", "default", "what it does"), rows)


def routes() -> str:
    """Every address of both faces."""
    return "# Addresses\n\n" + _table(("method", "path", "what"), sorted(set(_routes()), key=lambda row: (row[1], row[0], row[2])))


PAGES: dict[str, Callable[[], str]] = {
    "codes.md": codes,
    "events.md": events,
    "oauth-errors.md": oauth_errors,
    "odrl.md": odrl,
    "roles.md": roles,
    "routes.md": routes,
    "settings.md": settings,
    "states.md": states,
    "webhooks.md": webhooks,
    "words.md": words,
}


def main() -> int:
    """Write or check every page; 1 where one differs."""
    stale = []
    pages = {FOLDER / name: NOTE + make() for name, make in PAGES.items()} | _proxies()
    for file, text in pages.items():
        if "--check" in sys.argv:
            if not file.exists() or file.read_text(encoding="utf-8") != text:
                stale.append(file.name)
        else:
            file.parent.mkdir(exist_ok=True)
            file.write_text(text, encoding="utf-8")
    if stale:
        sys.stderr.write(f"docs are stale: {', '.join(stale)}; run `make docs`\n")
    return 1 if stale else 0


def _proxies() -> dict[Path, str]:
    """Each proxy's files for the settings' defaults."""
    settings = Settings(profile="test", home=Path())
    made = [configuration(settings, numbers_of(settings), proxy, Places()) for proxy in FILES]
    return {FOLDER.parent / "gate" / name: text for files in made for name, text in files.items()}


def _wait(wait: timedelta) -> str:
    seconds = int(wait.total_seconds())
    return f"{seconds} s" if seconds < 60 else f"{seconds // 60} min" if seconds < 3600 else f"{seconds // 3600} h"


def _table(head: tuple[str, ...], rows: list[tuple[str, ...]]) -> str:
    lines = [head, tuple("---" for _ in head), *rows]
    return "".join("| " + " | ".join(cell.replace("|", "\\|") for cell in line) + " |\n" for line in lines)


def _machine(title: str, module: ModuleType) -> str:
    ways: dict[tuple[str, str], list[str]] = {}
    for state, row in module.TABLE.items():
        for command, after in row.items():
            if after is not None:
                ways.setdefault((state, after), []).append(command)
    arrows = [f"    {state} --> {after}: {', '.join(commands)}" for (state, after), commands in ways.items()]
    first = next(iter(module.TABLE))
    diagram = "\n".join(["```mermaid", "stateDiagram-v2", f"    [*] --> {first}", *arrows, "```"])
    meaning = _table(("state", "meaning"), [(f"`{state}`", text) for state, text in module.MEANING.items()])
    roles = getattr(module, "ROLES", {})
    if not isinstance(roles, dict):
        roles = dict.fromkeys(module.Command, roles)
    if not roles:
        return f"## {title}\n\n{diagram}\n\n{meaning}"
    who = _table(
        ("command", "roles"),
        [
            (f"`{command}`", ", ".join(sorted(role.value for role in given)) or "nobody: follows from dates")
            for command, given in roles.items()
        ],
    )
    return f"## {title}\n\n{diagram}\n\n{meaning}\n{who}"


def _settings(model: type[BaseModel], prefix: str) -> Iterator[tuple[str, str, str]]:
    for name, field in model.model_fields.items():
        shown = field.alias or name
        inner = field.annotation
        if isinstance(inner, type) and issubclass(inner, BaseModel):
            yield from _settings(inner, f"{prefix}{shown}.")
        elif shown != "fields" and not (model is Settings and shown == "datasets"):
            yield f"`{prefix}{shown}`", _default(field.default, field.default_factory), field.description or ""


def _default(value: Any, factory: Any) -> str:
    if factory is not None:
        value = factory()
    if value is PydanticUndefined:
        return "needed"
    return "none" if value in (None, "") else f"`{str(value).lower() if isinstance(value, bool) else value}`"


def _routes() -> Iterator[tuple[str, str, str]]:
    with tempfile.TemporaryDirectory() as folder:
        write_master_key(Path(folder))
        settings = Settings(profile="demo", home=Path(folder), mail=Mail(transport="mailbox"))
        prepare(settings)
        house = build(settings)
        machines = create_machines(house)
        for route in machines.hot:
            yield from ((method, f"`{route.path}`", route.summary) for method in route.methods)
        for face in (machines.app, create_portal(house)):
            # Included routers hold their routes behind contexts; a plain walk over `routes` sees none of them.
            for each in iter_route_contexts(face.routes):
                if isinstance(each.original_route, APIRoute):
                    yield from ((method, f"`{each.path}`", _summary(each)) for method in each.methods or ())
        house.payments.close()
        house.store.engine.dispose()


def _summary(route: Any) -> str:
    first: str = (
        (route.endpoint.__doc__ or route.summary or "").strip().splitlines()[0] if (route.endpoint.__doc__ or route.summary) else ""
    )
    return first


if __name__ == "__main__":
    raise SystemExit(main())
