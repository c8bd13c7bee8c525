"""Why an application is approved, declined or returned, and on which basis people's data is given: closed lists of codes."""

from __future__ import annotations

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
