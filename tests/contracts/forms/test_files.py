"""Form files: read strictly, replaced and added to by the operator's own, never passed over where they are wrong."""

from __future__ import annotations

from pathlib import Path

import pytest

from contracts.errors import Misconfigured, Refused
from contracts.forms import files
from contracts.forms.asked import Facts, prompts
from contracts.forms.survey import problems, survey
from contracts.settings import Settings
from tests.harness.cast import POSTS

EXTRA = """
extends = true
sections = ["reach"]
[section.reach]
title = "Reach"
[[section.reach.question]]
id = "audience"
type = "line"
label = "Who reads the results"
"""
QUESTION = '[[section.reach.question]]\nid = "audience"\nlabel = "Who"\ntype = "line"\n'


def settings(home: Path) -> Settings:
    return Settings(profile="test", home=home, datasets={"posts": POSTS, "adverts": POSTS})


def write(home: Path, name: str, text: str) -> None:
    file = home / "forms" / name
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(text)


def asked(home: Path, dataset: str, kind: str = "commercial") -> list[str]:
    return [each.question.id for each in prompts(files.load(settings(home), kind, dataset), Facts({"lang": "plain"}))]


def test_a_dataset_adds_to_the_form_of_a_kind(tmp_path: Path) -> None:
    write(tmp_path, "posts/commercial.toml", EXTRA)
    assert (asked(tmp_path, "posts"), asked(tmp_path, "adverts")) == (["retention_days", "audience"], ["retention_days"])
    assert files.source(settings(tmp_path), "commercial", "posts").own is True
    assert files.source(settings(tmp_path), "commercial", "adverts").own is False


def test_an_own_file_replaces_the_bundled_one_and_a_dataset_may_replace_it_whole(tmp_path: Path) -> None:
    write(tmp_path, "commercial.toml", 'title = "Licence"\nsections = ["request", "money"]\n')
    write(tmp_path, "posts/commercial.toml", 'title = "Feed"\nsections = ["request"]\n')
    assert (asked(tmp_path, "adverts"), asked(tmp_path, "posts")) == (["funding", "conflicts"], [])
    assert [files.load(settings(tmp_path), "commercial", each).title for each in ("adverts", "posts")] == ["Licence", "Feed"]


def test_a_changed_file_is_a_new_version_and_the_same_text_is_the_same(tmp_path: Path) -> None:
    bundled = files.load(settings(tmp_path), "commercial", "posts")
    write(tmp_path, "posts/commercial.toml", EXTRA)
    changed = files.load(settings(tmp_path), "commercial", "posts")
    write(tmp_path, "posts/commercial.toml", EXTRA + "\n# a remark changes nothing\n")
    assert changed.sha256 == files.load(settings(tmp_path), "commercial", "posts").sha256 != bundled.sha256


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("title = ", "cannot be read"),
        ('colour = "red"\nsections = ["request"]', "at colour"),
        ('sections = ["request", "nowhere"]', "names 'nowhere', which is defined nowhere"),
        ('sections = ["keeping"]', "the built-in question 'project' is missing"),
        ('sections = ["request", "request"]', "the section 'request' stands twice"),
        ('sections = ["request"]\ndocuments = ["letter"]', "names 'letter'"),
        ('sections = ["request", "reach"]\n[section.reach]\ntitle = "R"\n' + QUESTION.replace('"line"', '"song"'), "question.0.type"),
        (
            'sections = ["request", "reach"]\n[section.reach]\ntitle = "R"\n' + QUESTION.replace('"line"', '"choice"'),
            "at least two options",
        ),
        ('sections = ["request", "reach"]\n[section.reach]\ntitle = "R"\n' + QUESTION + "each = true", "`each` is for lines and texts"),
        ('sections = ["request", "reach"]\n[section.reach]\ntitle = "R"\n' + QUESTION + "when = {said = 'x'}", "names no condition"),
        (
            'sections = ["request", "reach"]\n[section.reach]\ntitle = "R"\n' + QUESTION.replace("audience", "project"),
            "built-in questions are",
        ),
        (
            "sections = ['request', 'reach']\n[section.reach]\ntitle = 'R'\n" + QUESTION + "when = {said='x', answered={gone=['a']}}",
            "depends on an answer",
        ),
        ("sections = [2026-01-01]", "a value that no form has"),
        ("# " + "x" * files.MOST_BYTES, "larger than any form needs"),
    ],
)
def test_a_wrong_file_closes_the_form_and_says_where(tmp_path: Path, text: str, problem: str) -> None:
    write(tmp_path, "commercial.toml", text)
    with pytest.raises(Misconfigured) as told:
        files.load(settings(tmp_path), "commercial", "posts")
    assert problem in str(told.value) and "commercial.toml" in str(told.value)
    with pytest.raises(Refused) as refused:
        files.current(settings(tmp_path), "commercial", "posts")
    assert refused.value.refusal.code == "form_unusable"
    assert files.current(settings(tmp_path), "research", "posts").kind == "research"


def test_files_that_nothing_reads_are_named(tmp_path: Path) -> None:
    for name in (
        "sections.toml",
        "research.toml",
        "posts/research.toml",
        "reserch.toml",
        "gone/research.toml",
        "posts/sections.toml",
        "a.md",
    ):
        write(tmp_path, name, "")
    found = [each.relative_to(tmp_path / "forms").as_posix() for each in files.stray(settings(tmp_path))]
    assert found == ["a.md", "gone/research.toml", "posts/sections.toml", "reserch.toml"]
    assert list(files.stray(settings(tmp_path / "none"))) == []


def test_what_is_wrong_with_the_forms_of_an_installation_is_told_once(tmp_path: Path) -> None:
    write(tmp_path, "posts/research.toml", EXTRA)
    found = {(each.dataset, each.kind): each.own for each in survey(settings(tmp_path))}
    kinds = ("research", "public-interest", "commercial")
    assert found == {(name, kind): (name, kind) == ("posts", "research") for name in ("posts", "adverts") for kind in kinds}
    assert problems(settings(tmp_path)) == []
    write(tmp_path, "commercial.toml", "sections = []")
    write(tmp_path, "reserch.toml", "")
    said = [str(each) for each in problems(settings(tmp_path))]
    assert [("commercial.toml" in each, "reserch.toml" in each) for each in said] == [(True, False), (False, True)]
