"""kill -9 at each step of publishing: readers keep the old generation whole, the next run ends as if undisturbed."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import psycopg
import pytest
from publishing_child import MOMENTS
from publishing_world import PublishingWorld

from orchestration.publishing.files import current_generation

CHILD = Path(__file__).parents[1] / "publishing_child.py"
BOTH = "select (select count(*) from crm.scores), (select count(*) from crm.offers)"


def counts(day: int) -> tuple[int, int]:
    return 100 + 10 * day, 5 + day


@pytest.mark.parametrize("moment", [moment for moment in MOMENTS if moment != "never"])
def test_a_kill_leaves_a_whole_generation_and_the_next_run_the_same_bytes(
    tmp_path: Path, database: str, moment: str
) -> None:
    undisturbed = PublishingWorld(tmp_path / "undisturbed")
    world = PublishingWorld(tmp_path / "world", database)
    # Only where something old goes need there be three generations before.
    for day in range(3) if "old" in moment else (2,):
        undisturbed.publish(day, *counts(day))
        world.publish(day, *counts(day))
    expected = undisturbed.publish(3, *counts(3)).manifest

    arguments = [sys.executable, str(CHILD), str(world.root), database, "3", moment]
    killed = subprocess.run(arguments, env={"PYTHONPATH": str(CHILD.parents[1])}, check=False)
    assert killed.returncode == -9
    seen = current_generation(world.root / "published")
    assert seen is not None
    seen.verify()
    seen_day = int(seen.manifest.as_of_date[-2:]) - 1
    assert (len(world.read("scores")), len(world.read("offers"))) == counts(seen_day)
    with psycopg.connect(database) as reader:
        assert reader.execute(BOTH).fetchone() in (counts(2), counts(3))

    world.publish(3, *counts(3))
    now = current_generation(world.root / "published")
    assert now is not None
    assert now.manifest == expected
    with psycopg.connect(database) as reader:
        assert reader.execute(BOTH).fetchone() == counts(3)
        left = reader.execute("select count(*) from pg_class where relname ~ '__2025' and relkind = 'r'").fetchone()
    kept = 3 if "old" in moment else 2
    assert left == (kept * 4,)  # three tables and a mark of each generation
    names = sorted(path.name[:8] for path in (world.root / "published").iterdir() if path.is_dir())
    assert names == ["20250702", "20250703", "20250704", "current"][-kept - 1 :]
