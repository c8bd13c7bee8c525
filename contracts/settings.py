"""Settings: `licet.toml`, then `LICET_*` variables. An unknown setting is an error, not a surprise."""

from __future__ import annotations

import difflib
import os
import secrets
import tomllib
from collections.abc import Callable
from datetime import date
from pathlib import Path
from typing import Annotated, Any, Literal
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from pydantic import (
    AfterValidator,
    BaseModel,
    Field,
    SecretStr,
    StringConstraints,
    ValidationError,
    field_validator,
    model_validator,
)

from contracts import addresses
from contracts.anchors.settings import Anchors, WitnessAt
from contracts.errors import Misconfigured
from contracts.gate.settings import Gate
from contracts.retention.settings import Retention
from contracts.sections import (
    Aggregates,
    DatasetPeople,
    DatasetSource,
    FieldChange,
    FieldSettings,
    Limits,
    Section,
    Shared,
    SignIn,
    Signing,
    Uploads,
)

_NESTED = "__"
# Variables that name files of commands: the settings' own, and a partner's sign-ins.
_NO_SETTINGS = ("LICET_CONFIG", "LICET_PARTNER_HOME")


def _kept(form: Callable[[str], str], problem: Callable[[str], str]) -> AfterValidator:
    def check(typed: str) -> str:
        kept = form(typed)
        if wrong := problem(kept):
            raise ValueError(wrong)
        return kept

    return AfterValidator(check)


Site = Annotated[str, _kept(addresses.site, addresses.site_problem)]
MailAddress = Annotated[str, _kept(str.strip, lambda kept: addresses.address_problem(addresses.address(kept)))]


class Platform(Section):
    """Who runs this installation; these words stand on public pages, mails and contracts."""

    name: str = Field(default="Agora", description="Short name shown on every page.")
    legal_name: str = Field(default="Agora Networks Ltd", description="Name of the legal person that signs contracts.")
    contact: MailAddress = Field(default="data-access@agora.example", description="Mail address for questions, shown on refusals.")
    site: Site = Field(default="http://127.0.0.1:8401", description="Address of the main site that the gate stands before.")
    time_zone: str = Field(default="UTC", description="Time zone in which quota days begin.")
    one_person: bool = Field(
        default=False,
        description="Whether one person may countersign alone, as long as the platform has a single steward. That is a ledger entry, and stands in the seal of each contract.",
    )
    decision_days: int = Field(default=10, ge=1, description="Working days within which an application is decided.")
    holidays: list[date] = Field(
        default_factory=list,
        description="Days that are no working days beside Saturdays and Sundays, such as public holidays: 2026-12-25. Clocks stand still on them.",
    )

    @field_validator("time_zone")
    @classmethod
    def _zone_exists(cls, name: str) -> str:
        try:
            ZoneInfo(name)
        except (ZoneInfoNotFoundError, ValueError) as error:
            raise ValueError(f"there is no time zone {name!r}; names are such as Europe/Dublin") from error
        return name


