"""What people leave behind while they are customers, and a little after: visits, opened messages, answers.

Belongs here: draws that depend on a person's life and change nothing in it. Does not belong here: the life
itself (``life``).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from ml.simulator.config import WorldConfig
from ml.simulator.draws import choose, stream
from ml.simulator.latent import NPS_PER_DAY, Laws
from ml.simulator.life import Columns, Life
from ml.simulator.people import ANONYMOUS_SHARE, APP_SHARE, People
from ml.simulator.seasons import Calendar

KIOSK_SHARE = 0.03
"""Share of logged-in web visits that happen on the kiosk."""


@dataclass(frozen=True)
class Traces:
    """One block's traces: tables as columns of equal length, one row per fact."""

    sessions: Columns
    """person, day, late; in_app, named, on_kiosk: how the visit can be recognised."""
    opens: Columns
    """person, day sent, day opened, clicked."""
    answers: Columns
    """person, day, group (0 to 2)."""


def make_traces(config: WorldConfig, laws: Laws, calendar: Calendar, people: People, life: Life) -> Traces:
    random = stream(config.seed, "traces", people.block)
    return Traces(
        sessions=_sessions(random, laws, calendar, people, life),
        opens=_opens(random, laws, people, life),
        answers=_answers(random, laws, calendar, people, life),
    )


def _sessions(random: np.random.Generator, laws: Laws, calendar: Calendar, people: People, life: Life) -> Columns:
    """Visits without an order, by day and person."""
    rate = np.where(life.alive, laws.session_rate[people.kind], laws.gone_session_rate)
    rate = rate * calendar.session_season[: calendar.days, None] * _present(calendar, people)
    count = random.poisson(rate)
    day, person = np.nonzero(count)
    times = count[day, person]
    day, person = np.repeat(day, times), np.repeat(person, times)
    late = choose(random, laws.late_weights(), len(day))
    return {"person": person, "day": day, "late": late, **_recognised(random, people, person)}


def _recognised(random: np.random.Generator, people: People, person: npt.NDArray[np.int64]) -> Columns:
    n = len(person)
    app = people.uses_app[person] & (random.random(n) < APP_SHARE)
    named = app | (people.has_account[person] & (random.random(n) >= ANONYMOUS_SHARE))
    kiosk = named & ~app & (random.random(n) < KIOSK_SHARE)
    return {name: flag.astype(np.int64) for name, flag in (("in_app", app), ("named", named), ("on_kiosk", kiosk))}


def _present(calendar: Calendar, people: People) -> npt.NDArray[np.bool_]:
    day = np.arange(calendar.days)[:, None]
    return (people.entry_day < day) & (people.erasure_day > day)


def _opens(random: np.random.Generator, laws: Laws, people: People, life: Life) -> Columns:
    day, person = np.nonzero(life.sent)
    chance = np.where(life.alive[day, person], laws.open_share[laws.temper[people.kind[person]]], laws.gone_open_share)
    opened = random.random(len(day)) < chance
    clicked = random.random(len(day)) < 0.2
    wait = random.integers(0, 2, len(day))
    rows = np.flatnonzero(opened)
    return {
        "person": person[rows],
        "day": day[rows],
        "opened": (day + wait)[rows],
        "clicked": clicked[rows].astype(np.int64),
    }


def _answers(random: np.random.Generator, laws: Laws, calendar: Calendar, people: People, life: Life) -> Columns:
    present = _present(calendar, people)
    chance = np.where(life.alive, NPS_PER_DAY, NPS_PER_DAY * laws.gone_nps_factor) * present
    day, person = np.nonzero(random.random(life.alive.shape) < chance)
    weights = np.where(life.alive[day, person][:, None], laws.nps[people.kind[person]], laws.gone_nps)
    group = (random.random(len(day))[:, None] > np.cumsum(weights, axis=1)).sum(axis=1)
    return {"person": person, "day": day, "group": np.minimum(group, 2)}
