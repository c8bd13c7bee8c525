"""The order of terms by properties: `narrow` is a meet, never wider, and says exactly what both allow."""

from __future__ import annotations

from hypothesis import given, settings
from pydantic import ValidationError

from contracts.terms.lattice import MEETS, narrow, wider
from contracts.terms.model import Terms
from tests.contracts.terms.generated import Chance, chances, permits

many = settings(max_examples=250, derandomize=True)


def test_every_term_has_a_meet() -> None:
    assert sorted(MEETS) == sorted(set(Terms.model_fields) - {"version"})


def meet(one: Terms | None, other: Terms | None) -> Terms | None:
    return None if one is None or other is None else narrow(one, other)


@many
@given(chances)
def test_it_is_a_meet(chance: Chance) -> None:
    one, other, third = chance.terms(), chance.terms(), chance.terms()
    normal = narrow(one, one)
    assert meet(normal, normal) == normal
    assert narrow(one, other) == narrow(other, one)
    assert meet(narrow(one, other), third) == meet(one, narrow(other, third))


@many
@given(chances)
def test_it_is_the_greatest_that_is_within_both(chance: Chance) -> None:
    one, other = chance.terms(), chance.terms()
    normal, met = narrow(one, one), narrow(one, other)
    if met is not None:
        assert (wider(met, one), wider(met, other)) == ((), ())
    if normal is not None:
        assert (wider(one, other) == ()) == (met == normal)
    below = meet(met, chance.terms())
    if below is not None and met is not None:
        assert (wider(below, one), wider(below, other), wider(below, met)) == ((), (), ())


@many
@given(chances)
def test_it_permits_what_both_permit(chance: Chance) -> None:
    one, other = chance.terms(), chance.terms()
    met = narrow(one, other)
    for probe in (chance.probe() for _ in range(10)):
        mine, theirs, permitted = permits(one, probe), permits(other, probe), permits(met, probe)
        assert [name for name in permitted if permitted[name] and not (mine[name] and theirs[name])] == []
        if met is not None:
            lost = {name for name in permitted if mine[name] and theirs[name] and not permitted[name]}
            # The website is lost to named users, and where no host is common, which acts here do not name.
            assert lost <= ({"crawl"} if met.crawl is None else set())


@many
@given(chances)
def test_what_is_not_wider_permits_no_more(chance: Chance) -> None:
    one = chance.terms()
    narrower = narrow(one, chance.terms())
    if narrower is None:
        return
    changed = {name: getattr(chance.terms(), name) for name in chance.some(tuple(MEETS))[:2]}
    try:
        other = Terms.model_validate({**dict(narrower), **changed})
    except ValidationError:
        return  # such as named users beside the website
    if wider(other, one) == ():
        for probe in (chance.probe() for _ in range(10)):
            now, before = permits(other, probe), permits(one, probe)
            assert [name for name in now if now[name] and not before[name]] == []
