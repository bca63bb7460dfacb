"""What the order system delivers: order lines with their versions, returns.

Belongs here: baskets, prices, channels, status versions and their export days. Does not belong here: when
somebody orders (``life``) and the visit in which it happens (``visits``).
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from ml.simulator.block import Block, Emitted
from ml.simulator.columns import Rows, at, const, keep, money, numbered, pick, stack, take, whole
from ml.simulator.draws import choose, stream
from ml.simulator.identifiers import spelled_email, spelled_phone
from ml.simulator.people import FAVOURITES, taste_category

Ints = npt.NDArray[np.int64]

CHANNELS = ("web", "app", "store", "phone")
MAX_LINES = 6
MORE_LINES = 0.5
"""Mean of the lines beyond the first."""
FAVOURITE_SHARE, FAVOURITE_STEP, FOLLOWING_SHARE = 0.45, 0.35, 0.3
"""Share of lines that are a favourite; chance of each favourite if none before it was; share of later lines that are
the companion of the line before."""
ID_ROOM = 10_000_000
"""Ids of one block's orders, events and so on lie in a room of their own."""


def favourite_chances() -> npt.NDArray[np.float64]:
    """Chance of each favourite on a line that is one; sums to one."""
    chance = FAVOURITE_STEP * (1 - FAVOURITE_STEP) ** np.arange(FAVOURITES, dtype=np.float64)
    chance[-1] = 1 - chance[:-1].sum()
    return np.asarray(chance, np.float64)


@dataclass(frozen=True)
class Orders:
    """One block's orders, in order of day and person; columns of equal length."""

    block: Block
    person: Ints
    day: Ints
    second: Ints
    late: Ints
    channel: Ints
    is_guest: npt.NDArray[np.bool_]
    """Ordered with e-mail and cookie only."""
    is_cancelled: npt.NDArray[np.bool_]
    lines: Ints
    spelling: Ints

    @property
    def number(self) -> Ints:
        return self.block.people.block * ID_ROOM + np.arange(len(self.person))

    @cached_property
    def line_order(self) -> Ints:
        """Row of the order for each line."""
        return np.repeat(np.arange(len(self.person)), self.lines)

    @cached_property
    def line_number(self) -> Ints:
        first = np.cumsum(self.lines) - self.lines
        return np.arange(len(self.line_order)) - first[self.line_order] + 1

    @cached_property
    def items(self) -> Ints:
        """Item of each line: a favourite, the companion of the line before, or something by taste."""
        catalogue, people = self.block.world.catalogue, self.block.people
        random = stream(self.block.config.seed, "items", people.block)
        person, n = self.person[self.line_order], len(self.line_order)
        item = catalogue.draw(taste_category(people.tastes[person], random.random(n)), random.random(n))
        favourite = people.favourites[person, np.minimum(random.geometric(FAVOURITE_STEP, n) - 1, FAVOURITES - 1)]
        item = np.where(random.random(n) < FAVOURITE_SHARE, favourite, item)
        follows = (random.random(n) < FOLLOWING_SHARE) & (self.line_number > 1)
        item = np.where(follows, catalogue.companion[np.roll(item, 1)], item)
        gone = catalogue.gone_day[item]
        return np.where((gone >= 0) & (gone <= self.day[self.line_order]), catalogue.companion[item], item)

    def whose(self) -> Rows:
        """Identifier columns of each order: what its channel asks for."""
        block, names = self.block, self.block.names
        online, phone = self.channel < 2, self.channel == 3
        person = pa.array(self.person)
        account = names.account_on(block.people, self.person, self.day)
        email = spelled_email(names.email.take(person), self.spelling)
        return {
            "account_id": keep(account, online & ~self.is_guest),
            "email": keep(email, self.is_guest),
            "phone": keep(spelled_phone(names.phone.take(person), self.spelling), phone),
            "loyalty_card_id": keep(names.card.take(person), self.channel == 2),
            "cookie_id": keep(names.cookie_on(block.people, self.person, self.day), self.channel == 0),
        }


