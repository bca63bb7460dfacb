"""How often customers come back, and what follows for the definition of churn.

Belongs here: gaps between days of purchase (or of events, as shop.yml says), the horizon they suggest, who would be
eligible at an as-of. Does not belong here: features and labels, which dbt computes; persons here are identifiers as
they stand in the rows, not yet resolved.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path

import duckdb

from orchestration.inputs import known_before
from orchestration.landing import sql
from orchestration.landing.checks import IDENTIFIERS
from orchestration.landing.contract import load_contract
from orchestration.shop import Shop

LONGEST_ACTIVE_DAYS = 730
"""Features look no further back."""


@dataclass(frozen=True)
class Rhythm:
    """Days of purchase and the gaps between those of one customer, in days."""

    customers: int
    purchase_days: int
    gaps: int
    median_gap: int
    long_gap: int
    """Exceeded by 10 % of repeat purchases."""
    rare_gap: int
    """Exceeded by 1 %."""
    first_day: date
    last_day: date

    @property
    def span_days(self) -> int:
        return (self.last_day - self.first_day).days + 1


@dataclass(frozen=True)
class Suggestion:
    """What the rhythm suggests for ``churn:`` in shop.yml."""

    horizon_days: int
    active_days: int
    is_cut: bool
    """The history is too short for the horizon that the gaps alone would suggest."""


@dataclass(frozen=True)
class Standing:
    """Customers at an as-of, by the shop's own definition."""

    as_of_date: date
    eligible: int
    churned: int
    """Of those who bought in ``active_days`` before, who bought nothing within the horizon after."""


def rhythm(connection: duckdb.DuckDBPyConnection, rows: Sequence[Path], shop: Shop) -> Rhythm | None:
    """The rhythm of the accepted rows of the shop's activity; None without a day of a known customer."""
    if not rows:
        return None
    found = connection.execute(f"""
        with days as ({_days(rows, shop)}),
        gaps as (
            select person, day, day - lag(day) over (partition by person order by day) as gap from days
        )
        select count(distinct person), count(*), count(gap), quantile_disc(gap, 0.5), quantile_disc(gap, 0.9),
            quantile_disc(gap, 0.99), min(day), max(day)
        from gaps
    """).fetchone()
    if found is None or not found[0]:
        return None
    customers, days, gaps, median, long, rare, first, last = found
    return Rhythm(customers, days, gaps, median or 0, long or 0, rare or 0, first, last)


def suggestion(found: Rhythm, label_delay_days: int) -> Suggestion | None:
    """Horizon and active days that fit the rhythm; None where hardly anybody came back yet.

    The horizon is the gap that 10 % of repeat purchases exceed, in whole weeks: whoever stays away longer is by the
    shop's own customers more likely gone than late. Percentiles of the time between purchases are the usual way to
    draw this line where no contract does; which percentile is a convention (Indeed Engineering, "Defining
    non-contractual churn", discusses 90, 95, 99). Active is who bought within the gap that only 1 % exceed. Gaps
    that have not ended yet are not counted, so a short history suggests too short a horizon.

    A model that can be judged needs snapshots over three horizons (``ml.splits``): the horizon is cut to fit.
    """
    if found.gaps < 30:
        return None
    longest = max(7, (found.span_days - 2 * label_delay_days) // 3 // 7 * 7)
    wished = _weeks(found.long_gap)
    horizon = min(wished, longest)
    active = min(max(_weeks(found.rare_gap), 2 * horizon), LONGEST_ACTIVE_DAYS)
    return Suggestion(horizon, active, wished > longest)


def standing(connection: duckdb.DuckDBPyConnection, rows: Sequence[Path], shop: Shop, as_of: date) -> Standing:
    """Who would be eligible at an as-of by what was known at it, and who of them then stayed away."""
    first, end = as_of - timedelta(shop.churn.active_days), as_of + timedelta(shop.churn.horizon_days)
    closes = sql.instant(known_before(shop, as_of))
    counted = connection.execute(f"""
        with days as ({_days(rows, shop)}),
        eligible as (
            select person from days where day >= date '{first}' and day < date '{as_of}' and known_at < {closes}
            group by person
        ),
        stayed as (select person from days where day >= date '{as_of}' and day < date '{end}' group by person)
        select count(*), count(*) filter (where stayed.person is null) from eligible left join stayed using (person)
    """).fetchone()
    assert counted
    return Standing(as_of, *counted)


def _days(rows: Sequence[Path], shop: Shop) -> str:
    """SQL for person, day, known_at: one row for each day on which a known customer was active."""
    contract = load_contract()[shop.churn.activity]
    whose = ", ".join(f"'{kind}:' || {name}" for name, kind in IDENTIFIERS.items() if contract.has(name))
    bought = "line_type = 'sale' and coalesce(status, '') <> 'cancelled'" if shop.churn.activity == "orders" else "true"
    day = f"timezone({sql.text(shop.time_zone)}, timezone('UTC', occurred_at))::date"
    files = ", ".join(map(sql.file, rows))
    return f"""
        select coalesce({whose}) as person, {day} as day, min(known_at) as known_at
        from read_parquet([{files}])
        where {bought} and coalesce({whose}) is not null
        group by all
    """


def _weeks(days: int) -> int:
    return max(7, -(-days // 7) * 7)
