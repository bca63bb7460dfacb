from __future__ import annotations

import hashlib
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow.parquet as pq
import pytest

from ml.simulator import WorldConfig, config, simulate, world
from ml.simulator.block import Block, make_block, make_world
from ml.simulator.draws import stream
from ml.simulator.landing_files import LandingFiles
from ml.simulator.purchases import make_orders, order_lines
from ml.simulator.visits import events


def digests(folder: Path) -> dict[str, str]:
    return {path.name: hashlib.sha256(path.read_bytes()).hexdigest() for path in sorted(folder.iterdir())}


def test_the_same_settings_give_the_same_bytes(small_world: Any, tmp_path: Path) -> None:
    simulate(small_world.config, tmp_path / "landing", tmp_path / "truth")
    assert digests(tmp_path / "landing") == digests(small_world.landing)
    assert digests(tmp_path / "truth") == digests(small_world.truth)


def test_another_seed_gives_another_world(small_world: Any, tmp_path: Path) -> None:
    simulate(replace(small_world.config, seed=12), tmp_path / "landing", tmp_path / "truth")
    ours, theirs = digests(small_world.landing), digests(tmp_path / "landing")
    # Small files may be missing in one of the two worlds, and none may be equal.
    assert not [name for name in ours if ours[name] == theirs.get(name)]


def test_a_block_is_the_same_whichever_blocks_were_made_before(
    monkeypatch: pytest.MonkeyPatch, small_world: Any
) -> None:
    monkeypatch.setattr(config, "BLOCK_SIZE", 100)
    shared = make_world(small_world.config)
    alone = _rows(make_block(shared, 3))
    for number in (2, 0, 1):
        make_block(shared, number)
    assert _rows(make_block(make_world(small_world.config), 3)) == alone
    assert _rows(make_block(shared, 1)) != alone


def test_every_block_and_purpose_has_a_random_stream_of_its_own() -> None:
    first = [
        stream(*key).integers(1 << 60) for key in ((1, "life", 0), (1, "life", 1), (1, "lines", 0), (2, "life", 0))
    ]
    assert len(set(first)) == 4


def _rows(block: Block) -> list[Any]:
    orders = make_orders(block)
    return [rows[name].to_pylist() for rows, _ in (order_lines(orders), events(orders)) for name in sorted(rows)]


def test_a_world_that_is_there_is_not_written_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    tiny = _tiny(tmp_path)
    (tmp_path / "landing" / "customers_2025-q1.csv").write_text("erased since")
    monkeypatch.setattr(world, "make_world", lambda _: pytest.fail("simulated again"))
    simulate(tiny, tmp_path / "landing", tmp_path / "truth")
    assert (tmp_path / "landing" / "customers_2025-q1.csv").read_text() == "erased since"


def test_other_settings_take_the_place_of_the_world_before_and_leave_other_files(tmp_path: Path) -> None:
    tiny = _tiny(tmp_path)
    (tmp_path / "landing" / "mine.csv").write_text("a,b\n")
    later = replace(tiny, start=tiny.start.replace(month=3), end=tiny.end.replace(month=6))
    simulate(later, tmp_path / "landing", tmp_path / "truth")
    names = {path.name for path in (tmp_path / "landing").iterdir()}
    assert "mine.csv" in names
    assert "orders_2025-03.csv.gz" in names
    assert "orders_2025-01.csv.gz" not in names


def test_a_killed_simulation_leaves_nothing_under_a_name_and_the_next_one_repairs_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folders = (tmp_path / "landing", tmp_path / "truth")
    with monkeypatch.context() as patch:
        patch.setattr(LandingFiles, "publish", lambda _: (_ for _ in ()).throw(KeyboardInterrupt))
        with pytest.raises(KeyboardInterrupt):
            _tiny(tmp_path)
    assert all(path.name.startswith(".") for folder in folders for path in folder.iterdir())
    (tmp_path / "landing" / ".orders_of_another_world.csv.part").touch()
    _tiny(tmp_path)
    assert not [path for folder in folders for path in folder.glob(".*")]
    assert (tmp_path / "truth" / "stamp.json").exists()


def _tiny(folder: Path) -> WorldConfig:
    tiny = WorldConfig.from_settings({"customers": 60, "products": 24, "start": "2025-01-01", "end": "2025-03-01"})
    simulate(tiny, folder / "landing", folder / "truth")
    return tiny


def test_messages_help_some_people_and_harm_others(small_world: Any) -> None:
    effects = pq.read_table(small_world.truth / "message_effects.parquet").to_pandas()
    here = effects[effects["was_customer"]]["expected_extra_orders"]
    assert (here > 0).any()
    assert (here < 0).any()
    assert (effects[~effects["was_customer"]]["expected_extra_orders"] == 0).all()


def test_nobody_is_a_customer_before_entry_or_in_two_spells_at_once(small_world: Any) -> None:
    people = pq.read_table(small_world.truth / "people.parquet").to_pandas().set_index("person_id")
    spells = pq.read_table(small_world.truth / "spells.parquet").to_pandas()
    entry = people["entry_day"].reindex(spells["person_id"]).to_numpy()
    assert (spells["from_day"].to_numpy() >= entry).all()
    assert (spells["to_day"].dropna() > spells["from_day"][spells["to_day"].notna()]).all()
    before = spells.groupby("person_id")["to_day"].shift()
    assert (spells["from_day"][before.notna()] >= before[before.notna()]).all()


def test_orders_follow_the_season_and_the_trend() -> None:
    calendar = make_world(WorldConfig(season_strength=2.0, yearly_trend=0.3)).calendar
    december, february = calendar.day_of(calendar.start.replace(month=12)), 225
    assert (
        calendar.order_season[december : december + 14].mean()
        > 1.5 * calendar.order_season[february : february + 14].mean()
    )
    assert np.isclose(calendar.order_season[730:737].sum() / calendar.order_season[0:7].sum(), 1.3**2, rtol=0.05)
