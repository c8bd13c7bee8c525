"""`licet doctor`: checks a configuration and says what is wrong, where, and how to mend it."""

from __future__ import annotations

import smtplib
import stat
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

from sqlalchemy import Engine
from sqlalchemy.exc import SQLAlchemyError

from contracts.anchors.logs import current_origin
from contracts.anchors.status import standing
from contracts.clock import day_in
from contracts.datasets import sync
from contracts.datasets.source import survey
from contracts.deliveries.arrived import head, place
from contracts.errors import LicetError, Misconfigured
from contracts.forms import survey as forms
from contracts.gate.stopped import StoppedPage, own_path
from contracts.keys import KeyRing, Purpose, master_key, newest
from contracts.letters import text as letters
from contracts.notices.mail import connected
from contracts.notices.own import own_mails
from contracts.settings import DatasetSettings, Mail, Settings
from contracts.signing.certificates import configured, subject_of
from contracts.signing.confirmations import unconfirmed
from contracts.signing.templates import KINDS, has_own, problems, template_of
from contracts.store.engine import check_durable, open_engine
from contracts.store.schema import check_current
from contracts.store.unit import Store
from portal.alone import is_served
from portal.commands import doctor_files as files
from portal.commands import ranges
from portal.commands.finding import Finding
from portal.commands.here import settings_here
from portal.ground import clock_of, door


def examine(config: Path | None = None) -> list[Finding]:
    """Every check that can run; a broken settings file ends the examination."""
    try:
        settings = settings_here(config)
    except Misconfigured as error:
        return [_wrong(error)]
    return [
        Finding("settings", True, f"profile {settings.profile}, {settings.base_url}"),
        _checked("port", lambda: _check_port(settings)),
        *_keys_and_database(settings),
        *_contract_texts(settings),
        *_mails(settings),
        *_letters(settings),
        _checked("page of the gate", lambda: _check_stopped_page(settings)),
        _checked("contract seal", lambda: _check_seal(settings)),
        *_forms(settings),
        _checked("mail", lambda: _check_mail(settings.mail)),
        *_datasets(settings),
        *ranges.check_all(settings),
    ]


def _checked(where: str, check: Callable[[], str]) -> Finding:
    try:
        return Finding(where, True, check())
    except Misconfigured as error:
        return _wrong(error)
    except (LicetError, SQLAlchemyError, OSError) as error:
        return Finding(where, False, f"{type(error).__name__}: {str(error).splitlines()[0]}.", "Mend what the message names.")


def _wrong(error: Misconfigured) -> Finding:
    return Finding(error.where, False, error.problem, error.mend)


def _check_port(settings: Settings) -> str:
    if is_served(settings.home):
        return f"{settings.port}, the portal is running"
    door(settings.host, settings.port).close()
    return f"{settings.port} is free"


def _keys_and_database(settings: Settings) -> Iterator[Finding]:
    """The master key and the database; each check only where those that it stands on were fine."""
    master = _checked("master key", lambda: _check_master_key(settings))
    yield master
    found = _checked("database", lambda: _check_there(settings))
    if found.fine:
        engine = open_engine(settings.database_url, settings.subject_folder)
        found = _checked("database", lambda: _check_database(engine))
        if found.fine and master.fine:
            yield found
            yield _checked("deliveries", lambda: _check_folded(engine, settings))
            yield _checked("ledger", lambda: _check_anchored(engine, settings))
            yield _checked(files.WHERE, lambda: files.check_values(engine, settings))
            yield from files.incomplete(engine, settings)
            found = _checked("stored keys", lambda: _open_stored_keys(engine, settings))
        engine.dispose()
    yield found


def _check_master_key(settings: Settings) -> str:
    KeyRing(master_key(settings))
    if settings.master_key is not None:
        return "from LICET_MASTER_KEY"
    file = settings.home / "master.key"
    if file.stat().st_mode & (stat.S_IRWXG | stat.S_IRWXO):
        raise Misconfigured("master key", f"{file} can be read by others on this machine.", f"Run `chmod 600 {file}`.")
    return f"in {file}, for its owner only"


