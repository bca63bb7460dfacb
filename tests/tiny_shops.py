"""Tiny shops drawn out of larger ones: what was known of a few customers at a day, and what they then did.

Belongs here: the sources of orders, drawing a shop, its snapshots. Does not belong here: what is asked of them
(``fallback_world``).

A tiny shop is some customers of a source, and only their orders within its ``age_days``: the shop did not keep, or did
not have, any before.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path

import duckdb
import numpy as np
import pandas as pd

from ml.btyd.expectations import COLUMNS, HISTORY, expectations
from ml.simulator import WorldConfig
from ml.simulator.block import make_block, make_world
from ml.simulator.purchases import make_orders
from ml.snapshots import Snapshots, day_number
from ml.splits import Outcome, snapshot_dates

DATA = Path(__file__).parents[2] / "shared" / "data"
NAMES = (
    *HISTORY, "order_gap_median_days", "orders_365d", "order_days_365d", "spend_365d", *COLUMNS,
)  # fmt: skip
TARGETS = ("has_churned", "spend_within_horizon", "orders_within_horizon")
STEP_DAYS, SNAPSHOTS = 45, 4
DEMO = WorldConfig(seed=20_262, customers=5_000)


@dataclass(frozen=True)
class Source:
    """Days with an order of many customers: ``customer``, ``day`` (since 1970) and ``cents``, by customer and day."""

    name: str
    outcome: Outcome
    active_days: int
    chosen_on: tuple[date, ...]
    """As-ofs at which a policy is chosen."""
    told_on: tuple[date, ...]
    """As-ofs at which it is judged, by other customers."""
    days: pd.DataFrame


@dataclass(frozen=True)
class TinyShop:
    """What a shop knows at its as-of, and what its customers then did."""

    known: Snapshots
    """Snapshots whose outcome is known, ascending."""
    now: Snapshots
    """The customers to score, with what then happened."""
    histories: pd.DataFrame
    """Of all customers at the as-of, as ``features.order_histories``."""


def sources() -> list[Source]:
    """Those whose files there are."""
    found = [_demo()]
    if (DATA / "online_retail_ii.parquet").exists():
        found += [_online_retail(), _cdnow()]
    return found


def draw(source: Source, as_of: date, customers: int, age_days: int, half: int, seed: int) -> TinyShop | None:
    """So many customers of one half of the source, who have ordered within the shop's age; None where none is left."""
    end = day_number(as_of)
    seen = source.days[(source.days["day"] >= end - age_days) & (source.days["customer"] % 2 == half)]
    everybody = np.unique(seen.loc[seen["day"] < end, "customer"])
    chosen = np.random.default_rng(seed).choice(everybody, min(customers, len(everybody)), replace=False)
    own = seen[seen["customer"].isin(chosen)]
    first = as_of - timedelta(end - int(own["day"].min()))
    days = snapshot_dates(as_of, source.outcome, step_days=STEP_DAYS, count=SNAPSHOTS, first_date=first)
    now, histories = _snapshot(own, as_of, source)
    known = [_snapshot(own, day, source)[0] for day in days]
    return TinyShop(_joined(known), now, histories) if len(now) else None


def _snapshot(own: pd.DataFrame, as_of: date, source: Source) -> tuple[Snapshots, pd.DataFrame]:
    """Features, and outcomes, of who was active; histories of all."""
    end = day_number(as_of)
    past, ahead = own[own["day"] < end], own[(own["day"] >= end) & (own["day"] < end + source.outcome.horizon_days)]
    customer, table = _known(past, end)
    told, kind, count = np.unique(table[:, : len(HISTORY)], axis=0, return_inverse=True, return_counts=True)
    repeats = end - past["day"].to_numpy()[past["customer"].duplicated().to_numpy()]
    histories = pd.DataFrame(told, columns=list(HISTORY)).assign(customers=count)
    totals = pd.DataFrame({"age_days": repeats, "customers": 1})
    expected = expectations(histories, totals, source.outcome.horizon_days)[list(COLUMNS)].to_numpy(float)
    X = np.column_stack([table, expected[kind.ravel()]]).astype(np.float32)
    orders, cents = (
        np.bincount(np.searchsorted(customer, ahead["customer"]), weights, len(customer) + 1)[:-1]
        for ahead in [ahead[ahead["customer"].isin(customer)]]
        for weights in (None, ahead["cents"])
    )
    Y = np.column_stack([orders == 0, cents / 100, orders]).astype(float)
    days = np.full(len(customer), end, np.int32)
    active = X[:, HISTORY.index("days_since_last_order")] <= source.active_days
    return Snapshots(NAMES, TARGETS, X, Y, days, customer).rows(active), histories


