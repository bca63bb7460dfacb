"""What the oracle knows of items: the true chance of each in a person's next order line.

Belongs here: that chance, from the true tastes, favourites and companions. Does not belong here: who buys when
(``oracle``), and anything that a stage of the pipeline may read.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from pathlib import Path

import numpy as np
import numpy.typing as npt

from ml.simulator.columns import numbered
from ml.simulator.oracle import read_world
from ml.simulator.people import FAVOURITES, People, make_people
from ml.simulator.purchases import FAVOURITE_SHARE, FAVOURITE_STEP, FOLLOWING_SHARE, MORE_LINES
from ml.simulator.truth import person_ids


@dataclass(frozen=True)
class ItemShares:
    """Of the people of a world."""

    person_ids: list[str]
    product_ids: list[str]
    shares: npt.NDArray[np.float32]
    """(people, items): expected share of each item in the person's next order lines; rows sum to one."""


def oracle_item_shares(truth: Path, as_of: date) -> ItemShares:
    """The true chance of each item, for everybody in the world, with what can be bought at the as-of."""
    world = read_world(truth)
    day, catalogue = world.calendar.day_of(as_of), world.catalogue
    parts, people_ids = [], []
    gone = (catalogue.gone_day >= 0) & (catalogue.gone_day <= day)
    for number in range(world.config.blocks):
        people = make_people(world.config, world.laws, catalogue, number)
        first = _drawn(people, catalogue.category, catalogue.popularity)
        followed = np.zeros_like(first)
        followed[:, catalogue.companion] = first
        later = MORE_LINES / (1 + MORE_LINES) * FOLLOWING_SHARE
        share = (1 - later) * first + later * followed
        moved = np.zeros_like(share)
        moved[:, catalogue.companion[gone]] = share[:, gone]
        parts.append((np.where(gone[None, :], 0, share) + moved).astype(np.float32))
        people_ids += person_ids(people.index).to_pylist()
    return ItemShares(people_ids, numbered("P", np.arange(catalogue.size), 5).to_pylist(), np.concatenate(parts))


def _drawn(
    people: People, category: npt.NDArray[np.int64], popularity: npt.NDArray[np.float64]
) -> npt.NDArray[np.float64]:
    """Chance of each item on a line that follows no other."""
    share = (1 - FAVOURITE_SHARE) * people.tastes[:, category] * popularity[None, :]
    chance = FAVOURITE_STEP * (1 - FAVOURITE_STEP) ** np.arange(FAVOURITES)
    chance[-1] = 1 - chance[:-1].sum()
    rows = np.repeat(np.arange(people.size), FAVOURITES)
    np.add.at(share, (rows, people.favourites.ravel()), np.tile(FAVOURITE_SHARE * chance, people.size))
    return share
