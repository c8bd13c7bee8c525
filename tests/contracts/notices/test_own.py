"""The operator's own mails: which files are taken, which are refused and why, and what is sent then."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from contracts.errors import Misconfigured
from contracts.notices import own, service
from contracts.notices.catalogue import FRAMES, NOTICES

GOOD = "Subject: Bonjour $name\n\nConfirmez votre adresse sur $platform: $link ($$ 0)\n"


@pytest.fixture(autouse=True)
def bundled() -> Iterator[None]:
    yield
    service.replace_with({})


def _file(home: Path, name: str, text: str | bytes) -> None:
    own.folder(home).mkdir(exist_ok=True)
    (own.folder(home) / name).write_bytes(text if isinstance(text, bytes) else text.encode())


def test_every_bundled_mail_would_pass_as_an_own_one(tmp_path: Path) -> None:
    for name in (*NOTICES, *FRAMES):
        _file(tmp_path, f"{name}.txt", service.bundled_text(name))
    assert [(each.name, each.problem) for each in own.own_mails(tmp_path) if each.problem] == []
    assert own.usable(tmp_path).keys() == {*NOTICES, *FRAMES}


def test_an_own_mail_is_sent_in_the_place_of_the_bundled_one(tmp_path: Path) -> None:
    facts = {"name": "Ada", "link": "https://x.example/confirm/1", "platform": "Agora"}
    before = service.render("confirm", facts)
    _file(tmp_path, "confirm.txt", GOOD)
    service.replace_with(own.usable(tmp_path))
    assert service.render("confirm", facts) == ("Bonjour Ada", "Confirmez votre adresse sur Agora: https://x.example/confirm/1 ($ 0)")
    service.replace_with({})
    assert service.render("confirm", facts) == before


@pytest.mark.parametrize(
    ("name", "text", "problem"),
    [
        ("confirmed.txt", GOOD, "is no mail that is sent here."),
        ("confirm.md", GOOD, "is no mail that is sent here."),
        ("confirm.txt", b"Subject: \xff\n\n$link", "cannot be read as text in UTF-8."),
        ("confirm.txt", GOOD + "x" * own.MOST_BYTES, "is larger than 64 KiB."),
        ("confirm.txt", "Hello $name, $link", "does not begin with a line “Subject: …” and an empty line."),
        ("confirm.txt", GOOD + "costs 5 $", "has a dollar sign that begins no name; write two for one."),
        ("confirm.txt", GOOD + "$reason", "names $reason, which this mail does not have; it has $link, $name, $platform."),
        ("confirm.txt", "Subject: Hello $name\n\nGo on.", "leaves out $link, without which nobody can go on."),
        ("frame.txt", "Kind regards, $platform", "leaves out $body, which is what the mail says."),
    ],
    ids=["unknown", "suffix", "bytes", "size", "subject", "dollar", "name", "link", "frame"],
)
def test_a_file_that_cannot_be_used_says_why_and_nothing_starts(tmp_path: Path, name: str, text: str | bytes, problem: str) -> None:
    _file(tmp_path, name, text)
    assert [each.problem for each in own.own_mails(tmp_path)] == [problem]
    with pytest.raises(Misconfigured, match="mails"):
        own.usable(tmp_path)


def test_no_folder_is_no_own_mail(tmp_path: Path) -> None:
    assert (own.own_mails(tmp_path), own.usable(tmp_path)) == ([], {})
