"""The graph as wired: what exists, in which group, what stands before what, what blocks. Held against a golden list."""

import os
import re
from datetime import date, datetime, time, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import dagster as dg
import pytest
import yaml
from worlds import demo

from ml.drift.retraining import Request
from orchestration.inputs import known_before
from orchestration.jobs import BY_HAND
from orchestration.picture import draw
from orchestration.retraining import Kept, answer_requests, keep
from orchestration.settings import PROJECT_ROOT, Settings
from orchestration.workspace import Workspace

GOLDEN = Path(__file__).with_name("graph.txt")
STAGES = (
    "landing", "identity", "profiles", "churn", "value", "recommendations", "actions", "activation", "report",
)  # fmt: skip


@pytest.fixture(scope="module")
def loaded() -> dg.Definitions:
    from orchestration.definitions import defs

    return defs()


def graph_of(folder: Path, monkeypatch: pytest.MonkeyPatch, **settings: object) -> dg.Definitions:
    """The graph of a demo shop whose shop.yml says something else as well."""
    from orchestration.definitions import defs

    deployment = demo(folder)
    shop = folder / "shops" / "demo" / "shop.yml"
    shop.write_text(yaml.safe_dump({**yaml.safe_load(shop.read_text()), **settings}))
    for name, value in deployment.settings.items():
        monkeypatch.setenv(name, value)
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


def test_the_picture_of_the_readme_shows_this_graph(loaded: dg.Definitions, tmp_path: Path) -> None:
    """After a change: ``make picture``. What is written in it stands in the file as comments, whatever draws it."""
    drawn, published = tmp_path / "graph.svg", PROJECT_ROOT / "docs" / "graph.svg"
    draw(loaded, drawn)
    written, kept = (re.findall(r"<!-- (.+) -->", path.read_text()) for path in (drawn, published))
    assert len(kept) > len(STAGES)
    assert written == kept


def test_every_asset_has_a_stage_for_its_group(loaded: dg.Definitions) -> None:
    graph = loaded.resolve_asset_graph()
    assert {graph.get(key).group_name for key in graph.get_all_asset_keys()} == set(STAGES)


def test_no_asset_reads_of_a_later_stage(loaded: dg.Definitions) -> None:
    graph = loaded.resolve_asset_graph()
    nodes = [graph.get(key) for key in graph.get_all_asset_keys()]
    reads = {(graph.get(parent).group_name, node.group_name) for node in nodes for parent in node.parent_keys}
    assert len(reads) > len(STAGES)
    assert {(read, by) for read, by in reads if STAGES.index(str(read)) > STAGES.index(str(by))} == set()


def tick_of(loaded: dg.Definitions, day: date) -> datetime:
    """When the schedules tick on a day."""
    minute, hour, *_ = str(loaded.resolve_schedule_def("daily_schedule").cron_schedule).split()
    return datetime.combine(day, time(int(hour), int(minute)), ZoneInfo("Europe/Berlin"))


def ticked(loaded: dg.Definitions, workspace: Workspace, day: date, ticks_on: date | None = None) -> dict[str, bool]:
    """Which schedules ask for a run of a day, by name, and whether that run trains."""
    found, at = {}, tick_of(loaded, ticks_on or day)
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


@pytest.mark.parametrize("day", [date(2025, 3, 29), date(2025, 3, 30), date(2025, 10, 26), date(2025, 10, 28)])
def test_no_run_begins_before_its_knowledge_lag_has_passed_whenever_clocks_change(
    loaded: dg.Definitions, tmp_path: Path, day: date
) -> None:
    workspace = Workspace(Settings(data_dir=tmp_path))
    assert ticked(loaded, workspace, day) == DAILY
    assert tick_of(loaded, day) - timedelta(minutes=30) >= known_before(workspace.shop, day)


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


def test_every_asset_says_whose_it_is_and_what_it_is_made_of(loaded: dg.Definitions) -> None:
    graph = loaded.resolve_asset_graph()
    assets = [graph.get(key) for key in graph.get_all_asset_keys() if graph.get(key).is_materializable]
    silent = [node.key.to_user_string() for node in assets if not (node.owners and node.kinds and node.description)]
    assert silent == []
    assert {owner for node in assets for owner in node.owners} == {"team:data-team"}, "the demo shop's owner"


def test_what_readers_see_is_watched_for_its_age(loaded: dg.Definitions) -> None:
    graph = loaded.resolve_asset_graph()
    watched = {
        key.to_user_string(): graph.get(key).freshness_policy
        for key in graph.get_all_asset_keys()
        if graph.get(key).is_materializable and graph.get(key).freshness_policy
    }
    assert set(watched) == {"published/files", "published/postgres"}
    assert all(policy.timezone == "Europe/Berlin" for policy in watched.values())


def test_a_shop_that_learns_of_things_as_late_as_it_may_runs_after_its_day(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    late = graph_of(tmp_path, monkeypatch, knowledge_lag_hours=23)
    assert ticked(late, Workspace(), TUESDAY, TUESDAY + timedelta(1)) == DAILY
    spring = date(2025, 3, 30)
    assert ticked(late, Workspace(), spring, spring + timedelta(1)) == DAILY
    policy = late.resolve_asset_graph().get(dg.AssetKey(["published", "files"])).freshness_policy
    assert policy == dg.FreshnessPolicy.cron("0 3 * * *", timedelta(hours=4), "Europe/Berlin")


def test_only_what_tells_of_failures_is_on_before_anybody_switches_it_on(loaded: dg.Definitions) -> None:
    repository = loaded.get_repository_def()
    on = {
        one.name for one in (*repository.sensor_defs, *repository.schedule_defs) if one.default_status.name == "RUNNING"
    }
    assert on == {"failure_hook"}


def test_the_failure_hook_speaks_for_runs_of_the_daemon_alone(loaded: dg.Definitions, tmp_path: Path) -> None:
    """A run by hand reports its failure itself; both are in one instance."""
    told = tmp_path / "told"
    command = f'echo "$REGULARS_RUN_ID" >> {told}'
    workspace = Workspace(Settings(data_dir=tmp_path, failure_command=command))

    @dg.op
    def breaks() -> None:
        raise RuntimeError

    @dg.job
    def daily() -> None:
        breaks()

    hook = loaded.get_repository_def().get_sensor_def("failure_hook")
    with dg.DagsterInstance.ephemeral() as instance:
        runs = []
        for tags in (BY_HAND, {}):
            result = daily.execute_in_process(instance=instance, tags=tags, raise_on_error=False)
            runs.append(result.run_id)
            context = dg.build_run_status_sensor_context(
                sensor_name="failure_hook", dagster_instance=instance, dagster_run=result.dagster_run,
                dagster_event=next(e for e in result.all_events if e.event_type == dg.DagsterEventType.RUN_FAILURE),
                resources={"workspace": workspace},
            ).for_run_failure()  # fmt: skip
            hook(context)
    assert told.read_text().split() == runs[1:]


def test_the_warehouse_has_one_writer_at_a_time(loaded: dg.Definitions) -> None:
    job = loaded.resolve_job_def("daily")
    writers = [node for node in job.nodes if getattr(node.definition, "pool", None) == "warehouse"]
    assert len(writers) >= 5
