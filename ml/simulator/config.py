"""The settings of a simulated world, and how they are read from a shop's ``simulator:`` block.

Belongs here: what a user may choose, with defaults and bounds. Does not belong here: what follows from
the choice (``latent`` the hidden types, ``seasons`` the calendar).
"""

from __future__ import annotations

import difflib
from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from datetime import date
from typing import Any
from zoneinfo import available_timezones

BLOCK_SIZE = 5_000
"""People simulated and written at a time. Part of the world's definition: another size is another world."""

WORLDS = ("retail", "subscription")

VERSION = 1
"""Raised whenever the same settings give another world, so that old files are not taken for new ones."""


class WorldError(ValueError):
    """The settings describe no world; the message says which setting and what to do."""


@dataclass(frozen=True)
class WorldConfig:
    """Everything that decides a world. Equal settings give equal bytes."""

    world: str = "retail"
    """``retail``: people who order or do not; ``subscription``: people with contracts (``ml.simulator.contracts``)."""
    seed: int = 7
    customers: int = 20_000
    """People, whether they have one account, two, or none."""
    start: date = date(2023, 7, 1)
    """First day, in the shop's time zone."""
    end: date = date(2025, 10, 1)
    """First day that is not simulated any more."""
    time_zone: str = "Europe/Berlin"
    currency: str = "EUR"
    products: int = 600
    existing_share: float = 0.45
    """Share of people who were customers before the first day."""
    order_rate_scale: float = 1.0
    leaving_rate_scale: float = 1.0
    session_rate_scale: float = 1.0
    return_rate_per_year: float = 0.06
    """Rate at which somebody who has left comes back."""
    events_per_session: float = 1.6
    """Mean event rows of a visit; changes the size of the files, not what they tell."""
    message_reach: float = 0.18
    """Share of the people permitted whom a campaign is sent to, drawn at random."""
    campaign_every_days: int = 10
    message_effect_scale: float = 1.0
    ticket_share: float = 0.07
    """Share of orders that lead to a support ticket."""
    ticket_harm_scale: float = 1.0
    """How much an open or badly solved ticket raises the rate of leaving."""
    season_strength: float = 1.0
    yearly_trend: float = 0.05
    late_share: float = 0.03
    """Share of orders and visits that the shop's export delivers days late."""
    dirty_share: float = 0.002
    duplicate_share: float = 0.002

    def __post_init__(self) -> None:
        if self.world not in WORLDS:
            raise WorldError(f"simulator.world is {self.world!r}, it must be one of {', '.join(WORLDS)}")
        for name, low, high in _BOUNDS:
            value = getattr(self, name)
            if not low <= value <= high:
                raise WorldError(f"simulator.{name} is {value}, it must lie between {low} and {high}")
        if (self.end - self.start).days < 30:
            raise WorldError(f"simulator.end {self.end} must be at least 30 days after simulator.start {self.start}")
        if self.time_zone not in available_timezones():
            raise WorldError(f"simulator.time_zone: no such time zone: {self.time_zone}")

    @classmethod
    def from_settings(cls, settings: Mapping[str, Any]) -> WorldConfig:
        """Read a ``simulator:`` block.

        Raises
        ------
        WorldError
            An unknown key (the likely one is named), a value of the wrong type or out of bounds.
        """
        types = {field.name: type(field.default) for field in fields(cls)}
        values = {}
        for name, value in settings.items():
            if name not in types:
                near = difflib.get_close_matches(name, list(types), 1)
                raise WorldError(f"unknown key simulator.{name}" + (f", did you mean {near[0]}?" if near else ""))
            values[name] = _as_type(name, value, types[name])
        return cls(**values)

    @property
    def days(self) -> int:
        return (self.end - self.start).days

    @property
    def blocks(self) -> int:
        return -(-self.customers // BLOCK_SIZE)

    def block(self, index: int) -> range:
        """Indices of the people of one block."""
        return range(index * BLOCK_SIZE, min((index + 1) * BLOCK_SIZE, self.customers))

    def as_settings(self) -> dict[str, Any]:
        """Plain JSON values; ``from_settings`` reads them back.

        The retail world goes without saying: the files of worlds from before there was another are still theirs.
        """
        values = {name: str(value) if isinstance(value, date) else value for name, value in asdict(self).items()}
        return {name: value for name, value in values.items() if (name, value) != ("world", "retail")}


_BOUNDS: tuple[tuple[str, float, float], ...] = (
    ("seed", 0, 2**63 - 1),
    ("customers", 1, 100_000_000),
    ("products", 24, 1_000_000),
    ("existing_share", 0, 1),
    ("order_rate_scale", 0.01, 100),
    ("leaving_rate_scale", 0, 100),
    ("session_rate_scale", 0.01, 100),
    ("return_rate_per_year", 0, 10),
    ("events_per_session", 1, 100),
    ("message_reach", 0, 1),
    ("campaign_every_days", 1, 365),
    ("message_effect_scale", 0, 5),
    ("ticket_share", 0, 1),
    ("ticket_harm_scale", 0, 20),
    ("season_strength", 0, 3),
    ("yearly_trend", -1, 1),
    ("late_share", 0, 0.5),
    ("dirty_share", 0, 0.2),
    ("duplicate_share", 0, 0.2),
)


def _as_type(name: str, value: Any, wanted: type) -> Any:
    if wanted is date and isinstance(value, str):
        try:
            return date.fromisoformat(value)
        except ValueError:
            raise WorldError(f"simulator.{name}: {value!r} is no date; write it as 2025-07-01") from None
    if wanted is float and isinstance(value, int) and not isinstance(value, bool):
        return float(value)
    if not isinstance(value, wanted) or isinstance(value, bool):
        raise WorldError(f"simulator.{name}: {value!r} is no {wanted.__name__}")
    return value
