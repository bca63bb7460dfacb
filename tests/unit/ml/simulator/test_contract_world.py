"""The world of contracts: what its files say, and an oracle that knows its laws and no hidden state."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from dataclasses import replace
from datetime import date, timedelta
from itertools import product
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import yaml

from ml.simulator import WorldConfig, oracle_churn_probability, outcomes, simulate
from ml.simulator.contracts import laws as contract_laws
from ml.simulator.contracts.evidence import Seen
from ml.simulator.contracts.laws import (
    GRACE_DAYS,
    PERIOD_DAYS,
    ContractLaws,
    effective_end,
    last_price_rise,
    make_contract_laws,
    next_renewal,
)
from ml.simulator.contracts.oracle import churn_probability, no_notice, no_unpaid_end, posterior
from ml.simulator.layouts import LAYOUTS
from ml.simulator.people import NEVER

ROOT = Path(__file__).resolve().parents[4]
WORLD = WorldConfig(world="subscription", seed=5, customers=1500, start=date(2024, 1, 1), end=date(2025, 7, 1))


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    found = tmp_path_factory.mktemp("contracts")
    simulate(WORLD, found / "landing", found / "truth")
    return found


@pytest.fixture(scope="module")
def versions(folder: Path) -> pd.DataFrame:
    """Every good version of every contract once, in the order in which they came to be."""
    rows = pd.read_csv(folder / "landing" / "subscriptions.csv", dtype=str).drop_duplicates()
    allowed = ("active", "past_due", "cancelled", "ended")
    good = rows["status"].isin(allowed) & (rows["currency"] == "EUR") & (rows["price"].astype(float) > 0)
    rows = rows[good & (rows["started_at"] != "soon")]
    return rows.sort_values(["subscription_id", "updated_at"]).reset_index(drop=True)


def digests(folder: Path) -> dict[str, str]:
    return {path.name: hashlib.sha256(path.read_bytes()).hexdigest() for path in sorted(folder.iterdir())}


def test_the_same_settings_give_the_same_bytes(tmp_path: Path) -> None:
    tiny = replace(WORLD, customers=80, end=date(2024, 6, 1))
    for name in ("a", "b"):
        simulate(tiny, tmp_path / name / "landing", tmp_path / name / "truth")
    assert digests(tmp_path / "a" / "landing") == digests(tmp_path / "b" / "landing")
    assert digests(tmp_path / "a" / "truth") == digests(tmp_path / "b" / "truth")


def test_the_retail_world_goes_without_saying_so_that_its_stamp_is_what_it_was() -> None:
    assert "world" not in WorldConfig().as_settings()
    assert WorldConfig.from_settings(WORLD.as_settings()) == WORLD


def test_a_world_that_there_is_not_is_refused() -> None:
    with pytest.raises(ValueError, match="one of retail, subscription"):
        WorldConfig(world="airline")


def test_the_demo_shop_of_contracts_says_what_the_files_look_like(folder: Path) -> None:
    said = yaml.safe_load((ROOT / "shops/demo_subscription/shop.yml").read_text(encoding="utf-8"))["touchpoints"]
    files = [path.name for path in (folder / "landing").iterdir()]
    for kind in ("customers", "subscriptions", "events_app", "support_tickets", "consents"):
        layout = LAYOUTS[kind]
        assert said[layout.touchpoint].get("columns", {}) == dict(layout.names), kind
        assert said[layout.touchpoint]["known_at"] == layout.known_at, kind
    matched = [name for name in files if any(Path(name).match(one["files"]) for one in said.values())]
    assert matched == files


def test_a_contract_ends_at_the_end_of_a_period_or_for_non_payment(folder: Path) -> None:
    people = pd.read_parquet(folder / "truth" / "people.parquet")
    ended = people[people["end_day"] < NEVER]
    by_notice = ended[~ended["is_unpaid_end"]]
    length = np.asarray(PERIOD_DAYS)[by_notice["period"]]
    assert ((by_notice["end_day"] - by_notice["start_day"]) % length == 0).all()
    said = effective_end(*(by_notice[name].to_numpy() for name in ("start_day", "period", "notice_day")))
    assert (said == by_notice["end_day"].to_numpy()).all()
    dues = pd.read_parquet(folder / "truth" / "observed_dues.parquet").merge(ended[ended["is_unpaid_end"]], on="person")
    last = dues[dues["until"] == dues["end_day"]]
    assert len(last) == ended["is_unpaid_end"].sum() > 5
    assert (last["until"] - last["since"] == GRACE_DAYS).all()


def test_versions_tell_of_renewal_dunning_recovery_price_plan_and_notice(versions: pd.DataFrame) -> None:
    before = versions.groupby("subscription_id").shift()
    same = before["status"].notna()
    assert ((before["status"] == "past_due") & (versions["status"] == "active")).sum() > 20
    assert (versions["end_reason"] == "payment failed").sum() > 5
    assert (versions["renews_at"] > before["renews_at"])[same].sum() > 1000
    assert (versions["price"].astype(float) > before["price"].astype(float))[
        same & (versions["plan"] == before["plan"])
    ].any()
    assert (versions["plan"] != before["plan"])[same].sum() > 20
    assert (versions["usage"].astype(float) > versions["usage_limit"].astype(float)).any(), "some need a top-up"
    ended = versions[versions["status"] == "ended"]
    assert set(ended["end_reason"]) == {"notice", "payment failed"}
    assert not versions.loc[versions["subscription_id"].isin(ended["subscription_id"])].groupby("subscription_id")[
        "status"].last().ne("ended").any(), "nothing comes after the end"  # fmt: skip


def test_only_readings_of_the_meter_are_known_late(versions: pd.DataFrame) -> None:
    happened, known = pd.to_datetime(versions["updated_at"]), pd.to_datetime(versions["exported_at"])
    late = (known.dt.normalize() - happened.dt.normalize()).dt.days > 1
    assert 0.005 < late.mean() < 0.06
    assert set(happened[late].dt.hour) == {22}


def test_young_contracts_are_given_up_sooner(folder: Path) -> None:
    people = pd.read_parquet(folder / "truth" / "people.parquet")
    monthly = people[people["period"] == 0]
    age = (monthly["notice_day"] - monthly["start_day"]).to_numpy()
    at_risk = np.minimum(np.minimum(monthly["end_day"], WORLD.days) - monthly["start_day"], monthly["notice_day"])
    rates = []
    for low, high in ((0, 60), (120, 400)):
        days = np.clip(np.minimum(age, at_risk) - low, 0, high - low).sum()
        rates.append(((age >= low) & (age < high)).sum() / days)
    assert rates[0] > 1.4 * rates[1]


def test_the_oracle_is_calibrated_over_many_dates(folder: Path) -> None:
    parts = []
    for day in (date(2024, 3, 1) + timedelta(60 * n) for n in range(7)):
        both = oracle_churn_probability(folder / "truth", day, 60).merge(
            outcomes(folder / "truth", day, 60, 365), on="person_id"
        )
        parts.append(both[both["is_eligible"]])
    people = pd.concat(parts)
    said, happened = people["churn_probability"], people["has_churned"]
    for band in np.array_split(np.argsort(said.to_numpy()), 5):
        p = said.to_numpy()[band]
        assert abs(p.mean() - happened.to_numpy()[band].mean()) < 3.5 * np.sqrt((p * (1 - p)).sum()) / len(p)
    assert said.std() > 0.04, "it tells people apart"


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


def test_renewals_notice_and_price_rises_fall_on_whole_periods() -> None:
    start, month, year = np.array([10]), np.array([0]), np.array([1])
    assert next_renewal(start, month, 10).tolist() == [40], "the first day is no renewal"
    assert next_renewal(start, month, 40).tolist() == [40]
    assert effective_end(start, month, np.array([26])).tolist() == [40]
    assert effective_end(start, month, np.array([27])).tolist() == [70]
    assert last_price_rise(start, month, 309).tolist() == [-1]
    assert last_price_rise(start, month, 340).tolist() == [310]
    assert last_price_rise(start, year, 375).tolist() == [375]
    assert contract_laws.price_rises(start, month, 700).tolist() == [2]


def test_the_truth_counts_every_row(folder: Path) -> None:
    counts = json.loads((folder / "truth" / "dirty_rows.json").read_text())
    rows = len((folder / "landing" / "subscriptions.csv").read_text().splitlines()) - 1
    assert counts["subscriptions.csv"]["rows"] == rows
    assert sum(counts["subscriptions.csv"]["dirty"].values()) > 0
