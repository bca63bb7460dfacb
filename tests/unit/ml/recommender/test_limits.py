"""What stays of a long history."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from recommender_world import Act, tiny_world

from ml.recommender import sequence
from ml.recommender.copurchase import co_purchases
from ml.recommender.data import World
from ml.recommender.generators import walks
from ml.recommender.sequence import count_transitions
from ml.recommender.sparse import Ints


def had(world: World) -> Ints:
    return co_purchases(world, "customer", most=5).alone


def baskets(world: World) -> Ints:
    return count_transitions(world, 0.8).baskets


def walked(world: World) -> Ints:
    return sum(np.bincount(walks._latest(block).indices, minlength=block.width) for block in world.blocks())  # type: ignore[return-value]


@pytest.mark.parametrize("counted", [had, baskets, walked])
def test_what_stays_of_one_day_is_no_matter_of_product_numbers(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, counted: Callable[[World], Ints]
) -> None:
    for module in (sequence, walks):
        monkeypatch.setattr(module, "MOST_ITEMS", 5)
    bought: list[Act] = [(f"c{n:02}", f"item {k}", 10) for n in range(60) for k in range(10)]
    many = counted(tiny_world(tmp_path / "a", bought=bought))
    assert many.sum() == 60 * 5
    assert many.min() > 15, "half of sixty would be thirty"
    assert counted(tiny_world(tmp_path / "b", bought=bought, block_customers=7)).tolist() == many.tolist()


def test_how_many_baskets_are_paired_is_no_matter_of_who_else_is_counted(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The budget is a customer's own: neighbouring baskets are always paired, farther ones while there is room."""
    monkeypatch.setattr(sequence, "MOST_PAIRS", 10)
    many: list[Act] = [("many", f"m{k}{n}", 60 - k) for k in range(5) for n in range(3)]
    few: list[Act] = [("few", f"f{k}", 60 - k) for k in range(4)]
    whole = count_transitions(tiny_world(tmp_path / "a", bought=[*many, *few]), 0.5).later
    apart = count_transitions(tiny_world(tmp_path / "b", bought=[*many, *few], block_customers=1), 0.5).later
    assert (whole != apart).nnz == 0
    assert whole.nnz == (3 + 2 + 1) + 4 * 9, "all of few; of many only neighbours, of which there are 36 already"


@pytest.mark.parametrize(("most", "kept"), [(3, [0, 0, 0, 1, 1, 1]), (None, [1] * 6)])
def test_the_latest_items_stay(tmp_path: Path, most: int | None, kept: list[int]) -> None:
    world = tiny_world(tmp_path, bought=[("c", f"item {k}", 60 - k) for k in range(6)])
    assert co_purchases(world, "customer", most=most).alone.tolist() == kept


def test_unless_told_fifty_items_of_a_customer_stay(tmp_path: Path) -> None:
    world = tiny_world(tmp_path, bought=[("c", f"item {k:02}", 60 - k) for k in range(60)])
    assert co_purchases(world, "customer").alone.sum() == 50
