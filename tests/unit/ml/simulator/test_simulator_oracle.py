from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import date
from itertools import product
from math import exp, factorial, prod
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow.parquet as pq
import pytest
from sklearn.metrics import roc_auc_score

from ml.simulator import WorldConfig, oracle_churn_probability, outcomes, simulate
from ml.simulator.evidence import Evidence
from ml.simulator.filtering import no_order_probability, posterior
from ml.simulator.latent import NPS_PER_DAY, Laws, make_laws

HISTORY, HORIZON = 4, 3


@pytest.fixture(scope="module")
def tiny_laws() -> Laws:
    """Three types that differ in everything, and much more movement than in the real world."""
    laws = make_laws(WorldConfig())
    return replace(
        laws,
        prior=np.array([0.5, 0.3, 0.2]),
        order_rate=np.array([0.2, 0.7, 0.4]),
        leaving_rate=np.array([0.3, 0.1, 0.5]),
        session_rate=np.array([0.3, 0.9, 0.6]),
        temper=np.array([0, 1, 0]),
        nps=np.array([[0.2, 0.3, 0.5], [0.6, 0.3, 0.1], [0.1, 0.1, 0.8]]),
        return_rate=0.2,
        unsubscribe_staying=0.05,
        unsubscribe_leaving=0.4,
        unsubscribe_gone=0.1,
        gone_session_rate=0.1,
        cancelled_share=0.1,
    )


def tiny_evidence(seed: int) -> Evidence:
    """Five people with every kind of evidence, one of whom enters on the second day."""
    random, n, days = np.random.default_rng(seed), 5, HISTORY + HORIZON
    left = random.integers(0, HISTORY + 2, n)
    day = np.arange(HISTORY)[:, None]
    return Evidence(
        entry_day=np.array([-1, -1, -1, -1, 1]),
        ordered=random.random((HISTORY, n)) < 0.25,
        sessions=random.integers(0, 3, (HISTORY, n)),
        opened=random.integers(-1, 2, (HISTORY, n)),
        answer=np.where(random.random((HISTORY, n)) < 0.3, random.integers(0, 3, (HISTORY, n)), -1),
        unsubscribed=day == left,
        subscribed=day <= left,
        recent=random.integers(0, 2, (days, n)).astype(float),
        fatigue=random.integers(0, 3, (days, n)).astype(float),
        leaving_factor=random.choice([1.0, 2.5], (days, n)),
        order_visible=np.array([1.0, 1.0, 0.8, 0.6]),
        session_visible=random.choice([0.5, 1.0], (HISTORY, n)),
        order_season=random.uniform(0.5, 1.5, days),
        session_season=random.uniform(0.5, 1.5, days),
    )


def paths(first_day: int) -> Iterator[tuple[bool, ...]]:
    """Every course of being a customer from the first day on to the end of the horizon."""
    for rest in product((True, False), repeat=HISTORY + HORIZON - first_day - 1):
        yield (True, *rest)


def weigh(evidence: Evidence, laws: Laws, person: int, kind: int, path: tuple[bool, ...]) -> tuple[float, float]:
    """P(type, path, evidence), and the same with no order in the horizon; written down from the laws, day by day."""
    first, weight, quiet = int(evidence.entry_day[person]) + 1, float(laws.prior[kind]), 1.0
    temper = laws.temper[kind]
    for place, here in enumerate(path):
        day = first + place
        factor = exp(
            laws.gain[temper] * evidence.recent[day, person] - laws.fatigue[temper] * evidence.fatigue[day, person]
        )
        buys = 1 - exp(-laws.order_rate[kind] * evidence.order_season[day] * factor) if here else 0.0
        if day < HISTORY:
            shown = evidence.order_visible[day] * buys
            weight *= shown if evidence.ordered[day, person] else 1 - shown
            weight *= traces(evidence, laws, person, kind, day, here)
        else:
            quiet *= 1 - buys * (1 - laws.cancelled_share)
        if place + 1 < len(path):
            weight *= night(evidence, laws, person, kind, day, here, path[place + 1])
    return weight, weight * quiet


def traces(evidence: Evidence, laws: Laws, person: int, kind: int, day: int, here: bool) -> float:
    rate = laws.session_rate[kind] if here else laws.gone_session_rate
    mean, seen = (
        rate * evidence.session_season[day] * evidence.session_visible[day, person],
        int(evidence.sessions[day, person]),
    )
    opens = laws.open_share[laws.temper[kind]] if here else laws.gone_open_share
    told = {-1: 1.0, 0: 1 - opens, 1: opens}[int(evidence.opened[day, person])]
    answers = NPS_PER_DAY * (1 if here else laws.gone_nps_factor)
    group = int(evidence.answer[day, person])
    groups = laws.nps[kind] if here else laws.gone_nps
    said = 1 - answers if group < 0 else answers * groups[group]
    return float(exp(-mean) * mean**seen / factorial(seen) * told * said)


