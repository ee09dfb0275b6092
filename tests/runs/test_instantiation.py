"""Arguments come as what their annotations say."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
from omegaconf import OmegaConf

from remix.runs.instantiation import factory

HERE = __name__


class Part:
    def __init__(
        self,
        where: Path | None = None,
        size: int = 1,
        rate: float = 0.0,
        inner: Any = None,
        files: Sequence[Path] = (),
        shape: tuple[int, int] = (0, 0),
        sizes: dict[str, int] | None = None,
        either: Path | str = "",
        free=None,
    ) -> None:
        self.given = {name: value for name, value in locals().items() if name != "self"}


@pytest.mark.parametrize(
    ("name", "value", "delivered"),
    [
        ("where", "a/b.csv", Path("a/b.csv")),
        ("where", None, None),
        ("files", ["a", "b"], [Path("a"), Path("b")]),
        ("either", "a", "a"),
        ("free", "a", "a"),
        ("size", 4e3, 4000),
        ("shape", [4.0, 5], [4, 5]),
        ("sizes", {"a": 2.0}, {"a": 2}),
        ("rate", 2.0, 2.0),
        ("free", 2.0, 2.0),
    ],
)
@pytest.mark.parametrize("nested", [False, True])
def test_an_argument_is_what_its_annotation_says(name: str, value: Any, delivered: Any, nested: bool):
    node = {"_target_": f"{HERE}.Part", name: value}
    config = OmegaConf.create({"part": {"_target_": f"{HERE}.Part", "inner": node} if nested else node})
    made = factory(config.part)()
    given = made.given["inner"].given[name] if nested else made.given[name]
    assert repr(given) == repr(delivered)


def test_what_gets_further_arguments_from_the_code_has_the_others_as_it_wants_them():
    node = {"_target_": f"{HERE}.Part", "_partial_": True, "where": "a"}
    later = factory({"_target_": f"{HERE}.Part", "inner": node})(size=3)
    assert later.given["inner"]().given["where"] == Path("a")
    assert later.given["size"] == 3
