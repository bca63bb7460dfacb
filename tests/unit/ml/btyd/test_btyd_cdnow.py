"""CDNOW, 23,570 customers: nine months known, the next nine judged."""

from __future__ import annotations

import numpy as np
import pytest
from cdnow_world import AS_OF, END, compare, known_at, needs_cdnow

pytestmark = needs_cdnow


def test_everybody_is_known_at_the_as_of_and_nothing_of_what_comes_is_a_feature() -> None:
    today, _ = known_at(AS_OF, END)
    blind, _ = known_at(AS_OF, AS_OF)
    assert len(today.stats) == 23_570
    assert today.days == 273
    assert blind.purchases.sum() == 0 < today.purchases.sum()
    assert np.array_equal(today.X, blind.X, equal_nan=True)
    assert (today.stats.age == blind.stats.age).all()


@pytest.mark.slow
def test_the_learner_on_top_is_better_than_each_model_in_deviance_error_and_rank() -> None:
    comparison = compare()
    ours = comparison.metrics("boosted")
    for name in ("bg_nbd", "mbg_nbd", "pareto_nbd"):
        theirs = comparison.metrics(name)
        assert ours["deviance"] < theirs["deviance"]
        assert ours["rmse"] < theirs["rmse"]
        assert ours["spearman"] > theirs["spearman"]
    differences = comparison.differences(draws=200)
    assert all(one["deviance"].high < 0 < one["spearman"].low for one in differences.values()), "beyond luck"
