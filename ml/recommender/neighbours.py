"""What is bought together: ``ml.item_neighbours``, for product pages and baskets of people nobody knows.

Belongs here: neighbours of items, and the file's columns. Does not belong here: counting (``copurchase``).
"""

from __future__ import annotations

from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from ml.recommender.copurchase import co_purchases
from ml.recommender.data import World
from ml.recommender.sparse import at, cells, matrix, places, ranked, top

if TYPE_CHECKING:
    import pyarrow as pa

NEIGHBOURS = 20
LEAST_SUPPORT = 2
"""What stood together in one basket only says something of that basket's owner, nothing of the items."""
DAMPING = 0.5
TRUSTED_SUPPORT = 5.0
"""Baskets at which a similarity counts half of its value."""
PLACES = 6
BOUGHT_TOGETHER = "bought_together"


def schema() -> pa.Schema:
    """Columns of ``ml.item_neighbours`` in order."""
    import pyarrow as pa

    return pa.schema(
        [
            ("as_of_date", pa.date32()), ("product_id", pa.string()), ("rank", pa.int32()),
            ("neighbour_product_id", pa.string()), ("kind", pa.string()), ("support", pa.int64()),
            ("lift", pa.float64()), ("score", pa.float64()),
        ]
    )  # fmt: skip


def neighbours(world: World, as_of: date) -> pa.Table:
    """The items most often in one basket with each item, available ones only.

    Sensitive items neither have neighbours nor are one: the table is not bound to a customer who permitted it. The
    score is the cosine of two items' baskets, decayed by age, times ``support / (support + TRUSTED_SUPPORT)``.
    """
    import pyarrow as pa

    if not world.catalogue.size:
        return schema().empty_table()
    counted, catalogue = co_purchases(world, "basket", with_support=True), world.catalogue
    rows, items, similarity = cells(counted.similarity(DAMPING))
    roots = np.sqrt(counted.counts[rows])
    support = at(counted.support, rows, items)
    kept = (support >= LEAST_SUPPORT) & catalogue.is_available[items]
    kept &= ~catalogue.is_sensitive[items] & ~catalogue.is_sensitive[rows]
    score = (similarity * roots * support / (support + TRUSTED_SUPPORT)).round(PLACES)
    kept &= score > 0
    best = top(matrix(score[kept], rows[kept], items[kept], counted.together.shape), NEIGHBOURS)
    rows, items, score = ranked(best)
    support = at(counted.support, rows, items)
    columns = {
        "as_of_date": [as_of] * len(rows),
        "product_id": catalogue.product_ids[rows],
        "rank": places(rows) + 1,
        "neighbour_product_id": catalogue.product_ids[items],
        "kind": np.full(len(rows), BOUGHT_TOGETHER),
        "support": support,
        "lift": counted.lift(rows, items, support).round(PLACES),
        "score": score,
    }
    return pa.table({f.name: pa.array(columns[f.name], type=f.type) for f in schema()}, schema=schema())


def write_neighbours(world: World, as_of: date, path: Path) -> int:
    """Write the table by one rename; returns its rows."""
    import pyarrow.parquet as pq

    table = neighbours(world, as_of)
    path.parent.mkdir(parents=True, exist_ok=True)
    draft = path.with_name(f".{path.name}.draft")
    pq.write_table(table, draft, compression="zstd")
    draft.replace(path)
    return int(table.num_rows)
