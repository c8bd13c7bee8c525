"""The tour on one screen: its stops, whose turn each is, and when it counts as done. Pure."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

SIGNED = frozenset({"signed", "active", "suspended", "lift_asked", "terminated", "expired"})


@dataclass(frozen=True, slots=True)
class TourFacts:
    """What the store says of the tour's own application and of what followed, and of what was under way before. Empty means: not yet."""

    application_id: str = ""
    application_state: str = ""
    lawful: bool = False
    contract_id: str = ""
    contract_state: str = ""
    in_force: bool = False
    answered_entry: str = ""
    entry_viewed: bool = False
    letter_written: bool = False
    refused_entry: str = ""
    scraper_stopped: bool = False
    returned_id: str = ""
    handed_in_again: bool = False
    appealed_id: str = ""
    decided_again: bool = False
    countered_id: str = ""
    wish_answered: bool = False
    amendment_id: str = ""
    amendment_signed: bool = False

    @property
    def ended(self) -> bool:
        """Whether the way is blocked, so that only starting over helps."""
        early = self.contract_state in ("terminated", "expired") and not self.refused_entry
        return self.application_state in ("declined", "returned", "upheld", "withdrawn", "stopped") or early


@dataclass(frozen=True, slots=True)
class Stop:
    """One stop. `who` is a key of the cast, empty where nobody signs in; `act` stands on the button, `then` says what to click there."""

    key: str
    title: str
    what: str
    who: str
    act: str
    then: str
    done: Callable[[TourFacts], bool]


@dataclass(frozen=True, slots=True)
class StopView:
    """A stop with its number and where the visitor stands: "done", "now" or "later"."""

    number: int
    stop: Stop
    state: str