class DatasetSettings(DatasetSource, DatasetPeople):
    """One dataset that partners may apply for."""

    title: str = Field(description="Name shown in the catalogue.")
    summary: str = Field(default="", description="Two or three sentences for the catalogue.")
    key: str = Field(description="Field that identifies a record.")
    time: str | None = Field(default=None, description="Field that orders records in time; pages go by time, then key.")
    deleted: str | None = Field(default=None, description="Boolean column of the source: true means erased, never served.")
    objects: str | None = Field(default=None, description="Boolean column of the source: true means the person objects to sharing.")
    page: str | None = Field(default=None, description="Path on the main site of one record, with {key}; lets the gate know records.")
    purposes: list[str] = Field(default_factory=lambda: ["research"], description="Purposes that may be applied for.")
    price_per_1000: str | None = Field(
        default=None, description="Price of 1,000 records for commercial contracts, as a decimal; none means on request."
    )
    currency: str = Field(default="EUR", pattern="^[A-Z]{3}$", description="ISO 4217 currency of the price.")
    max_records_per_day: int = Field(default=500_000, ge=1, description="The most that a contract may allow in a day.")
    max_requests_per_second: int = Field(default=10, ge=1, description="The fastest pace that a contract may allow.")
    lines: bool = Field(
        default=True,
        description="Whether versions are kept as lines of JSON beside their DuckDB files: pages read three times as fast, for as much space as the records take as JSON.",
    )
    fields: dict[Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9_-]{0,63}$")], FieldSettings] = Field(
        description="The dataset's fields by name."
    )
    aggregates: Aggregates | None = Field(default=None, description="What may be counted and summed; nothing without it.")
    changes: list[FieldChange] = Field(
        default_factory=list,
        description="Changes of fields to come. Each contract that names the field is told at once, and again seven days before.",
    )

    @model_validator(mode="after")
    def _aggregates_fit(self) -> DatasetSettings:
        if self.aggregates is not None:
            if self.subject is None:
                raise ValueError("aggregates count people, so `subject` names the field that tells them apart")
            self.aggregates.check({name: (field.type, field.field_class) for name, field in self.fields.items()})
        return self

    @model_validator(mode="after")
    def _named_fields_exist(self) -> DatasetSettings:
        self.check_people(self.fields)
        for role in ("key", "time", "subject"):
            named = getattr(self, role)
            if named is not None and named not in self.fields:
                raise ValueError(f"{role} names the field {named!r}, which the dataset does not have")
        for change in self.changes:
            if change.field not in self.fields:
                raise ValueError(f"changes names the field {change.field!r}, which the dataset does not have")
        if named := next((each for each in (self.key, self.subject) if each is not None and self.fields[each].grains), None):
            raise ValueError(f"the field {named!r} leaves as a pseudonym and has no grains")
        return self


class Mail(Section):
    """How mail leaves. `mailbox` keeps it in the store and shows it on a page (never in production)."""

    transport: Literal["mailbox", "smtp", "none"] = Field(default="none", description="mailbox, smtp or none.")
    sender: str = Field(default="licet@localhost.localdomain", description="From address.")
    host: str = Field(default="127.0.0.1", description="SMTP server.")
    port: int = Field(default=587, description="SMTP port.")
    starttls: bool = Field(default=True, description="Whether to insist on STARTTLS.")
    username: str | None = Field(default=None, description="SMTP user.")
    password: SecretStr | None = Field(default=None, description="SMTP password.")


class Billing(Section):
    """Stripe. Without a key the built-in fake stands in, and pages say so."""

    stripe_key: SecretStr | None = Field(default=None, description="Stripe secret key.")
    webhook_secret: SecretStr | None = Field(
        default=None, description="Secret of the webhook endpoint /inbox/stripe; several, by commas, for snapshot and thin events."
    )
    api_base: str | None = Field(default=None, description="Another address for the Stripe API; refused in production.")
    meter_event: str = Field(default="licet_records", description="event_name of the Stripe Billing Meter.")