def _check_there(settings: Settings) -> str:
    """Looks without opening, because opening an SQLite file makes it."""
    engine = open_engine(settings.database_url, settings.subject_folder)
    file = engine.url.database or ""
    if engine.dialect.name == "sqlite" and not Path(file).exists():
        raise Misconfigured("database", f"is not there: {file}.", "Run `licet migrate`, or put its backup back.")
    return ""


def _check_database(engine: Engine) -> str:
    check_durable(engine)
    check_current(engine)
    return f"{engine.dialect.name}, durable, at this program's version"


def _open_stored_keys(engine: Engine, settings: Settings) -> str:
    keys = KeyRing(master_key(settings))
    with Store(engine, clock_of(settings)).read() as session:
        for purpose in (Purpose.TOKEN, Purpose.SEAL, Purpose.LEDGER):
            row = newest(session, purpose)
            if row is None:
                raise Misconfigured("stored keys", f"there is no {purpose.value} key.", "Run `licet migrate`.")
            keys.open(row)
    return "the master key opens them"


def _check_folded(engine: Engine, settings: Settings) -> str:
    with Store(engine, clock_of(settings)).read() as session:
        folded, size = place(session), head(session)
    if folded.is_rebuilding:
        said = "were being folded anew, and that was stopped, so each question about who holds a record reads all of them."
        raise Misconfigured("deliveries", said, "Run `licet deliveries rebuild`.")
    if folded.next == size:
        return "folded up to the newest entry"
    return f"folded up to entry {folded.next:,} of {size:,}; the portal folds the rest while it runs"


def _check_anchored(engine: Engine, settings: Settings) -> str:
    """Who outside holds the ledger. Nobody is a choice, and said; a witness that is set and does not cosign is none."""
    with Store(engine, clock_of(settings)).read() as session:
        found = standing(session, settings.anchors, current_origin(session, settings))
    if found.refusals:
        mend = "Run `licet ledger verify`; if a backup was put back, entries after it are lost, and the witness can show it."
        raise Misconfigured("ledger", " ".join(found.refusals), mend)
    if found.problems:
        raise Misconfigured("ledger", " ".join((*found.problems, found.sentence())), "Mend what the witness or authority says.")
    return found.sentence().rstrip(".")


def _contract_texts(settings: Settings) -> Iterator[Finding]:
    """The operator's own templates and clauses: each fault, or what is used; then what nobody confirmed."""
    found = list(problems(settings))
    yield from map(_wrong, found)
    if not found:
        yield Finding("contract texts", True, "the operator's own" if has_own(settings) else "bundled")
        yield from _unconfirmed(settings)


def _mails(settings: Settings) -> Iterator[Finding]:
    """The operator's own mails: each fault, or how many there are."""
    found = own_mails(settings.home)
    wrong = [each for each in found if each.problem]
    yield from (
        Finding(f"mail {each.path}", False, each.problem, "Mend or remove it; /desk/mails shows what it may name.") for each in wrong
    )
    if not wrong:
        yield Finding("texts of mails", True, f"{len(found)} of the operator's own" if found else "bundled")


def _letters(settings: Settings) -> Iterator[Finding]:
    """The operator's own letters: each fault, or how many there are."""
    wrong = list(letters.problems(settings.home))
    yield from map(_wrong, wrong)
    if not wrong:
        own = len(list(letters.folder(settings.home).glob("*.txt")))
        yield Finding("letters", True, f"{own} in words of your own" if own else "bundled")


def _check_stopped_page(settings: Settings) -> str:
    """What a stopped visitor reads."""
    StoppedPage(settings)
    return "the operator's own" if own_path(settings.home).exists() else "bundled"


