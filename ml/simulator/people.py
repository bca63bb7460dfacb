"""Who lives in the world: types, identifiers, households, second accounts, consents and tastes.

Belongs here: whatever is fixed about a person when they enter. Does not belong here: what they do (``life``).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from ml.simulator.catalogue import CATEGORIES, SENSITIVE_CATEGORY, Catalogue
from ml.simulator.config import WorldConfig
from ml.simulator.draws import choose, stream
from ml.simulator.latent import Laws

Ints = npt.NDArray[np.int64]
Bools = npt.NDArray[np.bool_]

NEVER = 1 << 30
"""A day that does not come."""
FAVOURITES = 6
ONE_ERASED_IN = 1_500
"""People, of whom one asks to be erased."""
APP_SHARE = 0.6
"""Share of an app user's visits that happen in the app."""
ANONYMOUS_SHARE = 0.3
"""Share of web visits without login."""
CONSENTS = (
    ("profiling", "", 0.97), ("personalised_recommendations", "", 0.85), ("ad_audiences", "", 0.30),
    ("special_category", "", 0.10),
    ("marketing", "email", 0.72), ("marketing", "push", 0.45), ("marketing", "sms", 0.20),
    ("marketing", "phone", 0.35),
)  # fmt: skip
"""Purpose, channel (empty: all), share who grant it when they enter; push needs the app, sms and phone a number."""
FIRST_MARKETING = 4


@dataclass(frozen=True)
class People:
    """One block of people; every array has one row per person. Days count from the world's first."""

    block: int
    index: Ints
    """Number of the person in the whole world."""
    kind: Ints
    """Type z."""
    entry_day: Ints
    """Day of entry; -1 for people who were customers before day 0."""
    signup_day: Ints
    has_account: Bools
    """False: buys as a guest, known by e-mail only."""
    has_phone: Bools
    has_card: Bools
    uses_app: Bools
    lead: Ints
    """Row whose cookie and device this person uses; another row in a household with shared devices."""
    second_account_day: Ints
    joined_by_phone: Bools
    """The second account carries the same phone; otherwise the loyalty card ties it."""
    erasure_day: Ints
    granted: Bools
    """People x CONSENTS, as decided on entry."""
    asked: Bools
    """False: never asked about profiling, so there is no record of it."""
    objection_day: Ints
    """Day of an objection to profiling."""
    orders_on_entry: Bools
    tastes: npt.NDArray[np.float64]
    """People x categories, sums to one."""
    favourites: Ints
    profile: dict[str, Ints]
    """Names, places and the like, as indices into the lists of ``accounts``."""

    @property
    def size(self) -> int:
        return len(self.index)

    @property
    def shares_device(self) -> Bools:
        shared = self.lead != np.arange(self.size)
        shared[self.lead[shared]] = True
        return shared

    @property
    def always_identified_share(self) -> npt.NDArray[np.float64]:
        """Share of visits that name the person whatever becomes of the cookie."""
        app = np.where(self.uses_app, APP_SHARE, 0.0)
        return np.where(self.has_account, 1 - (1 - app) * ANONYMOUS_SHARE, 0.0)

    @property
    def partner_entry_day(self) -> Ints:
        """Entry of the other person on a shared device; NEVER where there is none."""
        other = np.full(self.size, NEVER)
        rows = np.flatnonzero(self.lead != np.arange(self.size))
        other[rows] = self.entry_day[self.lead[rows]]
        other[self.lead[rows]] = self.entry_day[rows]
        return other


def make_people(config: WorldConfig, laws: Laws, catalogue: Catalogue, block: int) -> People:
    random = stream(config.seed, "people", block)
    index = np.asarray(config.block(block))
    n = len(index)
    exists = random.random(n) < config.existing_share
    entry = np.where(exists, -1, random.integers(0, config.days, n))
    has_account = random.random(n) < 0.97
    uses_app = has_account & (random.random(n) < 0.4)
    tastes = random.dirichlet(taste_weights(), n)
    second = has_account & (random.random(n) < 0.012)
    has_phone = random.random(n) < 0.6
    has_card = has_account & (random.random(n) < 0.55)
    erased = has_account & (index % ONE_ERASED_IN == ONE_ERASED_IN // 10)
    settled = np.maximum(entry, 0) + 2
    return People(
        block=block,
        index=index,
        kind=choose(random, laws.prior, n),
        entry_day=entry,
        signup_day=np.where(exists, -1 - np.minimum(random.exponential(500, n), 2500).astype(np.int64), entry),
        has_account=has_account,
        has_phone=has_phone | second,
        has_card=has_card | second,
        uses_app=uses_app,
        lead=_households(random, has_account),
        second_account_day=np.where(second, entry + 30 + random.integers(0, 300, n), NEVER),
        joined_by_phone=random.random(n) < 0.5,
        erasure_day=np.where(erased, settled + _share(random, np.maximum(config.days - settled, 1)), NEVER),
        granted=_consents(random, stream(config.seed, "calls", block), n, uses_app, has_phone | second),
        asked=random.random(n) < 0.985,
        objection_day=np.where(random.random(n) < 0.015, np.maximum(entry, 0) + random.integers(1, 500, n), NEVER),
        orders_on_entry=~exists & (~has_account | (random.random(n) < 0.8)),
        tastes=tastes,
        favourites=_favourites(random, tastes, catalogue),
        profile={name: random.integers(0, 1 << 31, n) for name in PROFILE},
    )


PROFILE = (
    "first_name",
    "last_name",
    "gender",
    "birth",
    "place",
    "street",
    "language",
    "channel",
    "mail_host",
    "spelling",
    "tier",
)


def _share(random: np.random.Generator, days: Ints) -> Ints:
    """A day at random within the first so many."""
    return (random.random(len(days)) * days).astype(np.int64)


def taste_weights() -> npt.NDArray[np.float64]:
    weights = np.full(len(CATEGORIES), 0.45)
    weights[SENSITIVE_CATEGORY] = 0.12
    return weights


def _households(random: np.random.Generator, has_account: Bools) -> Ints:
    """Neighbouring rows that share one computer: about six of a hundred people."""
    n = len(has_account)
    lead = np.arange(n)
    first = np.arange(0, n - 1, 2)
    shared = (random.random(len(first)) < 0.06) & has_account[first] & has_account[first + 1]
    lead[first[shared] + 1] = first[shared]
    return lead


def _consents(
    random: np.random.Generator, calls: np.random.Generator, n: int, uses_app: Bools, has_phone: Bools
) -> Bools:
    drawn = np.column_stack([random.random((n, len(CONSENTS) - 1)), calls.random(n)])
    granted = drawn < np.array([share for _, _, share in CONSENTS])
    channels = [channel for _, channel, _ in CONSENTS]
    granted[:, channels.index("push")] &= uses_app
    for channel in ("sms", "phone"):
        granted[:, channels.index(channel)] &= has_phone
    return granted


def _favourites(random: np.random.Generator, tastes: npt.NDArray[np.float64], catalogue: Catalogue) -> Ints:
    n = len(tastes)
    return np.stack(
        [catalogue.draw(taste_category(tastes, random.random(n)), random.random(n)) for _ in range(FAVOURITES)], 1
    )


def taste_category(tastes: npt.NDArray[np.float64], uniform: npt.NDArray[np.float64]) -> Ints:
    """One category per row, drawn from that row's tastes."""
    ladder = np.cumsum(tastes, axis=1)
    return np.minimum((uniform[:, None] > ladder).sum(axis=1), tastes.shape[1] - 1)
