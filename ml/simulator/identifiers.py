"""The names under which the shop's systems know a person, and how people spell them.

Belongs here: accounts, e-mail addresses, phones, cards, cookies, devices, households of one block. Does not
belong here: when they are used.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from ml.simulator.columns import keep, numbered, pick
from ml.simulator.config import WorldConfig
from ml.simulator.draws import scramble
from ml.simulator.people import People

Ints = npt.NDArray[np.int64]

FIRST_NAMES = (
    "Anna", "Ben", "Clara", "David", "Emma", "Felix", "Greta", "Hannes", "Ida", "Jonas", "Klara", "Leon", "Mia", "Noah",
    "Olga", "Paul", "Rosa", "Simon", "Tilda", "Urs", "Vera", "Willi", "Yara", "Zeno",
)  # fmt: skip
LAST_NAMES = (
    "Adler", "Bauer", "Conrad", "Dietz", "Engel", "Fuchs", "Graf", "Huber", "Imhof", "Jung", "Keller", "Lang", "Maier",
    "Nagel", "Otto", "Peters", "Roth", "Sommer", "Thiel", "Ulrich", "Vogel", "Winter", "Zimmer",
)  # fmt: skip
MAIL_HOSTS = ("example.com", "example.org", "mail.example.net", "post.example.de")
KIOSK_COOKIE = "ck_kiosk_terminal_01"
"""Cookie of a computer in the store on which many people log in."""


@dataclass(frozen=True)
class Identifiers:
    """One value per person, null where there is none; e-mail and phone in normal form."""

    account: pa.Array
    second_account: pa.Array
    email: pa.Array
    second_email: pa.Array
    phone: pa.Array
    card: pa.Array
    cookie: pa.Array
    """Of the household's computer where it is shared."""
    second_cookie: pa.Array
    device: pa.Array
    household: pa.Array

    def account_on(self, people: People, person: Ints, day: Ints) -> pa.Array:
        """The account that a person uses on a day: the second one once it is open."""
        later = day >= people.second_account_day[person]
        return pc.if_else(
            pa.array(later), self.second_account.take(pa.array(person)), self.account.take(pa.array(person))
        )

    def cookie_on(self, people: People, person: Ints, day: Ints) -> pa.Array:
        later = day >= people.second_account_day[person]
        return pc.if_else(
            pa.array(later), self.second_cookie.take(pa.array(person)), self.cookie.take(pa.array(person))
        )


def make_identifiers(config: WorldConfig, people: People) -> Identifiers:
    # Numbers are scrambled so that an id tells nothing about when or who.
    code = (scramble(config.seed, people.index) >> np.uint64(24)).astype(np.int64)
    lead = people.lead
    has_second = people.second_account_day < config.days
    names = {
        name: pc.utf8_lower(pick(words, people.profile[name] % len(words)))
        for name, words in (("first_name", FIRST_NAMES), ("last_name", LAST_NAMES))
    }
    host = pick(MAIL_HOSTS, people.profile["mail_host"] % len(MAIL_HOSTS))
    local = pc.binary_join_element_wise(names["first_name"], names["last_name"], numbered("", people.index, 1), ".")
    second = pc.binary_join_element_wise(names["last_name"], numbered("", people.index, 1), "-")
    hexes = pa.array([f"{number:010x}" for number in code.tolist()], pa.string())
    return Identifiers(
        account=keep(numbered("C", people.index + 100_000, 8), people.has_account),
        second_account=keep(numbered("C9", people.index, 8), has_second),
        email=pc.binary_join_element_wise(local, host, "@"),
        second_email=keep(pc.binary_join_element_wise(second, host, "@"), has_second),
        phone=keep(numbered("+4915", people.index, 8), people.has_phone),
        card=keep(numbered("L77", people.index, 8), people.has_card),
        cookie=_prefixed("ck_", hexes.take(pa.array(lead))),
        second_cookie=keep(_prefixed("ck2_", hexes), has_second),
        device=keep(_prefixed("dv_", hexes.take(pa.array(lead))), people.uses_app),
        household=keep(numbered("H", people.index[lead], 8), people.shares_device),
    )


def spelled_email(email: pa.Array, how: Ints) -> pa.Array:
    """E-mail addresses as people type them: as they are, capitals, blanks around."""
    shouted = pc.utf8_upper(email)
    named = pc.utf8_capitalize(email)
    spaced = pc.binary_join_element_wise(pa.scalar(" "), named, pa.scalar(" "), "")
    way = how % 10
    return pc.case_when(
        pc.make_struct(pa.array(way == 7), pa.array(way == 8), pa.array(way == 9)), shouted, named, spaced, email
    )


def spelled_phone(phone: pa.Array, how: Ints) -> pa.Array:
    """Phone numbers in the notations that name the country: +49 15…, 0049…, +49-15…, +49 (15)…."""
    rest = pc.utf8_slice_codeunits(phone, 3)
    head, tail = pc.utf8_slice_codeunits(rest, 0, 4), pc.utf8_slice_codeunits(rest, 4)
    spaced = pc.binary_join_element_wise(pa.scalar("+49"), head, tail, " ")
    dialled = pc.binary_join_element_wise(pa.scalar("0049"), rest, "")
    dashed = pc.binary_join_element_wise(pa.scalar("+49"), head, tail, "-")
    way = how % 4
    return pc.case_when(
        pc.make_struct(pa.array(way == 1), pa.array(way == 2), pa.array(way == 3)), spaced, dialled, dashed, phone
    )


def _prefixed(prefix: str, values: pa.Array) -> pa.Array:
    return pc.binary_join_element_wise(pa.scalar(prefix), values, "")