class Settings(Section):
    """All settings of one installation."""

    profile: Literal["production", "trial", "demo", "test"] = Field(
        default="production",
        description="production refuses unsafe settings; trial, demo and test allow the mailbox page and listen on this machine only; demo adds the tour; test hashes passwords at the least cost.",
    )
    home: Path = Field(default=Path(".licet"), description="Folder of files that Licet writes: database, dataset versions, keys.")
    database: str = Field(default="", description="SQLAlchemy address of the database; empty means SQLite under home.")
    base_url: Site = Field(
        default="http://127.0.0.1:8400", description="Address under which people and machines reach this portal; also the OAuth issuer."
    )
    host: str = Field(default="127.0.0.1", description="Address to listen on.")
    port: int = Field(default=8400, ge=1, le=65535, description="Port to listen on.")
    ledger_name: str = Field(
        default="",
        description="Name under which the ledger signs its checkpoints, such as data.example.org/ledger; host of base_url by default. Never change it once entries are in.",
    )
    node: str = Field(
        default="main", pattern="^[a-z0-9-]{1,32}$", description="This process's name in ledger entries; each node numbers its own."
    )
    master_key: SecretStr | None = Field(
        default=None, description="32 bytes in base64 that wrap every stored key; else the file `master.key` under home."
    )
    subject_keys: Path | None = Field(
        default=None,
        description="Folder of the keys that personal values in the ledger are sealed under; `subjects` under home if empty. Processes on several machines share one folder. Keep it out of backups: whoever is erased must be erased from every copy.",
    )
    statement_seconds: float = Field(
        default=30.0,
        gt=0,
        le=600,
        description="How long the database or engine of a dataset may take over one statement for a request, in seconds; the request is refused then.",
    )
    engine_memory: str = Field(
        default="128MB",
        pattern=r"^[1-9][0-9]{0,5}(MB|GB)$",
        description="The most memory that the embedded engine takes for pages in each process, and likewise for estimates and for aggregates; what is larger goes through files under home.",
    )
    clock_file: Path | None = Field(default=None, description="File with seconds to add to the clock; for tests, refused in production.")
    platform: Platform = Field(default_factory=Platform)
    mail: Mail = Field(default_factory=Mail)
    billing: Billing = Field(default_factory=Billing)
    signing: Signing = Field(default_factory=Signing)
    anchors: Anchors = Field(default_factory=Anchors)
    retention: Retention = Field(default_factory=Retention)
    gate: Gate = Field(default_factory=Gate)
    shared: Shared = Field(default_factory=Shared)
    sign_in: dict[Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9-]{0,31}$")], SignIn] = Field(
        default_factory=dict, description="Institutions' OpenID providers by a short name, which stands in their addresses here."
    )
    limits: Limits = Field(default_factory=Limits)
    uploads: Uploads = Field(default_factory=Uploads)
    datasets: dict[Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9_-]{0,63}$")], DatasetSettings] = Field(
        default_factory=dict, description="Datasets by id."
    )

    @property
    def database_url(self) -> str:
        """The database's address; SQLite under `home` where none is set."""
        return self.database or f"sqlite:///{(self.home / 'licet.db').as_posix()}"

    @property
    def subject_folder(self) -> Path:
        """The folder of the keys of subjects (`contracts.ledger.subjects`)."""
        return self.subject_keys or self.home / "subjects"

    @property
    def ledger_origin(self) -> str:
        """The name under which the ledger signs its checkpoints (C2SP tlog-checkpoint): host and port, then /ledger."""
        return self.ledger_name or f"{urlsplit(self.base_url).netloc}/ledger"

    @property
    def shows_mailbox(self) -> bool:
        """Whether mail stays in the store and a page shows it; production refuses this."""
        return self.mail.transport == "mailbox"

    @property
    def secure(self) -> bool:
        """Whether people reach the portal by https, so that cookies may be marked Secure."""
        return self.base_url.startswith("https://")


_SECTIONS: tuple[type[BaseModel], ...] = (
    Settings,
    Platform,
    Mail,
    Billing,
    Signing,
    Anchors,
    Retention,
    WitnessAt,
    Gate,
    Shared,
    Limits,
    Uploads,
    SignIn,
    DatasetSettings,
    FieldSettings,
)


def load(path: Path | None = None, environ: dict[str, str] | None = None) -> Settings:
    """Settings from the file (default `licet.toml`, may be absent) and the environment, checked whole.

    `LICET_PLATFORM__NAME` sets `platform.name`. `home` and `location`s are taken relative to the file's folder.
    Raises `Misconfigured` naming the first setting that is wrong.
    """
    variables = dict(os.environ) if environ is None else environ
    file = path or Path(variables.get("LICET_CONFIG", "licet.toml"))
    values: dict[str, Any] = {}
    if file.exists():
        try:
            values = tomllib.loads(file.read_text(encoding="utf-8"))
        except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
            raise Misconfigured(str(file), f"is not TOML: {error}.", "Mend the place that it names.") from error
    elif path is not None:
        raise Misconfigured(str(file), "does not exist.", "Run `licet init`, or name another file.")
    _overlay(values, variables)
    _anchor(values, file.resolve().parent)
    try:
        settings = Settings.model_validate(values)
    except ValidationError as error:
        raise _wrong_setting(error.errors()[0], file) from error
    (refuse_unsafe if settings.profile == "production" else refuse_reachable)(settings)
    return settings


