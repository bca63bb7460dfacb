"""The graph as wired: what exists, in which group, what stands before what, what blocks. Held against a golden list."""

import os
from datetime import date, datetime, time, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import dagster as dg
import pytest

from ml.drift.retraining import Request
from orchestration.retraining import Kept, answer_requests, keep
from orchestration.settings import Settings
from orchestration.workspace import Workspace

GOLDEN = Path(__file__).with_name("graph.txt")
STAGES = (
    "landing", "identity", "profiles", "churn", "value", "recommendations", "actions", "activation", "report",
)  # fmt: skip


@pytest.fixture(scope="module")
def loaded() -> dg.Definitions:
    from orchestration.definitions import defs

    return defs()


@pytest.fixture(scope="module")
def lines(loaded: dg.Definitions) -> list[str]:
    graph = loaded.resolve_asset_graph()
    found = []
    for key in sorted(graph.get_all_asset_keys()):
        node = graph.get(key)
        if not node.is_materializable:
            continue
        parents = ", ".join(sorted(parent.to_user_string() for parent in node.parent_keys))
        found.append(f"{node.group_name}: {key.to_user_string()} <- {parents}")
    return found + [
        f"check: {check.asset_key.to_user_string()}:{check.name}"
        for check in sorted(graph.asset_check_keys)
        if check.asset_key.path[0] in ("published", "ml")
    ]


def test_the_graph_is_the_one_that_was_agreed(lines: list[str]) -> None:
    """After a wanted change: ``REGULARS_GOLDEN=write make test``, and read the difference before committing it."""
    if os.environ.get("REGULARS_GOLDEN") == "write":
        GOLDEN.write_text("\n".join(lines) + "\n")
    assert lines == GOLDEN.read_text().splitlines()


def test_every_asset_has_a_stage_for_its_group(lines: list[str]) -> None:
    groups = {line.split(":")[0] for line in lines} - {"check"}
    assert groups == set(STAGES)


def ticked(loaded: dg.Definitions, workspace: Workspace, day: date) -> dict[str, bool]:
    """Which schedules ask for a run on a day, by name, and whether that run trains."""
    found = {}
    at = datetime.combine(day, time(6, 30), ZoneInfo("Europe/Berlin"))
    for name in ("daily_schedule", "weekly_schedule"):
        context = dg.build_schedule_context(
            scheduled_execution_time=at,
            repository_def=loaded.get_repository_def(),
            resources={"workspace": workspace},
        )
        for request in loaded.resolve_schedule_def(name).evaluate_tick(context).run_requests or []:
            assert request.partition_key == day.isoformat()
            found[name] = request.tags.get("regulars/train") == "true"
    return found


MONDAY, TUESDAY = date(2025, 6, 2), date(2025, 6, 3)
DAILY, TRAINING = {"daily_schedule": False}, {"weekly_schedule": True}


def test_every_day_has_one_run_and_mondays_train(loaded: dg.Definitions, tmp_path: Path) -> None:
    workspace = Workspace(Settings(data_dir=tmp_path))
    assert ticked(loaded, workspace, MONDAY) == TRAINING
    assert ticked(loaded, workspace, TUESDAY) == DAILY


def test_where_a_model_asks_for_training_the_next_scheduled_run_trains(loaded: dg.Definitions, tmp_path: Path) -> None:
    workspace = Workspace(Settings(data_dir=tmp_path))
    asked = Request(MONDAY, "demo.churn/3", ("it was trained 98 days ago",), tried=date(2025, 2, 24))
    keep(workspace.state, "churn", Kept(asked))
    assert ticked(loaded, workspace, TUESDAY) == TRAINING
    answer_requests(workspace.state, TUESDAY)
    assert ticked(loaded, workspace, TUESDAY + timedelta(1)) == DAILY


def test_readers_wait_for_no_watch(loaded: dg.Definitions) -> None:
    """Of steps that could go next those that look for drift come last, and only the report stands behind them."""
    late = [node.name for node in loaded.resolve_job_def("daily").nodes if node.tags.get("dagster/priority") == "-1"]
    assert sorted(late) == ["ml__churn_drift", "ml__value_drift"]
    graph = loaded.resolve_asset_graph()
    behind = {
        key.to_user_string()
        for name in ("churn", "value")
        for key in graph.get(dg.AssetKey(["ml", f"{name}_drift"])).child_keys
    }
    assert behind == {"reports/run"}


def test_the_warehouse_has_one_writer_at_a_time(loaded: dg.Definitions) -> None:
    job = loaded.resolve_job_def("daily")
    writers = [node for node in job.nodes if getattr(node.definition, "pool", None) == "warehouse"]
    assert len(writers) >= 5
