"""What somebody wants of a report otherwise than its study has it: names, order, smoothing, what is asked."""

from __future__ import annotations

import argparse
from collections import Counter
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from remix.report.style import named
from remix.settings import checks
from remix.settings.errors import SettingError, one_of
from remix.settings.names import check_name

if TYPE_CHECKING:
    from remix.report.results import StudyResults

DEFAULTS: dict[str, Any] = {
    "metric": None,
    "onset": None,
    "reference": None,
    "smooth": 1,
    "name": [],
    "order": [],
    "pdf": False,
}
"""The options, which are for studies."""


def add_options(parser: argparse.ArgumentParser) -> None:
    """Those of :data:`DEFAULTS`."""
    group = parser.add_argument_group("of a study")
    group.add_argument(
        "--metric", help="what is compared, such as test/length (default: the study's, mostly test/return)"
    )
    group.add_argument("--onset", help="score above which a run has begun to learn (default: the study's)")
    group.add_argument(
        "--reference", help="variant that the others are compared with (default: the study's, else remix)"
    )
    group.add_argument("--smooth", help="evaluations to average in drawn curves (default: 1, as they are)")
    group.add_argument(
        "--name", action="append", metavar="VARIANT=NAME", help="what the page calls a variant; once for each"
    )
    group.add_argument(
        "--order", action="append", metavar="VARIANT,...", help="variants that stand first, in this order"
    )
    group.add_argument("--pdf", action="store_true", help="draw the figures as PDF too")
    parser.set_defaults(**DEFAULTS)


def chosen(results: StudyResults, options: argparse.Namespace) -> StudyResults:
    """The results with what the options say; ``metric`` is for those who read them.

    :raises SettingError: if an option cannot be, naming it.
    """
    if options.onset is not None:
        results = replace(results, onset=checks.number("onset", _number(options.onset)))
    if options.reference is not None:
        results = replace(results, chosen=_variant("reference", options.reference, results))
    results = replace(results, smooth=checks.whole("smooth", _number(options.smooth), minimum=1))
    results = replace(results, order=_order(options.order, results))
    return _with_names(results, options.name)


def _number(given: Any) -> Any:
    """What is no number stays as it is: the checks have the words for it."""
    for kind in (int, float):
        with suppress(ValueError):
            return kind(given)
    return given


def _variant(option: str, value: str, results: StudyResults) -> str:
    if value not in results.variants:
        raise SettingError(option, value, one_of(results.variants, value))
    return value


def _order(given: Sequence[str], results: StudyResults) -> tuple[str, ...]:
    """A list at once, or one variant each: a variant may have a comma in its name."""
    parts = [part for text in given for part in ([text] if text in results.variants else text.split(","))]
    return tuple(dict.fromkeys(_variant("order", part.strip(), results) for part in parts))


def _with_names(results: StudyResults, given: Sequence[str]) -> StudyResults:
    names: dict[str, str] = {}
    for text in given:
        # A variant may have an equals sign in its name, which is then the longest that there is.
        places = [place for place, character in enumerate(text) if character == "="]
        if not places:
            raise SettingError("name", text, "must be VARIANT=NAME")
        known = [place for place in places if text[:place] in results.variants]
        place = known[-1] if known else places[0]
        names[_variant("name", text[:place], results)] = check_name("name", text[place + 1 :])
    results = replace(results, names=names)
    shown = Counter(named(results, variant) for variant in results.variants)
    for variant, name in names.items():
        if shown[named(results, variant)] > 1:
            raise SettingError("name", f"{variant}={name}", "must not be what another variant is called")
    return results
