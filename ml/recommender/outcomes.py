"""What was bought in the window after an as-of, customer by customer.

Belongs here: finding those who may be judged among the customers of a shop. Does not belong here: judging
(``backtest``).
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from ml.recommender.block import Texts
from ml.recommender.data import World
from ml.recommender.lessons import Judged
from ml.splits import HASH_SPACE, customer_hash

MOST_CUSTOMERS = 20_000


def outcomes(world: World) -> list[Judged]:
    """Who bought in the window after an as-of; above ``MOST_CUSTOMERS`` a hashed sample of them."""
    return list(_outcomes(world))


def _outcomes(world: World) -> Iterator[Judged]:
    acts = "order_lines" if world.has_orders else "views"
    got = world.ask(
        f"select customer_id, product_id from {{outcomes}} where {acts} > 0 order by customer_id, product_id"
    )
    yield from by_block(world, np.asarray(got["customer_id"], object), np.asarray(got["product_id"], object))


def by_block(world: World, customers: Texts, products: Texts) -> Iterator[Judged]:
    """What some profiled customers did, by block; what is not in the catalogue is left out."""
    number = {product: place for place, product in enumerate(world.catalogue.product_ids)}
    item = np.array([number.get(product, -1) for product in products], np.int64)
    customers, item = customers[item >= 0], item[item >= 0]
    everybody = np.unique(customers.astype(str)) if len(customers) else np.empty(0, str)
    limit = HASH_SPACE * MOST_CUSTOMERS // max(len(everybody), MOST_CUSTOMERS)
    sampled = {customer for customer in everybody.tolist() if customer_hash(customer) < limit}
    for block in world.blocks():
        index = {customer: row for row, customer in enumerate(block.customers) if customer in sampled}
        kept = np.array([customer in index for customer in customers], bool)
        rows = np.array([index[customer] for customer in customers[kept]], np.int64)
        if len(rows):
            who, own = np.unique(rows, return_inverse=True)
            yield Judged(block.only(who), own.astype(np.int64), item[kept])
