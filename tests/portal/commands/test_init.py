"""`licet init` and `licet administrator`: nothing is overwritten, nothing half made, keys are private, and one link is good at a time."""

from __future__ import annotations

import re
import socket
from collections.abc import Callable
from pathlib import Path

import pytest
from sqlalchemy import create_engine, text

from contracts.clock import SystemClock
from contracts.errors import Misconfigured, Refused
from contracts.people import service as people
from contracts.people.links import LinkKind, find
from contracts.settings import load
from contracts.store.engine import open_engine
from contracts.store.unit import Store
from portal.commands.init import administrator_link, initialise
from tests.harness.server import free_port
from tests.portal.commands.conftest import Licet, answers

OPTIONS = (
    *(
        "--name",
        "Airfield",
        "--legal-name",
        'Airfield "Records" Ltd',
        "--contact",
        " Data@Airfield.example",
        "--site",
        "https://airfield.example/",
    ),
    *("--administrator", "ada@airfield.example"),
)
WRITTEN = """\
# Licet's settings. docs/reference/settings.md explains every one of them; an unknown one is an error.
profile = "{profile}"
base_url = "{base_url}"
port = {port}

[platform]
name = "Airfield"
legal_name = "Airfield \\"Records\\" Ltd"
contact = "data@airfield.example"
site = "https://airfield.example"

[mail]
{mail}

# Datasets: `licet dataset describe FILE >> licet.toml` adds a section for a file of yours.
"""
MAILBOX = 'transport = "mailbox"  # mail stays on this machine and is shown at /mailbox; production uses smtp'
NONE = 'transport = "none"  # set to "smtp" with sender, host, port, username and password; until then links are shown to staff'


def token_of(link: str) -> str:
    """The secret at the end of a link."""
    return link.strip().rpartition("/")[2]


def is_good(folder: Path, link: str) -> bool:
    """Whether the link can still be used."""
    with _store(folder).read() as session:
        try:
            find(session, token_of(link), SystemClock().now(), LinkKind.FIRST_ADMINISTRATOR)
        except Refused:
            return False
        return True


def _store(folder: Path) -> Store:
    return Store(open_engine(load(folder / "licet.toml", {}).database_url), SystemClock())


def test_a_trial_by_options_is_asked_nothing(tmp_path: Path, licet: Licet) -> None:
    port = free_port()
    ended = licet(tmp_path, "init", *OPTIONS, "--trial", "--port", str(port))
    assert (ended.returncode, ended.stderr) == (0, "")
    *_, said, link = ended.stdout.splitlines()
    assert said == "Then open this link, as ada@airfield.example. It works once, within 7 days; `licet administrator` prints a new one."
    assert re.fullmatch(rf"http://127\.0\.0\.1:{port}/join/licet_ln_\w+", link) and is_good(tmp_path, link)
    expected = WRITTEN.format(profile="trial", base_url=f"http://127.0.0.1:{port}", port=port, mail=MAILBOX)
    assert (tmp_path / "licet.toml").read_text() == expected
    modes = {each.name: each.stat().st_mode & 0o777 for each in (tmp_path / ".licet", tmp_path / ".licet/master.key")}
    assert modes == {".licet": 0o700, "master.key": 0o600}
    assert len((tmp_path / ".licet/master.key").read_bytes()) == 32
    assert sorted(each.name for each in tmp_path.iterdir()) == [".licet", "licet.toml"]


def test_production_starts_safe(tmp_path: Path, licet: Licet) -> None:
    port = free_port()
    ended = licet(tmp_path, "init", *OPTIONS, "--production", "--base-url", "https://data.airfield.example/", "--port", str(port))
    assert (ended.returncode, ended.stderr) == (0, "")
    assert "https://data.airfield.example/join/licet_ln_" in ended.stdout.splitlines()[-1]
    expected = WRITTEN.format(profile="production", base_url="https://data.airfield.example", port=port, mail=NONE)
    assert (tmp_path / "licet.toml").read_text() == expected
    settings = load(tmp_path / "licet.toml", {})
    assert (settings.profile, settings.host, settings.secure, settings.shows_mailbox) == ("production", "127.0.0.1", True, False)
    assert (settings.mail.transport, settings.mail.starttls, settings.gate.mode, settings.datasets) == ("none", True, "shadow", {})
    assert (settings.billing.stripe_key, settings.clock_file, settings.master_key) == (None, None, None)


