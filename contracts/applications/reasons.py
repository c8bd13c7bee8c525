"""Why an application is approved, declined or returned, and on which basis people's data is given: closed lists of codes."""

from __future__ import annotations

from contracts.forms.kinds import KINDS

APPROVAL: dict[str, str] = {
    "as-asked": "What is asked for is necessary for the purpose and in proportion to it.",
    "narrowed": "A narrower form of what is asked for is necessary for the purpose and in proportion to it.",
}

DECLINE: dict[str, str] = {
    "incomplete": "What is needed to decide is missing.",
    "purpose": "The purpose is not one for which this data is given.",
    "not-necessary": "The purpose can be reached without this data.",
    "not-proportionate": "More is asked for than is in proportion to the purpose.",
    "no-lawful-basis": "No lawful basis for giving or using the data was shown.",
    "safeguards": "The data would not be protected well enough.",
    "conflict-of-interest": "Funding or interests speak against it.",
    "identity": "Who applies, or for whom, could not be confirmed.",
    "repeated": "The same was declined before, and nothing that matters has changed.",
    "other": "Another reason, told in words.",
}

RETURN: dict[str, str] = {
    "unclear": "Some answers are not clear.",
    "missing": "Some answers or documents are missing.",
    "too-wide": "More is asked for than the purpose explains.",
    "dates": "The period does not fit the purpose.",
    "other": "Another reason, told in words.",
}

# GDPR Art. 6(1); where no personal data is given there is none to name.
BASES: dict[str, str] = {
    "not-personal": "No personal data is given.",
    "consent": "Consent of the people concerned (GDPR Art. 6(1)(a)).",
    "contract": "Performance of a contract with the people concerned (GDPR Art. 6(1)(b)).",
    "legal-obligation": "A legal obligation of the platform (GDPR Art. 6(1)(c)).",
    "public-task": "A task in the public interest (GDPR Art. 6(1)(e)).",
    "legitimate-interests": "Legitimate interests, weighed against those of the people concerned (GDPR Art. 6(1)(f)).",
}

# What a member of staff who was asked for a review answers.
OPINIONS: dict[str, str] = {
    "for": "Speaks for approving it.",
    "against": "Speaks against approving it.",
    "neutral": "Speaks neither for nor against it.",
}

# By a kind's criteria alone: approved where all of them hold, declined by one that does not.
APPROVAL_BY_CRITERIA: dict[str, str] = {
    "criteria-met": "Every condition of the article is met.",
    "criteria-met-narrowed": "Every condition of the article is met; what is granted is what is necessary and in proportion.",
}
NARROWED = frozenset({"narrowed", "criteria-met-narrowed"})
DECLINE_BY_CRITERIA: dict[str, str] = {each.code: each.fails for facts in KINDS.values() for each in facts.criteria}

WORDS: dict[str, str] = {**APPROVAL, **APPROVAL_BY_CRITERIA, **DECLINE, **DECLINE_BY_CRITERIA, **RETURN, **BASES, **OPINIONS}
"""Every code in words. Where two lists share a code, they say the same."""


def approvals(kind: str) -> dict[str, str]:
    """Why an application of the kind may be approved: code to words."""
    return APPROVAL_BY_CRITERIA if KINDS[kind].criteria else APPROVAL


def declines(kind: str) -> dict[str, str]:
    """Why an application of the kind may be declined: its criteria and nothing else, where it has any."""
    return {each.code: each.fails for each in KINDS[kind].criteria} or DECLINE
