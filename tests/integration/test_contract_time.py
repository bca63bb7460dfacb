"""No feature of a contract changes by what happened, or was learned, after the as-of; neither does who is eligible."""

from datetime import date
from pathlib import Path

import pandas as pd
import pytest
from worlds import Deployment, corner_shop, features

AS_OF, NEXT = date(2025, 3, 1), date(2025, 3, 2)
HEADER = (
    "subscription_id,account_id,plan,price,billing_period,started_at,renews_at,notice_given_at,ended_at,end_reason,"
    "usage,usage_limit,status,updated_at,exported_at\n"
)


def version(
    contract: str, happened: str, known: str, *, price: int = 10, usage: int = 2, status: str = "active",
    notice: str = "", ended: str = "", plan: str = "Basic",
) -> str:  # fmt: skip
    renews = "" if ended else "2025-03-20T00:00:00Z"
    return (
        f"{contract},{contract[0]},{plan},{price},month,2024-12-20T00:00:00Z,{renews},{notice},{ended},,{usage},8,"
        f"{status},{happened},{known}\n"
    )


BEFORE = (
    HEADER
    + "".join(
        version(contract, "2025-01-20T00:00:00Z", "2025-01-21T00:00:00Z") for contract in ("A1", "B1", "C1", "D1", "E1")
    )
    + version("E1", "2025-02-10T00:00:00Z", "2025-02-11T00:00:00Z", status="past_due")
)
AFTER = {
    "notice given before the as-of and known only after the knowledge lag": version(
        "A1", "2025-02-20T00:00:00Z", "2025-03-01T06:00:00Z", status="cancelled", notice="2025-02-20T00:00:00Z"
    ),
    "a payment that failed at the as-of": version(
        "B1", "2025-03-01T00:00:00Z", "2025-03-01T00:00:00Z", status="past_due"
    ),
    "an end, a price and a plan learned after the knowledge lag": version(
        "C1", "2025-02-25T00:00:00Z", "2025-03-01T06:00:01Z", price=12, plan="Plus"
    )
    + version(
        "C1", "2025-02-26T00:00:00Z", "2025-03-01T06:00:02Z", price=13, plan="Plus", status="ended",
        ended="2025-02-26T00:00:00Z",
    ),
    "a reading of the meter that came late": version("D1", "2025-02-27T00:00:00Z", "2025-03-01T07:00:00Z", usage=8),
    "a contract that begins after the as-of": version("D2", "2025-03-01T01:00:00Z", "2025-03-01T01:00:00Z"),
    "a payment made good before the as-of and known only after the knowledge lag": version(
        "E1", "2025-02-25T00:00:00Z", "2025-03-01T06:00:00Z"
    ),
}  # fmt: skip


def shop(folder: Path, *files: str) -> Deployment:
    deployment = corner_shop(
        folder,
        "",
        touchpoints={"subscriptions": {"files": "subscriptions-*.csv", "known_at": "exported_at"}},
        churn={"mode": "subscription", "horizon_days": 60},
    )
    for number, text in enumerate(files):
        (deployment.workspace.landing_folder / f"subscriptions-{number}.csv").write_text(text)
    return deployment


Seen = dict[date, pd.DataFrame]


def seen(deployment: Deployment) -> Seen:
    """Features and labels of both as-ofs."""
    found = features(deployment, AS_OF, NEXT)
    labels = pd.read_parquet(next((deployment.workspace.state.features).glob("*/customer_labels.parquet")))
    both = found.merge(labels, on=["as_of_date", "customer_id"], validate="one_to_one")
    return {day.date(): rows.reset_index(drop=True) for day, rows in both.groupby(pd.to_datetime(both["as_of_date"]))}


@pytest.fixture(scope="module")
def planted(tmp_path_factory: pytest.TempPathFactory) -> Seen:
    """With all that comes after the first as-of."""
    return seen(shop(tmp_path_factory.mktemp("planted"), BEFORE, HEADER + "".join(AFTER.values())))


def test_what_comes_after_an_as_of_changes_nothing_about_its_contracts(tmp_path: Path, planted: Seen) -> None:
    untouched = seen(shop(tmp_path, BEFORE))[AS_OF]
    assert untouched["is_eligible"].tolist() == [True] * 5
    assert untouched["days_past_due"].sum() == untouched["days_past_due_365d"].sum() == 19
    pd.testing.assert_frame_equal(planted[AS_OF], untouched)


def test_the_next_as_of_sees_what_had_come_by_then(planted: Seen) -> None:
    """The plants are no blanks: each shows a day later."""
    found = planted[NEXT]
    assert found["has_given_notice"].sum() == 1
    assert (found["payment_failures_365d"].sum(), found["is_past_due"].sum()) == (2, 1)
    assert (found["days_past_due"].sum(), found["days_past_due_365d"].sum()) == (1, 1 + 15), "one failed, one was paid"
    assert found["plan_changes_365d"].sum() == found["price_rises_365d"].sum() == 1
    assert found["usage_30d"].sum() == 6 + 2, "from one reading to the next, and on the new contract"
    assert found["subscriptions_running"].sum() == 5, "one ended, one began"
    assert sorted(found["status_if_not_eligible"].dropna()) == ["not_eligible", "notice_given"]
