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
from ml.simulator.people import NEVER

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
    people = block.people
    end = np.minimum(block.config.days, people.erasure_day)
    second, moved = people.second_account_day, _moving_day(block)
    changes = [("signup", people.signup_day, people.has_account), ("second", second, second < end)]
    for _, order in TIERS:
        day = block.order_day(order) + TIER_DELAY_DAYS
        changes.append(("tier", day, people.has_card & (day < end)))
    changes.append(("moved", moved, people.has_account & (moved < end)))
    parts, days = [], []
    for why, day, when in changes:
        who = np.flatnonzero(when)
        parts.append(_versions(block, who, day[who], why))
        days.append(day[who])
    return stack(*parts), np.concatenate(days)


def _moving_day(block: Block) -> Ints:
    """Day on which a person moves house; NEVER for nine in ten."""
    people, random = block.people, stream(block.config.seed, "customers", block.people.block)
    day = people.entry_day + random.integers(40, 700, people.size)
    return np.where(random.random(people.size) < 0.1, day, NEVER)


def _versions(block: Block, who: Ints, day: Ints, why: str) -> Rows:
    people, names, index = block.people, block.names, pa.array(who)
    profile = {name: values[who] for name, values in people.profile.items()}
    is_second = why == "second"
    email = (names.second_email if is_second else names.email).take(index)
    phone = names.phone.take(index)
    has_card = people.has_card[who] & (not is_second)
    of_day = SIGNUP_SECONDS + profile["street"] % (8 * 3600)
    return {
        "account_id": (names.second_account if is_second else names.account).take(index),
        "email": spelled_email(email, profile["spelling"] % 40),
        "phone": spelled_phone(
            keep(phone, people.joined_by_phone[who]) if is_second else phone, profile["spelling"] // 40
        ),
        "first_name": pick(FIRST_NAMES, profile["first_name"] % len(FIRST_NAMES)),
        "last_name": pick(LAST_NAMES, profile["last_name"] % len(LAST_NAMES)),
        "birth_date": pa.array((-17_500 + profile["birth"] % 30_000).astype("datetime64[D]")),
        "gender": pick(GENDERS, profile["gender"] % len(GENDERS)),
        **_address(profile, _moving_day(block)[who] <= day),
        "language": pick(LANGUAGES, profile["language"] % len(LANGUAGES)),
        "time_zone": const(block.config.time_zone, len(who)),
        "signed_up_at": at(
            block.calendar, (people.second_account_day if is_second else people.signup_day)[who], of_day
        ),
        "acquisition_channel": pick(SOURCES, profile["channel"] % len(SOURCES)),
        "loyalty_card_id": keep(names.card.take(index), has_card),
        "loyalty_tier": pick(("basic", *(name for name, _ in TIERS)), _tier_on(block, who, day), has_card),
        "updated_at": at(block.calendar, day, of_day + ("signup", "second", "tier", "moved").index(why) * 61),
    }


def _address(profile: dict[str, Ints], has_moved: npt.NDArray[np.bool_]) -> Rows:
    place = (profile["place"] + has_moved * 3) % len(PLACES)
    street = pick(STREETS, (profile["street"] + has_moved) % len(STREETS))
    house = numbered("", 1 + (profile["street"] // 7 + 5 * has_moved) % 90, 1)
    return {
        "street": pc.binary_join_element_wise(street, house, " "),
        "postal_code": pc.binary_join_element_wise(
            pick([code for _, _, code in PLACES], place), numbered("", profile["street"] % 999, 3), ""
        ),
        "city": pick([city for city, _, _ in PLACES], place),
        "region": pick([region for _, region, _ in PLACES], place),
        "country": const("DE", len(place)),
    }


def _tier_on(block: Block, who: Ints, day: Ints) -> Ints:
    return np.sum([block.order_day(order)[who] + TIER_DELAY_DAYS <= day for _, order in TIERS], axis=0)


def identities(block: Block) -> Emitted:
    """Pairs of identifiers seen together, each some time after the person entered."""
    people = block.people
    end = np.minimum(block.config.days, people.erasure_day)
    parts, days = [], []
    for number, (left_type, left, right_type, right, day, when) in enumerate(_pairs(block)):
        who = np.flatnonzero(when & (day < end))
        second = SIGNUP_SECONDS + (people.profile["street"][who] + 7 * number) % (8 * 3600)
        parts.append({
            "left_type": const(left_type, len(who)), "left_value": left.take(pa.array(who)),
            "right_type": const(right_type, len(who)), "right_value": right.take(pa.array(who)),
            "seen_at": at(block.calendar, day[who], second),
        })  # fmt: skip
        days.append(day[who])
    return stack(*parts), np.concatenate(days)


def _pairs(block: Block) -> list[tuple[str, pa.Array, str, pa.Array, Ints, npt.NDArray[np.bool_]]]:
    """Logins seen with a cookie or device, households, cards tied to accounts, newsletter clicks, the kiosk.

    Left and right identifier of every person, the day, and for whom it happens.
    """
    people, names = block.people, block.names
    random, n = stream(block.config.seed, "identities", people.block), people.size
    later = np.maximum(people.entry_day, 0) + random.integers(1, 200, n)
    second = people.second_account_day
    has_second, tied = second < block.config.days, second + random.integers(0, 20, n)
    email = spelled_email(names.email, random.integers(0, 10, n))
    clicks, uses_kiosk = random.random(n) < 0.2, people.has_account & (random.random(n) < 0.03)
    return [
        ("account", names.account, "cookie", names.cookie, people.signup_day, people.has_account),
        ("account", names.account, "device", names.device, people.signup_day, people.uses_app),
        ("account", names.account, "household", names.household, later, people.shares_device),
        ("account", names.second_account, "cookie", names.second_cookie, second, has_second),
        ("loyalty_card", names.card, "account", names.second_account, tied, has_second & ~people.joined_by_phone),
        ("email", email, "cookie", names.cookie, later, clicks),
        ("account", names.account, "cookie", const(KIOSK_COOKIE, n), later, uses_kiosk),
    ]
