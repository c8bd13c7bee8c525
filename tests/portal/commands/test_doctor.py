"""`licet doctor`: every wrong thing is said once, with where it is and how to mend it, and nothing else is called wrong."""

from __future__ import annotations

import os
import re
import shutil
import socket
import sqlite3
from collections.abc import Callable
from pathlib import Path

import pytest

from contracts.settings import load
from portal.alone import alone
from portal.commands.doctor import Finding, examine
from tests.harness.server import free_port
from tests.harness.smtp import smtp_server
from tests.portal.commands.conftest import TREES, Licet

Change = Callable[[Path], object]


def wrong(folder: Path) -> list[Finding]:
    """The findings that are not fine."""
    return [each for each in examine(folder / "licet.toml") if not each.fine]


def in_settings(old: str, new: str) -> Change:
    """Replace a text of licet.toml."""

    def change(folder: Path) -> None:
        file = folder / "licet.toml"
        text = file.read_text()
        assert old in text
        file.write_text(text.replace(old, new))

    return change


def in_file(name: str, text: str) -> Change:
    """Write a file of the installation."""
    return lambda folder: (folder / name).write_text(text)


def test_a_whole_installation_is_fine_and_nothing_is_touched(folder: Path) -> None:
    before = {each: each.read_bytes() for each in folder.rglob("*") if each.is_file()}
    port = load(folder / "licet.toml", {}).port
    assert examine(folder / "licet.toml") == [
        Finding("settings", True, f"profile trial, http://127.0.0.1:{port}"),
        Finding("port", True, f"{port} is free"),
        Finding("master key", True, f"in {folder}/.licet/master.key, for its owner only"),
        Finding("database", True, "sqlite, durable, at this program's version"),
        Finding("deliveries", True, "folded up to the newest entry"),
        Finding("ledger", True, "The ledger has no checkpoint yet that could be anchored"),
        Finding("personal values", True, f"sealed, and every key is in {folder}/.licet/subjects"),
        Finding("stored keys", True, "the master key opens them"),
        Finding("contract texts", True, "bundled"),
        Finding("texts of mails", True, "bundled"),
        Finding("letters", True, "bundled"),
        Finding("page of the gate", True, "bundled"),
        Finding("contract seal", True, "by a certificate that this platform makes for itself, without time-stamps"),
        Finding("forms", True, "bundled"),
        Finding("mail", True, "kept on this machine and shown at /mailbox"),
        Finding("dataset trees", True, "3 records in trees.csv"),
    ]
    assert {each: each.read_bytes() for each in before} == before


def clause(name: str, text: str) -> Change:
    """Write an own clause of the installation."""

    def change(folder: Path) -> None:
        (folder / ".licet" / "clauses").mkdir()
        (folder / ".licet" / "clauses" / f"{name}.toml").write_text(text)

    return change


def in_clear(folder: Path) -> None:
    """As `licet migrate` finds it, and leaves it where it is stopped in between."""
    with sqlite3.connect(folder / ".licet" / "licet.db") as database:
        database.execute("INSERT INTO ledger_plain_value (entry_id, field, value, salt) VALUES ('ent_1', 'account', 'acc_1', x'00')")


OWN_PACE = 'title = "Pace"\nbinds = "pace"\ntext = "$pace"\nmonitored = "It is counted."\nbreach = "It is refused."\n'
KEY_GONE = "Put its copy back; a new installation gets one from `licet init`."
COMPARE = "Compare the file with the types of the fields."
CORRECT = "Correct the field's name in licet.toml, or name its column with `column`."
NO_MAIL = 'Set mail.transport = "smtp" with sender, host, port, username and password.'


