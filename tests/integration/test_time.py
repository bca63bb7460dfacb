"""No feature of an as-of changes by anything that happened, or was learned, after it."""

from datetime import date, timedelta
from pathlib import Path

import pandas as pd
import pytest
from worlds import Deployment, corner_shop, features

from orchestration import inputs
from orchestration.recommendations import FILES, export_interactions
from orchestration.snapshots import snapshot_folder

AS_OF = date(2025, 3, 1)
ORDERS = "order_id,line_number,ordered_at,account_id,email,product_id,quantity,unit_price,status,exported_at\n"
EVENTS = "event_id,happened_at,event_type,account_id,cookie_id,session_id,exported_at\n"
CUSTOMERS = "account_id,loyalty_tier,country,updated_at,exported_at\n"
IDENTITIES = "left_type,left_value,right_type,right_value,seen_at,exported_at\n"

BEFORE = {
    "orders-1.csv": ORDERS
    + "".join(
        f"{account}{n},1,2025-0{month}-1{n}T10:00:00Z,{account},{account}@example.org,P{n},1,10,placed,2025-0{month}-1{n}T12:00:00Z\n"
        for account in ("A", "B", "C")
        for n, month in ((1, 1), (2, 2))
    ),
    "events-1.csv": EVENTS
    + "".join(
        f"{who}{day},2025-02-0{day}T09:00:00Z,product_view,{account},{cookie},s{who}{day},2025-02-0{day}T09:00:00Z\n"
        for who, account, cookie in (("A", "A", ""), ("B", "B", ""), ("K", "", "k"))
        for day in (3, 4)
    ),
    "customers-1.csv": CUSTOMERS
    + "".join(f"{account},silver,DE,2025-01-01T00:00:00Z,2025-01-01T00:00:00Z\n" for account in ("A", "B", "C")),
}
AFTER = {
    "an order placed after the as-of": {
        "orders-2.csv": ORDERS + "A9,1,2025-03-01T00:00:00Z,A,,P9,9,99,placed,2025-03-01T00:00:00Z\n"
    },
    "an order placed before the as-of and known only after the knowledge lag": {
        "orders-2.csv": ORDERS + "A8,1,2025-02-20T10:00:00Z,A,,P8,9,99,placed,2025-03-01T06:00:00Z\n"
    },
    "an order corrected and cancelled after the as-of": {
        "orders-2.csv": ORDERS
        + "A1,1,2025-01-11T10:00:00Z,A,A@example.org,P1,7,10,placed,2025-03-02T00:00:00Z\n"
        + "B1,1,2025-01-11T10:00:00Z,B,B@example.org,P1,1,10,cancelled,2025-03-02T00:00:00Z\n"
    },
    "a visit known only after the knowledge lag": {
        "events-2.csv": EVENTS + "x1,2025-02-27T09:00:00Z,search,A,,s9,2025-03-01T06:00:01Z\n"
    },
    "a tier and a country changed after the as-of": {
        "customers-2.csv": CUSTOMERS + "A,gold,FR,2025-03-05T00:00:00Z,2025-03-05T00:00:00Z\n"
    },
    "two accounts found after the as-of to be one person": {
        "orders-2.csv": ORDERS + "B9,1,2025-03-04T00:00:00Z,B,A@example.org,P9,1,1,placed,2025-03-04T00:00:00Z\n"
    },
    "two accounts that an order of the as-of's own first hours shows to be one person": {
        "orders-2.csv": ORDERS + "B8,1,2025-03-01T02:00:00Z,B,A@example.org,P8,1,1,placed,2025-03-01T02:00:00Z\n"
    },
    "an anonymous cookie that logged in within the knowledge lag": {
        "events-2.csv": EVENTS + "x3,2025-03-01T02:00:00Z,login,C,k,s11,2025-03-01T02:00:00Z\n"
    },
    "an anonymous cookie that logged in after the as-of": {
        "events-2.csv": EVENTS + "x2,2025-03-03T09:00:00Z,login,C,k,s10,2025-03-03T09:00:00Z\n"
    },
}