def night(evidence: Evidence, laws: Laws, person: int, kind: int, day: int, here: bool, then: bool) -> float:
    leaves = 1 - exp(-laws.leaving_rate[kind] * evidence.leaving_factor[day, person])
    moves = {
        (True, True): 1 - leaves, (True, False): leaves,
        (False, True): laws.return_rate, (False, False): 1 - laws.return_rate,
    }[here, then]  # fmt: skip
    if day >= HISTORY or not evidence.subscribed[day, person]:
        return moves
    withdraws = (laws.unsubscribe_staying if then else laws.unsubscribe_leaving) if here else laws.unsubscribe_gone
    return moves * (withdraws if evidence.unsubscribed[day, person] else 1 - withdraws)


@pytest.mark.parametrize("seed", range(4))
def test_the_oracle_equals_brute_force_over_every_hidden_course(seed: int, tiny_laws: Laws) -> None:
    evidence = tiny_evidence(seed)
    found = no_order_probability(posterior(evidence, tiny_laws), evidence, tiny_laws)
    for person in range(len(found)):
        total = np.zeros(2)
        for kind in range(tiny_laws.types):
            for path in paths(int(evidence.entry_day[person]) + 1):
                total += weigh(evidence, tiny_laws, person, kind, path)
        assert found[person] == pytest.approx(total[1] / total[0], rel=1e-10)


@pytest.fixture(scope="module")
def judged(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, date, pd.DataFrame]:
    """A world of three thousand people, the oracle's probability and what then happened."""
    folder = tmp_path_factory.mktemp("judged")
    config = WorldConfig(seed=5, customers=3000, products=60, start=date(2024, 1, 1), end=date(2025, 1, 1))
    simulate(config, folder / "landing", folder / "truth")
    as_of = date(2024, 10, 1)
    scores = oracle_churn_probability(folder / "truth", as_of, 90)
    both = scores.merge(outcomes(folder / "truth", as_of, 90, 240), on="person_id")
    return folder / "truth", as_of, both[both["is_eligible"]]


def test_the_oracle_is_calibrated(judged: tuple[Path, date, pd.DataFrame]) -> None:
    _, _, people = judged
    band = pd.qcut(people["churn_probability"], 8, labels=False)
    said = people.groupby(band)["churn_probability"]
    happened = people.groupby(band)["has_churned"].mean()
    noise = np.sqrt((said.mean() * (1 - said.mean())) / said.size())
    assert (abs(said.mean() - happened) < 3.5 * noise).all()
    assert people["churn_probability"].mean() == pytest.approx(people["has_churned"].mean(), abs=0.03)


def test_the_oracle_ranks_better_than_any_single_feature(judged: tuple[Path, date, pd.DataFrame]) -> None:
    truth, as_of, people = judged
    oracle = roc_auc_score(people["has_churned"], people["churn_probability"])
    assert 0.78 < oracle < 0.92
    day = (as_of - date(2024, 1, 1)).days
    numbers = people["person_id"].str[1:].astype(int)
    for name in ("orders", "sessions", "messages"):
        seen = pq.read_table(truth / f"observed_{name}.parquet", filters=[("day", "<", day)]).to_pandas()
        last = seen.groupby("person")["day"].max().reindex(numbers).fillna(-1)
        often = seen.groupby("person")["day"].count().reindex(numbers).fillna(0)
        for feature in (-last, -often):
            assert roc_auc_score(people["has_churned"], feature) < oracle - 0.02


def test_an_as_of_outside_the_world_is_refused(judged: tuple[Path, date, pd.DataFrame]) -> None:
    with pytest.raises(ValueError, match="the world runs 2024-01-01 to 2025-01-01"):
        oracle_churn_probability(judged[0], date(2023, 12, 31), 90)


def test_prior_and_distributions_sum_to_one() -> None:
    laws = make_laws(WorldConfig())
    sums = [
        laws.prior.sum(),
        laws.resolve_weights().sum(),
        laws.late_weights().sum(),
        *laws.nps.sum(axis=1),
        laws.gone_nps.sum(),
    ]
    assert prod(sums) == pytest.approx(1)