@pytest.mark.parametrize(
    ("change", "where", "found", "mend"),
    [
        (
            in_settings("[platform]\nname", "[platform]\nnmae"),
            "setting platform.nmae",
            "is unknown.",
            "Did you mean name? Read from {toml};",
        ),
        (
            in_settings('site = "https://airfield.example"', 'site = "airfield"'),
            "setting platform.site",
            "does not fit: Write a web address",
            "Read from {toml};",
        ),
        (in_settings("[mail]", "[mail"), "{toml}", "is not TOML: ", "Mend the place that it names."),
        (
            lambda folder: (folder / ".licet/master.key").unlink(),
            "master key",
            "is neither in LICET_MASTER_KEY nor in {folder}/.licet/master.key.",
            KEY_GONE,
        ),
        (
            lambda folder: (folder / ".licet/master.key").chmod(0o644),
            "master key",
            "{folder}/.licet/master.key can be read by others on this machine.",
            "Run `chmod 600 {folder}/.licet/master.key`.",
        ),
        (
            lambda folder: (folder / ".licet/master.key").write_bytes(b"short"),
            "master key",
            "is not 32 bytes.",
            "Use the file that `licet init` wrote",
        ),
        (
            lambda folder: (folder / ".licet/master.key").write_bytes(os.urandom(32)),
            "master key",
            "does not open the stored key key_",
            "Use the master key that this database was made with.",
        ),
        (
            lambda folder: (folder / ".licet/licet.db").unlink(),
            "database",
            "is not there: {folder}/.licet/licet.db.",
            "Run `licet migrate`, or put its backup back.",
        ),
        (in_file(".licet/licet.db", ""), "database", "is at version none, the program at ", "Run `licet migrate`."),
        (
            in_file(".licet/licet.db", "no database at all, " * 100),
            "database",
            "cannot be opened: file is not a database.",
            "Check `database` and `home`",
        ),
        (
            in_settings("[platform]", 'database = "mysql://there"\n[platform]'),
            "setting database",
            "mysql is not supported.",
            "Use sqlite or postgresql+psycopg.",
        ),
        (
            in_settings("[platform]", 'database = "nonsense"\n[platform]'),
            "setting database",
            "is not an address of a database.",
            "Use sqlite:///FILE",
        ),
        (
            lambda folder: shutil.rmtree(folder / ".licet/subjects"),
            "personal values",
            "cannot all be read: of 1 keys that they are sealed under, 1 are not in {folder}/.licet/subjects.",
            "Put the copy of that folder back, or set subject_keys to where it lies.",
        ),
        (
            lambda folder: (folder / ".licet/subjects/index.key").unlink(),
            "personal values",
            "cannot be found by whose they are, and so not be erased: index.key is not in {folder}/.licet/subjects.",
            "Put the copy of that folder back.",
        ),
        (in_clear, "personal values", "stand in clear in the database: 1 of them.", "Run `licet migrate`."),
        (clause("pace", OWN_PACE), "clause pace", "binds the term pace in your own words, which nobody confirmed", "A steward or"),
        (clause("extra", OWN_PACE), "clause extra", "stands in no template: {folder}/.licet/clauses/extra.toml.", "Put its name into"),
        (
            in_settings('transport = "mailbox"', 'transport = "none"'),
            "mail",
            "none leaves, so partners cannot confirm their addresses.",
            NO_MAIL,
        ),
        (
            in_settings('transport = "mailbox"', 'transport = "smtp"'),
            "setting mail.sender",
            "is not set",
            "Set the address that mail comes from.",
        ),
        (lambda folder: (folder / "trees.csv").unlink(), "file trees.csv", "is not in {folder}.", "Check its name and folder."),
        (in_settings("trees.csv", "trees.xlsx"), "file trees.xlsx", "is not in {folder}.", "Check its name and folder."),
        (in_file("trees.csv", "id,species\n1,oak\n"), "dataset trees", "trees.csv has no column 'height'; it has id, species.", CORRECT),
        (in_file("trees.csv", TREES + "2,elm,3\n"), "dataset trees", "two rows have the id '2'.", "Name a field that is unique as key."),
        (in_file("trees.csv", TREES + ",elm,3\n"), "dataset trees", "a row has no id.", "Every record needs its key."),
        (in_file("trees.csv", TREES + "4,elm,tall\n"), "dataset trees", "cannot be loaded: Conversion Error: ", COMPARE),
        (
            in_settings('key = "id"', 'key = "id"\nchanges = [{ field = "height", date = 2020-01-31, what = "In feet." }]'),
            "announced changes",
            "the change of height on 2020-01-31 is announced, and that day is over.",
            "Remove it from `changes`, or name another day.",
        ),
        (
            in_settings('key = "id"', 'key = "number"'),
            "setting datasets.trees",
            "does not fit: key names the field 'number', which the dataset does not have.",
            "Read from {toml};",
        ),
    ],
)
def test_one_broken_thing_is_one_finding(folder: Path, change: Change, where: str, found: str, mend: str) -> None:
    change(folder)
    place = {"folder": str(folder), "toml": f"{folder}/licet.toml"}
    (finding,) = wrong(folder)
    assert finding.where == where.format(**place)
    assert finding.found.startswith(found.format(**place))
    assert finding.mend.startswith(mend.format(**place))


def test_changes_to_come_are_said(folder: Path) -> None:
    in_settings('key = "id"', 'key = "id"\nchanges = [{ field = "height", date = 2126-01-31, what = "In feet." }]')(folder)
    assert examine(folder / "licet.toml")[-1] == Finding("changes of trees", True, "height on 2126-01-31")


def test_several_broken_things_are_all_found(folder: Path) -> None:
    (folder / ".licet/master.key").unlink()
    (folder / "trees.csv").unlink()
    in_settings('transport = "mailbox"', 'transport = "none"')(folder)
    assert [each.where for each in wrong(folder)] == ["master key", "mail", "file trees.csv"]


def test_an_installation_without_data_says_how_to_describe_some(made: Path) -> None:
    nothing = Finding(
        "datasets", False, "none is described, so there is nothing to apply for.", "Run `licet dataset describe FILE >> licet.toml`."
    )
    assert wrong(made) == [nothing]