STOPS: tuple[Stop, ...] = (
    Stop(
        "catalogue",
        "See what there is",
        "Anyone may read what the platform offers: each field, invented sample rows, what will change, the price, and how long a decision takes.",
        "",
        "Open the dataset",
        "Look at the fields. “Apply” would lead through sign-up; the tour does that for you at the next stop.",
        lambda facts: bool(facts.application_id),
    ),
    Stop(
        "apply",
        "Apply",
        "Nora leads a university lab. Her application is filled in already: a purpose, seven fields, two countries, a year.",
        "lead",
        "Become Nora and apply",
        "Read the form, then press “Hand in application”. She gets a mail that names the day of the decision.",
        lambda facts: facts.application_state not in ("", "draft"),
    ),
    Stop(
        "check",
        "Check that it is complete",
        "Samir is a steward. Before anything is decided he makes sure that the answers say enough; he could return it for changes.",
        "steward",
        "Become Samir and check",
        "Look at the request, then press “It is complete”. It is his from now on.",
        lambda facts: facts.application_state not in ("", "draft", "submitted"),
    ),
    Stop(
        "basis",
        "Confirm the lawful basis",
        "Colm, the compliance officer, says on which lawful basis people’s data is given. No contract is made without that.",
        "compliance",
        "Become Colm and confirm",
        "The answer is written for you. Press “Confirm the lawful basis”.",
        lambda facts: facts.lawful,
    ),
    Stop(
        "approve",
        "Decide",
        "The request stands beside the dataset’s policy, with what deserves a second look. Samir may grant less, never more.",
        "steward",
        "Become Samir and decide",
        "A reason is written for you. Press “Approve application”.",
        lambda facts: facts.application_state == "approved",
    ),
    Stop(
        "contract",
        "Draft and offer the contract",
        "Terms are filled with what was asked for and can only be made narrower. The text beside them is what both sides sign.",
        "steward",
        "Draft as Samir",
        "Press “Create draft”, read the contract, then press “Offer to the partner”.",
        lambda facts: facts.contract_state not in ("", "draft"),
    ),
    Stop(
        "sign",
        "Sign",
        "Nora may bind her university. Marked passages of the text are terms that the service enforces by itself.",
        "lead",
        "Become Nora and sign",
        "Tick that you have read it, then press “Sign contract”.",
        lambda facts: facts.contract_state in SIGNED,
    ),
    Stop(
        "countersign",
        "Countersign",
        "Samir approved, so somebody else has to countersign. That seals terms and text: an edit of either stops the data.",
        "second-steward",
        "Become Sofia and countersign",
        "Press “Countersign contract”. From this moment the contract is in force.",
        lambda facts: facts.in_force,
    ),
    Stop(
        "request",
        "Read the first records",
        "Nora’s lab gets a client; it asks for a token and then for records. You see the real requests and the real answers.",
        "",
        "Make the client and read",
        "Ids in the answer are pseudonyms that exist under this contract alone; what is withheld is counted.",
        lambda facts: bool(facts.answered_entry),
    ),
    Stop(
        "proof",
        "Find its entry and proof",
        "No byte left before its entry was durable. Colm opens that entry and its proof.",
        "compliance",
        "Become Colm and open the entry",
        "The proof leads from this entry to a signed checkpoint, which an outsider can keep and compare.",
        lambda facts: facts.entry_viewed,
    ),
    Stop(
        "letter",
        "Answer a person",
        "One of the posts that the lab just read was written by somebody who now asks who received what they wrote. Colm knows their handle.",
        "compliance",
        "Become Colm and find out",
        "Write the handle below into “The person”, press “Show who holds their records”, then “Write the letter”. It names the lab, with proofs.",
        lambda facts: facts.letter_written,
    ),
    Stop(
        "suspension",
        "Suspend, and watch it bite",
        "Samir suspends the contract. The very same request is refused at once, and the refusal is an entry as well.",
        "steward",
        "Become Samir and suspend",
        "A reason is written for you. Press “Suspend contract”, come back here and repeat the request.",
        lambda facts: bool(facts.refused_entry),
    ),
    Stop(
        "scraper",
        "Stop a scraper",
        "A crawler reads the small site beside this portal: first without a licence, then with a licensed partner’s token.",
        "",
        "Let it crawl",
        "Without the token it is stopped at the budget and told where to apply; with the token it finishes.",
        lambda facts: facts.scraper_stopped,
    ),
    Stop(
        "return",
        "Change what was asked",
        "Not every application goes straight through. Leila’s came back with a question, and the clock of the desk stands still meanwhile.",
        "applicant",
        "Become Leila and hand it in again",
        "Read the question at the top, add the towns to her own words, and press “Hand in again”. The desk sees what is different.",
        lambda facts: facts.handed_in_again,
    ),
    Stop(
        "appeal",
        "Look at a decline again",
        "Leila asked under Article 40(12) of the EU Digital Services Act: that article’s conditions decide and nothing else. "
        "Sofia declined; somebody else looks again.",
        "steward",
        "Become Samir and decide",
        "The conditions stand beside the form, and a reason is written for you. Press “Approve application”.",
        lambda facts: facts.decided_again,
    ),
    Stop(
        "counter",
        "Answer a counter-offer",
        "Before he signs, Quentin wishes a term otherwise. The offer waits for an answer: another version, or a reason why not.",
        "steward",
        "Become Samir and answer",
        "An answer is written for you. Press “Decline the changes”, or make the next version instead.",
        lambda facts: facts.wish_answered,
    ),
    Stop(
        "amend",
        "Sign a new version",
        "The lab’s contract is to allow more records a day. The present version rules until both sides have signed the new one.",
        "lead",
        "Become Nora and sign",
        "See what changes, tick that you have read it, then press “Sign the new version”.",
        lambda facts: facts.amendment_signed,
    ),
)


def progress(facts: TourFacts) -> list[StopView]:
    """Every stop with its state; the first that is not done is the one to go to now."""
    views, open_stop = [], True
    for number, stop in enumerate(STOPS, 1):
        done = stop.done(facts)
        state = "done" if done else "now" if open_stop else "later"
        open_stop = open_stop and done
        views.append(StopView(number, stop, state))
    return views
