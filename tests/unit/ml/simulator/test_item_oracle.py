"""The oracle of items against what people of a simulated world really bought."""

from datetime import date
from typing import Any

import numpy as np

from ml.simulator.block import make_block, make_world
from ml.simulator.item_oracle import oracle_item_shares
from ml.simulator.purchases import make_orders


def test_shares_are_chances_and_foretell_what_is_bought(small_world: Any) -> None:
    """By item the expected and the real number of lines agree; by person the true shares beat those of others."""
    found = oracle_item_shares(small_world.truth, date(2024, 9, 2))
    assert np.abs(found.shares.sum(axis=1) - 1).max() < 1e-5
    orders = make_orders(make_block(make_world(small_world.config), 0))
    person, item = orders.person[orders.line_order], orders.items
    expected = found.shares[person].sum(axis=0)
    real = np.bincount(item, minlength=len(expected))
    enough = expected > 5
    chi_square = ((real - expected) ** 2 / np.maximum(expected, 1e-9))[enough].sum()
    assert chi_square < 2.5 * enough.sum(), "items that are gone later in the world, and chance"
    own = np.log(found.shares[person, item] + 1e-9).mean()
    other = np.log(found.shares[np.roll(person, len(person) // 2), item] + 1e-9).mean()
    assert own > other + 0.5


def test_what_is_gone_cannot_be_bought_any_more(small_world: Any) -> None:
    catalogue = make_world(small_world.config).catalogue
    late = oracle_item_shares(small_world.truth, small_world.config.end)
    gone = catalogue.gone_day >= 0
    inherits = np.isin(np.arange(len(gone)), catalogue.companion[gone])
    assert (gone & ~inherits).any()
    assert (late.shares[:, gone & ~inherits] == 0).all()
