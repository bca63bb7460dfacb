"""Lifetimes of customers who order: by the model whose expectations stand among their features."""

from datetime import date

import numpy as np
import pandas as pd
import pytest
from season_world import lives

from ml.btyd.expectations import HISTORY, INACTIVE, OrderFiles, expectations
from ml.survival.lifetimes import CAP_DAYS, order_lifetimes

AS_OF, EARLIER = date(2025, 7, 1), date(2025, 1, 1)
HORIZON = 90


def write(folder, stats, repeats):
    """What the warehouse gives of an as-of, and of an earlier one on which nobody was known."""
    columns = [stats.frequency, stats.age, stats.age - stats.recency]
    histories = pd.DataFrame(dict(zip(HISTORY, columns, strict=True))).groupby(list(HISTORY)).size()
    histories = histories.reset_index(name="customers").assign(as_of_date=AS_OF)
    totals = pd.DataFrame({"as_of_date": AS_OF, "age_days": np.arange(1, len(repeats) + 1), "customers": repeats})
    files = OrderFiles(folder / "order_histories.parquet", folder / "repeat_order_totals.parquet")
    histories.sample(frac=1, random_state=1).to_parquet(files.histories, index=False)
    totals[totals["customers"] > 0].to_parquet(files.totals, index=False)
    return files, histories, totals


@pytest.fixture(scope="module")
def busy(tmp_path_factory):
    stats, repeats, _, left = lives(540, horizon=600, customers=8000)
    return *write(tmp_path_factory.mktemp("orders"), stats, repeats), stats, left


def asked(stats):
    return np.column_stack([stats.frequency, stats.age, stats.age - stats.recency]).astype(np.float32)


def days(model, X):
    return model.days(X, np.zeros(len(X), bool))


def test_who_is_likelier_to_buy_again_stays_longer(busy):
    files, histories, totals, *_ = busy
    model = order_lifetimes(files, AS_OF, HORIZON)
    told = expectations(histories, totals, HORIZON)
    own = days(model, told[list(HISTORY)].to_numpy(np.float32))
    ranks = [pd.Series(values).rank() for values in (own, 1 - told[INACTIVE])]
    assert np.corrcoef(*ranks)[0, 1] > 0.5, "of two who are still there, the one who buys more often is no longer so"
    assert ((own >= 0) & (own <= CAP_DAYS)).all()


def test_customers_stay_as_long_as_they_are_expected_to(busy, monkeypatch):
    files, _, _, stats, left = busy
    monkeypatch.setattr("ml.survival.lifetimes.CAP_DAYS", 600)
    expected = days(order_lifetimes(files, AS_OF, HORIZON), asked(stats))
    fourth = np.argsort(np.argsort(expected, kind="stable")) * 4 // len(expected)
    for number in range(4):
        own = fourth == number
        assert expected[own].mean() == pytest.approx(np.minimum(left[own], 600).mean(), abs=0.04 * 600)


def test_of_who_never_ordered_and_of_a_shop_in_which_nobody_did_nothing_is_told(busy):
    files, _, _, stats, _ = busy
    X = asked(stats)[:3]
    X[1] = [0, np.nan, np.nan]
    assert np.isnan(days(order_lifetimes(files, AS_OF, HORIZON), X)).tolist() == [False, True, False]
    assert order_lifetimes(files, EARLIER, HORIZON) is None
