"""`licet gate config PROXY`: a proxy's configuration with the gate before the site, from the installation's settings.

The texts are templates under `portal/templates/proxies`; what `docs/gate` shows is what they give for the settings' defaults.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from contracts.errors import Misconfigured
from contracts.gate.policy import Numbers
from contracts.gate.routes import DEFAULT_CLASS
from contracts.settings import Settings

FOLDER = Path(__file__).parents[1] / "templates" / "proxies"
FILES: Mapping[str, tuple[str, ...]] = {
    "nginx": ("nginx.conf",),
    "envoy": ("envoy.yaml",),
    "traefik": ("traefik.yaml", "traefik-licet.yaml"),
    "caddy": ("Caddyfile",),
    "haproxy": ("haproxy.cfg", "licet.lua"),
}
CONNECT_MS = 100
CLOSED = "This page cannot be shown at the moment. Please try again in a few seconds."
FAST = "You are opening pages faster than the site can check at the moment. Please try again in ten seconds."

# Headers of the visitor that the gate reads; proxies that send only what is listed list these.
ASKED = ("user-agent", "authorization", "accept", "signature", "signature-input", "signature-agent", "content-digest", "sec-purpose")
# Headers that only a proxy may set and that these proxies do not, for those that cannot take names out by how they begin.
NEVER = (
    "X-Original-Method",
    "X-Original-URI",
    "X-Original-URL",
    "X-Forwarded-Method",
    "X-Forwarded-Uri",
    "X-Forwarded-Prefix",
    "Forwarded",
    "Client-Cert",
    "Client-Cert-Chain",
    "X-Gate-Status",
    "X-Gate-Decision",
    "X-Gate-Reason",
    "X-Gate-Credential",
    "X-Gate-Replay",
)

# Servers read such a path in different ways: an escape, a doubled slash, a segment that begins with a dot. No backslash stands in
# these patterns, so that each proxy's file takes them as they are.
_AMBIGUOUS = "^([^/]|[^?]*([^A-Za-z0-9._~@/?-]|//|/[.]))"
_WELL_KNOWN = "^/[.]well-known(/[A-Za-z0-9_~@-][A-Za-z0-9._~@-]*)+([?]|$)"
_PLAIN = re.compile(r"/[A-Za-z0-9._~@/-]*")
_ADDRESS = re.compile(r"([A-Za-z0-9.-]+|\[[0-9a-fA-F:]+\]):([0-9]{1,5})")


@dataclass(frozen=True, slots=True)
class Places:
    """Where things are: `site` as the proxy reaches it, `listen` as `HOST:PORT` or a port, `inner` Traefik's port for itself; and for
    how many milliseconds the proxy waits for the gate's answer.
    """

    site: str = "127.0.0.1:8080"
    listen: str = "80"
    inner: int = 8402
    wait_ms: int = 250


@dataclass(frozen=True, slots=True)
class Rule:
    """Whether the paths that a pattern fits stay open while the gate cannot be asked. It is looked for in a path, with its query or
    without.
    """

    path: str
    opens: bool


def write(settings: Settings, numbers: Numbers, proxy: str, places: Places, into: Path) -> list[Path]:
    """Write a proxy's files into a folder; `Misconfigured` for a proxy that is not known, and where another file stands there."""
    texts = configuration(settings, numbers, proxy, places)
    for name, text in texts.items():
        there = into / name
        if there.exists() and there.read_text(encoding="utf-8", errors="replace") != text:
            raise Misconfigured(str(there), "is there already, and is another one.", "Name another folder with --into, or move it away.")
    into.mkdir(parents=True, exist_ok=True)
    for name, text in texts.items():
        (into / name).write_text(text, encoding="utf-8")
    return [into / name for name in texts]


def configuration(settings: Settings, numbers: Numbers, proxy: str, places: Places) -> dict[str, str]:
    """The files of one proxy by their names; `Misconfigured` for a proxy that is not known."""
    if proxy not in FILES:
        raise Misconfigured(proxy, "is no proxy that Licet has a configuration for.", f"Choose one of {', '.join(FILES)}.")
    values = _values(settings, numbers, places)
    return {name: _TEMPLATES.get_template(name).render(values) for name in FILES[proxy]}