def _unconfirmed(settings: Settings) -> Iterator[Finding]:
    own = [each for kind in KINDS for each in template_of(settings, kind).clauses if each.needs_confirmation]
    if not own or not _checked("database", lambda: _check_there(settings)).fine:
        return
    engine = open_engine(settings.database_url, settings.subject_folder)
    try:
        with Store(engine, clock_of(settings)).read() as session:
            waiting = unconfirmed(session, own)
    except SQLAlchemyError:
        return  # the check of the database says what is wrong with it
    finally:
        engine.dispose()
    for each in waiting:
        said = f"binds the term {each.clause.binds} in your own words, which nobody confirmed, so no contract is drafted with it."
        yield Finding(f"clause {each.name}", False, said, "A steward or compliance officer confirms it at /desk/templates.")


def _check_seal(settings: Settings) -> str:
    stamped = f", with time-stamps from {settings.signing.timestamp_url}" if settings.signing.timestamp_url else ", without time-stamps"
    if settings.signing.certificate is None:
        return f"by a certificate that this platform makes for itself{stamped}"
    return f"by the certificate of {subject_of(configured(settings.signing).chain[0])}{stamped}"


def _check_mail(mail: Mail) -> str:
    if mail.transport == "none":
        wanted = 'Set mail.transport = "smtp" with sender, host, port, username and password.'
        raise Misconfigured("mail", "none leaves, so partners cannot confirm their addresses.", wanted)
    if mail.transport == "mailbox":
        return "kept on this machine and shown at /mailbox"
    if "sender" not in mail.model_fields_set:
        raise Misconfigured("setting mail.sender", "is not set, so mail would come from nowhere.", "Set the address that mail comes from.")
    try:
        with connected(mail) as server:
            server.noop()
    except (OSError, smtplib.SMTPException) as error:
        said = str(error).rstrip(".")
        mend = "Check mail.host, port, starttls, username and password."
        raise Misconfigured("mail", f"{mail.host}:{mail.port} does not take mail from us: {said}.", mend) from error
    return f"{mail.host}:{mail.port} takes it"


def _forms(settings: Settings) -> Iterator[Finding]:
    wrong = forms.problems(settings)
    yield from map(_wrong, wrong)
    if not wrong:
        own = sum(each.own for each in forms.survey(settings))
        yield Finding("forms", True, f"{own} with words of your own" if own else "bundled")


def _datasets(settings: Settings) -> Iterator[Finding]:
    if not settings.datasets:
        mend = "Run `licet dataset describe FILE >> licet.toml`."
        yield Finding("datasets", False, "none is described, so there is nothing to apply for.", mend)
    for name, described in settings.datasets.items():
        yield _checked(f"dataset {name}", partial(_check_dataset, name, described))
        if described.changes:
            yield _checked(f"changes of {name}", partial(_check_changes, described, settings))


def _check_changes(described: DatasetSettings, settings: Settings) -> str:
    """What is announced; a day that is over is no announcement any more."""
    today = day_in(clock_of(settings).now(), settings.platform.time_zone)
    for each in described.changes:
        if each.day < today:
            problem = f"the change of {each.field} on {each.day.isoformat()} is announced, and that day is over."
            raise Misconfigured("announced changes", problem, "Remove it from `changes`, or name another day.")
    return ", ".join(f"{each.field} on {each.day.isoformat()}" for each in described.changes)


def _check_dataset(name: str, described: DatasetSettings) -> str:
    if described.engine != "duckdb":
        return _check_in_place(name, described)
    where = described.table if described.source else Path(described.location).name
    return f"{survey(name, described):,} records in {where}"


def _check_in_place(name: str, described: DatasetSettings) -> str:
    found = sync.found(name, described)
    if not found.numbered:
        said = f"{described.table} is read in place, and none of its {found.rows:,} rows has a number, so none is served."
        raise Misconfigured(f"dataset {name}", said, f"Run `licet dataset refresh {name}`.")
    told = f"{found.rows:,} rows in {described.table}, {found.numbered:,} of them numbered, read in place by the engine {described.engine}"
    return f"{told}; no index begins with {' or '.join(found.unindexed)}, so pages are slow" if found.unindexed else told