def test_a_table_that_is_read_where_it_lies_is_looked_at_there(folder: Path, licet: Licet) -> None:
    file = folder / "site.db"
    with sqlite3.connect(file) as site:
        site.execute("CREATE TABLE trees (id INTEGER, species TEXT, height REAL)")
        site.executemany("INSERT INTO trees VALUES (?, ?, ?)", [(1, "oak", 12.5), (2, "ash", 9.0), (3, "oak", 4.0)])
    place = f'engine = "sqlalchemy"\nsource = "sqlite:///{file}"\ntable = "trees"'
    in_settings('location = "trees.csv"', place)(folder)
    before = file.read_bytes()
    said = "trees is read in place, and none of its 3 rows has a number, so none is served."
    assert wrong(folder) == [Finding("dataset trees", False, said, "Run `licet dataset refresh trees`.")]
    assert file.read_bytes() == before
    assert licet(folder, "dataset", "refresh", "trees").returncode == 0
    with sqlite3.connect(file) as site:
        site.execute("INSERT INTO trees VALUES (4, 'elm', 2.0)")
    told = "4 rows in trees, 3 of them numbered, read in place by the engine sqlalchemy"
    slow = f"{told}; no index begins with id, so pages are slow"
    assert examine(folder / "licet.toml")[-1] == Finding("dataset trees", True, slow)
    with sqlite3.connect(file) as site:
        site.execute("CREATE UNIQUE INDEX by_id ON trees (id)")
    assert examine(folder / "licet.toml")[-1] == Finding("dataset trees", True, told)
    with sqlite3.connect(file) as site:
        site.execute("ALTER TABLE trees DROP COLUMN height")
    (finding,) = wrong(folder)
    assert (finding.where, finding.found) == ("dataset trees", "trees has no column 'height'; it has id, species.")
    file.unlink()
    (finding,) = wrong(folder)
    assert (finding.where, finding.found) == ("dataset trees", "its SQLite file is not there.")


def test_a_version_that_lacks_a_file_is_named(folder: Path, licet: Licet) -> None:
    whole = len(examine(folder / "licet.toml"))
    assert licet(folder, "dataset", "refresh", "trees").returncode == 0
    assert len(examine(folder / "licet.toml")) == whole
    (file,) = (folder / ".licet/datasets/trees").glob("*.lines")
    file.unlink()
    told = f"version {file.stem} has none yet, so most of its pages take longer; `licet dataset refresh trees` writes them"
    assert Finding("lines of trees", True, told) in examine(folder / "licet.toml")
    in_settings('key = "id"', 'key = "id"\nlines = false')(folder)
    assert len(examine(folder / "licet.toml")) == whole
    records = file.with_suffix(".duckdb")
    records.unlink()
    missing = f"{file.stem} is current, and its file is not there: {records}."
    assert wrong(folder) == [Finding("version of trees", False, missing, "Put home back from its backup.")]


def test_a_mail_server_is_tried(folder: Path) -> None:
    smtp = 'transport = "smtp"\nsender = "data@airfield.example"\nhost = "127.0.0.1"\nport = {}\nstarttls = {}'
    closed = free_port()
    in_settings('transport = "mailbox"', smtp.format(closed, "false"))(folder)
    (finding,) = wrong(folder)
    assert (finding.where, finding.mend) == ("mail", "Check mail.host, port, starttls, username and password.")
    assert re.match(rf"127\.0\.0\.1:{closed} does not take mail from us: .*[Rr]efused", finding.found)
    with smtp_server() as server:
        in_settings(f"port = {closed}", f"port = {server.port}")(folder)
        assert wrong(folder) == []
        in_settings("starttls = false", "starttls = true")(folder)
        assert [each.where for each in wrong(folder)] == ["mail"]
        assert server.received == []


def test_a_port_that_another_program_has_is_told_from_the_portals_own(folder: Path) -> None:
    settings = load(folder / "licet.toml", {})
    with socket.create_server(("127.0.0.1", settings.port)):
        taken = Finding(f"127.0.0.1:{settings.port}", False, "is in use by another program.", "End that program, or choose another port.")
        assert wrong(folder) == [taken]
        with alone(settings):
            assert wrong(folder) == []


def test_the_command_prints_each_finding_and_fails_where_one_is_wrong(folder: Path, licet: Licet, tmp_path: Path) -> None:
    (folder / "trees.csv").write_text(TREES + "2,elm,3\n")
    ended = licet(folder, "doctor")
    assert (ended.returncode, ended.stderr) == (1, "")
    last = "mend   dataset trees: two rows have the id '2'.\n       Name a field that is unique as key.\n"
    assert ended.stdout.startswith("fine   settings: profile trial") and ended.stdout.endswith(last)
    (folder / "trees.csv").write_text(TREES)
    assert licet(folder, "doctor").returncode == 0
    elsewhere = licet(tmp_path, "doctor")
    absent = "mend   licet.toml: is not in this folder.\n       Go to your installation's folder, or make one here: `licet init`.\n"
    assert (elsewhere.returncode, elsewhere.stdout, sorted(each.name for each in tmp_path.iterdir())) == (1, absent, ["airfield"])
