"""Short signs for types of units, and what is said about them below a picture."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from remix.envs.skirmish.units import UnitType

HEALER = "+"


def signs(names: Iterable[str], types: Mapping[str, UnitType]) -> dict[str, str]:
    """One or two letters for each type of a battle, none of them twice, and a plus sign for healers.

    A type whose initial no other has is called by it: Z for zealots. Otherwise the first letter follows that
    tells it from the others: Ma and Mi.
    """
    ordered = sorted(set(names))
    lettered = [name for name in ordered if not types[name].heal]
    found = {name: HEALER for name in ordered if types[name].heal}
    for name in lettered:
        rivals = [other for other in lettered if other != name and other[0] == name[0]]
        found[name] = _sign(name, rivals, set(found.values()))
    return {name: found[name] for name in ordered}


def _sign(name: str, rivals: list[str], taken: set[str]) -> str:
    """A sign for a name that none of its rivals would get, if there is one."""
    initial = name[0].upper()
    if not rivals:
        return initial
    letters = [(at, letter) for at, letter in enumerate(name) if at and letter.isalnum()]
    telling = [letter for at, letter in letters if all(other[at : at + 1] != letter for other in rivals)]
    free = [initial + letter for letter in (*telling, *(letter for _, letter in letters))]
    return next((sign for sign in free if sign not in taken), initial)
