"""Texts of letters: filled, and the operator's own refused where they cannot be used."""

from __future__ import annotations

from pathlib import Path

import pytest

from contracts.errors import Misconfigured
from contracts.letters import text
from contracts.letters.text import FACTS, KINDS, LISTING, LetterText, Part, facts_in, fill, problems, text_of

FILLED = {name: f"<{name}>" for name in FACTS}
GOOD = "Subject: To you\n\n$legal_name\n\n$recipients\n"


def own(home: Path, content: str | bytes, name: str = "recipients.txt") -> Path:
    file = text.folder(home) / name
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_bytes(content if isinstance(content, bytes) else content.encode())
    return file


@pytest.mark.parametrize("kind", KINDS)
def test_every_bundled_letter_is_filled_whole(tmp_path: Path, kind: str) -> None:
    made = fill(text_of(tmp_path, kind), {name: f"<{name}>" for name in facts_in(kind)})
    assert ("$" in "".join(each.text for each in made.parts), [each.kind for each in made.parts].count("list")) == (
        False,
        int(kind in LISTING),
    )
    assert list(problems(tmp_path)) == []


def test_what_is_filled_in_is_never_read_as_a_template() -> None:
    made = fill("Subject: To $platform\n\n## For $legal_name\n\n$contact", FILLED | {"platform": "$contact", "contact": "## $recipients"})
    assert made == LetterText("To $contact", (Part("heading", "For <legal_name>"), Part("text", "## $recipients")))


def test_a_file_of_the_operators_replaces_the_bundled_one(tmp_path: Path) -> None:
    own(tmp_path, GOOD)
    assert fill(text_of(tmp_path, "recipients"), FILLED) == LetterText("To you", (Part("text", "<legal_name>"), Part("list")))


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ("To you\n\n$recipients", "does not begin with a line"),
        ("Subject: To you\n\nfor $5\n\n$recipients", "a dollar sign that begins no name"),
        ("Subject: To you\n\n$handle\n\n$recipients", r"names \$handle"),
        ("Subject: To you\n\nThey are: $recipients", r"no paragraph that is \$recipients alone"),
        (b"Subject: \xff\n\n", "cannot be read"),
        (b"Subject: a\n\n" + b"a" * text.MOST_BYTES, "larger than 64 KiB"),
    ],
)
def test_a_file_that_cannot_be_used_is_named(tmp_path: Path, content: str | bytes, said: str) -> None:
    own(tmp_path, content)
    with pytest.raises(Misconfigured, match=said):
        text_of(tmp_path, "recipients")
    assert len(list(problems(tmp_path))) == 1


def test_a_file_that_nothing_reads_is_named(tmp_path: Path) -> None:
    file = own(tmp_path, GOOD, "recipient.txt")
    assert [each.where for each in problems(tmp_path)] == [f"letter {file}"]


def test_only_letters_about_a_record_name_one(tmp_path: Path) -> None:
    own(tmp_path, GOOD.replace("$legal_name", "$record of $dataset"), "record-recipients.txt")
    assert list(problems(tmp_path)) == []
    own(tmp_path, GOOD.replace("$legal_name", "$record of $dataset"))
    (found,) = problems(tmp_path)
    assert found.problem.startswith("names $dataset, which it does not have")
