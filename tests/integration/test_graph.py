"""The graph as wired: what exists, in which group, what stands before what, what blocks. Held against a golden list."""

import os
from pathlib import Path

import pytest

GOLDEN = Path(__file__).with_name("graph.txt")
STAGES = (
    "landing", "identity", "profiles", "churn", "value", "recommendations", "actions", "activation", "report",
)  # fmt: skip


@pytest.fixture(scope="module")
def lines() -> list[str]:
    from orchestration.definitions import defs

    graph = defs().resolve_asset_graph()
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


def test_a_schedule_asks_for_the_as_of_of_its_own_day() -> None:
    from datetime import datetime
    from zoneinfo import ZoneInfo

    import dagster as dg

    from orchestration.definitions import defs

    loaded = defs()
    for name in ("daily_schedule", "weekly_schedule"):
        schedule = loaded.resolve_schedule_def(name)
        at = datetime(2025, 6, 2, 6, 30, tzinfo=ZoneInfo("Europe/Berlin"))
        context = dg.build_schedule_context(scheduled_execution_time=at, repository_def=loaded.get_repository_def())
        ticked = schedule.evaluate_tick(context)
        (request,) = ticked.run_requests
        assert request.partition_key == "2025-06-02"
        assert ("regulars/train" in request.tags) == (name == "weekly_schedule")


def test_the_warehouse_has_one_writer_at_a_time() -> None:
    from orchestration.definitions import defs

    job = defs().resolve_job_def("daily")
    writers = [node for node in job.nodes if getattr(node.definition, "pool", None) == "warehouse"]
    assert len(writers) >= 5
