"""The oracle of the world of contracts, against brute force over every hidden course."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from itertools import product
from typing import Any

import numpy as np
import pytest

from ml.simulator import WorldConfig
from ml.simulator.contracts.evidence import Seen
from ml.simulator.contracts.laws import (
    ContractLaws,
    make_contract_laws,
)
from ml.simulator.contracts.oracle import churn_probability, no_notice, no_unpaid_end, posterior
from ml.simulator.people import NEVER

WORLD = WorldConfig(world="subscription", seed=5)
SEASON = np.ones(400)


def seen(people: int = 1, days: int = 40, **changes: Any) -> Seen:
    """Contracts by the month that began on day 0, of which nothing is on record but what is given."""
    nothing = np.zeros(people, np.int64)
    known = Seen(
        start=nothing, period=nothing, visits=np.zeros((days, people), np.int64), open=np.zeros((days, people), bool),
        solved=np.zeros((days, people), np.int64), failed=nothing, charged=nothing, waited=nothing, paid=nothing,
        due_since=nothing + NEVER,
    )  # fmt: skip
    return replace(known, **changes)


def tiny_laws() -> ContractLaws:
    laws = make_contract_laws(WorldConfig(world="subscription"))
    return replace(
        laws, prior=np.array([0.7, 0.3]), notice_rate=np.array([0.05, 0.2]), visit_rate=np.array([0.5, 1.5]),
        drift_start=0.2, drift_stop=0.3, sore_stop=0.25, ticket_rate=0.0,
    )  # fmt: skip


def moods(days: int) -> Iterator[list[tuple[int, int]]]:
    """Every course of (drifting, sore) that begins in the best mood."""
    for course in product(product((0, 1), (0, 1)), repeat=days - 1):
        yield [(0, 0), *course]


def weigh(laws: ContractLaws, known: Seen, kind: int, course: list[tuple[int, int]], as_of: int) -> float:
    """Probability of a hidden course together with all that was seen up to the as-of, by the laws, day by day."""
    weight = float(laws.prior[kind])
    for day, (drifts, sore) in enumerate(course):
        if day < as_of:
            rate = laws.visit_rate[kind] * (laws.drift_visits if drifts else 1.0)
            visible = laws.late_weights()[: as_of - day].sum()
            weight *= np.exp(-rate * visible) * rate ** known.visits[day, 0]
        turned = {sore: 1.0}
        if day < as_of and known.solved[day, 0]:
            turned = {0: 1 - laws.sore_share, 1: laws.sore_share} if not sore else {1: 1.0}
            said = {2: laws.low_rated, 3: tuple(1 - low for low in laws.low_rated)}.get(known.solved[day, 0], (1, 1))
            turned = {state: share * said[state] for state, share in turned.items()}
        step = 0.0
        for now, share in turned.items():
            hazard = laws.notice_rate[kind] * laws.calendar_factor(known.start, known.period, day)[0]
            hazard *= (laws.drift_notice if drifts else 1) * (laws.sore_notice if now else 1)
            hazard *= laws.open_notice if day < as_of and known.open[day, 0] else 1
            step += share * float(np.exp(-hazard)) * _into_next(laws, drifts, now, course, day)
        weight *= step
    return weight


def _into_next(laws: ContractLaws, drifts: int, sore: int, course: list[tuple[int, int]], day: int) -> float:
    if day + 1 == len(course):
        return 1.0
    to_drift, to_sore = course[day + 1]
    move = laws.drift_stop if drifts else laws.drift_start
    heals = laws.sore_stop if sore else 0.0
    return (move if to_drift != drifts else 1 - move) * (
        (heals if not to_sore else 1 - heals) if sore else float(not to_sore)
    )


def test_the_oracle_equals_brute_force_over_every_hidden_course() -> None:
    as_of, laws = 4, tiny_laws()
    visits = np.array([[1], [0], [2], [0]])
    known = seen(
        days=as_of, visits=visits, solved=np.array([[0], [2], [0], [0]]), open=np.array([[1], [0], [0], [0]]) > 0
    )
    belief = posterior(known, laws, SEASON, as_of)
    horizon = 31 - as_of  # the renewal on day 30; the last day for notice is the 16th
    found = no_notice(belief, known, laws, as_of, horizon)[0]
    # Brute force as far as courses can be told: two more days, by moving the deadline.
    total = np.zeros(2)
    for kind in range(2):
        for course in moods(as_of + 1):
            total[0] += weigh(laws, known, kind, course[:as_of], as_of) if course[as_of] == (0, 0) else 0
            total[1] += weigh(laws, known, kind, course, as_of)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("ml.simulator.contracts.oracle.NOTICE_DAYS", (30 - as_of, 30))
        one_night = no_notice(belief, known, laws, as_of, horizon)[0]
    assert one_night == pytest.approx(total[1] / total[0], rel=1e-9)
    assert found < one_night


def test_coming_less_being_sore_and_failing_to_pay_raise_the_risk() -> None:
    laws, day = make_contract_laws(WORLD), 100
    often = np.tile(np.array([[1], [0], [0]]), (34, 1))[:day]
    stopped = often.copy()
    stopped[70:] = 0
    low = np.zeros((day, 1), np.int64)
    low[95] = 2
    risk = {
        name: churn_probability(seen(days=day, **{"visits": often, **changes}), laws, SEASON, day, 60)[0]
        for name, changes in {
            "well": {}, "stopped": {"visits": stopped}, "sore": {"solved": low},
            "failed before": {"failed": np.array([2]), "charged": np.array([3])},
            "past due": {"failed": np.array([1]), "charged": np.array([3]), "due_since": np.array([90])},
        }.items()
    }  # fmt: skip
    assert min(risk, key=lambda name: risk[name]) == "well"
    assert risk["stopped"] > 1.5 * risk["well"]
    assert risk["past due"] > risk["failed before"] > risk["well"]


def test_a_year_that_ends_after_the_horizon_cannot_be_left_but_for_non_payment() -> None:
    laws, yearly = make_contract_laws(WORLD), np.array([1])
    known = seen(days=100, period=yearly)
    assert no_notice(posterior(known, laws, SEASON, 100), known, laws, 100, 60)[0] == pytest.approx(1)
    assert no_unpaid_end(known, 100, 60)[0] == 1
    owing = seen(days=100, period=yearly, due_since=np.array([90]), failed=np.array([1]), charged=np.array([1]))
    assert no_unpaid_end(owing, 100, 60)[0] < 0.9
