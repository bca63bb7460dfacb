"""The oracle of the world of contracts: the best probability that anybody could give with what was on record.

Belongs here: exact inference of the hidden type and moods, and of the payer, and their projection over the horizon.
Does not belong here: the laws (``laws``), what is evidence (``evidence``).

It knows the true parameters and no hidden state. A contract ends within the horizon by notice or for non-payment; the
two courses depend on nothing in common (``life`` draws them so), so the chance of staying is the product of theirs.
Source: the forward algorithm of hidden Markov models, Rabiner 1989.
"""

from __future__ import annotations

from datetime import date
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow.parquet as pq

from ml.simulator.block import World
from ml.simulator.contracts.evidence import Seen, see
from ml.simulator.contracts.laws import (
    GRACE_DAYS,
    NOTICE_DAYS,
    PAYERS,
    PERIOD_DAYS,
    ContractLaws,
    make_contract_laws,
    next_renewal,
)
from ml.simulator.people import NEVER

Floats = np.ndarray
Ints = np.ndarray


def contract_churn_probability(truth: Path, world: World, as_of: date, horizon_days: int) -> pd.DataFrame:
    """P(the contract does not run any more at the end of the horizon), for contracts that run without notice.

    Returns
    -------
    DataFrame with ``person_id``, ``account_id``, ``churn_probability``.
    """
    day, laws = world.calendar.day_of(as_of), make_contract_laws(world.config)
    people = pq.read_table(truth / "people.parquet").to_pandas()
    parts = []
    for number in range(world.config.blocks):
        own = people[people["person"].isin(world.config.block(number)) & asked(people, day)]
        if len(own):
            seen = see(truth, own, day)
            chance = churn_probability(seen, laws, world.calendar.session_season, day, horizon_days)
            parts.append(own[["person_id", "account_id"]].assign(churn_probability=chance))
    return pd.concat(parts, ignore_index=True)


def contract_outcomes(truth: Path, world: World, as_of: date, horizon_days: int) -> pd.DataFrame:
    """What then really happened: ``person_id``, ``is_eligible``, ``has_churned``, ``is_unpaid`` (why)."""
    day = world.calendar.day_of(as_of)
    people = pq.read_table(truth / "people.parquet").to_pandas()
    due = pq.read_table(truth / "observed_dues.parquet").to_pandas()
    owing = people["person"].isin(due[(due["since"] < day) & (due["until"] >= day)]["person"])
    renewal = next_renewal(people["start_day"].to_numpy(), people["period"].to_numpy(), day)
    people["is_eligible"] = asked(people, day) & ((renewal < day + horizon_days) | owing)
    people["has_churned"] = people["end_day"] < day + horizon_days
    people["is_unpaid"] = people["is_unpaid_end"] & people["has_churned"]
    there = (people["start_day"] < day) & (people["end_day"] >= day)
    return people.loc[there, ["person_id", "is_eligible", "has_churned", "is_unpaid"]].reset_index(drop=True)


def asked(people: pd.DataFrame, day: int) -> pd.Series:
    """Whose contract runs at the beginning of the day, without notice."""
    return (people["start_day"] < day) & (people["end_day"] >= day) & (people["notice_day"] >= day)


def churn_probability(seen: Seen, laws: ContractLaws, season: Floats, day: int, horizon: int) -> Floats:
    """P(churn), (people,); ``season`` is the factor on visits by day."""
    belief = posterior(seen, laws, season, day)
    return 1 - no_notice(belief, seen, laws, day, horizon) * no_unpaid_end(seen, day, horizon)


def posterior(seen: Seen, laws: ContractLaws, season: Floats, as_of: int) -> Floats:
    """Belief over type x drifting x sore, (K, 2, 2, people), at the beginning of the as-of day."""
    fresh = np.zeros((laws.types, 2, 2, len(seen.start)))
    fresh[:, 0, 0] = laws.prior[:, None]
    belief = fresh.copy()
    known = np.cumsum(laws.late_weights())
    rate = laws.visit_rate[:, None] * np.array([1.0, laws.drift_visits])
    for day in range(int(seen.start.min()), as_of):
        visible = known[min(as_of - 1 - day, len(known) - 1)]
        expected = rate[:, :, None, None] * (season[day] * visible)
        likely = np.exp(-expected) * rate[:, :, None, None] ** seen.visits[day]
        moved = _serve(belief * likely, laws, seen.solved[day])
        moved = moved * np.exp(-_hazard(seen, laws, day, seen.open[day]))
        moved = _change_moods(moved, laws)
        began = seen.start <= day
        belief = np.where(began, moved / moved.sum(axis=(0, 1, 2)), fresh)
    return belief


