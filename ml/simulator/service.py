"""What the support desk and the surveys deliver: tickets, answers, reviews.

Belongs here: rows of support_tickets and feedback. Does not belong here: which tickets arise and how they end
(``life``): those decide who leaves.
"""

from __future__ import annotations

import numpy as np
import pyarrow as pa

from ml.simulator.block import Block, Emitted
from ml.simulator.columns import Rows, at, const, keep, numbered, pick, stack, take, whole
from ml.simulator.draws import choose, stream
from ml.simulator.identifiers import spelled_email
from ml.simulator.latent import LATE_DAYS
from ml.simulator.purchases import ID_ROOM, Orders

CATEGORIES = ("late delivery", "damaged item", "wrong item", "invoice", "refund")
TEXTS = (
    "My parcel has not arrived; it should have been here on Monday.",
    'The box was open, and inside everything was "in pieces".',
    "I got another colour than I had ordered, please change it.",
    "I need an invoice with the address of my company, thank you.",
    "Where is my money? I sent the item back weeks ago.",
)
SURVEYS = {"nps": "Would you recommend us?", "review": "Product review", "onboarding": "Welcome question"}
"""What the survey tool calls the kinds; the demo shop's feedback.sql translates."""
REVIEWS = (
    "Would buy again.",
    "Not what I expected, sadly.",
    'Does "the job", nothing more.',
    "My favourite, thanks!",
    None,
)


def support_tickets(block: Block) -> Emitted:
    """A ticket as opened, and a version with its solution and rating once it is solved."""
    tickets, people = block.life.tickets, block.people
    random = stream(block.config.seed, "tickets", people.block)
    person, day, n = tickets["person"], tickets["day"], len(tickets["day"])
    category = choose(random, (0.45, 0.2, 0.12, 0.1, 0.13), n)
    by_mail = ~people.has_account[person] | (random.random(n) < 0.15)
    opened: Rows = {
        "ticket_id": numbered("T", block.people.block * ID_ROOM + np.arange(n)),
        "opened_at": at(block.calendar, day, random.integers(8 * 3600, 13 * 3600, n)),
        "account_id": keep(block.names.account_on(people, person, day), ~by_mail),
        "email": keep(spelled_email(block.names.email.take(pa.array(person)), random.integers(0, 20, n)), by_mail),
        "category": pick(CATEGORIES, category),
        "contacts": whole(np.ones(n)),
        "text": pick(TEXTS, category),
    }
    rated = tickets["rating"] > 0
    solved_at = random.integers(13 * 3600, 18 * 3600, n)
    solved = {
        **opened,
        "contacts": whole(1 + (tickets["resolved"] - day) // 3 + random.integers(0, 2, n)),
        "resolved_at": at(block.calendar, tickets["resolved"], solved_at),
        "csat": whole(tickets["rating"], rated),
        "rated_at": at(block.calendar, tickets["resolved"], solved_at + 3600, rated),
    }
    end = np.minimum(block.config.days, people.erasure_day[person])
    at_once = np.flatnonzero(tickets["resolved"] > day)  # solved on the same day: one export, one version
    later = np.flatnonzero(tickets["resolved"] < end)
    return stack(take(opened, at_once), take(solved, later)), np.concatenate([day[at_once], tickets["resolved"][later]])


def feedback(orders: Orders) -> Emitted:
    """Answers to "would you recommend us", reviews of items, and the question asked of newcomers."""
    block, people = orders.block, orders.block.people
    random = stream(block.config.seed, "feedback", people.block)
    answers = block.traces.answers
    n = len(answers["day"])
    low, high = np.array([0, 7, 9])[answers["group"]], np.array([7, 9, 11])[answers["group"]]
    nps = _answer(block, "nps", answers["person"], answers["day"], random.integers(low, high), random)
    # A review never comes before its order is known, so that it tells nothing earlier.
    wait = LATE_DAYS + random.integers(1, 20, len(orders.day))
    in_time = orders.day + wait < np.minimum(block.config.days, people.erasure_day[orders.person])
    reviewing = np.flatnonzero((random.random(len(orders.day)) < 0.04) & ~orders.is_cancelled & in_time)
    item = orders.items[(np.cumsum(orders.lines) - orders.lines)[reviewing]]
    review_day = (orders.day + wait)[reviewing]
    stars = 1 + choose(random, (0.06, 0.08, 0.16, 0.3, 0.4), len(reviewing))
    review = _answer(block, "review", orders.person[reviewing], review_day, stars, random)
    review["product_id"] = numbered("P", item, 5)
    review["text"] = pick(REVIEWS, random.integers(0, len(REVIEWS), len(reviewing)))
    asked = people.entry_day + random.integers(1, 8, people.size)
    new = np.flatnonzero(
        (random.random(people.size) < 0.1)
        & (people.entry_day >= 0)
        & (asked < np.minimum(block.config.days, people.erasure_day))
    )
    welcome = _answer(block, "onboarding", new, asked[new], random.integers(1, 6, len(new)), random)
    del n
    return stack(nps, review, welcome), np.concatenate([answers["day"], review_day, asked[new]])


def _answer(
    block: Block, kind: str, person: np.ndarray, day: np.ndarray, score: np.ndarray, random: np.random.Generator
) -> Rows:
    n, people = len(person), block.people
    guest = ~people.has_account[person]
    return {
        "feedback_id": numbered("F" + kind[0].upper(), people.block * ID_ROOM + np.arange(n)),
        "answered_at": at(block.calendar, day, random.integers(9 * 3600, 22 * 3600, n)),
        "kind": const(SURVEYS[kind], n),
        "account_id": keep(block.names.account_on(people, person, day), ~guest),
        "email": keep(block.names.email.take(pa.array(person)), guest),
        "score": whole(score),
    }
