"""What the systems of a shop with contracts deliver: versions of contracts, visits, tickets.

Belongs here: the rows of subscriptions, events and support_tickets. Does not belong here: customers and consents,
which both worlds share (``accounts``, ``permissions``), and what happened (``life``).
"""

from __future__ import annotations

import numpy as np

from ml.simulator.block import Emitted
from ml.simulator.columns import Rows, at, const, instants, money, numbered, pick, stack, take, whole
from ml.simulator.contracts.block import ContractBlock
from ml.simulator.contracts.life import PLANS, USED_MONTHS, WHYS, YEAR_MONTHS, Ints
from ml.simulator.draws import choose, stream
from ml.simulator.people import NEVER
from ml.simulator.purchases import ID_ROOM

RISE = 1.08
SECONDS = {
    "started": 15 * 3600, "renewed": 6 * 3600, "payment_failed": 7 * 3600, "paid": 10 * 3600, "unpaid": 11 * 3600,
    "metered": 22 * 3600, "noticed": 21 * 3600, "ended": 6 * 3600,
}  # fmt: skip
CHANNELS = ("store", "app", "player")
CATEGORIES = ("billing", "access", "equipment", "course", "contract")
TEXTS = (
    "You have charged me twice this month.",
    "My card does not open the door any more.",
    "The machine that I use has been broken for weeks.",
    "The course was called off without a word.",
    "How do I change to the other plan?",
)


def subscriptions(block: ContractBlock) -> Emitted:
    """Every version of every contract; readings of the meter may be exported late, and come before all else."""
    life, calendar = block.contracts, block.world.calendar
    versions = life.versions
    person, day, n = versions["person"], versions["day"], len(versions["day"])
    period, plan = life.period[person], versions["plan"]
    month = np.array([cents for _, cents, _ in PLANS])[plan] * np.asarray(YEAR_MONTHS)[period]
    price = np.round(month * RISE ** versions["rises"]).astype(np.int64)
    limit = np.array([visits for _, _, visits in PLANS])[plan] * np.asarray(USED_MONTHS)[period]
    why, has_ended = versions["why"], versions["end"] < NEVER
    second = np.array([SECONDS[name] for name in WHYS])[why]
    noon = np.full(n, SECONDS["renewed"])
    noticed = versions["notice"] < NEVER
    rows: Rows = {
        "subscription_id": numbered("S", block.shared.people.index[person], 8),
        "account_id": block.shared.names.account.take(person),
        "plan": pick([name for name, _, _ in PLANS], plan),
        "price": money(price),
        "currency": const(block.world.config.currency, n),
        "billing_period": pick(("month", "year"), period),
        "started_at": at(calendar, life.start[person], np.full(n, SECONDS["started"])),
        "renews_at": at(calendar, versions["renews"], noon, ~has_ended),
        "notice_given_at": at(calendar, versions["notice"], np.full(n, SECONDS["noticed"]), noticed),
        "ended_at": at(calendar, versions["end"], second, has_ended),
        "end_reason": pick(("notice", "payment failed"), (why == WHYS.index("unpaid")).astype(np.int64), has_ended),
        "usage": whole(versions["usage"]),
        "usage_limit": whole(limit),
        "status": pick(("active", "past_due", "cancelled", "ended"), _status(versions)),
        "updated_at": at(calendar, day, second),
    }
    return rows, day + _late(block, why)


def _status(versions: dict[str, Ints]) -> Ints:
    owes, noticed = versions["past_due"] < NEVER, versions["notice"] < NEVER
    return np.select([versions["end"] < NEVER, owes, noticed], [3, 1, 2], 0)


def _late(block: ContractBlock, why: Ints) -> Ints:
    random = stream(block.world.config.seed, "meters", block.shared.people.block)
    late = choose(random, block.laws.late_weights(), len(why))
    return np.where(why == WHYS.index("metered"), late, 0)


def visits(block: ContractBlock) -> Emitted:
    """A visit and, in the app, what was done there; all rows of a visit come in one export."""
    seen, people = block.contracts.visits, block.shared.people
    random = stream(block.world.config.seed, "visits", people.block)
    n = len(seen["day"])
    number, second = people.block * ID_ROOM + np.arange(n), random.integers(7 * 3600, 21 * 3600, n)
    visit: Rows = {
        "event_id": numbered("V", number),
        "happened_at": at(block.world.calendar, seen["day"], second),
        "event_type": const("visit", n),
        "account_id": block.shared.names.account.take(seen["person"]),
        "session_id": numbered("Z", number),
        "duration_seconds": whole(random.integers(900, 7200, n)),
        "channel": pick(CHANNELS, choose(random, (0.6, 0.25, 0.15), n)),
    }
    looked = np.flatnonzero(random.random(n) < 0.2)
    look = {
        **take(visit, looked),
        "event_id": numbered("VL", number[looked]),
        "happened_at": instants(block.world.calendar.local_seconds(seen["day"], second)[looked] + 60),
        "event_type": const("course_view", len(looked)),
    }
    known = seen["day"] + seen["late"]
    return stack(visit, look), np.r_[known, known[looked]]


def support_tickets(block: ContractBlock) -> Emitted:
    """A ticket as opened, and a version with its solution and rating once it is solved."""
    tickets, people, calendar = block.contracts.tickets, block.shared.people, block.world.calendar
    random = stream(block.world.config.seed, "tickets", people.block)
    n = len(tickets["day"])
    category = random.integers(0, len(CATEGORIES), n)
    rated, solved_at = tickets["rating"] > 0, random.integers(13 * 3600, 18 * 3600, n)
    opened: Rows = {
        "ticket_id": numbered("T", people.block * ID_ROOM + np.arange(n)),
        "opened_at": at(calendar, tickets["day"], random.integers(8 * 3600, 13 * 3600, n)),
        "account_id": block.shared.names.account.take(tickets["person"]),
        "category": pick(CATEGORIES, category),
        "contacts": whole(np.ones(n)),
        "text": pick(TEXTS, category),
    }
    solved = tickets["resolved"] < block.world.config.days
    later = np.flatnonzero(solved)
    done = {
        **opened,
        "resolved_at": at(calendar, tickets["resolved"], solved_at, solved),
        "csat": whole(tickets["rating"], rated),
        "rated_at": at(calendar, tickets["resolved"], solved_at + 3600, rated),
    }
    return stack(opened, take(done, later)), np.r_[tickets["day"], tickets["resolved"][later]]
