"""What an application under Article 40(12) of the EU Digital Services Act is judged by: that article's own conditions, on one screen.

Regulation (EU) 2022/2065, Art. 40(12): researchers, those of bodies that are not for profit included, who comply with paragraph 8,
points (b) to (e), get data that is publicly accessible, for research into systemic risks (Art. 34(1)) alone. What paragraph 8 asks
beside these points, such as affiliation to a research organisation (a) or publication free of charge (g), is not asked here.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Criterion:
    """One condition: its code among the reasons of a decline, what has to hold, and what a decline says where it does not."""

    code: str
    holds: str
    fails: str


ARTICLE_40_12 = (
    Criterion(
        "40-12-researchers",
        "Researchers ask, of whatever body; those of bodies that are not for profit are among them (Article 40(12)).",
        "Those who ask are not researchers (Article 40(12)).",
    ),
    Criterion(
        "40-12-public",
        "The data is publicly accessible on the site (Article 40(12)).",
        "The data is not publicly accessible on the site (Article 40(12)).",
    ),
    Criterion(
        "40-12-risks",
        "It serves research into systemic risks in the Union, and nothing else (Articles 34(1) and 40(12)).",
        "It does not serve research into systemic risks in the Union alone (Articles 34(1) and 40(12)).",
    ),
    Criterion(
        "40-12-independent",
        "The researchers are independent from commercial interests (Article 40(8)(b)).",
        "The researchers are not independent from commercial interests (Article 40(8)(b)).",
    ),
    Criterion(
        "40-12-funding",
        "The application says who funds the research (Article 40(8)(c)).",
        "The application does not say who funds the research (Article 40(8)(c)).",
    ),
    Criterion(
        "40-12-security",
        "They can keep the data secure and confidential and protect personal data, and say by which measures (Article 40(8)(d)).",
        "They did not show measures that keep the data secure and confidential and protect personal data (Article 40(8)(d)).",
    ),
    Criterion(
        "40-12-necessary",
        "The data and the time asked for are necessary for the research and in proportion to it, "
        "and the expected results contribute to its purpose (Article 40(8)(e)).",
        "The data or the time asked for is not necessary for the research or not in proportion to it, "
        "or its results would not contribute to the purpose (Article 40(8)(e)).",
    ),
)
