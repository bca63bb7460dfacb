"""A simulated world never looked at while anything was tuned: what a word is worth without a history, and discovery."""

from dataclasses import replace
from datetime import date, timedelta
from pathlib import Path

import numpy as np
import pytest
import recommender_oracle
from taste_world import HORIZON_DAYS, taste_worlds, true_worth

from ml.recommender.lessons import Lesson, teach
from ml.recommender.outcomes import outcomes

JUDGED = date(2025, 6, 1)
UNSEEN = 20_261
DRAWS = 20
"""Of the slots for discovery: a single one buys some twenty things, which chance alone moves by a fifth."""
DAYS = [JUDGED - timedelta(HORIZON_DAYS * back) for back in (3, 2, 1, 0)]


def test_a_world_is_read_as_known_at_each_as_of(tmp_path: Path) -> None:
    """What lies before an as-of is in its blocks, what follows within the horizon is its outcome."""
    earlier, later = taste_worlds(tmp_path, DAYS[-2:], seed=3, customers=300)
    known = [sum(int(block.lines.sum()) for block in world.blocks()) for world in (earlier, later)]
    followed = sum(len(judged.rows) for judged in outcomes(earlier))
    assert 0 < known[0] < known[1]
    assert followed > 0
    assert all((block.ages >= 1).all() for world in (earlier, later) for block in world.blocks())
    (block,) = later.blocks()
    said = block.statements(+1)
    assert 0.05 < (np.diff(said.indptr) > 0).mean() < 0.25
    assert said.nnz == (np.diff(said.indptr) > 0).sum(), "one category each"
    assert block.statements(-1).nnz > 0


@pytest.mark.slow
def test_newcomers_with_a_word_get_what_they_then_buy_and_discovery_finds_more_than_chance(tmp_path: Path) -> None:
    lessons = [Lesson(world, outcomes(world)) for world in taste_worlds(tmp_path, DAYS, seed=UNSEEN, customers=6_000)]
    *earlier, last = lessons
    fitted = teach(earlier).model.fit(last.source)
    shop = recommender_oracle.Known(None, JUDGED, fitted, last.happened)
    cold = recommender_oracle.cold(shop, true_worth(JUDGED, seed=UNSEEN, customers=6_000))
    assert cold["people"] > 50
    assert cold["ratio"] > 1.5, cold
    assert cold["gain_low"] > 0, cold
    assert cold["model"] > 0.9 * cold["best_within"], cold
    drawn = [recommender_oracle.discovery(replace(shop, day=JUDGED + timedelta(draw)), 0.1) for draw in range(DRAWS)]
    found = {name: float(np.mean([one[name] for one in drawn])) for name in drawn[0]}
    assert found["discovery/against_random"] > 1.5, found
    assert found["discovery/hit_rate"] > found["discovery/hit_rate_of_popular"], found
    assert found["discovery/loss_of_ndcg"] < 0.05, found
