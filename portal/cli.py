"""The `licet` command. Each command is a few lines here and a module in `portal.commands`, which is imported when the command runs:
together they take seconds, and no command needs those of another.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import Annotated

import typer
from rich.markup import escape

from contracts.errors import LicetError, Misconfigured, Refused
from portal.cli_demo import demo
from portal.cli_gate import gate
from portal.cli_ledger import ledger
from portal.memory import look_seldom
from portal.parts import Part
from portal.terminal import aside, console

app = typer.Typer(name="licet", no_args_is_help=True, pretty_exceptions_enable=False, add_completion=False)
deliveries = typer.Typer(help="Which records went to whom.", no_args_is_help=True)
dataset = typer.Typer(help="Datasets.", no_args_is_help=True)
keys = typer.Typer(help="The keys that sign access tokens.", no_args_is_help=True)
partners = typer.Typer(help="Partners.", no_args_is_help=True)
contract = typer.Typer(help="Contracts as files.", no_args_is_help=True)
_GROUPS = {
    "ledger": ledger,
    "deliveries": deliveries,
    "gate": gate,
    "dataset": dataset,
    "keys": keys,
    "partners": partners,
    "contract": contract,
    "demo": demo,
}
for name, group in _GROUPS.items():
    app.add_typer(group, name=name)

Config = Annotated[Path | None, typer.Option("--config", help="Settings file; licet.toml in this folder by default.")]


def _asked(text: str) -> typer.models.OptionInfo:
    option: typer.models.OptionInfo = typer.Option(help=f"{text}.", show_default=False)
    return option


def _tell_version(asked: bool) -> None:
    if asked:
        from importlib import metadata

        print(f"licet {metadata.version('licet')}")
        raise typer.Exit


@app.callback()
def licet(
    version: Annotated[bool, typer.Option("--version", help="Print the version and end.", is_eager=True, callback=_tell_version)] = False,
) -> None:
    """Data licensing and authorised access."""


@app.command()
def init(
    name: Annotated[str | None, _asked("Short name of the platform, as people know it")] = None,
    legal_name: Annotated[str | None, _asked("Legal name that signs contracts")] = None,
    contact: Annotated[str | None, _asked("Mail address for questions about data access")] = None,
    site: Annotated[str | None, _asked("Address of the main site")] = None,
    administrator: Annotated[str | None, _asked("Mail address that the first administrator signs in with")] = None,
    trial: Annotated[
        bool | None, typer.Option("--trial/--production", help="On this machine only with mail on a page, or for real.")
    ] = None,
    base_url: Annotated[str | None, _asked("Address under which people reach the portal, where it is no trial")] = None,
    port: Annotated[int, typer.Option(help="Port to listen on.", min=1, max=65535)] = 8400,
) -> None:
    """Set up a real installation in this folder and print the first administrator's link. Asks for what is not given."""
    from portal.commands import ask as ask_command
    from portal.commands import init as init_command
    from portal.commands.ask import Given

    init_command.check_free(Path.cwd())
    init_command.check_port(port)
    answers = ask_command.answers(Given(name, legal_name, contact, site, administrator, trial, base_url, port), console)
    link = init_command.initialise(Path.cwd(), answers)
    console.print("\nWrote licet.toml, and in .licet the database and the master key that opens its keys.")
    console.print("Keep a copy of .licet/master.key outside this machine.\n\nNext:")
    console.print("  licet dataset describe FILE >> licet.toml    describe your data: a CSV, Parquet or NDJSON file")
    console.print("  licet doctor                                 see what is missing")
    console.print("  licet serve                                  start the portal")
    console.print(
        f"\nThen open this link, as {answers.administrator}. It works once, within {init_command.LINK_DAYS} days; `licet administrator` prints a new one."
    )
    console.print(link, markup=False)


@app.command()
def serve(
    config: Config = None,
    workers: Annotated[
        int, typer.Option(help="Processes behind the one port; more than 1 needs PostgreSQL and Valkey.", min=1, max=64)
    ] = 1,
    only: Annotated[Part | None, typer.Option(help="Serve one part only; needs PostgreSQL and Valkey.", show_default=False)] = None,
) -> None:
    """Run the portal, the API, the gate and the worker: in one process, or in several that share a store."""
    from portal.commands import processes
    from portal.commands.here import settings_here
    from portal.ground import door
    from portal.serve import build, serve_forever

    settings = settings_here(config)
    plan = processes.plan(settings, workers, only)
    if only is Part.WORKER:
        processes.work(settings)
        return
    own = door(settings.host, settings.port)
    house = build(settings) if not plan.several else None
    aside.print(f"{settings.platform.name} data access is at {settings.base_url}. Stop it with Ctrl-C.", markup=False)
    if settings.shows_mailbox:
        aside.print(f"Its mail is shown at {settings.base_url}/mailbox.")
    if plan.note:
        aside.print(plan.note)
    if house is not None:
        serve_forever(house, own)
    else:
        processes.serve(settings, own, plan)


