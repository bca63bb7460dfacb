"""What the customer register delivers: versions of accounts, and identifiers seen together.

Belongs here: the rows of customers and identities. Does not belong here: who people are (``people``), what they
allow and want (``permissions``).
Every maker returns the rows and, per row, the day in whose morning the shop's export knows it.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from ml.simulator.block import Block, Emitted
from ml.simulator.columns import Rows, at, const, keep, numbered, pick, stack
from ml.simulator.draws import stream
from ml.simulator.identifiers import FIRST_NAMES, KIOSK_COOKIE, LAST_NAMES, spelled_email, spelled_phone

Ints = npt.NDArray[np.int64]

PLACES = (
    ("Berlin", "Berlin", "10"), ("Hamburg", "Hamburg", "20"), ("Munich", "Bavaria", "80"),
    ("Cologne", "Northrhine", "50"),
    ("Leipzig", "Saxony", "04"), ("Bremen", "Bremen", "28"),
    ("Kassel", "Hesse", "34"), ("Ulm", "Swabia", "89"),
)  # fmt: skip
STREETS = ("Lindenstr.", "Hauptstr.", "Am Markt", "Gartenweg", "Bergallee", "Seeufer")
LANGUAGES = ("de", "de", "de", "en", "tr")
SOURCES = ("search", "social", "friend", "store", "advertisement", "price portal")
GENDERS = ("female", "male", "female", "male", "diverse", None)
TIERS = (("silver", 4), ("gold", 12))
"""Tier of the loyalty programme, and the order that lifts a card holder into it."""
TIER_DELAY_DAYS = 6
"""The register lifts a tier when every export has delivered the order, so that a tier tells nothing early."""
SIGNUP_SECONDS = 8 * 3600


def customers(block: Block) -> Emitted:
    """Account versions: signup, a second account, a new tier, a new address."""
    people, random = block.people, stream(block.config.seed, "customers", block.people.block)
    holders = np.flatnonzero(people.has_account)
    first = _versions(block, holders, people.signup_day[holders], "signup")
    parts, days = [first], [people.signup_day[holders]]
    second = np.flatnonzero(people.second_account_day < np.minimum(block.config.days, people.erasure_day))
    parts.append(_versions(block, second, people.second_account_day[second], "second"))
    days.append(people.second_account_day[second])
    for _, order in TIERS:
        day = block.order_day(order) + TIER_DELAY_DAYS
        who = np.flatnonzero(people.has_card & (day < np.minimum(block.config.days, people.erasure_day)))
        parts.append(_versions(block, who, day[who], "tier"))
        days.append(day[who])
    moved = people.entry_day + random.integers(40, 700, people.size)
    who = np.flatnonzero(
        (random.random(people.size) < 0.1)
        & people.has_account
        & (moved < np.minimum(block.config.days, people.erasure_day))
    )
    parts.append(_versions(block, who, moved[who], "moved"))
    days.append(moved[who])
    return stack(*parts), np.concatenate(days)


def _versions(block: Block, who: Ints, day: Ints, why: str) -> Rows:
    people, names = block.people, block.names
    profile = {name: values[who] for name, values in people.profile.items()}
    index = pa.array(who)
    moved = why == "moved"
    place = (profile["place"] + moved * 3) % len(PLACES)
    account = names.second_account if why == "second" else names.account
    phone = names.phone.take(index)
    if why == "second":
        phone = keep(phone, people.joined_by_phone[who])
    has_card = people.has_card[who] & (why != "second")
    second = SIGNUP_SECONDS + profile["street"] % (8 * 3600) + ("signup", "second", "tier", "moved").index(why) * 61
    signup = people.second_account_day[who] if why == "second" else people.signup_day[who]
    return {
        "account_id": account.take(index),
        "email": spelled_email(
            (names.second_email if why == "second" else names.email).take(index), profile["spelling"] % 40
        ),
        "phone": spelled_phone(phone, profile["spelling"] // 40),
        "first_name": pick(FIRST_NAMES, profile["first_name"] % len(FIRST_NAMES)),
        "last_name": pick(LAST_NAMES, profile["last_name"] % len(LAST_NAMES)),
        "birth_date": pa.array((-17_500 + profile["birth"] % 24_000).astype("datetime64[D]")),
        "gender": pick(GENDERS, profile["gender"] % len(GENDERS)),
        "street": pc.binary_join_element_wise(
            pick(STREETS, (profile["street"] + moved) % len(STREETS)),
            numbered("", 1 + (profile["street"] // 7 + 5 * moved) % 90, 1),
            " ",
        ),
        "postal_code": pc.binary_join_element_wise(
            pick([code for _, _, code in PLACES], place), numbered("", profile["street"] % 999, 3), ""
        ),
        "city": pick([city for city, _, _ in PLACES], place),
        "region": pick([region for _, region, _ in PLACES], place),
        "country": const("DE", len(who)),
        "language": pick(LANGUAGES, profile["language"] % len(LANGUAGES)),
        "time_zone": const(block.config.time_zone, len(who)),
        "signed_up_at": at(block.calendar, signup, SIGNUP_SECONDS + profile["street"] % (8 * 3600)),
        "acquisition_channel": pick(SOURCES, profile["channel"] % len(SOURCES)),
        "loyalty_card_id": keep(names.card.take(index), has_card),
        "loyalty_tier": pick(("basic", *(name for name, _ in TIERS)), _tier_on(block, who, day), has_card),
        "updated_at": at(block.calendar, day, second),
    }


def _tier_on(block: Block, who: Ints, day: Ints) -> Ints:
    return np.sum([block.order_day(order)[who] + TIER_DELAY_DAYS <= day for _, order in TIERS], axis=0)


def identities(block: Block) -> Emitted:
    """Logins seen with a cookie or device, newsletter clicks, cards tied to accounts, households, the kiosk."""
    people, names = block.people, block.names
    random = stream(block.config.seed, "identities", people.block)
    n, end = people.size, np.minimum(block.config.days, people.erasure_day)
    later = np.maximum(people.entry_day, 0) + random.integers(1, 200, n)
    tied = people.second_account_day + random.integers(0, 20, n)
    has_second = people.second_account_day < end
    pairs = (
        ("account", names.account, "cookie", names.cookie, people.signup_day, people.has_account),
        ("account", names.account, "device", names.device, people.signup_day, people.uses_app),
        ("account", names.account, "household", names.household, later, people.shares_device),
        ("account", names.second_account, "cookie", names.second_cookie, people.second_account_day, has_second),
        ("loyalty_card", names.card, "account", names.second_account, tied, has_second & ~people.joined_by_phone),
        (
            "email",
            spelled_email(names.email, random.integers(0, 10, n)),
            "cookie",
            names.cookie,
            later,
            random.random(n) < 0.2,
        ),
        (
            "account",
            names.account,
            "cookie",
            const(KIOSK_COOKIE, n),
            later,
            people.has_account & (random.random(n) < 0.03),
        ),
    )
    parts, days = [], []
    for number, (left_type, left, right_type, right, day, when) in enumerate(pairs):
        who = np.flatnonzero(when & (day < end))
        second = SIGNUP_SECONDS + (people.profile["street"][who] + 7 * number) % (8 * 3600)
        parts.append({
            "left_type": const(left_type, len(who)), "left_value": left.take(pa.array(who)),
            "right_type": const(right_type, len(who)), "right_value": right.take(pa.array(who)),
            "seen_at": at(block.calendar, day[who], second),
        })  # fmt: skip
        days.append(day[who])
    return stack(*parts), np.concatenate(days)
