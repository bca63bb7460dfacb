"""A shop as known at one as-of: its items, and its customers with what they did, in blocks.

Belongs here: reading the files ``recommender_*.parquet`` of a run's features. Does not belong here: anything that
counts or scores.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from functools import cached_property
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from ml.recommender.block import Block, Catalogue, Statement, Texts
from ml.recommender.sparse import Csr, Floats, Ints, matrix
from ml.snapshots import Engine

if TYPE_CHECKING:
    import duckdb

BLOCK_CUSTOMERS = 10_000
TABLES = ("catalogue", "customers", "interactions", "preferences", "outcomes", "answers")
KEPT_INTERACTIONS = 1_000_000
"""Up to this many interactions the blocks stay in memory between the passes of the generators."""


class World:
    """One as-of of the exported files; ``blocks`` may be gone through as often as a generator needs."""

    has_rules = True

    def __init__(self, folder: Path, as_of: date, engine: Engine, *, block_customers: int = BLOCK_CUSTOMERS) -> None:
        self.folder, self.as_of, self.engine, self.block_customers = folder, as_of, engine, block_customers
        self._kept: dict[bool, list[Block]] = {}

    @cached_property
    def catalogue(self) -> Catalogue:
        got = self.ask(
            "select product_id, product_name, category_path, brand, price, is_available, is_sensitive, "
            "as_of_date - launched_date as launch_age from {catalogue} order by product_id"
        )
        return Catalogue(
            product_ids=_texts(got["product_id"]),
            names=_texts(got["product_name"]),
            category_paths=_texts(got["category_path"]),
            brands=_texts(got["brand"]),
            prices=_numbers(got["price"]),
            is_available=got["is_available"].astype(bool),
            is_sensitive=got["is_sensitive"].astype(bool),
            launch_ages=_numbers(got["launch_age"]),
        )

    @cached_property
    def segments(self) -> list[str]:
        got = self.ask("select distinct segment from {customers} where segment is not null order by 1")
        return list(_texts(got["segment"]))

    @cached_property
    def statements(self) -> list[Statement]:
        is_told = "is_sensitive" in self.ask("select * from {preferences} limit 0")  # not by releases before
        flag = "is_sensitive" if is_told else "true as is_sensitive"
        got = self.ask(f"select distinct attribute, value, {flag} from {{preferences}} order by 1, 2")
        told = zip(_texts(got["attribute"]), _texts(got["value"]), got["is_sensitive"].astype(bool), strict=True)
        return [Statement(*one) for one in told]

    @cached_property
    def has_orders(self) -> bool:
        """Whether the shop sells; else what people look at stands for what they buy, at every as-of alike."""
        everywhere = "select count(*) as n from read_parquet('{file}') where order_lines > 0"
        found = self._connection.execute(everywhere.format(file=self._file("interactions"))).fetchone()
        return bool(found and found[0] > 0)

    def blocks(self, *, profiled: bool = True) -> Iterator[Block]:
        """Customers in the order of their ids; ``profiled``: only those who may teach."""
        if profiled not in self._kept:
            count = int(self.ask("select count(*) as n from {interactions}")["n"][0])
            if count > KEPT_INTERACTIONS:
                yield from self._read(profiled)
                return
            self._kept[profiled] = list(self._read(profiled))
        yield from self._kept[profiled]

    def _read(self, profiled: bool) -> Iterator[Block]:
        who = "is_profiled" if profiled else "true"
        firsts = self.ask(
            f"select customer_id from (select customer_id, row_number() over (order by customer_id) - 1 as n "
            f"from {{customers}} where {who}) where n % {self.block_customers} = 0 order by customer_id"
        )
        for first, beyond in pairwise([*_texts(firsts["customer_id"]), None]):
            yield self._block(who, first, beyond)

    def _block(self, who: str, first: str, beyond: str | None) -> Block:
        end = " and customer_id < $beyond" if beyond is not None else ""
        span = {"first": first} | ({"beyond": beyond} if beyond is not None else {})
        people = (
            "people as (select *, row_number() over (order by customer_id) - 1 as row from {customers} "
            f"where {who} and customer_id >= $first{end})"
        )
        got = self.ask(f"with {people} select * from people order by row", **span)
        segments = {name: number for number, name in enumerate(self.segments)}
        n = len(got["customer_id"])
        return Block(
            customers=_texts(got["customer_id"]),
            segments=np.array([segments.get(name, -1) for name in _texts(got["segment"])], np.int64),
            may_personalise=got["may_personalise"].astype(bool),
            may_see_sensitive=got["may_see_sensitive"].astype(bool),
            **self._interactions(people, span),
            stated=self._stated(people, span, n),
            statement_items=self._statement_items,
            width=self.catalogue.size,
        )

    def _interactions(self, people: str, span: dict[str, str]) -> dict[str, Ints]:
        acts = "order_lines" if self.has_orders else "views + carts"
        got = self.ask(
            f"with {people}, items as (select product_id, row_number() over (order by product_id) - 1 as item "
            f"from {{catalogue}}) select row as rows, item as items, age_days as ages, {acts} as lines, views, carts, "
            f"removals, dense_rank() over (partition by row, {acts} > 0 order by age_days) - 1 as steps "
            "from {interactions} inner join people using (customer_id) inner join items using (product_id) "
            "order by rows, items, ages",
            **span,
        )
        return {name: values.astype(np.int64) for name, values in got.items()}

    def _stated(self, people: str, span: dict[str, str], customers: int) -> Csr:
        got = self.ask(
            f"with {people} select row, attribute, value, weight from {{preferences}} inner join people "
            "using (customer_id) order by row, attribute, value",
            **span,
        )
        index = {(one.attribute, one.value): number for number, one in enumerate(self.statements)}
        told = zip(_texts(got["attribute"]), _texts(got["value"]), strict=True)
        columns = np.array([index[statement] for statement in told], np.int64)
        return matrix(got["weight"].astype(float), got["row"].astype(np.int64), columns, (customers, len(index)))

    @cached_property
    def _statement_items(self) -> Csr:
        spoken = [self.catalogue.matching(attribute, value) for attribute, value, _ in self.statements]
        rows = np.repeat(np.arange(len(spoken)), [len(items) for items in spoken])
        columns = np.concatenate([*spoken, np.empty(0, np.int64)]).astype(np.int64)
        return matrix(np.ones(len(rows)), rows, columns, (len(spoken), self.catalogue.size))

    def ask(self, query: str, **values: Any) -> dict[str, NDArray[Any]]:
        """Columns of a query; ``{catalogue}`` and the other tables stand for their rows of the as-of."""
        relations = {
            name: f"(select * from read_parquet('{self._file(name)}') where as_of_date = date '{self.as_of}')"
            for name in TABLES
        }
        got = self._connection.cursor().execute(query.format(**relations), values).fetchnumpy()
        return {name: np.asanyarray(column) for name, column in got.items()}

    @cached_property
    def _connection(self) -> duckdb.DuckDBPyConnection:
        return self.engine.connect()

    def _file(self, name: str) -> Path:
        return self.folder / f"recommender_{name}.parquet"


def _numbers(values: NDArray[Any]) -> Floats:
    """Numbers with NaN for what is null."""
    return np.ma.filled(np.ma.asarray(values, dtype=float), np.nan)


def _texts(values: NDArray[Any]) -> Texts:
    """Texts with None for what is null."""
    unknown = np.ma.getmaskarray(np.ma.asarray(values))  # filling with None would fill with numpy's own default, "?"
    plain = np.ma.getdata(values).astype(object)
    return np.array(
        [None if no or value != value else value for value, no in zip(plain, unknown, strict=True)], dtype=object
    )
