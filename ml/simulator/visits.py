"""What the website and the app deliver: events, named or anonymous.

Belongs here: events of visits, of orders, of strangers and of people before their signup. Does not belong
here: when somebody visits (``life``).
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from ml.simulator.block import Block, Emitted
from ml.simulator.columns import Rows, at, const, keep, numbered, pick, stack, whole
from ml.simulator.draws import choose, stream
from ml.simulator.identifiers import KIOSK_COOKIE
from ml.simulator.people import taste_category
from ml.simulator.purchases import ID_ROOM, Orders

Ints = npt.NDArray[np.int64]
Bools = npt.NDArray[np.bool_]

EVENT_TYPES = (
    ("product_view", 0.52),
    ("page_view", 0.17),
    ("search", 0.14),
    ("add_to_cart", 0.11),
    ("wishlist_add", 0.06),
)
WITH_PRODUCT = ("product_view", "add_to_cart", "wishlist_add")
MAX_EVENTS = 40


def events(orders: Orders) -> Emitted:
    """All events of one block."""
    block = orders.block
    parts = [visit_events(block), order_events(orders), early_events(block), strangers_events(block)]
    return stack(*(rows for rows, _ in parts)), np.concatenate([day for _, day in parts])


def visit_events(block: Block) -> Emitted:
    """Events of the visits of people who have entered, in the app and on the web."""
    of, rows = events_by_visit(block)
    return rows, (block.traces.sessions["day"] + block.traces.sessions["late"])[of]


def events_by_visit(block: Block) -> tuple[Ints, Rows]:
    """The same with the visit of each, as its row in the block's sessions."""
    random = stream(block.config.seed, "events", block.people.block)
    sessions = block.traces.sessions
    app, named, on_kiosk = (sessions[name] == 1 for name in ("in_app", "named", "on_kiosk"))
    person, day = sessions["person"], sessions["day"]
    count = np.minimum(1 + random.poisson(block.config.events_per_session - 1, len(person)), MAX_EVENTS)
    of = np.repeat(np.arange(len(person)), count)
    place = np.arange(len(of)) - (np.cumsum(count) - count)[of]
    kiosk = const(KIOSK_COOKIE, len(of))
    cookie = block.names.cookie_on(block.people, person[of], day[of])
    cookie = pc.if_else(pa.array(on_kiosk[of]), kiosk, cookie)
    rows = {
        "account_id": keep(block.names.account_on(block.people, person[of], day[of]), named[of]),
        "device_id": keep(block.names.device.take(pa.array(person[of])), app[of]),
        "cookie_id": keep(cookie, ~app[of]),
        "channel": pick(("web", "app"), app[of].astype(np.int64)),
        **_acts(block, random, person[of], place),
        **_when(block, random, of, place, day, "S"),
    }
    return of, rows


def order_events(orders: Orders) -> Emitted:
    """The visit in which an order was placed on the web or in the app; known when the order is."""
    block = orders.block
    random = stream(block.config.seed, "checkouts", block.people.block)
    online = np.flatnonzero(orders.channel < 2)
    first = np.cumsum(orders.lines) - orders.lines
    n = len(online)
    whose = {name: column.take(pa.array(online)) for name, column in orders.whose().items()}
    app = orders.channel[online] == 1
    number = numbered("K", orders.number[online])
    parts = []
    for event_type, before in (("product_view", random.integers(120, 900, n)), ("checkout", np.full(n, 5))):
        parts.append({
            "event_id": pc.binary_join_element_wise(number, pa.scalar(event_type[0]), ""),
            "happened_at": at(block.calendar, orders.day[online], orders.second[online] - before),
            "event_type": const(event_type, n),
            "account_id": whose["account_id"],
            "device_id": keep(block.names.device.take(pa.array(orders.person[online])), app),
            "cookie_id": whose["cookie_id"],
            "session_id": number,
            "product_id": numbered("P", orders.items[first[online]], 5),
            "channel": pick(("web", "app"), app.astype(np.int64)),
        })  # fmt: skip
    return stack(*parts), np.tile((orders.day + orders.late)[online], 2)


def early_events(block: Block) -> Emitted:
    """Anonymous visits of people in the three weeks before their signup, on the cookie they sign up with."""
    people, random = block.people, stream(block.config.seed, "early", block.people.block)
    day = people.entry_day - random.integers(1, 21, people.size)
    who = np.flatnonzero((random.random(people.size) < 0.4) & (day >= 0))
    return _anonymous(block, random, who, day[who], block.names.cookie.take(pa.array(who)), "Y"), day[who]


def strangers_events(block: Block) -> Emitted:
    """Visits of people who never tell who they are, some of them on the kiosk."""
    random = stream(block.config.seed, "strangers", block.people.block)
    n = block.people.size
    day = random.integers(0, block.config.days, n)
    cookies = numbered("ck_x", block.people.index, 10)
    cookies = pc.if_else(pa.array(random.random(n) < 0.1), const(KIOSK_COOKIE, n), cookies)
    return _anonymous(block, random, np.arange(n), day, cookies, "X"), day


def _anonymous(block: Block, random: np.random.Generator, who: Ints, day: Ints, cookies: pa.Array, prefix: str) -> Rows:
    rows = {
        "cookie_id": cookies,
        "channel": const("web", len(who)),
        **_acts(block, random, who, np.zeros(len(who), np.int64)),
    }
    return {**rows, **_when(block, random, np.arange(len(who)), np.zeros(len(who), np.int64), day, prefix)}


def _acts(block: Block, random: np.random.Generator, person: Ints, place: Ints) -> Rows:
    """What happens in a visit: it begins with a page, then anything; items by taste."""
    people, catalogue, n = block.people, block.world.catalogue, len(person)
    kind = np.where(place == 0, 1, choose(random, [share for _, share in EVENT_TYPES], n))
    item = catalogue.draw(taste_category(people.tastes[person], random.random(n)), random.random(n))
    has_item = np.isin(kind, [number for number, (name, _) in enumerate(EVENT_TYPES) if name in WITH_PRODUCT])
    return {
        "event_type": pick([name for name, _ in EVENT_TYPES], kind),
        "product_id": keep(numbered("P", item, 5), has_item),
        "duration_seconds": whole(random.integers(3, 240, n), kind <= 1),
        "properties": keep(const('{"referrer": "search"}', n), (place == 0) & (random.random(n) < 0.3)),
    }


def _when(block: Block, random: np.random.Generator, of: Ints, place: Ints, day: Ints, prefix: str) -> Rows:
    start = random.integers(7 * 3600, 22 * 3600, len(day))
    room = block.people.block * ID_ROOM
    return {
        "event_id": numbered("V" + prefix, room + np.arange(len(of))),
        "session_id": numbered(prefix, room + of),
        "happened_at": at(block.calendar, day[of], start[of] + place * 60 + random.integers(0, 50, len(of))),
    }
