"""What the pipeline could see of one block of people at an as-of, as arrays for the oracle.

Belongs here: the cut by occurred-at and known-at, who can be recognised, expectations of what is still to come
(messages, tickets). Does not belong here: inference (``filtering``) and files (``oracle`` reads them).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from ml.simulator.courses import leaving_factor
from ml.simulator.latent import FATIGUE_DAYS, GAIN_DAYS, Laws
from ml.simulator.life import Columns
from ml.simulator.people import NEVER
from ml.simulator.seasons import LAPSED_AFTER_DAYS, Calendar, Campaigns

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]


@dataclass(frozen=True)
class Observed:
    """One block's visible history, rows as the simulator recorded them; ``person`` counts within the block."""

    entry_day: Ints
    always_identified: Floats
    """Share of visits that name the person even if the cookie joins nobody."""
    partner_entry_day: Ints
    permitted: npt.NDArray[np.bool_]
    """People x channels, as decided on entry."""
    unsubscribed_day: Ints
    orders: Columns
    """person, day, late."""
    sessions: Columns
    """person, day, late, named."""
    messages: Columns
    """person, day, opened (0 or 1)."""
    answers: Columns
    """person, day, group."""
    tickets: Columns
    """person, day, resolved, rating, order_day."""


@dataclass(frozen=True)
class Evidence:
    """Arrays over days x people: 0 .. as_of - 1 seen, then the horizon in expectation."""

    entry_day: Ints
    ordered: npt.NDArray[np.bool_]
    sessions: Ints
    opened: Ints
    """-1 nothing to tell, 0 a message that was not opened, 1 one that was."""
    answer: Ints
    """-1 none, else group 0 to 2."""
    unsubscribed: npt.NDArray[np.bool_]
    subscribed: npt.NDArray[np.bool_]
    recent: Floats
    """Over history and horizon: a message within the gain window (a probability in the horizon)."""
    fatigue: Floats
    leaving_factor: Floats
    order_visible: Floats
    """By day: chance that an order of that day would be known by the as-of."""
    session_visible: Floats
    """Days x people: the same for a visit, recognised as this person's."""
    order_season: Floats
    session_season: Floats

    @property
    def history(self) -> int:
        return len(self.ordered)

    @property
    def horizon(self) -> int:
        return len(self.recent) - self.history


def see(observed: Observed, laws: Laws, calendar: Calendar, campaigns: Campaigns, as_of: int, horizon: int) -> Evidence:
    """Cut one block at day ``as_of``: it sees day d's row that is n days late if d + n < as_of.

    The shop's files are exported in the night after each day, between 03:00 and 05:00 local time; any
    knowledge lag of 5 to 23 hours therefore sees the same.
    """
    n = len(observed.entry_day)
    hub = observed.partner_entry_day < as_of
    arrived = np.array([laws.late_weights()[: max(0, as_of - day)].sum() for day in range(as_of)])
    orders = _arrived(observed.orders, as_of)
    sessions = _arrived(observed.sessions, as_of)
    known = (sessions["named"] == 1) | ~hub[sessions["person"]]
    messages = {name: column[observed.messages["day"] < as_of] for name, column in observed.messages.items()}
    opened = np.full((as_of, n), -1)
    told = messages["day"] < as_of - 1  # what became of a message is exported two nights later
    opened[messages["day"][told], messages["person"][told]] = messages["opened"][told]
    recent, fatigue = _exposure(observed, messages, orders, campaigns, as_of, horizon)
    day = np.arange(as_of)[:, None]
    unsubscribed = observed.unsubscribed_day
    return Evidence(
        entry_day=observed.entry_day,
        ordered=_count(orders, as_of, n) > 0,
        sessions=_count({name: column[known] for name, column in sessions.items()}, as_of, n),
        opened=opened,
        answer=_answers(observed.answers, as_of, n),
        unsubscribed=day == unsubscribed,
        subscribed=observed.permitted[:, 0] & (day <= unsubscribed) & (day > observed.entry_day),
        recent=recent,
        fatigue=fatigue,
        leaving_factor=leaving_factor(observed.tickets, orders, laws, as_of, horizon, n),
        order_visible=arrived,
        session_visible=arrived[:, None] * np.where(hub, observed.always_identified, 1.0),
        order_season=calendar.order_season[: as_of + horizon],
        session_season=calendar.session_season[: as_of + horizon],
    )


def _arrived(rows: Columns, as_of: int) -> Columns:
    seen = rows["day"] + rows["late"] < as_of
    return {name: column[seen] for name, column in rows.items()}


def _count(rows: Columns, days: int, people: int) -> Ints:
    cells = np.bincount(rows["day"] * people + rows["person"], minlength=days * people)
    return cells.reshape(days, people)


def _answers(rows: Columns, as_of: int, people: int) -> Ints:
    answer = np.full((as_of, people), -1)
    seen = rows["day"] < as_of
    answer[rows["day"][seen], rows["person"][seen]] = rows["group"][seen]
    return answer


def _exposure(
    observed: Observed, messages: Columns, orders: Columns, campaigns: Campaigns, as_of: int, horizon: int
) -> tuple[Floats, Floats]:
    """Messages in the gain window and in four weeks; beyond the as-of by the sending plan, if nothing is bought."""
    n = len(observed.entry_day)
    sent = np.zeros((as_of + horizon, n))
    sent[messages["day"], messages["person"]] = 1
    last = np.where(observed.entry_day < 0, -NEVER, observed.entry_day)
    np.maximum.at(last, orders["person"], orders["day"])
    still = observed.permitted.copy()
    still[:, 0] &= observed.unsubscribed_day >= as_of
    for day in range(as_of, as_of + horizon):
        if campaigns.channel[day] >= 0:
            lapsed = ~campaigns.is_lapsed_play[day] | (last < day - LAPSED_AFTER_DAYS)
            sent[day] = campaigns.reach[day] * (still[:, campaigns.channel[day]] & lapsed)
    with np.errstate(divide="ignore"):
        quiet = np.log1p(-sent)
    return -np.expm1(_window(quiet, GAIN_DAYS)), _window(sent, FATIGUE_DAYS)


def _window(values: Floats, days: int) -> Floats:
    """Sum of each day and the days - 1 before it."""
    total = values.copy()
    for back in range(1, days):
        total[back:] += values[:-back]
    return total
