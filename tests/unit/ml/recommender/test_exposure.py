"""Figures of lists on cases that can be counted by hand: places, breadth, and what discovery finds and costs."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from recommender_world import fitted, tiny_world

from ml.recommender import exposure
from ml.recommender.discovery import discovery, slots_of
from ml.recommender.exposure import OFF, ON, breadth, buyers_of, expose, place_of
from ml.recommender.lessons import Judged
from ml.recommender.lists import Lists, Shape
from ml.recommender.model import Fitted
from ml.recommender.sparse import matrix

WORLD = [("a", "old", 30), ("b", "old", 30), ("b", "best", 30), ("x", "best", 20), ("y", "best", 20), ("x", "good", 20)]
ITEMS = ("bare", "best", "good", "old", "rare")


def shop(folder: Path) -> tuple[Fitted, Judged]:
    """Customer a, who had ``old``, then buys ``good`` and ``old``; b, who had ``best`` too, buys ``rare``."""
    world = tiny_world(folder, bought=WORLD, items=ITEMS)
    (block,) = world.blocks()
    number = {item: place for place, item in enumerate(world.catalogue.product_ids)}
    items = np.array([number["good"], number["old"], number["rare"]])
    return fitted(world), Judged(block.only(np.array([0, 1])), np.array([0, 0, 1]), items)


def lists(*rows: tuple[int, str, int, bool]) -> Lists:
    who, items, places, found = zip(*rows, strict=True)
    n = len(rows)
    numbers = np.array([ITEMS.index(item) for item in items])
    no = np.zeros(n, bool)
    return Lists(np.array(who), numbers, np.array(places), np.zeros(n), np.ones(n), np.array(found), no)


MADE = lists((0, "old", 0, False), (0, "good", 1, True), (1, "old", 0, False), (1, "good", 1, True))


def test_what_was_bought_has_the_place_of_its_row_and_none_where_no_row_holds_it(tmp_path: Path) -> None:
    _, judged = shop(tmp_path)
    assert place_of(MADE, judged).tolist() == [2, 1, np.inf]


def test_a_slot_is_held_against_what_could_have_stood_there(tmp_path: Path) -> None:
    """Of a's slot: bare, best, good and rare are new and not in the fixed place; one of four was bought, not the most
    popular. Of b's: bare, good and rare; rare was bought, good is the most popular."""
    known, judged = shop(tmp_path)
    case = replace(known.case(judged.block), has_rules=False)
    own = slots_of(MADE, case, judged, known.popularity)
    assert own.slots.tolist() == [1, 1]
    assert own.found.tolist() == [1, 0]
    assert own.random.tolist() == pytest.approx([1 / 4, 1 / 3])
    assert own.popular.tolist() == [0, 0]
    found = discovery(own, np.array([1.0, 0.5]), np.array([1.0, 1.0]), seed=1)
    assert found
    assert (found.rate, found.popular_rate) == (0.5, 0)
    assert found.against_random.value == pytest.approx(1 / (1 / 4 + 1 / 3))
    assert found.loss_of_ndcg.value == pytest.approx(0.25)
    assert found.loss_of_ndcg.low <= found.loss_of_ndcg.value <= found.loss_of_ndcg.high


def test_an_item_that_stands_elsewhere_in_the_list_could_not_have_stood_in_the_slot(tmp_path: Path) -> None:
    known, judged = shop(tmp_path)
    case = replace(known.case(judged.block), has_rules=False)
    made = lists((0, "best", 0, False), (0, "rare", 1, True))
    own = slots_of(made, case, judged, known.popularity)
    assert own.random[0] == pytest.approx(1 / 3), "bare, good and rare are left"
    assert own.popular[0] == 1, "good is then the most popular"


def test_lists_without_slots_have_no_discovery(tmp_path: Path) -> None:
    known, judged = shop(tmp_path)
    case = known.case(judged.block)
    scores = known.scores(case, known.propose(case))
    found = {name: expose(scores, case, judged, known.popularity, own)
             for name, own in exposure.shapes(Shape(2, 0)).items()}  # fmt: skip
    assert exposure.found_by_discovery(found, seed=1) is None
    assert (found[ON].shown == found[OFF].shown).all()


def test_breadth_is_counted_by_hand(tmp_path: Path) -> None:
    known, judged = shop(tmp_path)
    buyers, people = buyers_of(known.source)
    assert dict(zip(ITEMS, buyers.tolist(), strict=True)) == {"bare": 0, "best": 3, "good": 1, "old": 2, "rare": 0}
    assert people == 4
    found = breadth(np.array([1, 1, 3]), buyers, people, judged.items)
    assert found["coverage"] == 2 / 5
    assert found["novelty"] == pytest.approx(-np.log2([3 / 4, 3 / 4, 2 / 4]).mean())
    assert found["popularity_bias"] == pytest.approx((8 / 3) / 1)
    assert 0 < found["gini"] < 1


def test_blocks_one_after_another_are_the_whole(tmp_path: Path) -> None:
    known, judged = shop(tmp_path)
    case = known.case(judged.block)
    scores = matrix(np.ones(2), np.array([0, 1]), np.array([2, 4]), (2, 5))
    whole = expose(scores, case, judged, known.popularity, Shape(3, 1))
    parts = []
    for row in range(2):
        one = judged.only(np.array([row]))
        parts.append(expose(scores[[row]], known.case(one.block), one, known.popularity, Shape(3, 1)))
    found = exposure.joined(parts)
    assert found.hits.ranks.tolist() == whole.hits.ranks.tolist()
    assert found.hits.rows.tolist() == whole.hits.rows.tolist()
    assert found.shown.tolist() == whole.shown.tolist()
    assert found.slots.found.tolist() == whole.slots.found.tolist()