def no_notice(belief: Floats, seen: Seen, laws: ContractLaws, as_of: int, horizon: int) -> Floats:
    """P(no notice that ends the contract within the horizon), (people,)."""
    last = _last_deadline(seen, as_of, horizon)
    # A further dimension: whether a ticket is open. From here on tickets come and go at expectation.
    is_open = seen.open[as_of - 1]
    closed, opened = belief * ~is_open, belief * is_open
    for day in range(as_of, as_of + horizon):
        solved = opened * laws.solve_rate
        opens = closed * laws.ticket_rate
        closed, opened = closed - opens + _sour(solved, laws), opened - solved + opens
        counts = day <= last
        for state, has_ticket in ((closed, False), (opened, True)):
            state *= np.exp(-_hazard(seen, laws, day, np.full(len(counts), has_ticket)) * counts)
        closed, opened = _change_moods(closed, laws), _change_moods(opened, laws)
    return (closed + opened).sum(axis=(0, 1, 2))


def no_unpaid_end(seen: Seen, as_of: int, horizon: int) -> Floats:
    """P(no end for non-payment within the horizon), (people,)."""
    end, weights, stays = as_of + horizon, [], []
    for fails, pays, share in PAYERS:
        weights.append(share * _payment_likelihood(seen, fails, pays))
        owing = seen.due_since < NEVER
        draws_left = np.clip(seen.due_since + GRACE_DAYS - 1 - np.maximum(as_of - 1, seen.due_since), 0, None)
        lost = (1 - pays) ** np.where(owing, draws_left, 0) * owing * (seen.due_since + GRACE_DAYS < end)
        stay = 1 - lost
        renewal = next_renewal(seen.start, seen.period, as_of)
        for _ in range(-(-horizon // PERIOD_DAYS[0]) + 1):
            stay = stay * (1 - fails * (1 - pays) ** (GRACE_DAYS - 1) * (renewal + GRACE_DAYS < end))
            renewal = renewal + np.asarray(PERIOD_DAYS)[seen.period]
        stays.append(stay)
    return np.average(np.stack(stays), axis=0, weights=np.stack(weights))


def _payment_likelihood(seen: Seen, fails: float, pays: float) -> Floats:
    log = seen.failed * np.log(fails) + (seen.charged - seen.failed) * np.log1p(-fails)
    return np.exp(log + seen.waited * np.log1p(-pays) + seen.paid * np.log(pays))


def _last_deadline(seen: Seen, as_of: int, horizon: int) -> Ints:
    """Last day on which notice ends the contract within the horizon; before the as-of where none does."""
    length = np.asarray(PERIOD_DAYS)[seen.period]
    first = next_renewal(seen.start, seen.period, as_of)
    last = first + (as_of + horizon - 1 - first) // length * length
    return np.where(first < as_of + horizon, last - np.asarray(NOTICE_DAYS)[seen.period], as_of - 1)


def _hazard(seen: Seen, laws: ContractLaws, day: int, is_open: np.ndarray) -> Floats:
    """Of notice on a day, (K, 2, 2, people)."""
    on_record = laws.calendar_factor(seen.start, seen.period, day) * np.where(is_open, laws.open_notice, 1.0)
    mood = np.array([1.0, laws.drift_notice])[:, None] * np.array([1.0, laws.sore_notice])
    return laws.notice_rate[:, None, None, None] * mood[:, :, None] * on_record


def _serve(belief: Floats, laws: ContractLaws, solved: Ints) -> Floats:
    """What a solved ticket and its rating tell."""
    after = np.where(solved > 0, _sour(belief, laws), belief)
    low = np.asarray(laws.low_rated)[:, None]
    said = np.where(solved == 2, low, np.where(solved == 3, 1 - low, 1.0))
    return np.asarray(after * said)


def _sour(belief: Floats, laws: ContractLaws) -> Floats:
    """A ticket is solved: some are sore from now on."""
    after = belief.copy()
    turned = belief[:, :, 0] * laws.sore_share
    after[:, :, 0] -= turned
    after[:, :, 1] += turned
    return after


def _change_moods(belief: Floats, laws: ContractLaws) -> Floats:
    after = belief.copy()
    starts, stops = belief[:, 0] * laws.drift_start, belief[:, 1] * laws.drift_stop
    after[:, 0] += stops - starts
    after[:, 1] += starts - stops
    healed = after[:, :, 1] * laws.sore_stop
    after[:, :, 0] += healed
    after[:, :, 1] -= healed
    return after
