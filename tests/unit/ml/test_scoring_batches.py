"""Fifty customers at three as-ofs, in files whose parts hold ten rows."""

from datetime import date

import numpy as np
import pandas as pd
import pytest

from ml import batches
from ml.batches import count_customers, scoring_batches
from ml.engine import Engine
from ml.snapshots import population
from ml.splits import customer_hash

AS_OF, DAYS, ENGINE = date(2024, 6, 1), (date(2024, 5, 1), date(2024, 6, 1), date(2024, 7, 1)), Engine(threads=1)


def write(folder, order):
    """Features, labels of every other customer, margins of every third."""
    frame = pd.DataFrame([(day, f"c_{n:03d}", float(n)) for day in DAYS for n in range(50)])
    frame.columns = ["as_of_date", "customer_id", "orders_90d"]
    labels = frame[["as_of_date", "customer_id"]][::2].assign(
        is_eligible=True, status_if_not_eligible="notice_given", is_profiled=True
    )
    margins = frame[::3].rename(columns={"orders_90d": "margin"})
    for name, table in (("features", frame.iloc[order]), ("labels", labels), ("margins", margins)):
        table.to_parquet(folder / f"{name}.parquet", index=False, row_group_size=10)
    return folder


ORDERS = {"in order": np.arange(150), "in no order": np.random.default_rng(1).permutation(150)}


@pytest.mark.parametrize("order", ORDERS)
def test_everybody_comes_once_and_in_order_however_many_are_sorted_at_once(tmp_path, monkeypatch, order):
    monkeypatch.setattr(batches, "SORTED_AT_ONCE", 15)
    folder = write(tmp_path, ORDERS[order])
    files = folder / "features.parquet", folder / "labels.parquet"
    found = list(
        scoring_batches(*files, ["orders_90d"], AS_OF, ENGINE, batch_rows=7, beside=folder / "margins.parquet")
    )
    frame = pd.concat([batch.to_pandas() for batch in found])
    assert frame["customer_id"].tolist() == [f"c_{n:03d}" for n in range(50)]
    assert frame["orders_90d"].tolist() == list(range(50))
    assert frame["is_profiled"].tolist() == [n % 2 == 0 for n in range(50)]
    assert frame["margin"].dropna().tolist() == [n for n in range(50) if (n + 50) % 3 == 0]
    assert count_customers(files[0], AS_OF, ENGINE) == 50


def test_a_file_in_order_is_sorted_a_range_at_a_time_and_any_other_as_a_whole(tmp_path, monkeypatch):
    monkeypatch.setattr(batches, "SORTED_AT_ONCE", 15)
    file = write(tmp_path, ORDERS["in order"]) / "features.parquet"
    assert batches._starts(file, AS_OF) == ["", "c_020", "c_040"]
    by_day_only = np.concatenate([np.arange(50), 50 + np.arange(50)[::-1], np.arange(100, 150)])
    assert batches._starts(write(tmp_path, by_day_only) / "features.parquet", AS_OF) == [""]


@pytest.mark.parametrize("order", ORDERS)
def test_a_population_is_of_those_who_are_scored_by_the_lowest_hashes_in_the_order_of_customers(tmp_path, order):
    folder = write(tmp_path, ORDERS[order])
    labels = pd.read_parquet(folder / "labels.parquet")
    labels.loc[labels["customer_id"] == "c_004", "is_profiled"] = False
    labels.loc[labels["customer_id"] == "c_006", "is_eligible"] = False
    labels.to_parquet(folder / "labels.parquet", index=False)
    scored = [n for n in range(0, 50, 2) if n not in (4, 6)]
    lowest = sorted(scored, key=lambda n: customer_hash(f"c_{n:03d}"))[:10]
    files = folder / "features.parquet", folder / "labels.parquet"
    assert population(*files, ["orders_90d"], AS_OF, ENGINE)[:, 0].tolist() == scored
    assert population(*files, ["orders_90d"], AS_OF, ENGINE, most=10)[:, 0].tolist() == sorted(lowest)
