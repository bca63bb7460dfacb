"""What the product system delivers: versions of items.

Belongs here: rows of products. Does not belong here: which items there are (``catalogue``).
"""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from ml.simulator.block import Emitted, World
from ml.simulator.catalogue import BRANDS, CATEGORIES, NOUNS, SENSITIVE_CATEGORY
from ml.simulator.columns import Rows, at, money, numbered, pick, stack, take

FIRST_EXPORT_DAY = -2


def products(world: World) -> Emitted:
    """Each item as it was before the first day, then versions with a new price or not available any more."""
    items, calendar = world.catalogue, world.calendar
    index = np.arange(items.size)
    ids = numbered("P", index, 5)
    changed = np.flatnonzero((items.change_day >= 0) & (items.change_day < calendar.days))
    gone = np.flatnonzero(items.gone_day >= 0)
    base: Rows = {
        "product_id": ids,
        "name": pc.binary_join_element_wise(
            pick(BRANDS, index % len(BRANDS)), pick(NOUNS, items.category), numbered("", index, 1), " "
        ),
        "category_path": pick(CATEGORIES, items.category),
        "brand": pick(BRANDS, index % len(BRANDS)),
        "price": money(items.price),
        "unit_cost": money(items.cost),
        "url": pc.binary_join_element_wise(pa.scalar("https://shop.example.com/p/"), ids, ""),
        "image_url": pc.binary_join_element_wise(pa.scalar("https://shop.example.com/i/"), ids, pa.scalar(".jpg"), ""),
        "attributes": pick(
            [f'{{"colour": "{colour}"}}' for colour in ("red", "green", "blue", "white")], index * 7 % 4
        ),
        "is_available": pa.array(np.ones(items.size, bool)),
        "is_sensitive": pa.array(items.category == SENSITIVE_CATEGORY),
        "launched_date": pa.array((items.launched_day + calendar.first_day).astype("datetime64[D]")),
        "updated_at": at(calendar, np.maximum(items.launched_day, -600), np.full(items.size, 6 * 3600)),
    }
    dearer = {
        **base,
        "price": money(items.new_price),
        "updated_at": at(calendar, items.change_day, np.full(items.size, 6 * 3600)),
    }
    was_changed = (items.change_day >= 0) & (items.change_day < items.gone_day)
    sold_out = {
        **base,
        "price": money(np.where(was_changed, items.new_price, items.price)),
        "is_available": pa.array(np.zeros(items.size, bool)),
        "updated_at": at(calendar, items.gone_day, np.full(items.size, 7 * 3600)),
    }
    days = [np.full(items.size, FIRST_EXPORT_DAY), items.change_day[changed], items.gone_day[gone]]
    return stack(base, take(dearer, changed), take(sold_out, gone)), np.concatenate(days)