def test_questions_are_asked_again_until_the_answer_fits(tmp_path: Path, licet: Licet) -> None:
    names = ["", "  ", "Airfield", "Airfield Records Ltd"]
    addresses = ["somebody", "data@airfield.example", "airfield.example", "https://airfield.example", ""]
    typed = "\n".join([*names, *addresses, "n", "https://data.airfield.example/x", "https://data.airfield.example", ""])
    ended = licet(tmp_path, "init", "--port", str(free_port()), typed=typed)
    assert ended.returncode == 0
    asked = re.findall(
        r"(Short name|Legal name|Mail address for|Address of the main|Your own mail|Try it|Address under|Error: .*\.)", ended.stdout
    )
    assert asked == [
        *("Short name", "Short name", "Error: Write a name.", "Short name", "Legal name"),
        *("Mail address for", "Error: Write a mail address like name@example.org.", "Mail address for"),
        *("Address of the main", "Error: Write a web address like https://www.example.org.", "Address of the main"),
        *("Your own mail", "Try it"),
        *("Address under", "Error: Leave out what follows the host, as in https://www.example.org.", "Address under"),
    ]
    assert load(tmp_path / "licet.toml", {}).base_url == "https://data.airfield.example"
    assert "Then open this link, as data@airfield.example." in ended.stdout


@pytest.mark.parametrize(
    ("option", "value", "said"),
    [
        ("--contact", "nobody", "Write a mail address"),
        ("--site", "airfield", "Write a web address"),
        ("--name", " ", "Write a name."),
        ("--administrator", "x", "Write a mail address"),
        ("--port", "70000", "less than or equal to 65535"),
    ],
)
def test_an_option_that_does_not_fit_is_named_and_leaves_nothing(tmp_path: Path, licet: Licet, option: str, value: str, said: str) -> None:
    ended = licet(tmp_path, "init", *OPTIONS, "--trial", "--port", str(free_port()), option, value)
    assert ended.returncode == 2
    assert option in ended.stderr and said in ended.stderr
    assert list(tmp_path.iterdir()) == []


def _settings_there(folder: Path) -> None:
    (folder / "licet.toml").write_text("port = 9000\n")


def _demo_there(folder: Path) -> None:
    (folder / ".licet").mkdir()
    (folder / ".licet/.demo").touch()


def _database_there(folder: Path) -> None:
    (folder / ".licet").mkdir()
    (folder / ".licet/licet.db").write_bytes(b"somebody's")


@pytest.mark.parametrize(
    ("there", "said"),
    [
        (_settings_there, "licet.toml is in this folder already. Edit it, or run `licet init` in another folder.\n"),
        (_demo_there, ".licet in this folder is the demo's. Run `licet init` in a folder of its own.\n"),
        (_database_there, ".licet in this folder has the database of an installation. Put its licet.toml back, or use another folder.\n"),
    ],
)
def test_what_is_there_is_never_written_over_and_nothing_is_asked(
    tmp_path: Path, licet: Licet, there: Callable[[Path], None], said: str
) -> None:
    there(tmp_path)
    before = {each: each.read_bytes() for each in tmp_path.rglob("*") if each.is_file()}
    ended = licet(tmp_path, "init")
    assert (ended.returncode, ended.stdout, ended.stderr) == (2, "", said)
    assert {each: each.read_bytes() for each in tmp_path.rglob("*") if each.is_file()} == before


