"""The weighting keeps the contract of weightings."""

from functools import partial

from weightings.sharp import Sharp

from remix import check


def test_it_keeps_the_contract_of_weightings() -> None:
    check(partial(Sharp, power=3.0))
