"""The oracle of items against what people of a simulated world really bought."""

from datetime import date
from types import SimpleNamespace
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest

from ml.simulator import item_oracle
from ml.simulator.block import make_block, make_world
from ml.simulator.item_oracle import ItemShares, oracle_item_shares, true_item_shares
from ml.simulator.purchases import make_orders
from ml.simulator.taste_posterior import Seen, infer

AS_OF = date(2024, 12, 1)


@pytest.fixture(scope="module")
def inferred(small_world: Any) -> ItemShares:
    return oracle_item_shares(small_world.truth, AS_OF)


@pytest.fixture(scope="module")
def later_lines(small_world: Any) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]]:
    """Person and item of each line ordered in the six weeks from the as-of on, before any item is gone."""
    world = make_world(small_world.config)
    orders = make_orders(make_block(world, 0))
    day, ordered = world.calendar.day_of(AS_OF), orders.day[orders.line_order]
    ahead = (ordered >= day) & (ordered < day + 42)
    return orders.person[orders.line_order][ahead], orders.items[ahead]


def test_true_shares_are_chances_and_foretell_what_is_bought(small_world: Any) -> None:
    """By item the expected and the real number of lines agree; by person the true shares beat those of others."""
    found = true_item_shares(small_world.truth, date(2024, 9, 2))
    assert np.abs(found.shares.sum(axis=1) - 1).max() < 1e-5
    orders = make_orders(make_block(make_world(small_world.config), 0))
    person, item = orders.person[orders.line_order], orders.items
    expected = found.shares[person].sum(axis=0)
    real = np.bincount(item, minlength=len(expected))
    enough = expected > 5
    chi_square = ((real - expected) ** 2 / np.maximum(expected, 1e-9))[enough].sum()
    assert chi_square < 2.5 * enough.sum(), "items that are gone later in the world, and chance"
    own = np.log(found.shares[person, item] + 1e-9).mean()
    other = np.log(found.shares[np.roll(person, len(person) // 2), item] + 1e-9).mean()
    assert own > other + 0.5


def test_what_is_gone_cannot_be_bought_any_more(small_world: Any) -> None:
    catalogue = make_world(small_world.config).catalogue
    late = oracle_item_shares(small_world.truth, small_world.config.end)
    gone = catalogue.gone_day >= 0
    inherits = np.isin(np.arange(len(gone)), catalogue.companion[gone])
    assert (gone & ~inherits).any()
    assert (late.shares[:, gone & ~inherits] == 0).all()


def test_inferred_chances_come_true_as_often_as_they_say(inferred: ItemShares, later_lines: Any) -> None:
    person, item = later_lines
    said = inferred.shares[person]
    came = np.zeros(said.shape, bool)
    came[np.arange(len(person)), item] = True
    assert np.abs(inferred.shares.sum(axis=1) - 1).max() < 1e-5
    for low, high in ((0.003, 0.01), (0.01, 0.03), (0.03, 0.08), (0.08, 1)):
        within = (said >= low) & (said < high)
        expected = said[within].sum()
        assert expected > 20, "enough to tell"
        assert abs(came[within].sum() - expected) < 4 * np.sqrt(expected)


def test_inference_stands_between_knowing_nothing_and_everything(
    small_world: Any, inferred: ItemShares, later_lines: Any
) -> None:
    person, item = later_lines
    own = np.log(inferred.shares[person, item]).mean()
    other = np.log(inferred.shares[np.roll(person, len(person) // 2), item]).mean()
    true = np.log(true_item_shares(small_world.truth, AS_OF).shares[person, item] + 1e-9).mean()
    assert other + 0.2 < own < true


@pytest.mark.parametrize(("days_before", "is_seen"), [(0, False), (1, True)])
def test_what_comes_after_the_as_of_tells_nothing(
    small_world: Any, monkeypatch: pytest.MonkeyPatch, days_before: int, is_seen: bool
) -> None:
    """Other items in the lines from a day on: those of the as-of's own day are not looked at, those before it are."""
    world = make_world(small_world.config)
    day, block = world.calendar.day_of(AS_OF), make_block(world, 0)
    orders = make_orders(block)
    seen = item_oracle._seen(block, day)
    other = np.where(orders.day[orders.line_order] >= day - days_before, 0, orders.items)
    names = ("person", "day", "late", "line_order", "line_number")
    given = SimpleNamespace(**{name: getattr(orders, name) for name in names}, items=other)
    monkeypatch.setattr(item_oracle, "make_orders", lambda _: given)
    assert (item_oracle._seen(block, day).line_item != seen.line_item).any() == is_seen


def test_an_item_bought_again_and_again_is_a_favourite(small_world: Any) -> None:
    catalogue = make_world(small_world.config).catalogue
    seen = Seen(
        people=2,
        line_person=np.zeros(5, np.int64),
        line_item=np.full(5, 17),
        line_before=np.full(5, -1),
        views=np.zeros((2, 12)),
        liked=np.array([-1, 3]),
        refused=np.array([-1, 5]),
    )
    known = infer(seen, catalogue, seed=1)
    assert known.pair_share[0] > 0.3
    assert known.tastes[1].argmax() == 3
    assert known.tastes[1].argmin() == 5
    assert np.isclose(known.tastes.sum(axis=1), 1).all()