def test_a_port_that_another_program_has_is_told_before_anything_is_asked(tmp_path: Path, licet: Licet) -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
        ended = licet(tmp_path, "init", "--port", str(port))
    said = f"127.0.0.1:{port} is in use by another program. End that program, or choose another port with --port.\n"
    assert (ended.returncode, ended.stdout, ended.stderr) == (2, "", said)
    assert list(tmp_path.iterdir()) == []


def test_a_database_that_does_not_answer_is_one_line_and_leaves_no_settings(tmp_path: Path, licet: Licet) -> None:
    nobody = f"postgresql+psycopg://nobody@127.0.0.1:{free_port()}/nothing"
    ended = licet(tmp_path, "init", *OPTIONS, "--trial", "--port", str(free_port()), LICET_DATABASE=nobody)
    assert (ended.returncode, ended.stdout) == (2, "")
    assert re.fullmatch(r"database cannot be opened: .*\. Check `database` and `home`, and that its server runs\.\n", ended.stderr)
    assert [each.name for each in tmp_path.iterdir()] == [".licet"]
    assert licet(tmp_path, "init", *OPTIONS, "--trial", "--port", str(free_port())).returncode == 0


def test_a_new_administrators_link_ends_the_one_before(tmp_path: Path, licet: Licet) -> None:
    first = initialise(tmp_path, answers())
    ended = licet(tmp_path, "administrator")
    assert (ended.returncode, ended.stderr) == (0, "")
    assert (is_good(tmp_path, first), is_good(tmp_path, ended.stdout)) == (False, True)
    with _store(tmp_path).read() as session:
        assert people.invitation(session, token_of(ended.stdout), SystemClock().now()).email == "ada@airfield.example"
    other = licet(tmp_path, "administrator", "--email", "Bo@airfield.example")
    with _store(tmp_path).read() as session:
        assert people.invitation(session, token_of(other.stdout), SystemClock().now()).email == "bo@airfield.example"
    assert not is_good(tmp_path, ended.stdout)
    assert licet(tmp_path, "administrator", "--email", "bo").returncode == 2
    assert is_good(tmp_path, other.stdout)


def test_once_there_is_an_administrator_there_is_no_other_link(tmp_path: Path, licet: Licet) -> None:
    link = initialise(tmp_path, answers())
    with _store(tmp_path).write() as unit:
        people.accept_invitation(unit, token_of(link), name="Ada Birk", password_hash="-")
    ended = licet(tmp_path, "administrator")
    assert (ended.returncode, ended.stdout, ended.stderr) == (1, "", "There is an administrator already, who can invite you.\n")


def test_the_link_is_kept_as_a_hash_only(tmp_path: Path) -> None:
    link = initialise(tmp_path, answers(trial=False))
    engine = create_engine(load(tmp_path / "licet.toml", {}).database_url)
    with engine.connect() as connection:
        tables = connection.execute(text("SELECT name FROM sqlite_master WHERE type = 'table'")).scalars().all()
        rows = [str(tuple(row)) for table in tables for row in connection.execute(text(f'SELECT * FROM "{table}"'))]
    engine.dispose()
    assert rows and not any(token_of(link) in row for row in rows)


def test_without_an_installation_no_command_makes_one_of_defaults(tmp_path: Path, licet: Licet) -> None:
    for words in (["serve"], ["migrate"], ["administrator"], ["ledger", "verify"], ["gate", "off"], ["dataset", "refresh", "trees"]):
        ended = licet(tmp_path, *words)
        said = "licet.toml is not in this folder. Go to your installation's folder, or make one here: `licet init`.\n"
        assert (words, ended.returncode, ended.stdout, ended.stderr) == (words, 2, "", said)
    assert list(tmp_path.iterdir()) == []


def test_the_same_folder_twice_in_one_process_is_refused(tmp_path: Path) -> None:
    initialise(tmp_path, answers())
    with pytest.raises(Misconfigured, match="in this folder already"):
        initialise(tmp_path, answers())
    assert administrator_link(load(tmp_path / "licet.toml", {}))
