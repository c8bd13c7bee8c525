"""`licet demo` and what is tried beside it. As in `portal.cli`, what runs is imported when it runs."""

from __future__ import annotations

from typing import Annotated

import typer

from portal.terminal import console

demo = typer.Typer(help="The demo: a working portal with people, contracts and data.", invoke_without_command=True)


@demo.callback()
def run_demo(
    context: typer.Context,
    port: Annotated[int, typer.Option(envvar="PORT", min=1, max=65_534, help="Port of the portal; the small site takes the next.")] = 8400,
    posts: Annotated[int | None, typer.Option(min=1_000, help="How many posts to make; 200,000 by default.", show_default=False)] = None,
) -> None:
    """Run the demo; RESET=1 starts over."""
    if context.invoked_subcommand is None:
        from portal.commands import demo as demo_command

        demo_command.run(console, port, posts)


@demo.command("scrape")
def scrape() -> None:
    """Read the small site as a scraper: without the licence (stopped) and with it (finishes)."""
    from portal.commands import experiments

    experiments.try_scraping(console)


@demo.command("code")
def code(address: Annotated[str, typer.Argument(help="Mail address of a person of the demo.")]) -> None:
    """Say the code that this person's authenticator app would show now."""
    from portal.commands import experiments

    console.print(experiments.code_of(address))


@demo.command("tamper")
def tamper() -> None:
    """Change one byte in a copy of the ledger and let `verify` name it."""
    from portal.commands import experiments

    experiments.tamper(console)
