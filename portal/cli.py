"""The `licet` command. Each command is a few lines here and a module in `portal.commands`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from contracts.errors import LicetError, Misconfigured
from portal.commands import dataset as dataset_command
from portal.commands import demo as demo_command
from portal.commands import doctor as doctor_command
from portal.commands import gate as gate_command
from portal.commands import init as init_command
from portal.commands import ledger as ledger_command
from portal.commands.init import Answers
from portal.serve import build, door, serve_forever

app = typer.Typer(
    name="licet", help="Data licensing and authorised access.", no_args_is_help=True, pretty_exceptions_enable=False, add_completion=False
)
ledger = typer.Typer(help="Verify and prove the ledger.", no_args_is_help=True)
gate = typer.Typer(help="The gate before the main site.", no_args_is_help=True)
dataset = typer.Typer(help="Datasets.", no_args_is_help=True)
demo = typer.Typer(help="The demo: a working portal with people, contracts and data.", invoke_without_command=True)
for group, name in ((ledger, "ledger"), (gate, "gate"), (dataset, "dataset"), (demo, "demo")):
    app.add_typer(group, name=name)

console = Console(highlight=False, soft_wrap=True)
Config = Annotated[Path | None, typer.Option("--config", help="Settings file; licet.toml in this folder by default.")]


@app.command()
def init(
    name: Annotated[str, typer.Option(prompt="Short name of the platform, as people know it")],
    legal_name: Annotated[str, typer.Option(prompt="Legal name that signs contracts")],
    contact: Annotated[str, typer.Option(prompt="Address for questions about data access")],
    site: Annotated[str, typer.Option(prompt="Address of the main site (https://…)")],
    trial: Annotated[bool, typer.Option(prompt="Try it on this machine only, with mail on a page")] = True,
    base_url: Annotated[str, typer.Option(help="Address under which the portal is reached.")] = "http://127.0.0.1:8400",
    port: Annotated[int, typer.Option(help="Port to listen on.")] = 8400,
) -> None:
    """Set up a real installation in this folder and print the first administrator's link."""
    file, link = init_command.initialise(Path.cwd(), Answers(name, legal_name, contact, site, base_url, trial), port)
    console.print(f"Wrote {file.name} and fresh keys under .licet (keep a copy of .licet/master.key outside this machine).")
    console.print("Start the portal with: licet serve")
    console.print(f"Then become its first administrator, once, within a day:\n{link}")


@app.command()
def serve(config: Config = None) -> None:
    """Run the portal, the API, the gate and the worker in one process."""
    settings = demo_command.settings_here(config)
    own = door(settings.host, settings.port)
    serve_forever(build(settings), own)


@app.command()
def migrate(config: Config = None) -> None:
    """Bring the database to this program's version and make the keys that it needs."""
    init_command.prepare(demo_command.settings_here(config))
    console.print("The database is up to date.")


@app.command()
def administrator(config: Config = None) -> None:
    """Print a new one-time link for the first administrator."""
    console.print(init_command.administrator_link(demo_command.settings_here(config)))


@app.command()
def doctor(config: Config = None) -> None:
    """Check the configuration: what is wrong, where, and how to mend it."""
    findings = doctor_command.examine(config)
    for finding in findings:
        if finding.fine:
            console.print(f"[green]fine[/]   {finding.where}")
        else:
            console.print(f"[red]mend[/]   {finding.where}: {finding.problem}\n       {finding.mend}")
    if not all(finding.fine for finding in findings):
        raise typer.Exit(1)


@dataset.command("describe")
def describe(file: Path, name: Annotated[str, typer.Option(help="Id of the dataset; the file's name by default.")] = "") -> None:
    """Print the section of licet.toml for a CSV, Parquet or NDJSON file."""
    console.out(dataset_command.describe(file, name), highlight=False, end="")


@dataset.command("refresh")
def refresh(name: str, config: Config = None) -> None:
    """Load a new version of a dataset from its source."""
    version = dataset_command.refresh_dataset(demo_command.settings_here(config), name)
    console.print(f"{name} is now at version {version}.")


@ledger.command("verify")
def verify(
    held: Annotated[Path | None, typer.Option(help="A checkpoint that you kept; the ledger must still contain it.", exists=True)] = None,
    config: Config = None,
) -> None:
    """Recompute the whole ledger and name the first thing that is wrong."""
    report = ledger_command.verify_ledger(demo_command.settings_here(config), held)
    for line in ledger_command.lines(report):
        console.print(line)
    if not report.ok:
        raise typer.Exit(1)


@gate.command("off")
def gate_off(config: Config = None) -> None:
    """Restore shadow mode within two seconds: everyone is let through and recorded."""
    gate_command.turn_off(demo_command.settings_here(config))
    console.print("The gate is in shadow: everyone is let through and recorded.")


@demo.callback()
def run_demo(
    context: typer.Context,
    port: Annotated[int, typer.Option(envvar="PORT", min=1, max=65_534, help="Port of the portal; the small site takes the next.")] = 8400,
    posts: Annotated[int | None, typer.Option(min=1_000, help="How many posts to make; 200,000 by default.", show_default=False)] = None,
) -> None:
    """Run the demo; RESET=1 starts over."""
    if context.invoked_subcommand is None:
        demo_command.run(console, port, posts)


@demo.command("scrape")
def scrape() -> None:
    """Read the small site as a scraper: without the licence (stopped) and with it (finishes)."""
    demo_command.try_scraping(console)


@demo.command("tamper")
def tamper() -> None:
    """Change one byte in a copy of the ledger and let `verify` name it."""
    demo_command.tamper(console)


def main() -> None:
    """Run the command; an error of the house is one plain line, not a stack trace."""
    try:
        app()
    except Misconfigured as error:
        console.print(f"[red]{error.where}[/] {error.problem} {error.mend}")
        raise SystemExit(2) from error
    except LicetError as error:
        console.print(f"[red]{error}[/]")
        raise SystemExit(1) from error


if __name__ == "__main__":
    main()