def _known(past: pd.DataFrame, end: int) -> tuple[np.ndarray, np.ndarray]:
    """Customers, ascending, and what is known of each without a model, (customers, features)."""
    customer, start, count = np.unique(past["customer"].to_numpy(), return_index=True, return_counts=True)
    age, cents = end - past["day"].to_numpy(), past["cents"].to_numpy()
    recent = age <= 365
    orders, spend = (np.add.reduceat(part, start) for part in (recent.astype(float), np.where(recent, cents, 0) / 100))
    gaps = [-np.diff(age[first : first + many]) for first, many in zip(start, count, strict=True)]
    median = [np.median(own) if len(own) else np.nan for own in gaps]
    last = age[start + count - 1]
    return customer, np.column_stack([count - 1, age[start], last, median, orders, orders, spend])


def _joined(parts: list[Snapshots]) -> Snapshots:
    if not parts:
        none = np.empty(0, np.int64)
        return Snapshots(NAMES, TARGETS, np.empty((0, len(NAMES)), np.float32), np.empty((0, 3)), none, none)
    columns = ([getattr(part, name) for part in parts] for name in ("X", "Y", "day", "hashed"))
    return Snapshots(NAMES, TARGETS, *map(np.concatenate, columns))


def _demo() -> Source:
    world, parts = make_world(DEMO), []
    for number in range(DEMO.blocks):
        orders = make_orders(make_block(world, number))
        kept = ~orders.is_cancelled
        worth = np.bincount(
            orders.line_order, world.catalogue.price_on(orders.items, orders.day[orders.line_order]), len(kept)
        )
        person = orders.person + number * 1_000_000
        parts.append(pd.DataFrame({"customer": person, "day": orders.day, "cents": worth})[kept])
    days = pd.concat(parts).groupby(["customer", "day"], as_index=False)["cents"].sum()
    days["day"] += day_number(DEMO.start)
    return Source(
        "demo", Outcome(90, 5), 365, (date(2024, 8, 1), date(2025, 2, 1)), (date(2024, 11, 1), date(2025, 6, 1)), days
    )


def _online_retail() -> Source:
    query = """
        select "Customer ID"::bigint as customer, date_diff('day', date '1970-01-01', "InvoiceDate"::date) as day,
            sum(cents) as cents
        from (
            select distinct "Customer ID", "InvoiceDate", "Invoice", "StockCode", "Quantity", "Price",
                round("Quantity" * "Price" * 100) as cents
            from read_parquet($file)
            where "Customer ID" is not null and "Quantity" > 0 and "Price" > 0 and "Invoice" not like 'C%'
                and regexp_full_match(upper("StockCode"), '[0-9]{5}[A-Z]{0,2}|DCGS.*|PADS|SP1002')
        ) group by all order by all"""
    return Source(
        "online_retail_ii", Outcome(90, 5), 365, (date(2010, 9, 1), date(2011, 3, 1)),
        (date(2010, 12, 1), date(2011, 6, 1), date(2011, 9, 1)), _read(query, DATA / "online_retail_ii.parquet"),
    )  # fmt: skip


def _cdnow() -> Source:
    query = """
        select customer_id::bigint as customer,
            date_diff('day', date '1970-01-01', strptime("date"::varchar, '%Y%m%d')::date) as day,
            sum(round(dollar_value * 100)) as cents
        from read_parquet($file) group by all order by all"""
    return Source(
        "cdnow", Outcome(91, 5), 273, (date(1997, 5, 15), date(1998, 1, 1)), (date(1997, 7, 1), date(1998, 4, 1)),
        _read(query, DATA / "cdnow_master.parquet"),
    )  # fmt: skip


def _read(query: str, file: Path) -> pd.DataFrame:
    with duckdb.connect(config={"threads": 1}) as connection:
        return connection.execute(query, {"file": str(file)}).df().astype({"cents": float})
