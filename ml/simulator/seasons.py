"""The world's calendar: season, trend, campaign days and the shop's local clock.

Belongs here: whatever depends on the day alone. Does not belong here: anything about people.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from zoneinfo import ZoneInfo

import numpy as np
import numpy.typing as npt

from ml.simulator.config import WorldConfig

WEEKDAYS = (1.00, 0.94, 0.95, 0.99, 1.10, 1.18, 0.84)
"""Monday to Sunday."""
DAY_SECONDS = 86_400
SPARE_DAYS = 800
"""Days after the end that the calendar still knows: horizons and late exports reach beyond it."""
CHANNELS = ("email", "push", "sms")
LAPSED_AFTER_DAYS = 75
LAPSED_EVERY_DAYS = 14
LAPSED_FACTOR = 1.0
"""Reach of the play for lapsed people, against that of a campaign."""


@dataclass(frozen=True)
class Calendar:
    """Arrays over days 0 .. days + SPARE_DAYS; day 0 is the first of the world."""

    start: date
    days: int
    order_season: npt.NDArray[np.float64]
    session_season: npt.NDArray[np.float64]
    utc_offset: npt.NDArray[np.int64]
    """Seconds that the local clock is ahead of UTC, valid from 03:00 local on."""
    first_day: int
    """Day 0 as days since 1970-01-01."""

    def day_of(self, instant: date) -> int:
        return (instant - self.start).days

    def local_seconds(self, day: npt.NDArray[np.int64], second: npt.NDArray[np.int64]) -> npt.NDArray[np.int64]:
        """Local clock as seconds since 1970-01-01 00:00 local."""
        return (day + self.first_day) * DAY_SECONDS + second

    def to_utc(self, local: npt.NDArray[np.int64]) -> npt.NDArray[np.int64]:
        """UTC seconds of local ones."""
        return local - self.offset_of(local)

    def offset_of(self, local: npt.NDArray[np.int64]) -> npt.NDArray[np.int64]:
        """Seconds ahead of UTC at local times from 03:00 on; beyond the calendar, those of its outermost day."""
        day = local // DAY_SECONDS - self.first_day + SPARE_DAYS * 5
        return self.utc_offset[np.clip(day, 0, len(self.utc_offset) - 1)]


def make_calendar(config: WorldConfig) -> Calendar:
    days = [config.start + timedelta(days=d) for d in range(config.days + SPARE_DAYS)]
    weekly = np.array([WEEKDAYS[day.weekday()] for day in days])
    shape = np.array([_yearly(day) for day in days]) * config.season_strength
    trend = (1 + config.yearly_trend) ** (np.arange(len(days)) / 365.25)
    zone = ZoneInfo(config.time_zone)
    # Offsets reach years back, for people who were customers before the first day.
    wide = [config.start + timedelta(days=d) for d in range(-SPARE_DAYS * 5, config.days + SPARE_DAYS)]
    noons = [datetime.combine(day, time(12), zone).utcoffset() or timedelta() for day in wide]
    return Calendar(
        start=config.start,
        days=config.days,
        order_season=np.exp(shape) * weekly * trend,
        session_season=np.exp(shape / 2) * weekly * trend,
        utc_offset=np.array([int(offset.total_seconds()) for offset in noons]),
        first_day=(config.start - date(1970, 1, 1)).days,
    )


def _yearly(day: date) -> float:
    """Log factor: a slow wave with its top in autumn, and the weeks before Christmas."""
    of_year = day.timetuple().tm_yday
    wave = 0.10 * np.cos(2 * np.pi * (of_year - 300) / 365.25)
    feast = 0.45 * np.exp(-(((of_year - 340) / 14) ** 2))
    return float(wave + feast - 0.04)


@dataclass(frozen=True)
class Campaigns:
    """Which message goes out on which day: -1 none, else an index into CHANNELS."""

    channel: npt.NDArray[np.int64]
    is_lapsed_play: npt.NDArray[np.bool_]
    """Only to people without an order for LAPSED_AFTER_DAYS; otherwise to everybody permitted."""
    reach: npt.NDArray[np.float64]


def make_campaigns(config: WorldConfig) -> Campaigns:
    """The sending plan, by day alone; runs on beyond the end so that the oracle can look ahead."""
    day = np.arange(config.days + SPARE_DAYS)
    regular = day % config.campaign_every_days == 0
    turn = day // config.campaign_every_days % 10
    lapsed = (day % LAPSED_EVERY_DAYS == 3) & ~regular
    channel = np.where(turn < 7, 0, np.where(turn < 9, 1, 2))
    reach = np.where(
        regular, config.message_reach, np.where(lapsed, min(1.0, config.message_reach * LAPSED_FACTOR), 0.0)
    )
    return Campaigns(np.where(regular, channel, np.where(lapsed, 0, -1)), lapsed, reach)
