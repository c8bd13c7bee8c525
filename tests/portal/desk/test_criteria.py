"""An application under Article 40(12) of the EU DSA through the pages: asked and judged by that article alone, down to the paths."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any

from sqlmodel import select

from contracts.applications.tables import Application
from contracts.clock import FixedClock
from contracts.lifecycle.queries import version_of
from contracts.lifecycle.tables import Contract
from contracts.store.unit import Store
from contracts.terms.model import from_json
from portal.demo.answers import typed
from tests.portal.desk.test_pages import FIRST, LEAD, OFFICER, add_all, of, words
from tests.portal.house import DATASETS, browser, inputs_of, post, settings, sign_in, small_house

PURPOSES = {"purposes": ["research", "systemic-risk"]}
OPEN = settings(datasets={**DATASETS, "posts": {**DATASETS["posts"], **PURPOSES}})
CONDITIONS = (
    *("Researchers ask", "publicly accessible on the site", "systemic risks in the Union, and nothing else"),
    *("independent from commercial interests", "says who funds the research", "secure and confidential", "in proportion to it"),
)


def application(today: date, **changed: Any) -> dict[str, Any]:
    """What the applicant's browser sends."""
    return {
        **typed(()),
        "kind": "dsa-40-12",
        "purpose": "systemic-risk",
        "project": "Election rumours across borders",
        "purpose_text": "How false reports on elections cross borders, week by week.",
        "fields": ["id", "lang", "country", "text"],
        "starts": today.isoformat(),
        "ends": (today + timedelta(days=365)).isoformat(),
        "crawl": "yes",
        "answers.crawl_paths": "/posts/\r\n/topics/",
        **changed,
    }


def test_it_is_asked_and_decided_by_the_article_alone_and_names_its_paths(sqlite_store: Store, clock: FixedClock) -> None:
    house = small_house(sqlite_store, clock, OPEN)
    add_all(house)
    list_of_questions = words(browser(house).get("/apply/posts?kind=dsa-40-12").text)
    assert [each for each in (*CONDITIONS, "How it is decided") if each not in list_of_questions] == []
    assert [each for each in ("lawful basis", "Article 6(1)", "ethics board") if each in list_of_questions] == []
    assert len(browser(house).get("/apply/posts?kind=dsa-40-12&format=json").json()["criteria"]) == 7

    lead = sign_in(house, LEAD)
    mine = post(lead, "/apply", dataset="posts", kind="dsa-40-12").headers["location"]
    today = clock.now().date()
    answer = post(lead, mine, **application(today, act="submit", revision="1", **{"answers.crawl_paths": "posts"}))
    assert answer.status_code == 422 and "posts is no path of the site." in answer.text
    revision = inputs_of(lead.get(mine).text)["revision"]
    assert post(lead, mine, **application(today, act="submit", revision=revision)).headers["location"] == f"{mine}?done=submitted"

    key = mine.rpartition("/")[2]
    steward, path = sign_in(house, FIRST), f"/desk/applications/{key}"
    post(steward, f"{path}/check", page=path, revision=str(of(house, Application, key).revision))
    text = words(steward.get(path).text)
    assert [each for each in (*CONDITIONS, "/posts/", "by nothing else") if each not in text] == []
    assert "Effects on civic discourse, elections and public security" in text and "The same was declined before" not in text
    revision = str(of(house, Application, key).revision)
    other = post(steward, f"{path}/decline", page=path, decline_code="repeated", decline_reason="Again.", revision=revision)
    usual = post(steward, f"{path}/approve", page=path, code="as-asked", reason="Fine.", revision=revision)
    assert (other.status_code, usual.status_code, of(house, Application, key).state) == (422, 422, "in_review")
    assert 'href="#f-decline_code"' in other.text and 'href="#f-code"' in usual.text
    assert post(steward, f"{path}/approve", page=path, code="criteria-met", reason="All hold.", revision=revision).status_code == 303
    assert "Every condition of the article is met." in lead.get(mine).text
    revision, basis = str(of(house, Application, key).revision), {"basis": "legal-obligation", "basis_reason": "Article 40(12) of the DSA."}
    assert post(sign_in(house, OFFICER), f"{path}/basis", page=path, revision=revision, **basis).status_code == 303

    form = inputs_of(steward.get(f"{path}/draft").text) | {"networks": "", "act": "create"}
    wider = post(steward, f"{path}/draft", **{**form, "crawl_paths": "/posts/\n/authors/"})
    assert wider.status_code == 422 and "The path /authors/ was not asked for." in wider.text
    made = post(steward, f"{path}/draft", **{**form, "crawl_paths": "/posts/\n/topics/"})
    assert made.status_code == 303, words(made.text)
    with house.store.read() as session:
        contract = session.exec(select(Contract)).one()
        version = version_of(session, contract)
    crawl = from_json(version.terms_json).crawl
    assert (contract.kind, crawl and crawl.paths) == ("dsa-40-12", ("/posts/", "/topics/"))
    assert "under Article 40(12) of Regulation (EU) 2022/2065" in version.text and "Coordinator" not in version.text
