"""What is under way between two sides when the visitor comes: a return, an independent review, a counter-offer and a new version."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

from contracts.amendments import service as amendments
from contracts.amendments.decide import Kind
from contracts.amendments.queries import latest_number
from contracts.amendments.service import Offer
from contracts.applications import service as applications
from contracts.applications.form import ApplicationForm
from contracts.applications.tables import Application
from contracts.lifecycle import offers, queries
from contracts.lifecycle.tables import Contract
from contracts.lifecycle.wishes import Wish
from contracts.signing.document import facts_of, render
from contracts.terms.model import from_json
from portal.demo.answers import usual
from portal.demo.story import Story

RETURNED = "Heat on the way to school"
APPEALED = "Election rumours across borders"
COUNTERED = "Topic shares for a press release"
QUESTION = "Which towns do you look at? Name them, or ask for fewer countries."
DECLINED = "A year of posts from every country is more than the question needs; two elections are named and both are in spring."
APPEAL = "Rumours start months before an election and fade months after. Our outline, section 2, shows why a spring alone tells nothing."
WISH = Wish("term", "retention", "Two years after the end instead of one.", "Our archive keeps what it published from for two years.")
MORE = "The lab asked for more records a day, because its second language was added."


def tell_under_way(story: Story, lab: Contract, shares: Contract) -> None:
    """Tell it: Leila's two applications, Quentin's wish about `shares`, and a new version of `lab` that waits for Nora."""
    _returned(story)
    _appealed(story)
    _countered(story, shares)
    _amended(story, lab)


def _returned(story: Story) -> None:
    form = ApplicationForm(
        project=RETURNED,
        kind="research",
        purpose="research",
        purpose_text="Whether children and parents write about heat on the way to school, by month and town.",
        fields=("id", "created_at", "country", "topic", "text"),
        answers=usual(["text"]),
        rows={"topic": ("weather",)},
        starts=story.today() + timedelta(days=14),
        ends=story.today() + timedelta(days=379),
    )
    asked, steward = story.apply("applicant", "posts", form), story.actor("steward")
    with story.house.store.write("story") as unit:
        applications.return_for_changes(unit, steward, asked.id, asked.revision, "unclear", QUESTION, story.house.settings)


def _appealed(story: Story) -> None:
    form = ApplicationForm(
        project=APPEALED,
        kind="dsa-40-12",
        purpose="systemic-risk",
        purpose_text="How false reports on elections cross borders, week by week, and where they are first corrected.",
        fields=("id", "created_at", "lang", "country", "topic", "text"),
        answers={**usual(()), "crawl_paths": "/posts/"},
        crawl=True,
        starts=story.today() + timedelta(days=7),
        ends=story.today() + timedelta(days=372),
    )
    checked = story.check("second-steward", story.apply("applicant", "posts", form))
    declined = story.decline("second-steward", checked, DECLINED, "40-12-necessary")
    applicant = story.actor("applicant")
    with story.house.store.write("story") as unit:
        applications.appeal(unit, applicant, declined.id, declined.revision, APPEAL, story.house.settings)


def _countered(story: Story, shares: Contract) -> None:
    lead = story.actor("commercial-lead")
    with story.house.store.write("story") as unit:
        offers.counter(unit, lead, shares.id, shares.revision, [WISH])


def _amended(story: Story, lab: Contract) -> None:
    settings, steward = story.house.settings, story.actor("steward")
    with story.house.store.read() as session:
        contract = session.get_one(Contract, lab.id)
        terms = from_json(queries.version_of(session, contract).terms_json).model_copy(update={"records_per_day": 40_000})
        known = facts_of(session, session.get_one(Application, contract.application_id))
        facts = replace(known, version=latest_number(session, contract.id) + 1)
    wanted = Offer(
        contract_id=contract.id,
        revision=contract.revision,
        kind=Kind.CHANGE,
        application_id=contract.application_id,
        terms=terms,
        rendered=render(settings, facts, terms, contract.id),
        reason=MORE,
    )
    with story.house.store.write("story") as unit:
        amendments.offer(unit, steward, wanted, settings)