def rules_of(settings: Settings, numbers: Numbers) -> tuple[list[Rule], bool]:
    """Which paths stay open while the gate cannot be asked: the first rule that fits decides, else the last word.

    As `contracts.gate.routes.Routes` reads them: the longest pattern first, and a path that is no plain one is closed.
    """
    free = [_pattern(each if each.endswith("/") else f"{each}$") for each in settings.gate.free_paths if _PLAIN.fullmatch(each)]
    by_length = sorted(numbers.classes, key=lambda each: (-len(each), each))
    rules = [Rule(_WELL_KNOWN, True), Rule(_AMBIGUOUS, False), *(Rule(each, True) for each in free)]
    rules += [Rule(_pattern(each), numbers.classes[each] in numbers.open_classes) for each in by_length]
    return rules, DEFAULT_CLASS in numbers.open_classes


def _values(settings: Settings, numbers: Numbers, places: Places) -> dict[str, object]:
    rules, opens = rules_of(settings, numbers)
    host, port = _listening(places.listen)
    portal = f"{_reached(settings.host)}:{settings.port}"
    return {
        "site": _address(places.site),
        "listen": f"{host}:{port}" if host else str(port),
        "host": host,
        "port": port,
        "inner": places.inner,
        "portal": portal,
        "gate": _gate(settings.gate.listen, portal),
        "rules": rules,
        "opens": opens,
        "asked": list(ASKED),
        "never": NEVER,
        "cookie": settings.gate.accounts.read,
        "closed": CLOSED,
        "fast": FAST,
        "connect_ms": CONNECT_MS,
        "answer_ms": places.wait_ms,
        "cluster": _cluster,
        "off": _off,
    }


def _pattern(pattern: str) -> str:
    """A pattern as in robots.txt as a regular expression."""
    body = pattern.removesuffix("$")
    text = "[^?]*".join(part.replace(".", "[.]") for part in body.split("*"))
    return f"^{text}([?]|$)" if body != pattern else f"^{text}"


def _gate(socket: Path | None, portal: str) -> dict[str, str]:
    """The gate as each proxy spells where it is. Traefik reaches no socket and goes by the portal's own address."""
    if socket is None:
        return {"nginx": portal, "caddy": portal, "haproxy": portal, "envoy": portal, "socket": ""}
    spelt = {"nginx": "unix:", "caddy": "unix/", "haproxy": "unix@", "envoy": "unix:", "socket": ""}
    return {name: f"{before}{socket.absolute()}" for name, before in spelt.items()}


def _cluster(name: str, address: str) -> str:
    """Envoy's way to name where a cluster is, as one line of YAML."""
    if address.startswith("unix:"):
        there = f'{{ pipe: {{ path: "{address.removeprefix("unix:")}" }} }}'
    else:
        host, _, port = address.rpartition(":")
        there = f'{{ socket_address: {{ address: "{host.strip("[]")}", port_value: {port} }} }}'
    return f"{{ cluster_name: {name}, endpoints: [{{ lb_endpoints: [{{ endpoint: {{ address: {there} }} }}] }}] }}"


def _off(filters: list[str]) -> str:
    """Envoy's way to switch filters off on a route, as one line of YAML."""
    kind = "type.googleapis.com/envoy.extensions.filters.http.ext_authz.v3.ExtAuthzPerRoute"
    return "{ " + ", ".join(f'{each}: {{ "@type": {kind}, disabled: true }}' for each in filters) + " }"


def _listening(listen: str) -> tuple[str, int]:
    if listen.isdecimal():
        return "", _port(listen, listen)
    return _split(listen, "--listen")


def _address(text: str) -> str:
    host, port = _split(text, "--site")
    return f"{host}:{port}"


def _split(text: str, option: str) -> tuple[str, int]:
    found = _ADDRESS.fullmatch(text)
    if found is None:
        raise Misconfigured(option, f"{text!r} is no address of a host and a port.", "Write it as in 127.0.0.1:8080.")
    return found.group(1), _port(found.group(2), text)


def _port(digits: str, text: str) -> int:
    if not 1 <= int(digits) <= 65535:
        raise Misconfigured("the port", f"{text} has none that exists.", "Choose one from 1 to 65535.")
    return int(digits)


def _reached(host: str) -> str:
    """The address of this machine under which what listens there is reached."""
    return {"0.0.0.0": "127.0.0.1", "::": "[::1]"}.get(host, f"[{host}]" if ":" in host else host)  # noqa: S104 - compared, not bound


_TEMPLATES = Environment(
    loader=FileSystemLoader(FOLDER),
    undefined=StrictUndefined,
    trim_blocks=True,
    lstrip_blocks=True,
    keep_trailing_newline=True,
    autoescape=False,  # noqa: S701 - no HTML
)