def _wrong_setting(error: Any, file: Path) -> Misconfigured:
    *_, name = where = [str(part) for part in error["loc"]]
    see = f"Read from {file}; docs/reference/settings.md explains every setting."
    if error["type"] == "extra_forbidden":
        near = difflib.get_close_matches(name, _names(), n=1)
        return Misconfigured(f"setting {'.'.join(where)}", "is unknown.", f"Did you mean {near[0]}? {see}" if near else see)
    problem = str(error["ctx"]["error"]) if error["type"] == "value_error" else error["msg"]
    said = "is missing" if error["type"] == "missing" else f"does not fit: {problem}".rstrip(".")
    return Misconfigured(f"setting {'.'.join(where)}", f"{said}.", see)


def _names() -> list[str]:
    return [field.alias or name for section in _SECTIONS for name, field in section.model_fields.items()]


def refuse_unsafe(settings: Settings) -> None:
    """Raise `Misconfigured` for what only a demo or a test may use, and where it is not said who runs this installation."""
    if settings.clock_file is not None:
        raise Misconfigured("setting clock_file", "moves the clock, which could revive an ended contract.", "Remove it in production.")
    if settings.billing.api_base is not None:
        raise Misconfigured("setting billing.api_base", "sends payments elsewhere than to Stripe.", "Remove it in production.")
    if settings.mail.transport == "mailbox":
        raise Misconfigured("setting mail.transport", "the mailbox page shows everyone's mail.", "Use smtp in production.")
    for name in ("name", "legal_name", "contact", "site"):
        if name not in settings.platform.model_fields_set:
            mend = "Say who runs this installation; `licet init` asks for it."
            raise Misconfigured(f"setting platform.{name}", "is not set, and its default is an example's.", mend)


def refuse_reachable(settings: Settings) -> None:
    """Raise `Misconfigured` where a profile that is not for production would be reachable from other machines."""
    if settings.host not in ("127.0.0.1", "::1", "localhost"):
        raise Misconfigured(
            "setting host", f"profile {settings.profile} listens on this machine only.", "Use profile production, or host 127.0.0.1."
        )


def write_master_key(home: Path) -> Path:
    """Make `home` and a fresh 32-byte master key in it, readable by its owner only; an existing key stays."""
    home.mkdir(parents=True, exist_ok=True, mode=0o700)
    file = home / "master.key"
    if not file.exists():
        descriptor = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(descriptor, "wb") as handle:
            handle.write(secrets.token_bytes(32))
    return file


def _overlay(values: dict[str, Any], variables: dict[str, str]) -> None:
    for name, value in variables.items():
        if not name.startswith("LICET_") or name in _NO_SETTINGS:
            continue
        *parents, leaf = name.removeprefix("LICET_").lower().split(_NESTED)
        here = values
        for parent in parents:
            here = here.setdefault(parent, {})
        here[leaf] = value


def _anchor(values: dict[str, Any], folder: Path) -> None:
    home = Path(str(values.get("home", ".licet")))
    values["home"] = home if home.is_absolute() else folder / home
    _beside(values, "subject_keys", folder)
    for name in ("certificate", "key_file"):
        _beside(values.get("signing"), name, folder)
    _beside(values.get("gate"), "listen", folder)
    anchors = values.get("anchors", {})
    if isinstance(anchors, dict):
        _beside(anchors, "timestamp_certificate", folder)
        for witness in anchors.get("witnesses", {}).values():
            _beside(witness, "trust", folder)
    for dataset in values.get("datasets", {}).values():
        if isinstance(dataset, dict) and isinstance(dataset.get("location"), str) and not Path(dataset["location"]).is_absolute():
            dataset["location"] = str(folder / dataset["location"])


def _beside(section: Any, name: str, folder: Path) -> None:
    if isinstance(section, dict) and isinstance(section.get(name), str):
        section[name] = folder / section[name]
