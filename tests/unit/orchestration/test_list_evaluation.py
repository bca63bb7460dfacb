"""Published lists held against what was then bought."""

from datetime import date
from pathlib import Path

import duckdb
import pytest
from recommender_world import AS_OF, tiny_world
from worlds import corner_shop

from ml.engine import Engine
from ml.recommender import data
from ml.recommender.exposure import OFF, ON
from ml.recommender.model import RecommenderModel
from ml.recommender.recommend import ListPlan, recommend
from orchestration import inputs
from orchestration.list_evaluation import POPULAR, evaluate_lists
from orchestration.recommendations import list_shape
from orchestration.snapshots import snapshot_folder
from orchestration.workspace import Workspace

PEOPLE, THINGS = "abcdef", ("bread", "jam", "milk", "tea")
BOUGHT = [(who, THINGS[(number + k) % 4], 10 + k) for number, who in enumerate(PEOPLE) for k in range(2)]
THEN = [("a", "milk"), ("c", "bread"), ("f", "tea")]
WAREHOUSE = """
    create schema marts; create schema identity;
    create table identity.customer_ledger as
        select 'account:' || who as identifier_id, who as customer_id from unnest(string_split('abcdef', '')) as t(who);
    create table identity.person_spans as
        select *, timestamp '2000-01-01' as known_from, timestamp '9999-01-01' as known_to
        from identity.customer_ledger;
    create table identity.redirects (
        customer_id varchar, surviving_customer_id varchar, known_from timestamp, known_to timestamp
    );
    create table marts.daily_product_activity (
        identifier_id varchar, product_id varchar, activity_date date, order_lines integer
    );
"""


@pytest.fixture
def shop(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Workspace:
    """Six customers in three blocks, each with a list of two; three of them buy something in the month after."""
    monkeypatch.setitem(data.World.__init__.__kwdefaults__, "block_customers", 2)
    settings = {"list_length": 2, "discovery_slots": 0}
    workspace = corner_shop(tmp_path, "", recommendations=settings).workspace
    workspace.state.prepare()
    pinned = inputs.pin(workspace.state, workspace.shop, AS_OF, training_dates=(), champions={})
    world = tiny_world(snapshot_folder(workspace, pinned), bought=BOUGHT, then=THEN)
    plan = ListPlan(AS_OF, "corner", list_shape(workspace, pinned))
    path = workspace.state.scores / pinned.inputs_id / "recommendations.parquet"
    recommend(world, RecommenderModel.untrained("mixed", world), "recommender/untrained", plan, path)
    with duckdb.connect(str(workspace.state.warehouse)) as warehouse:
        warehouse.execute(WAREHOUSE)
        rows = [(f"account:{who}", what, date(2025, 7, 9)) for who, what in THEN]
        rows.append(("account:stranger", "tea", date(2025, 8, 1)))
        warehouse.executemany("insert into marts.daily_product_activity values (?, ?, ?, 1)", rows)
    return workspace


def test_lists_are_judged_on_who_bought_and_the_same_are_made_again_without_discovery(shop: Workspace) -> None:
    found = evaluate_lists(shop, AS_OF)
    assert found is not None
    assert found.customers == 3
    assert set(found.lists) == {ON, OFF, POPULAR}


def test_what_two_customers_bought_who_are_one_person_by_now_counts_once(shop: Workspace) -> None:
    with duckdb.connect(str(shop.state.warehouse)) as warehouse:
        warehouse.execute("update identity.person_spans set known_to = '2025-08-02' where customer_id in ('b', 'c')")
        for who in "bc":
            warehouse.execute(f"""insert into identity.person_spans
                values ('account:{who}', 'a', timestamp '2025-08-02', timestamp '9999-01-01')""")
    found = evaluate_lists(shop, AS_OF)
    assert found is not None
    assert found.customers == 3, "a, c and f; b bought nothing"


def test_a_list_under_a_browser_that_proved_to_be_shared_is_judged_by_its_account(
    shop: Workspace,
) -> None:
    with duckdb.connect(str(shop.state.warehouse)) as warehouse:
        warehouse.execute("update identity.person_spans set known_to = '2025-08-02' where customer_id = 'c'")
        warehouse.execute("""
            insert into identity.person_spans values
                ('account:new', 'now', timestamp '2025-08-02', timestamp '9999-01-01');
            insert into identity.redirects values ('c', 'now', timestamp '2025-08-02', timestamp '9999-01-01');
            update marts.daily_product_activity set identifier_id = 'account:new' where identifier_id = 'account:c';
        """)
    found = evaluate_lists(shop, AS_OF)
    assert found is not None
    assert found.customers == 3


def test_however_many_blocks_there_are_the_files_are_read_over_one_connection(
    shop: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    connect, opened = Engine.connect, []

    def counted(engine: Engine) -> duckdb.DuckDBPyConnection:
        opened.append(engine)
        return connect(engine)

    monkeypatch.setattr(Engine, "connect", counted)
    assert evaluate_lists(shop, AS_OF) is not None
    assert len(opened) == 1
