"""`licet ledger …`. As in `portal.cli`, what runs is imported when it runs."""

from __future__ import annotations

import contextlib
from pathlib import Path
from typing import Annotated

import typer

from portal.terminal import console

ledger = typer.Typer(help="Verify and prove the ledger.", no_args_is_help=True)
Config = Annotated[Path | None, typer.Option("--config", help="Settings file; licet.toml in this folder by default.")]


@ledger.command("verify")
def verify(
    held: Annotated[Path | None, typer.Option(help="A checkpoint that you kept; the ledger must still contain it.", exists=True)] = None,
    url: Annotated[str, typer.Option(help="Follow somebody's log over HTTP instead, such as https://data.example.com/ledger.")] = "",
    key: Annotated[str, typer.Option(help="The public key of that log, as <name>+<key id>+<key>.")] = "",
    state: Annotated[Path | None, typer.Option(help="File that keeps how far it read; the next run goes on there.")] = None,
    config: Config = None,
) -> None:
    """Recompute the whole ledger and name the first thing that is wrong."""
    if url:
        from portal.commands import monitor

        try:
            told = monitor.verify_url(url, key, state)
        except ValueError as error:
            console.out(f"WRONG  {error}", highlight=False)
            raise typer.Exit(1) from error
        console.out(f"The log is whole: {told.size} entries of {told.origin}, with root {told.root.hex()}", highlight=False)
        if pruned := monitor.pruned_at(url):
            console.out(
                f"Pruned ({pruned}): the log keeps only the hashes of these entries, by the policy at {url}/retention", highlight=False
            )
        return
    from portal.commands import ledger as ledger_command
    from portal.commands.here import settings_here

    settings = settings_here(config)
    report, found = ledger_command.verify_ledger(settings, held, state), ledger_command.anchored(settings)
    for line in (*ledger_command.lines(report), *ledger_command.anchor_lines(found)):
        console.out(line, highlight=False)
    if not report.ok or found.refusals:
        raise typer.Exit(1)


@ledger.command("witness")
def witness(
    folder: Annotated[Path, typer.Argument(help="The witness's folder, made where there is none: its key, and what it cosigned.")],
    log: Annotated[list[str], typer.Option(help="Public key of a log to witness, as <name>+<key id>+<key>; once for each.")],
    name: Annotated[str, typer.Option(help="Name under which a new witness signs, such as witness.example.org/1.")] = "",
    host: Annotated[str, typer.Option(help="Address to listen on.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(help="Port to listen on.")] = 8470,
    certificate: Annotated[
        Path | None, typer.Option(help="PEM file with a certificate, to do TLS without a web server.", exists=True)
    ] = None,
    key: Annotated[Path | None, typer.Option(help="PEM file with the certificate's private key.", exists=True)] = None,
) -> None:
    """Be a witness: cosign checkpoints of other people's logs, and never two that contradict each other."""
    from portal.commands import witness as witness_command

    made = witness_command.open_witness(folder, name, log)
    with witness_command.server_of(made, witness_command.Door(host, port, certificate, key)) as server:
        for line in witness_command.lines(made):
            console.out(line, highlight=False)
        console.out(f"Listening on {host}:{server.server_address[1]}", highlight=False)
        with contextlib.suppress(KeyboardInterrupt):
            server.serve_forever()


@ledger.command("close")
def close(
    why: Annotated[str, typer.Option(help="Why the log is closed; it becomes part of the ledger.", prompt=True)],
    key: Annotated[str, typer.Option(help="The log's public key, where its private key cannot be opened any more.")] = "",
    config: Config = None,
) -> None:
    """Close a log whose key is lost or known to others at its last witnessed checkpoint, and open the next with a new key."""
    from portal.commands import ledger as ledger_command
    from portal.commands.here import settings_here

    opened = ledger_command.close_and_open(settings_here(config), why, key)
    console.out(f"The log is closed. The next is {opened.origin}, with the public key", highlight=False)
    console.out(opened.key, highlight=False)
    console.out("Publish this key, and give it to whoever runs your witnesses.", highlight=False)


@ledger.command("erase")
def erase_values(
    subject: Annotated[
        str,
        typer.Option(
            prompt="Whose values (id of an account, mail address or network, whole)", hide_input=True, help="Asked for, if not given."
        ),
    ],
    reason: Annotated[str, typer.Option(prompt="On what ground", help="Asked for, if not given.")],
    config: Config = None,
) -> None:
    """Erase a person's or a network's values from the ledger for good; entries and proofs stay."""
    from portal.commands import ledger as ledger_command
    from portal.commands.here import settings_here

    erased = ledger_command.erase_values(settings_here(config), subject, reason)
    for line in ledger_command.erased_lines(erased):
        console.print(line)