def shop(folder: Path, *deliveries: dict[str, str]) -> Deployment:
    known = {"known_at": "exported_at"}
    deployment = corner_shop(
        folder,
        "",
        touchpoints={name: {"files": f"{name}-*.csv", **known} for name in ("orders", "events", "customers")},
    )
    for files in deliveries:
        for name, text in files.items():
            (deployment.workspace.landing_folder / name).write_text(text)
    return deployment


def seen(deployment: Deployment, as_of: date, *later: date) -> dict[str, pd.DataFrame]:
    """What models read of an as-of, features and what recommenders see, computed when the last of them is scored."""
    found = features(deployment, as_of, *later)
    workspace = deployment.workspace
    pinned = inputs.pinned(workspace.state, max(as_of, *later, as_of).isoformat())
    export_interactions(workspace, pinned)
    folder = snapshot_folder(workspace, pinned)
    tables = {name: pd.read_parquet(folder / f"{name}.parquet") for name in FILES} | {"customer_features": found}
    return {
        name: table[pd.to_datetime(table["as_of_date"]).dt.date == as_of].reset_index(drop=True)
        for name, table in tables.items()
    }


@pytest.fixture(scope="module")
def untouched(tmp_path_factory: pytest.TempPathFactory) -> dict[str, pd.DataFrame]:
    return seen(shop(tmp_path_factory.mktemp("before"), BEFORE), AS_OF)


def test_the_untouched_world_has_something_to_compare(untouched: dict[str, pd.DataFrame]) -> None:
    assert (untouched["customer_features"]["orders_90d"] == 2).sum() == 3
    assert untouched["customer_features"]["sessions_90d"].sum() == 6
    assert untouched["recommender_interactions"]["order_lines"].sum() == 6
    assert len(untouched["recommender_customers"]) == 4


EVERYTHING = "all of it at once"


def planted_files(planted: str) -> dict[str, str]:
    """Files of one plant, or those of all joined under one header each."""
    if planted != EVERYTHING:
        return AFTER[planted]
    joined: dict[str, str] = {}
    for files in AFTER.values():
        for name, text in files.items():
            header, rows = text.split("\n", 1)
            joined[name] = joined.get(name, header + "\n") + rows
    return joined


@pytest.mark.parametrize("planted", [EVERYTHING, *(pytest.param(name, marks=pytest.mark.slow) for name in AFTER)])
def test_what_comes_after_an_as_of_changes_nothing_that_models_see_of_it(
    untouched: dict[str, pd.DataFrame], tmp_path: Path, planted: str
) -> None:
    found = seen(shop(tmp_path, BEFORE, planted_files(planted)), AS_OF)
    for name, table in untouched.items():
        pd.testing.assert_frame_equal(found[name], table, obj=name)


@pytest.mark.slow
def test_an_earlier_as_of_that_teaches_a_recommender_shows_what_was_known_then(
    untouched: dict[str, pd.DataFrame], tmp_path: Path
) -> None:
    """Seen from a month later, the as-of holds no purchase, item or person of the days between."""
    then = {"orders-3.csv": ORDERS + "C9,1,2025-03-05T10:00:00Z,C,,P1,1,10,placed,2025-03-05T10:00:00Z\n"}
    taught = seen(shop(tmp_path, BEFORE, planted_files(EVERYTHING), then), AS_OF, AS_OF + timedelta(30))
    for name in ("recommender_interactions", "recommender_catalogue"):
        pd.testing.assert_frame_equal(taught[name], untouched[name], obj=name)
    assert taught["recommender_outcomes"]["product_id"].tolist() == ["P1"], "P9 was in nobody's catalogue then"


def test_the_next_as_ofs_see_what_had_come_by_then(tmp_path: Path) -> None:
    """The plants are no blanks: each shows at an as-of that may know of it."""
    found = features(shop(tmp_path, BEFORE, planted_files(EVERYTHING)), AS_OF, date(2025, 3, 2), date(2025, 3, 10))
    by_date = dict(iter(found.groupby(pd.to_datetime(found["as_of_date"]).dt.date)))
    assert [len(by_date[day]) for day in sorted(by_date)] == [3, 2, 2], "A and B are one person"
    change = by_date[date(2025, 3, 2)]["orders_90d"].sum() - by_date[AS_OF]["orders_90d"].sum()
    assert change == 2 - 1, "the late order and the new one came, the cancelled one went"
