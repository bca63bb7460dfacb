"""The world of contracts: what its files say, and an oracle that knows its laws and no hidden state."""

from __future__ import annotations

import hashlib
import json
from dataclasses import replace
from datetime import date, timedelta
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import yaml

from ml.simulator import WorldConfig, oracle_churn_probability, outcomes, simulate
from ml.simulator.contracts import laws as contract_laws
from ml.simulator.contracts.laws import (
    GRACE_DAYS,
    PERIOD_DAYS,
    effective_end,
    last_price_rise,
    next_renewal,
)
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
