"""The rules of the house, held by reading the code."""

import ast
import re
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).parents[3]


def imports_of(package: str) -> Iterator[tuple[Path, str]]:
    for path in sorted((ROOT / package).rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Import):
                yield from ((path, alias.name) for alias in node.names)
            elif isinstance(node, ast.ImportFrom) and node.module:
                yield path, node.module


def test_ml_imports_neither_dagster_nor_orchestration() -> None:
    found = [(p.name, m) for p, m in imports_of("ml") if m.split(".")[0] in ("dagster", "dagster_dbt", "orchestration")]
    assert found == []


def test_nothing_imports_defs() -> None:
    found = [
        (str(path), module)
        for package in ("ml", "orchestration")
        for path, module in imports_of(package)
        if module.startswith("orchestration.defs") and "defs" not in path.parts
    ]
    assert found == []


def test_no_private_module_of_dagster_is_imported() -> None:
    assert [m for _, m in imports_of("orchestration") if m.startswith("dagster._")] == []


def test_only_settings_reads_the_environment() -> None:
    reading = re.compile(r"os\.environ\[[^\]]+\](?!\s*=)|os\.environ\.get|os\.getenv")
    found = [
        path.relative_to(ROOT).as_posix()
        for package in ("ml", "orchestration")
        for path in sorted((ROOT / package).rglob("*.py"))
        if path.name != "settings.py" and reading.search(path.read_text())
    ]
    assert found == []


def test_no_pipeline_stage_reads_the_truth() -> None:
    allowed = {"simulation.py", "evaluation.py"}
    found = [
        path.name
        for path in sorted((ROOT / "orchestration").rglob("*.py"))
        if "truth" in path.read_text() and path.name not in allowed
    ]
    assert found == []
    assert not any("truth" in p.read_text() for p in (ROOT / "dbt_project").rglob("*.sql"))


def test_lock_files_carry_no_address() -> None:
    for lock in ROOT.glob("requirements*.lock"):
        assert "://" not in lock.read_text(), lock.name


def test_every_module_of_tests_has_a_name_of_its_own() -> None:
    """Two of one name are collected one by one without a word, and not at all together."""
    names = Counter(path.name for path in (ROOT / "tests").rglob("test_*.py"))
    assert [name for name, count in names.items() if count > 1] == []
