"""A tiny shop for recommenders: a few customers and items written by hand, read as the product reads them.

Belongs here: what the tests of recommendations share. Does not belong here: assertions.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from ml.recommender.data import World
from ml.recommender.generators import GENERATORS
from ml.recommender.lists import Shape, make_lists
from ml.recommender.model import Fitted, RecommenderModel
from ml.recommender.rhythm import rhythm
from ml.recommender.rules import Case, Mode
from ml.recommender.sparse import cells
from ml.snapshots import Engine

AS_OF = date(2025, 7, 1)
Act = tuple[str, str, int]
"""Customer, item, days before the as-of."""
SCHEMAS = {
    "catalogue": {
        "product_id": pa.string(), "product_name": pa.string(), "category_path": pa.string(),
        "category": pa.string(), "brand": pa.string(), "price": pa.float64(), "is_available": pa.bool_(),
        "is_sensitive": pa.bool_(), "launched_date": pa.date32(),
    },
    "customers": {
        "customer_id": pa.string(), "segment": pa.string(), "is_profiled": pa.bool_(), "may_personalise": pa.bool_(),
        "may_see_sensitive": pa.bool_(),
    },
    "interactions": {
        "customer_id": pa.string(), "product_id": pa.string(), "age_days": pa.int32(), "order_lines": pa.int64(),
        "views": pa.int64(), "carts": pa.int64(), "removals": pa.int64(),
    },
    "preferences": {
        "customer_id": pa.string(), "attribute": pa.string(), "value": pa.string(), "weight": pa.float64(),
        "is_sensitive": pa.bool_(),
    },
    "outcomes": {
        "customer_id": pa.string(), "product_id": pa.string(), "order_lines": pa.int64(), "views": pa.int64(),
    },
}  # fmt: skip
SORTED_BY = ("as_of_date", "customer_id", "product_id", "age_days", "attribute", "value")


def tiny_world(
    folder: Path,
    *,
    bought: Sequence[Act] = (),
    viewed: Sequence[Act] = (),
    put: Sequence[Act] = (),
    taken_out: Sequence[Act] = (),
    items: Mapping[str, Mapping[str, Any]] | Sequence[str] = (),
    people: Mapping[str, Mapping[str, Any]] | Sequence[str] = (),
    said: Sequence[tuple[str, str, str, float]] = (),
    sensitive_wishes: Sequence[str] = (),
    then: Sequence[tuple[str, str]] = (),
    as_of: date = AS_OF,
    block_customers: int = 10_000,
) -> World:
    """Write one as-of of a shop beside those already in ``folder`` and read it.

    Items and people that only act need no entry of their own; ``then`` is who bought what after the as-of.
    """
    acts = {"order_lines": bought, "views": viewed, "carts": put, "removals": taken_out}
    every = [act for several in acts.values() for act in several]
    known_items = {item: {} for _, item, *_ in [*every, *then]} | _by_name(items)
    known_people = {who: {} for who, *_ in [*every, *said, *then]} | _by_name(people)
    counts: dict[Act, dict[str, int]] = {}
    for kind, several in acts.items():
        for act in several:
            counts.setdefault(act, dict.fromkeys(acts, 0))[kind] += 1
    rows: dict[str, list[dict[str, Any]]] = {
        "catalogue": [
            {"product_id": item, "product_name": f"the {item}", "is_available": True, "is_sensitive": False, **values}
            for item, values in known_items.items()
        ],
        "customers": [
            {"customer_id": who, "segment": "DE/some orders", "is_profiled": True, "may_personalise": True,
             "may_see_sensitive": False, **values}
            for who, values in known_people.items()
        ],
        "interactions": [
            {"customer_id": who, "product_id": item, "age_days": age, **numbers}
            for (who, item, age), numbers in counts.items()
        ],
        "preferences": [
            {"customer_id": who, "attribute": attribute, "value": value, "weight": weight,
             "is_sensitive": value in sensitive_wishes}
            for who, attribute, value, weight in said
        ],
        "outcomes": [
            {"customer_id": who, "product_id": item, "order_lines": 1, "views": 0} for who, item in then
        ],
    }  # fmt: skip
    write_files(folder, as_of, {name: pd.DataFrame(own, dtype=object) for name, own in rows.items()})
    return World(folder, as_of, Engine(threads=1), block_customers=block_customers)


def fitted(world: World, mode: Mode = "mixed") -> Fitted:
    """Every generator fitted with its defaults."""
    return RecommenderModel.untrained(mode).fit(world)


def lists_of(world: World, *, mode: Mode = "mixed", length: int = 5, discovery_slots: int = 0) -> dict[str, list[str]]:
    """Items of each customer's list under even weights, best first."""
    known = fitted(world, mode)
    found: dict[str, list[str]] = {}
    for block in world.blocks():
        case = known.case(block)
        scores = known.scores(case, known.propose(case))
        made = make_lists(scores, case, known.popularity, Shape(length, discovery_slots, as_of="2025-07-01"))
        for row, item in zip(made.rows, made.items, strict=True):
            found.setdefault(block.customers[row], []).append(world.catalogue.product_ids[item])
    return found


def proposals(
    world: World, name: str, mode: Mode = "mixed", *, has_rules: bool = False, **parameters: Any
) -> dict[str, dict[str, float]]:
    """What a generator gives to each customer, before the rules of a list unless these are asked for."""
    generator = GENERATORS[name](**parameters)
    generator.fit(world)
    found: dict[str, dict[str, float]] = {}
    usual = rhythm(world)
    for block in world.blocks():
        barred = Case(world.catalogue, usual, block, mode, has_rules).barred
        for row, item, share in zip(*cells(generator.score(block, barred)), strict=True):
            found.setdefault(block.customers[row], {})[world.catalogue.product_ids[item]] = float(share)
    return found


def words(world: World, name: str, customer: str, item: str) -> str:
    """What a generator says of an item to a customer."""
    generator = GENERATORS[name]()
    generator.fit(world)
    (block,) = world.blocks()
    row = np.array([list(block.customers).index(customer)])
    column = np.array([list(world.catalogue.product_ids).index(item)])
    return str(generator.explain(block, row, column)[0])


def _by_name(given: Mapping[str, Mapping[str, Any]] | Sequence[str]) -> dict[str, Any]:
    return dict(given) if isinstance(given, Mapping) else {name: {} for name in given}


def write_files(folder: Path, as_of: date, tables: Mapping[str, pd.DataFrame]) -> None:
    """Rows of one as-of of each table beside those of other as-ofs; columns that are not given are null."""
    for name, rows in tables.items():
        path, columns = folder / f"recommender_{name}.parquet", {"as_of_date": pa.date32(), **SCHEMAS[name]}
        fresh = pa.table({
            column: pa.array([as_of] * len(rows), kind) if column == "as_of_date"
            else pa.array(rows[column], kind, from_pandas=True) if column in rows else pa.nulls(len(rows), kind)
            for column, kind in columns.items()
        })  # fmt: skip
        whole = pa.concat_tables([pq.read_table(path), fresh]) if path.exists() else fresh
        order = [(column, "ascending") for column in SORTED_BY if column in columns]
        path.parent.mkdir(parents=True, exist_ok=True)
        pq.write_table(whole.sort_by(order), path)
