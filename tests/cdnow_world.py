"""CDNOW at any day: what was known of its customers then, and what they bought after; models compared on it.

Belongs here: reading the file, the sample of the literature, the 39 + 39 weeks. Does not belong here: assertions.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import ClassVar

import duckdb
import numpy as np
import pyarrow as pa
import pytest

from ml.amounts import poisson_deviance, rmse, spearman, total_bias
from ml.bootstrap import Difference, paired_metric
from ml.btyd.boosted import BoostedBtyd, Past
from ml.btyd.statistics import Statistics
from ml.evaluation import Floats
from ml.snapshots import matrix
from ml.splits import Outcome, snapshot_dates

FILE = Path(__file__).parents[2] / "shared" / "data" / "cdnow_master.parquet"
FIRST, AS_OF, END = date(1997, 1, 1), date(1997, 10, 1), date(1998, 7, 1)
needs_cdnow = pytest.mark.skipif(not FILE.exists(), reason=f"the data set is not at {FILE}")

# A customer's day is one purchase; money in cents, so that sums are exact.
DAYS = """
    select customer_id, strptime("date"::varchar, '%Y%m%d')::date as day, sum(number_of_cds)::int as discs,
        sum((dollar_value * 100)::int)::int as cents
    from read_parquet($file) group by all"""

KNOWN = f"""
    with days as ({DAYS}),
    known as (
        select *, day - lag(day) over (partition by customer_id order by day) as gap from days where day < $as_of
    ),
    later as (select customer_id, count(*) as purchases from days where day >= $as_of and day < $until group by all)
    select
        any_value(coalesce(later.purchases, 0))::double as purchases,
        count(*) - 1e0 as frequency,
        (max(day) - min(day))::double as recency,
        $as_of - min(day) - 0.5e0 as age,
        ($as_of - max(day))::double as silent_days,
        recency / age as recency_share,
        avg(gap) as gap_mean,
        max(gap)::double as gap_longest,
        silent_days / gap_mean as silent_over_gap,
        silent_days / gap_longest as silent_over_longest_gap,
        arg_max(gap, day) / gap_mean as last_over_mean_gap,
        count_if($as_of - day <= 30)::double as days_30d,
        count_if($as_of - day <= 60)::double as days_60d,
        count_if($as_of - day <= 90)::double as days_90d,
        sum(cents) / 100e0 as spend,
        spend / count(*) as spend_per_day,
        arg_min(cents, day) / 100e0 as first_spend,
        arg_max(cents, day) / 100e0 as last_spend,
        max(cents) / 100e0 as largest_spend,
        (spend - first_spend) / nullif(frequency, 0) / greatest(first_spend, 1) as repeat_over_first_spend,
        sum(discs) / count(*) as discs_per_day,
        arg_min(discs, day)::double as first_discs,
        spend / sum(discs) as price_per_disc,
        (min(day) - $first)::double as joined_day
    from known left join later using (customer_id)
    group by customer_id order by customer_id"""


def known_at(as_of: date, until: date) -> tuple[Past, tuple[str, ...]]:
    """Statistics and features of everybody at an as-of, what they bought until another day, and the features' names."""
    given = {"file": str(FILE), "as_of": as_of, "until": until, "first": FIRST}
    with duckdb.connect(config={"threads": 1}) as connection:
        table = connection.execute(KNOWN, given).to_arrow_table()
    purchases, frequency, recency, age = (column.to_numpy() for column in table.columns[:4])
    names = tuple(table.column_names[4:])
    stats = Statistics(frequency, recency, age)
    return Past(stats, matrix(table, names), purchases, (until - as_of).days), names


def classic_sample() -> pa.Table:
    """The 2,357 customers of the literature, week 39 by week: frequency, recency and age in days, value per repeat.

    Within each week of the first purchase by what was spent after the first day, largest first, every tenth. To draw
    the very same ones, spend is subtracted in doubles as its authors did, which decides between equals.
    Source: Fader, Hardie, "Notes on the CDNOW master data set", 2013.
    """
    query = """
        with rows as (
            select customer_id, strptime("date"::varchar, '%Y%m%d')::date as day, dollar_value as value,
                min(day) over (partition by customer_id) as first, file_row_number
            from read_parquet($file, file_row_number = true)
        )
        select customer_id, (any_value(first) - $first) // 7 as week, any_value(first) as first, max(day) as last,
            count(distinct day) - 1e0 as frequency,
            list_reduce(list(value order by file_row_number), lambda a, b: a + b)
                - list_reduce(list(value order by file_row_number) filter (day = first), lambda a, b: a + b) as repeated
        from rows where day < $as_of group by customer_id"""
    ranked = f"""
        select frequency, (last - first)::double as recency, ($as_of - first - 1)::double as age, repeated
        from (select *, row_number() over (order by week, repeated desc, customer_id) as rank from ({query}))
        where rank % 10 = 0 order by customer_id"""
    with duckdb.connect(config={"threads": 1}) as connection:
        return connection.execute(ranked, {"file": str(FILE), "as_of": AS_OF, "first": FIRST}).to_arrow_table()


@dataclass(frozen=True)
class Comparison:
    """What happened in the 39 weeks after the as-of, and what each model had expected; ``boosted`` is ours."""

    y: Floats
    predictions: dict[str, Floats]

    METRICS: ClassVar = {"deviance": poisson_deviance, "rmse": rmse, "spearman": spearman}

    def metrics(self, name: str) -> dict[str, float]:
        """Absolute error only for the record: all zeros win it."""
        p = self.predictions[name]
        own = {metric: function(self.y, p) for metric, function in self.METRICS.items()}
        return {**own, "total": total_bias(self.y, p), "mae": float(np.abs(self.y - p).mean())}

    def differences(self, draws: int = 500) -> dict[str, dict[str, Difference]]:
        """Ours less each other model, by metric, with paired intervals by customer."""
        return {
            name: {
                metric: paired_metric(function, self.y, self.predictions["boosted"], p, seed=0, draws=draws)
                for metric, function in self.METRICS.items()
            }
            for name, p in self.predictions.items()
            if name != "boosted"
        }


def compare(as_of: date = AS_OF, end: date = END) -> Comparison:
    """Fit on what was known at the as-of, expect the days until the end. The end is looked at only to judge."""
    dates = snapshot_dates(as_of, Outcome(30, 0), step_days=30, count=12, first_date=FIRST)
    pasts = [known_at(day, as_of)[0] for day in dates]
    today, names = known_at(as_of, end)
    ours = BoostedBtyd.fit(pasts, today.stats, today.X, names, horizon_days=today.days)
    predictions = {one.name: one.expected_purchases(today.stats, today.days) for one in ours.average.models}
    predictions["boosted"] = ours.expected_purchases(today.stats, today.X, names)
    return Comparison(today.purchases, predictions)


def lines(comparison: Comparison, differences: dict[str, dict[str, Difference]]) -> list[str]:
    """The table, and below it by how much ours differs from each other model."""
    measured = {name: comparison.metrics(name) for name in comparison.predictions}
    told = [f"{'model':<12}" + "".join(f"{metric:>10}" for metric in measured["boosted"])]
    told += [f"{name:<12}" + "".join(f"{value:>10.4f}" for value in one.values()) for name, one in measured.items()]
    for name, by_metric in differences.items():
        told += [f"boosted less {name:<11} {metric:<9} {found}" for metric, found in by_metric.items()]
    return told