@app.command()
def worker(config: Config = None) -> None:
    """Do the recurring work (ledger, mail, reports, expiry) in a process of its own; needs PostgreSQL and Valkey."""
    from portal.commands import processes
    from portal.commands.here import settings_here

    settings = settings_here(config)
    processes.plan(settings, 1, Part.WORKER)
    processes.work(settings)


@app.command()
def migrate(config: Config = None) -> None:
    """Bring the database to this program's version and make the keys that it needs."""
    from portal.commands import init as init_command
    from portal.commands.here import settings_here

    init_command.prepare(settings_here(config))
    console.print("The database is up to date.")


@app.command()
def backup(
    file: Annotated[Path, typer.Argument(help="Archive to write, such as licet-2026-11-22.tar.gz.", dir_okay=False)],
    config: Config = None,
) -> None:
    """Write the database and the files of home into one archive; the keys that open personal values stay out of it."""
    from portal.commands import backup as backup_command
    from portal.commands.here import settings_here

    settings = settings_here(config)
    count = backup_command.back_up(settings, file)
    console.print(f"Wrote {file}: the database and {count} files of home.", markup=False)
    console.print("Not in it: master.key, and the keys of those whom personal values are about. docs/erasing.md says how to keep these.")


@app.command()
def restore(
    file: Annotated[
        Path | None, typer.Argument(help="Archive of `licet backup`; none where other tools put the database back.", exists=True)
    ] = None,
    config: Config = None,
) -> None:
    """Put a backup back, and erase from it whoever was erased since. Run it before serving."""
    from portal.commands import backup as backup_command
    from portal.commands.here import settings_here

    gone = backup_command.restore(settings_here(config), file)
    console.print(f"Restored. Erasures replayed: the values under {gone.keys} keys that were erased since are gone from it as well.")
    if gone.records:
        console.print(f"Records replayed: {gone.records} that were erased since are erased again, and whoever holds them is told.")


@app.command()
def administrator(
    email: Annotated[str, typer.Option(help="Address to sign in with; the one before, if not given.", show_default=False)] = "",
    config: Config = None,
) -> None:
    """Print a new one-time link for the first administrator; the one before ends."""
    from portal.commands import ask as ask_command
    from portal.commands import init as init_command
    from portal.commands.here import settings_here
    from portal.commands.init import mail_address

    checked = ask_command.checked(email, mail_address, "--email") if email else ""
    console.print(init_command.administrator_link(settings_here(config), checked), markup=False)


@app.command()
def doctor(config: Config = None) -> None:
    """Check the configuration: what is wrong, where, and how to mend it."""
    from portal.commands import doctor as doctor_command
    from portal.commands.finding import tell

    tell(doctor_command.examine(config))


@dataset.command("describe")
def describe(file: Path, name: Annotated[str, typer.Option(help="Id of the dataset; the file's name by default.")] = "") -> None:
    """Print the section of licet.toml for a CSV, Parquet or NDJSON file."""
    from portal.commands import dataset as dataset_command

    console.out(dataset_command.describe(file, name, Path.cwd()), highlight=False, end="")


@dataset.command("refresh")
def refresh(name: str, config: Config = None) -> None:
    """Load a new version of a dataset from its source."""
    from portal.commands import dataset as dataset_command
    from portal.commands.here import settings_here

    version = dataset_command.refresh_dataset(settings_here(config), name)
    console.print(f"{name} is now at version {version}.")


@deliveries.command("rebuild")
def rebuild_deliveries(config: Config = None) -> None:
    """Make anew what "who holds this record" is answered from; answers stay right meanwhile and take longer."""
    from portal.commands import deliveries as deliveries_command
    from portal.commands.here import settings_here

    entries = deliveries_command.rebuild(settings_here(config))
    console.print(f"The deliveries of {entries:,} entries are folded again.")


@keys.command("list")
def list_keys(config: Config = None) -> None:
    """Print every key that signs or signed access tokens, newest first."""
    from portal.commands import keys as keys_command
    from portal.commands.here import settings_here

    for line in keys_command.lines(keys_command.list_keys(settings_here(config))):
        console.print(line)


@keys.command("rotate")
def rotate_keys(config: Config = None) -> None:
    """Make a new key: published now, signing in ten minutes; the one before ends by itself after its last token."""
    from portal.commands import keys as keys_command
    from portal.commands.here import settings_here

    kid = keys_command.rotate_key(settings_here(config))
    console.print(f"The key {kid} is published and signs in ten minutes. No request fails meanwhile.")


@keys.command("revoke")
def revoke_key(kid: Annotated[str, typer.Argument(help="Id of the key, as `licet keys list` shows it.")], config: Config = None) -> None:
    """End a key within two seconds, and with it every token that it signed; clients ask for new ones."""
    from portal.commands import keys as keys_command
    from portal.commands.here import settings_here

    keys_command.revoke_key(settings_here(config), kid)
    console.print(f"The key {kid} has ended, and every token that it signed with it. Clients get new tokens as before.")


