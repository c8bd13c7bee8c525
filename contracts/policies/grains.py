"""What of a field's policy says how it is generalised: the grain that every contract has at least, and the regions of its values; pure.

Regions are held as they are: another map, or more letters, tells differences that the confirmed one did not.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from contracts.datasets.coarse import coarser
from contracts.sections import FieldSettings


def grains_of(field: FieldSettings) -> dict[str, Any]:
    """The part of a field's policy; nothing where values leave as they are."""
    regions = field.regions or field.region_letters
    return {**({"at_least": field.at_least} if field.at_least else {}), **({"regions": regions} if regions else {})}


def grain_widenings(name: str, wanted: Mapping[str, Any], held: Mapping[str, Any]) -> Iterator[str]:
    """Each way in which the wanted policy tells more of a value than the held one, as a sentence."""
    least, before = wanted.get("at_least"), held.get("at_least")
    if coarser(least, before) != least:
        yield _FINER[least is None].format(field=name, was=before, now=least)
    if "regions" in held and _narrower(wanted.get("regions"), held["regions"]) != wanted.get("regions"):
        yield f"The field {name} is given by other regions."


def narrower_grains(wanted: Mapping[str, Any], held: Mapping[str, Any]) -> dict[str, Any]:
    """What neither of the two would refuse."""
    least = coarser(wanted.get("at_least"), held.get("at_least"))
    regions = _narrower(wanted.get("regions"), held["regions"]) if "regions" in held else wanted.get("regions")
    return {**({"at_least": least} if least else {}), **({"regions": regions} if regions else {})}


def held_grains(policy: Mapping[str, Any]) -> dict[str, Any]:
    """The settings of a field that hold under the policy."""
    regions = policy.get("regions")
    letters = regions if isinstance(regions, int) else None
    return {"at_least": policy.get("at_least"), "regions": regions if isinstance(regions, dict) else {}, "region_letters": letters}


def _narrower(wanted: Any, held: Any) -> Any:
    """The held regions, or fewer letters of the same."""
    return min(wanted, held) if isinstance(wanted, int) and isinstance(held, int) else held


_FINER = {
    True: "The field {field} is given as it is instead of by {was}.",
    False: "The field {field} is given by {now} instead of by {was}.",
}
