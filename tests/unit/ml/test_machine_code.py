import os
import sys
from pathlib import Path

import pytest

from ml import machine_code as module
from ml.machine_code import machine_code


@pytest.fixture
def sources(tmp_path, monkeypatch):
    """A package of one compiled file, and nothing compiled yet."""
    (tmp_path / "part").mkdir()
    (tmp_path / "part" / "compiled_loops.py").write_text("one = 1\n", encoding="utf-8")
    monkeypatch.setattr(module, "HERE", tmp_path)
    module._folder.cache_clear()
    yield tmp_path
    module._folder.cache_clear()


def doubled(number: int) -> int:
    return 2 * number


def kept(sources: Path) -> list[Path]:
    return sorted((sources / "__pycache__").rglob("*.nbc"))


def test_what_one_process_compiled_another_loads(sources):
    first = machine_code("int64(int64)")(doubled)
    assert (first(21), len(kept(sources))) == (42, 1)
    second = machine_code("int64(int64)")(doubled)
    assert second(21) == 42
    assert sum(second.stats.cache_hits.values()) == 1
    assert len(kept(sources)) == 1


def test_code_of_other_sources_is_neither_taken_nor_kept(sources):
    machine_code("int64(int64)")(doubled)
    before = module._folder()
    (sources / "part" / "compiled_loops.py").write_text("one = 2\n", encoding="utf-8")
    module._folder.cache_clear()
    again = machine_code("int64(int64)")(doubled)
    assert sum(again.stats.cache_hits.values()) == 0
    assert module._folder() != before
    assert not before.exists()


@pytest.mark.parametrize("trouble", ["no folder", "no right"])
def test_where_nothing_can_be_written_code_is_compiled_all_the_same(sources, monkeypatch, trouble):
    if trouble == "no folder":
        (sources / "__pycache__").write_text("a file", encoding="utf-8")
    else:
        monkeypatch.setattr(os, "access", lambda *_: False)
    assert machine_code("int64(int64)")(doubled)(21) == 42
    assert kept(sources) == []


def test_other_types_are_refused_and_nothing_is_compiled_for_them(sources):
    loop = machine_code("int64(int64)")(doubled)
    with pytest.raises(TypeError, match="No matching definition"):
        loop("21")
    assert len(kept(sources)) == 1


def test_an_installation_compiles_all_there_is():
    module.compile_all()
    loops = {f"ml.{source.parent.name}.{source.stem}" for source in module.HERE.rglob("compiled*.py")}
    assert {"ml.shapley.compiled", "ml.recommender.compiled_best"} < loops <= set(sys.modules)