@partners.command("import")
def import_partners(
    file: Annotated[Path, typer.Argument(help="CSV with one agreement a line; its PDFs and terms lie beside it.", exists=True)],
    write: Annotated[bool, typer.Option("--write", help="Keep them for staff to confirm; without it, only say what would happen.")] = False,
    config: Config = None,
) -> None:
    """Bring in agreements that were signed before Licet. Two people of staff confirm each before it is in force."""
    from portal.commands import partners as partners_command
    from portal.commands.here import settings_here

    found = partners_command.import_agreements(settings_here(config), file, write=write)
    for line in partners_command.lines(found):
        console.print(line, markup=False)
    wrong = sum(bool(line.problems) for line in found)
    if wrong:
        console.print(f"{wrong} of {len(found)} to mend; nothing was kept.")
        raise typer.Exit(1)
    kept = f"{len(found)} kept. Two people of staff confirm each on the desk, under Partners signed before."
    console.print(kept if write else f"{len(found)} fine; nothing was kept. Run it again with --write.")


@contract.command("verify")
def verify_contract(
    file: Annotated[Path, typer.Argument(help="PDF of a contract.", exists=True, dir_okay=False)],
    certificate: Annotated[
        Path | None,
        typer.Option(
            help="PEM file of the platform's certificates; this installation's own, if not given.", exists=True, show_default=False
        ),
    ] = None,
    terms: Annotated[
        Path | None, typer.Option(help="A file of terms in JSON that must be those of the contract.", exists=True, show_default=False)
    ] = None,
    config: Config = None,
) -> None:
    """Check the seal, the hashes and the terms of a contract's PDF on this machine, without any network."""
    from portal.commands import contract as contract_command

    found = contract_command.verify_file(file, certificate, terms, config)
    for line in contract_command.lines(found):
        console.print(line, markup=False)
    if not found.ok:
        raise typer.Exit(1)


@app.command()
def login(
    address: Annotated[str, typer.Argument(help="Address of the platform's portal, as the client's page shows it.")],
    client: Annotated[str, typer.Option(help="Id of your organisation's client for people.")],
    browser: Annotated[
        bool, typer.Option("--browser/--no-browser", help="Open the page in the browser, or only print its address.")
    ] = True,
) -> None:
    """Sign in at a platform as a partner's person, so that this machine may read for you."""
    import webbrowser

    from portal.commands import login as login_command
    from portal.commands import signed as signed_in

    def show(url: str) -> None:
        aside.print(
            "Open this address, sign in, and allow it:" if not browser else "Your browser opens. If it does not, open this address:"
        )
        console.print(url, markup=False)
        if browser:
            webbrowser.open(url)

    signed = login_command.sign_in(address, client, signed_in.folder(os.environ), show)
    aside.print(f"Signed in at {signed.issuer}. Read with: licet pull DATASET --out FILE", markup=False)


@app.command()
def pull(
    dataset: Annotated[str, typer.Argument(help="Id of a dataset of the contract.")],
    out: Annotated[
        Path | None, typer.Option(help="File for the records, one JSON object a line; the screen, if not given.", show_default=False)
    ] = None,
    fields: Annotated[str, typer.Option(help="Fields with commas between; all of the contract, if not given.", show_default=False)] = "",
    purpose: Annotated[str, typer.Option(help="One of the contract's purposes.", show_default=False)] = "",
    where: Annotated[
        list[str] | None, typer.Option(help="A condition such as created_at.gte=2026-01-01T00:00:00Z.", show_default=False)
    ] = None,
) -> None:
    """Read every record of a dataset that the contract allows, as the person who signed in. A run that stopped goes on."""
    from portal.commands import pull as pull_command
    from portal.commands import signed as signed_in

    query = pull_command.query(fields, purpose, where or [])
    pages = pull_command.Pages(signed_in.folder(os.environ), dataset, query)
    try:
        if out is None:
            pull_command.show(pages, sys.stdout.buffer)
            return
        count = pull_command.pull(pages, [("dataset", dataset), *query], out, aside.print)
    finally:
        pages.close()
    aside.print(f"{out} has {count:,} records.", markup=False)


def main() -> None:
    """Run the command; an error of the house is one plain line, not a stack trace."""
    look_seldom()
    try:
        app()
    except Misconfigured as error:
        aside.print(f"[red]{escape(error.where)}[/] {escape(error.problem)} {escape(error.mend)}")
        raise SystemExit(2) from error
    except Refused as error:
        aside.print(f"[red]{escape(error.refusal.reason)}[/]")
        raise SystemExit(1) from error
    except LicetError as error:
        aside.print(f"[red]{escape(str(error))}[/]")
        raise SystemExit(1) from error


if __name__ == "__main__":
    main()
