"""`licet gate …`. As in `portal.cli`, what runs is imported when it runs."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer
from rich.markup import escape

from portal.terminal import console

gate = typer.Typer(help="The gate before the main site.", no_args_is_help=True)
Config = Annotated[Path | None, typer.Option("--config", help="Settings file; licet.toml in this folder by default.")]


@gate.command("off")
def gate_off(config: Config = None) -> None:
    """Restore shadow mode within two seconds: everyone is let through and recorded."""
    from portal.commands import gate as gate_command
    from portal.commands.here import settings_here

    gate_command.turn_off(settings_here(config))
    console.print("The gate is in shadow: everyone is let through and recorded.")


@gate.command("ranges")
def gate_ranges(config: Config = None) -> None:
    """Fetch the networks that search engines publish for their crawlers; the gate reads them within a minute."""
    from portal.commands import ranges as ranges_command
    from portal.commands.finding import tell
    from portal.commands.here import settings_here

    tell(list(ranges_command.fetch_all(settings_here(config))))


@gate.command("config")
def gate_config(
    proxy: Annotated[str, typer.Argument(help="nginx, envoy, traefik, caddy or haproxy.")],
    site: Annotated[str, typer.Option(help="Where the proxy reaches your site.")] = "127.0.0.1:8080",
    listen: Annotated[str, typer.Option(help="Port, or address and port, that the proxy listens on.")] = "80",
    inner: Annotated[int, typer.Option(help="Free port of this machine through which Traefik asks itself.")] = 8402,
    wait: Annotated[int, typer.Option(help="For how many milliseconds the proxy waits for the gate's answer.", min=60, max=10_000)] = 250,
    into: Annotated[Path, typer.Option(help="Folder to write into.")] = Path(),
    config: Config = None,
) -> None:
    """Write a proxy's configuration with the gate before your site, from your settings and the numbers of the operator's page."""
    from portal.commands import gate as gate_command
    from portal.commands import gate_config as config_command
    from portal.commands.here import settings_here

    settings, places = settings_here(config), config_command.Places(site, listen, inner, wait_ms=wait)
    for file in config_command.write(settings, gate_command.numbers_in_force(settings), proxy, places, into):
        console.print(f"Wrote {escape(str(file))}.")
    console.print(f"What it does, and what to change in it: docs/gate/{proxy}.md.")
