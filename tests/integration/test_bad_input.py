"""What goes wrong at a shop is said in one place, with the next step, and nothing is lost."""

import random
from datetime import date, timedelta
from pathlib import Path

import duckdb
import pytest
from worlds import Deployment, corner_shop

from orchestration.publishing.files import current_generation

HEADER = "order_id,line_number,ordered_at,account_id,product_id,quantity,unit_price\n"


def orders(customers: int, *, leaving: bool = True, seed: int = 5) -> str:
    """Two years of orders; every second customer stops at a random day unless nobody leaves."""
    draw = random.Random(seed)
    lines = []
    for customer in range(customers):
        day = date(2023, 7, 1) + timedelta(draw.randrange(30))
        last = date(2023, 9, 1) + timedelta(draw.randrange(650)) if leaving and customer % 2 else date(2025, 6, 30)
        while day <= last:
            lines.append(f"o{len(lines)},1,{day}T10:00:00Z,a{customer},p{draw.randrange(9)},1,{draw.randrange(5, 50)}")
            day += timedelta(draw.randrange(5, 40))
    return HEADER + "\n".join(lines) + "\n"


def statuses(deployment: Deployment) -> dict[str, int]:
    generation = current_generation(deployment.workspace.state.published)
    assert generation is not None
    rows = duckdb.sql(f"select status, count(*) from '{generation.file('customer_scores')}' group by 1").fetchall()
    return dict(rows)


def test_an_unknown_shop_is_answered_with_those_that_there_are(tmp_path: Path) -> None:
    done = Deployment(corner_shop(tmp_path, "").folder, "korner").run("run")
    assert done.returncode == 2
    assert "did you mean 'corner'" in done.stderr


def test_a_typo_in_shop_yml_is_named_before_anything_happens(tmp_path: Path) -> None:
    deployment = corner_shop(tmp_path, orders(3), churn={"horizon_day": 30})
    done = deployment.run("run")
    assert done.returncode == 2
    assert "did you mean 'horizon_days'" in done.stderr
    assert not deployment.workspace.state.raw.exists()


def test_a_day_that_is_no_as_of_is_refused_before_anything_happens(tmp_path: Path) -> None:
    deployment = corner_shop(tmp_path, orders(3))
    for arguments in (["run", "--as-of", "1999-01-01"], ["backfill", "--from", "2025-06-01", "--to", "2999-01-01"]):
        done = deployment.run(*arguments)
        assert done.returncode == 2
        assert f"{arguments[-1]} is no as-of of shop corner: they go from 20" in done.stderr
    assert not deployment.workspace.state.raw.exists()


def test_an_empty_landing_folder_says_what_is_expected_there(tmp_path: Path) -> None:
    done = corner_shop(tmp_path, "").run("run")
    assert done.returncode == 1
    assert "is empty; shop corner expects there orders: orders*.csv" in done.stdout


def test_a_file_of_bad_rows_only_is_named_and_stays(tmp_path: Path) -> None:
    deployment = corner_shop(tmp_path, HEADER + "o1,1,never,a1,p1,one,1\no2,1,never,a1,p1,1,1\n")
    done = deployment.run("run")
    assert done.returncode == 1
    assert "orders.csv" in done.stdout
    assert "2 in quarantine" in done.stdout
    assert (deployment.workspace.landing_folder / "orders.csv").exists()


def test_a_shop_of_few_customers_is_scored_by_the_simple_fallback(open_folder: Path) -> None:
    deployment = corner_shop(open_folder, orders(40))
    done = deployment.run("run")
    assert done.returncode == 0, done.stdout + done.stderr
    assert statuses(deployment).get("insufficient_data", 0) > 10
    assert "scored" not in statuses(deployment)


@pytest.mark.slow
def test_a_shop_that_nobody_leaves_is_scored_by_the_simple_fallback(open_folder: Path) -> None:
    deployment = corner_shop(open_folder, orders(150, leaving=False))
    done = deployment.run("run")
    assert done.returncode == 0, done.stdout + done.stderr
    assert set(statuses(deployment)) == {"insufficient_data"}


def test_another_run_is_told_who_holds_the_shop(tmp_path: Path) -> None:
    deployment = corner_shop(tmp_path, orders(3))
    with deployment.workspace.state.exclusive("a test"):
        done = deployment.run("run")
    assert done.returncode == 2
    assert "is busy" in done.stderr
