"""Nothing that anybody reads of an as-of changes by what happened, or was learned, after it."""

from datetime import date, timedelta
from pathlib import Path

import pandas as pd
import pytest
from time_world import AFTER, AS_OF, BEFORE, joined, shop
from worlds import Deployment, features

from ml.btyd.expectations import COLUMNS
from orchestration import inputs
from orchestration.recommendations import export_interactions
from orchestration.snapshots import snapshot_folder

OF_THE_SCORED_DAY = (
    "marts.dim_customers", "marts.dim_products", "marts.customer_permissions", "actions.action_contacts",
    "intermediate.int_customer_accounts", "intermediate.int_customer_activity", "intermediate.int_customer_affinities",
    "intermediate.int_customer_feedback", "intermediate.int_customer_households", "intermediate.int_customer_points",
    "intermediate.int_customer_redirects", "intermediate.int_customer_signals",
)  # fmt: skip
"""Tables that say of the scored as-of what profiles, audiences and plays look at."""
EVERYTHING = "all of it at once"
Seen = dict[str, pd.DataFrame]


def seen(deployment: Deployment, as_of: date, *later: date) -> Seen:
    """What models read of an as-of when the last one given is scored, and what profiles show where that is the same."""
    features(deployment, as_of, *later)
    workspace = deployment.workspace
    pinned = inputs.pinned(workspace.state, max(as_of, *later, as_of).isoformat())
    export_interactions(workspace, pinned)
    tables = {file.stem: pd.read_parquet(file) for file in snapshot_folder(workspace, pinned).glob("*.parquet")}
    found = {
        name: table[pd.to_datetime(table["as_of_date"]).dt.date == as_of].reset_index(drop=True)
        for name, table in tables.items()
    }
    if not later:
        with workspace.warehouse() as warehouse:
            found |= {name: warehouse.execute(f"from {name} order by all").df() for name in OF_THE_SCORED_DAY}
    return found


@pytest.fixture(scope="module")
def untouched(tmp_path_factory: pytest.TempPathFactory) -> Seen:
    return seen(shop(tmp_path_factory.mktemp("before"), BEFORE), AS_OF)


def test_the_untouched_world_has_something_to_compare(untouched: Seen) -> None:
    assert (untouched["customer_features"]["orders_90d"] == 2).sum() == 3
    assert untouched["customer_features"]["sessions_90d"].sum() == 6
    assert untouched["recommender_interactions"]["order_lines"].sum() == 6
    assert len(untouched["recommender_customers"]) == 4
    empty = {name for name, table in untouched.items() if table.empty}
    assert empty == {"recommender_answers", "recommender_outcomes", "intermediate.int_customer_redirects"}


@pytest.mark.parametrize("planted", [EVERYTHING, *(pytest.param(name, marks=pytest.mark.slow) for name in AFTER)])
def test_what_comes_after_an_as_of_changes_nothing_of_it(untouched: Seen, tmp_path: Path, planted: str) -> None:
    plant = joined(*AFTER.values()) if planted == EVERYTHING else AFTER[planted]
    found = seen(shop(tmp_path, BEFORE, plant), AS_OF)
    for name, table in untouched.items():
        pd.testing.assert_frame_equal(found[name], table, obj=name)


@pytest.mark.slow
def test_an_earlier_as_of_that_teaches_a_recommender_shows_what_was_known_then(untouched: Seen, tmp_path: Path) -> None:
    """Seen from a month later, the as-of holds no purchase, item or person of the days between."""
    then = {
        "orders": [
            "C9,1,2025-03-05T10:00:00Z,C,,P1,1,10,placed,2025-03-05T10:00:00Z",
            "C7,1,2025-03-06T10:00:00Z,C,,P2,1,10,placed,2025-04-20T10:00:00Z",
        ]
    }
    planted = joined(*(rows for name, rows in AFTER.items() if "consent" not in name), then)
    taught = seen(shop(tmp_path, BEFORE, planted), AS_OF, AS_OF + timedelta(30))
    for name in ("recommender_interactions", "recommender_catalogue", "recommender_preferences"):
        pd.testing.assert_frame_equal(taught[name], untouched[name], obj=name)
    bought = taught["recommender_outcomes"].query("order_lines > 0")
    assert bought["product_id"].tolist() == ["P1"], "P8 and P9 were in nobody's catalogue, P2 was not known of by then"


def test_features_that_teach_are_those_that_were_scored_on_their_day(untouched: Seen, tmp_path: Path) -> None:
    """Seen from when the outcome is known, they hold nothing of it, nor of who people turned out to be."""
    later = {
        "orders": [f"{account}7,1,2025-03-1{n}T10:00:00Z,{account},,P1,1,10,placed,2025-03-1{n}T10:00:00Z"
                   for n, account in enumerate("ABC")],
    }  # fmt: skip
    planted = joined(*(rows for name, rows in AFTER.items() if "consent" not in name), later)
    taught = seen(shop(tmp_path, BEFORE, planted), AS_OF, AS_OF + timedelta(130))
    assert (taught["customer_labels"]["orders_within_horizon"] > 0).all(), "the outcome is known"
    features = [found["customer_features"].drop(columns=list(COLUMNS)) for found in (taught, untouched)]
    assert len(features[0]) == 3, "three persons then"
    scored = features[1][features[1]["customer_id"].isin(features[0]["customer_id"])].reset_index(drop=True)
    pd.testing.assert_frame_equal(features[0], scored)


def test_the_next_as_ofs_see_what_had_come_by_then(tmp_path: Path) -> None:
    """The plants are no blanks: each shows at an as-of that may know of it."""
    planted = joined(BEFORE, *(rows for name, rows in AFTER.items() if "consent" not in name))
    found = features(shop(tmp_path, planted), AS_OF, date(2025, 3, 2), date(2025, 3, 10))
    by_date = dict(iter(found.groupby(pd.to_datetime(found["as_of_date"]).dt.date)))
    assert [len(by_date[day]) for day in sorted(by_date)] == [3, 1, 1], "A, B and C are one person"
    change = by_date[date(2025, 3, 2)]["orders_90d"].sum() - by_date[AS_OF]["orders_90d"].sum()
    assert change == 4 - 1, "four late and new ones came, the cancelled one went"
