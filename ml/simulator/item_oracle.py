"""What the oracle knows of items: the chance of each in a person's next order line.

Belongs here: what of a person was visible at an as-of, and the chances that follow from tastes, favourites and
companions. Does not belong here: the inference (``taste_posterior``), who buys when (``oracle``), and anything that a
stage of the pipeline may read.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from ml.simulator.block import Block, World, make_block
from ml.simulator.catalogue import CATEGORIES
from ml.simulator.columns import numbered
from ml.simulator.oracle import read_world
from ml.simulator.people import FAVOURITES, make_people
from ml.simulator.permissions import stated
from ml.simulator.purchases import FAVOURITE_SHARE, FOLLOWING_SHARE, MORE_LINES, favourite_chances, make_orders
from ml.simulator.taste_posterior import Seen, infer
from ml.simulator.truth import person_ids
from ml.simulator.visits import events_by_visit

Floats = npt.NDArray[np.float64]


@dataclass(frozen=True)
class ItemShares:
    """Of the people of a world."""

    person_ids: list[str]
    product_ids: list[str]
    shares: npt.NDArray[np.float32]
    """(people, items): expected share of each item in the person's next order lines; rows sum to one."""


def oracle_item_shares(truth: Path, as_of: date) -> ItemShares:
    """The best chances that anybody could give with what the pipeline could see, for everybody in the world.

    It knows the true parameters and who is who, and of tastes and favourites only what orders, views and stated
    preferences known by the as-of tell (``taste_posterior``).
    """
    return _shares(truth, as_of, _inferred)


def true_item_shares(truth: Path, as_of: date) -> ItemShares:
    """The true chances, from tastes and favourites that nobody can see."""
    return _shares(truth, as_of, _true)


def _shares(truth: Path, as_of: date, first_lines: Callable[[World, int, int], Floats]) -> ItemShares:
    world = read_world(truth)
    day, numbers = world.calendar.day_of(as_of), range(world.config.blocks)
    people = np.concatenate([np.asarray(world.config.block(number)) for number in numbers])
    shares = [_delivered(world, first_lines(world, number, day), day) for number in numbers]
    products = numbered("P", np.arange(world.catalogue.size), 5).to_pylist()
    return ItemShares(person_ids(people).to_pylist(), products, np.concatenate(shares))


def _delivered(world: World, first: Floats, day: int) -> npt.NDArray[np.float32]:
    """Shares of what is delivered, given the chance of each item on a line that follows no other."""
    catalogue = world.catalogue
    gone = (catalogue.gone_day >= 0) & (catalogue.gone_day <= day)
    followed = np.zeros_like(first)
    followed[:, catalogue.companion] = first
    later = MORE_LINES / (1 + MORE_LINES) * FOLLOWING_SHARE
    share = (1 - later) * first + later * followed
    moved = np.zeros_like(share)
    moved[:, catalogue.companion[gone]] = share[:, gone]
    return (np.where(gone[None, :], 0, share) + moved).astype(np.float32)


def _true(world: World, number: int, _day: int) -> Floats:
    catalogue = world.catalogue
    people = make_people(world.config, world.laws, catalogue, number)
    share = (1 - FAVOURITE_SHARE) * people.tastes[:, catalogue.category] * catalogue.popularity[None, :]
    rows = np.repeat(np.arange(people.size), FAVOURITES)
    np.add.at(share, (rows, people.favourites.ravel()), np.tile(FAVOURITE_SHARE * favourite_chances(), people.size))
    return share


def _inferred(world: World, number: int, day: int) -> Floats:
    catalogue = world.catalogue
    known = infer(_seen(make_block(world, number), day), catalogue, seed=number)
    by_category = (1 - FAVOURITE_SHARE) * known.tastes + FAVOURITE_SHARE * known.elsewhere
    share = by_category[:, catalogue.category] * catalogue.popularity[None, :]
    who, item = known.pair_person, known.pair_item
    elsewhere = known.elsewhere[who, catalogue.category[item]] * catalogue.popularity[item]
    share[who, item] += FAVOURITE_SHARE * (known.pair_share - elsewhere)
    return np.maximum(share, 0) / np.maximum(share, 0).sum(axis=1, keepdims=True)


def _seen(block: Block, day: int) -> Seen:
    """What was known of a block at the beginning of a day (as in ``evidence.see``)."""
    orders, people = make_orders(block), block.people
    item, of = orders.items, orders.line_order
    before = np.where(orders.line_number > 1, np.roll(item, 1), -1)
    arrived = (orders.day + orders.late)[of] < day
    who, said = stated(block)
    who = who[said[who] < day]
    liked, refused = np.full(people.size, -1), np.full(people.size, -1)
    liked[who], refused[who] = people.tastes[who].argmax(axis=1), people.tastes[who].argmin(axis=1)
    return Seen(
        people.size, orders.person[of][arrived], item[arrived], before[arrived], _views(block, day), liked, refused
    )


def _views(block: Block, day: int) -> Floats:
    """(people, categories): items looked at in visits that were known by the day and tell whose they are."""
    sessions, people = block.traces.sessions, block.people
    of, rows = events_by_visit(block)
    is_told = (sessions["named"] == 1) | (people.partner_entry_day >= day)[sessions["person"]]
    is_seen = is_told & (sessions["day"] + sessions["late"] < day)
    product = pc.fill_null(pc.utf8_slice_codeunits(rows["product_id"], 1).cast(pa.int64()), -1).to_numpy()
    kept = is_seen[of] & (product >= 0)
    views = np.zeros((people.size, len(CATEGORIES)))
    np.add.at(views, (sessions["person"][of[kept]], block.world.catalogue.category[product[kept]]), 1)
    return views
