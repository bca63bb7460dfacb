"""What the loyalty system delivers: points, and contracts of the membership programme.

Belongs here: rows of rewards and subscriptions. Neither tells more than the orders do: points are booked when an
order is known, memberships come and go by chance.
"""

from __future__ import annotations

import numpy as np
import pyarrow as pa

from ml.simulator.block import Block, Emitted
from ml.simulator.columns import Rows, at, const, keep, money, numbered, pick, stack, take, whole
from ml.simulator.draws import stream
from ml.simulator.purchases import Orders

PLANS = (("Club", 299, "month"), ("Club Plus", 2_990, "year"))
EVENING = 22 * 3600


def rewards(orders: Orders) -> Emitted:
    """Points of card holders: earned with an order, now and then spent, expired after a year."""
    block, random = orders.block, stream(orders.block.config.seed, "rewards", orders.block.people.block)
    people = block.people
    who = np.flatnonzero(people.has_card[orders.person] & ~orders.is_cancelled)
    person, known = orders.person[who], (orders.day + orders.late)[who]
    points = 5 + random.integers(0, 60, len(who))
    spends = np.flatnonzero(random.random(len(who)) < 0.08)
    end = np.minimum(block.config.days, people.erasure_day[person])
    expires = np.flatnonzero((random.random(len(who)) < 0.3) & (known + 365 < end))
    parts, days = [], []
    for number, (kind, rows, day) in enumerate(
        (("earned", np.arange(len(who)), known), ("spent", spends, known), ("expired", expires, known + 365))
    ):
        n = len(rows)
        earned = np.full(n, kind == "earned")
        # A change is booked when the order is known, not when it was placed: it tells nothing earlier than the order.
        expiry = np.minimum(day[rows] + 365, block.config.days + 700)
        booked = at(block.calendar, day[rows], np.full(n, EVENING + 60 * number))
        parts.append({
            "reward_id": numbered({"earned": "WE", "spent": "WS", "expired": "WX"}[kind], orders.number[who[rows]]),
            "changed_at": booked,
            "loyalty_card_id": block.names.card.take(pa.array(person[rows])),
            "programme": const("bonus", n),
            "change_type": const(kind, n),
            "points": whole(points[rows] // (1 if kind == "earned" else 2)),
            "expires_at": at(block.calendar, expiry, np.full(n, EVENING), earned),
        })  # fmt: skip
        days.append(day[rows])
    return stack(*parts), np.concatenate(days)


def subscriptions(block: Block) -> Emitted:
    """Contracts of the membership programme, held by some and telling nothing about who leaves."""
    people, random = block.people, stream(block.config.seed, "subscriptions", block.people.block)
    start = np.maximum(people.entry_day, 0) + random.integers(5, 400, people.size)
    end = np.minimum(block.config.days, people.erasure_day)
    who = np.flatnonzero((random.random(people.size) < 0.12) & people.has_account & (start < end))
    begin, plan, n = start[who], random.integers(0, 2, len(who)), len(who)
    ends = begin + random.integers(30, 900, n)
    period = np.where(plan == 0, 30, 365)
    base: Rows = {
        "subscription_id": numbered("A", people.index[who], 8),
        "account_id": block.names.account.take(pa.array(who)),
        "plan": pick([name for name, _, _ in PLANS], plan),
        "price": money(np.array([price for _, price, _ in PLANS])[plan]),
        "currency": const(block.config.currency, n),
        "billing_period": pick([length for _, _, length in PLANS], plan),
        "started_at": at(block.calendar, begin, np.full(n, 15 * 3600)),
        "renews_at": at(block.calendar, begin + period, np.full(n, 15 * 3600)),
        "usage": whole(np.zeros(n)),
        "usage_limit": whole(np.full(n, 10)),
        "status": const("active", n),
        "updated_at": at(block.calendar, begin, np.full(n, 15 * 3600)),
    }
    gone = np.flatnonzero(ends < end[who])
    instant = at(block.calendar, ends, np.full(n, 16 * 3600))
    ended = {
        **base,
        "renews_at": keep(base["renews_at"], np.zeros(n, bool)),
        "notice_given_at": instant,
        "ended_at": instant,
        "end_reason": pick(("price", "not used", "payment failed"), random.integers(0, 3, n)),
        "usage": whole(random.integers(0, 11, n)),
        "status": const("ended", n),
        "updated_at": instant,
    }
    return stack(base, take(ended, gone)), np.concatenate([begin, ends[gone]])
