"""The list of questions before the form: complete, and nothing that the dataset could not make it ask."""

from __future__ import annotations

from contracts.forms.files import load
from contracts.forms.outline import as_json, as_markdown, outline
from contracts.settings import Settings

FORM = load(Settings(profile="test"), "research", "posts")
PLAIN, PEOPLE = {"id": "key", "lang": "plain"}, {"id": "key", "text": "personal", "author_id": "subject"}


def test_what_the_datasets_fields_cannot_make_it_ask_is_left_out() -> None:
    found = outline(FORM, PLAIN)
    assert ([each.title for each in found.sections], found.documents) == (
        ["What you ask for", "Money and interests", "How records are kept"],
        (),
    )
    assert (found.always, found.at_most) == (12, 12)


def test_every_question_stands_there_with_its_condition_for_machines_and_as_text() -> None:
    found = outline(FORM, PEOPLE)
    told = as_json(found)
    need = next(each for section in told["sections"] for each in section["questions"] if each["id"] == "necessity")
    assert (need["asked"], need["fields"]) == ("For each field about a person that you ask for", ["text"])
    assert (told["sha256"], told["questions"]) == (FORM.sha256, {"always": 12, "at_most": 21})
    assert [each["title"] for each in told["documents"]] == ["Decision of your ethics board, or its letter that none is needed"]
    text = as_markdown(found, "Public posts")
    labels = [each["label"] for section in told["sections"] for each in section["questions"]]
    assert [label for label in labels if f"### {label}\n" not in text] == []
    assert text.startswith("# Research: Public posts\n")
    assert "*Where you ask for a field about people.*" in text and "- [ ] A task in the public interest" in text
