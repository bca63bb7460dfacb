"""People of the demo's simulated world as recommenders read them: bought, wanted, stated; no pipeline in between.

Belongs here: what of a simulated block becomes which file. Does not belong here: what lists made of it are worth
(``recommender_oracle``), assertions. Nobody looks at anything here, and everybody permits everything: what the
pipeline adds is measured by ``bench``.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path

import numpy as np
import pandas as pd
from recommender_world import write_files

from ml.recommender.data import World
from ml.simulator.block import Block, make_block, make_world
from ml.simulator.catalogue import CATEGORIES
from ml.simulator.columns import numbered
from ml.simulator.config import WorldConfig
from ml.simulator.permissions import preferences
from ml.simulator.purchases import make_orders
from ml.snapshots import Engine

HORIZON_DAYS = 30
END = date(2025, 7, 1)


@dataclass(frozen=True)
class _Lived:
    """All that happened, by day of the world."""

    orders: pd.DataFrame
    """``customer_id``, ``product_id``, ``day``: one row per line."""
    said: pd.DataFrame
    """``customer_id``, ``attribute``, ``value``, ``weight``, ``day``."""
    signed_up: pd.Series[int]
    """Day of the account by customer."""


def taste_worlds(folder: Path, as_ofs: Sequence[date], *, seed: int, customers: int) -> list[World]:
    """Files of several as-ofs of one world, each with what was bought in the ``HORIZON_DAYS`` after it."""
    world = make_world(WorldConfig(seed=seed, customers=customers, end=END))
    lived = _lived([make_block(world, number) for number in range(world.config.blocks)])
    catalogue = world.catalogue
    items = pd.DataFrame({
        "product_id": numbered("P", np.arange(catalogue.size), 5).to_pylist(),
        "category_path": [CATEGORIES[kind] for kind in catalogue.category],
    })  # fmt: skip
    for as_of in as_ofs:
        day = world.calendar.day_of(as_of)
        gone = (catalogue.gone_day >= 0) & (catalogue.gone_day <= day)
        known = items.assign(is_available=~gone, is_sensitive=False)[catalogue.launched_day <= day]
        write_files(folder, as_of, {"catalogue": known, **_as_known(lived, day)})
    return [World(folder, as_of, Engine(threads=1)) for as_of in as_ofs]


def true_worth(as_of: date, *, seed: int, customers: int) -> dict[str, float]:
    """True chance of each item within its category, of those that can be had at an as-of."""
    world = make_world(WorldConfig(seed=seed, customers=customers, end=END))
    catalogue, day = world.catalogue, world.calendar.day_of(as_of)
    gone = (catalogue.gone_day >= 0) & (catalogue.gone_day <= day)
    there = ~gone & (catalogue.launched_day <= day)
    names = numbered("P", np.arange(catalogue.size), 5).to_pylist()
    return {name: float(p) for name, p, is_there in zip(names, catalogue.popularity, there, strict=True) if is_there}


def _lived(blocks: Sequence[Block]) -> _Lived:
    orders, said, accounts = [], [], []
    for block in blocks:
        names = numbered("c", block.people.index, 7).to_pandas().to_numpy(object)
        bought = make_orders(block)
        kept = ~bought.is_cancelled[bought.line_order]
        line = bought.line_order[kept]
        orders.append(pd.DataFrame({
            "customer_id": names[bought.person[line]], "day": bought.day[line],
            "product_id": numbered("P", bought.items[kept], 5).to_pandas(),
        }))  # fmt: skip
        rows, day = preferences(block)
        who = pd.Series(names, block.names.account.to_pandas())
        told = pd.DataFrame({name: rows[name].to_pandas() for name in ("account_id", "attribute", "value", "weight")})
        said.append(told.assign(customer_id=who[told.pop("account_id")].to_numpy(), day=day))
        has = block.people.has_account
        accounts.append(pd.Series(block.people.signup_day[has], names[has]))
    return _Lived(pd.concat(orders), pd.concat(said), pd.concat(accounts))


def _as_known(lived: _Lived, day: int) -> dict[str, pd.DataFrame]:
    """What was known on a day, and what was bought in the days after it."""
    before, said = lived.orders[lived.orders["day"] < day], lived.said[lived.said["day"] < day]
    bought = before.assign(age_days=day - before["day"], views=0, carts=0, removals=0)
    acts = bought.groupby(["customer_id", "product_id", "age_days"]).size().rename("order_lines").reset_index()
    there = sorted({*acts["customer_id"], *lived.signed_up.index[lived.signed_up < day]})
    many = before.groupby("customer_id").size().reindex(there, fill_value=0)
    segment = np.select([many == 0, many < 5], ["/prospect", "/some orders"], "/many orders")
    after = lived.orders[lived.orders["day"].between(day, day + HORIZON_DAYS - 1)]
    then = after[after["customer_id"].isin(there)].groupby(["customer_id", "product_id"]).size()
    return {
        "customers": pd.DataFrame({"customer_id": there, "segment": segment}).assign(
            is_profiled=True, may_personalise=True, may_see_sensitive=True
        ),
        "interactions": acts.assign(views=0, carts=0, removals=0),
        "preferences": said[said["attribute"] == "category"].drop(columns="day").assign(is_sensitive=False),
        "outcomes": then.rename("order_lines").reset_index().assign(views=0),
    }