def make_orders(block: Block) -> Orders:
    people, random = block.people, stream(block.config.seed, "orders", block.people.block)
    day, person = np.nonzero(block.life.ordered)
    n = len(day)
    entering = people.entry_day[person] == day
    channel = choose(random, (0.58, 0.22, 0.15, 0.05), n)
    possible = np.stack([np.ones(n, bool), people.uses_app[person], people.has_card[person], people.has_phone[person]])
    channel = np.where(possible[channel, np.arange(n)] & people.has_account[person] & ~entering, channel, 0)
    return Orders(
        block=block,
        person=person,
        day=day,
        second=np.where(entering, random.integers(17 * 3600, 21 * 3600, n), random.integers(9 * 3600, 21 * 3600, n)),
        late=block.life.order_late[day, person].astype(np.int64),
        channel=channel,
        is_guest=(channel == 0) & (~people.has_account[person] | (random.random(n) < 0.1)),
        is_cancelled=random.random(n) < block.world.laws.cancelled_share,
        lines=np.minimum(1 + random.poisson(MORE_LINES, n), MAX_LINES),
        spelling=random.integers(0, 40, n),
    )


def order_lines(orders: Orders) -> Emitted:
    """Lines as first exported, then their versions: delivered, cancelled, returned; and return documents."""
    block, random = orders.block, stream(orders.block.config.seed, "lines", orders.block.people.block)
    base = _lines(orders, random)
    of, n = orders.line_order, len(orders.line_order)
    known = (orders.day + orders.late)[of]
    cancelled, in_store = orders.is_cancelled[of], orders.channel[of] == 2
    end = np.minimum(block.config.days, block.people.erasure_day[orders.person[of]])
    told = known + random.integers(2, 6, n)
    delivered = np.flatnonzero(~cancelled & ~in_store & (random.random(n) < 0.25) & (told < end))
    back = known + random.integers(4, 26, n)
    returned = np.flatnonzero(~cancelled & (random.random(n) < 0.06) & (back < end))
    partly = random.random(n) < 0.2
    documents = np.flatnonzero(~cancelled & (random.random(n) < 0.005) & (back < end))
    cancels = np.flatnonzero(cancelled & (known + 1 < end))
    instant = at(block.calendar, back, orders.second[of] // 2 + 8 * 3600)
    parts = [
        base,
        _version(base, cancels, "cancelled"),
        _version(base, delivered, "delivered"),
        {
            **_version(base, returned, "returned"),
            "returned_at": instant.take(pa.array(returned)),
            "returned_quantity": whole(np.ones(len(returned)), partly[returned]),
        },
        {
            **_version(base, documents, "returned"),
            "order_id": numbered("R", orders.number[of][documents]),
            "line_type": const("return", len(documents)),
            "ordered_at": instant.take(pa.array(documents)),
        },
    ]
    days = [known, (known + 1)[cancels], told[delivered], back[returned], back[documents]]
    return stack(*parts), np.concatenate(days)


def _lines(orders: Orders, random: np.random.Generator) -> Rows:
    block, of, n = orders.block, orders.line_order, len(orders.line_order)
    price = block.world.catalogue.price_on(orders.items, orders.day[of])
    quantity = 1 + choose(random, (0.8, 0.15, 0.05), n)
    discount = np.where(random.random(n) < 0.12, price * quantity // 10, 0)
    return {
        "order_id": numbered("O", orders.number[of]),
        "line_number": whole(orders.line_number),
        "line_type": const("sale", n),
        "ordered_at": at(block.calendar, orders.day[of], orders.second[of]),
        **take(orders.whose(), of),
        "product_id": numbered("P", orders.items, 5),
        "quantity": whole(quantity),
        "unit_price": money(price),
        "discount": money(discount),
        "currency": const(block.config.currency, n),
        "channel": pick(CHANNELS, orders.channel[of]),
        "status": pick(("paid", "delivered"), (orders.channel[of] == 2).astype(np.int64)),
    }


def _version(base: Rows, which: Ints, status: str) -> Rows:
    return {**take(base, which), "status": const(status, len(which))}
