"""The dbt models from staging to features say the same on Spark as on DuckDB."""

from __future__ import annotations

import json
import math
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from datetime import UTC, date, datetime, time
from decimal import Decimal
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from jinja2 import Environment
from spark_world import AS_OFS, TIME_ZONE, write_ledgers, write_manifest, write_world

from ml.identity import resolve

pytestmark = pytest.mark.spark
pytest.importorskip("pyspark")

PROJECT = Path(__file__).resolve().parents[2] / "dbt_project"
FOLDERS = ("staging", "intermediate", "marts", "features")
TOLERANCE = 1e-9
WAREHOUSE = "warehouse.duckdb"


@pytest.fixture(scope="session")
def spark(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    """The session that dbt-spark then takes for its own: in-memory catalogue, UTC, no machinery for large data."""
    from pyspark.sql import SparkSession

    if not (shutil.which("java") or os.environ.get("JAVA_HOME")):
        pytest.fail("Spark needs Java 17, and there is no java here: install openjdk-17-jre-headless or set JAVA_HOME")
    settings = {
        "spark.sql.catalogImplementation": "in-memory",
        "spark.sql.warehouse.dir": str(tmp_path_factory.mktemp("spark")),
        "spark.sql.session.timeZone": "UTC",
        "spark.sql.shuffle.partitions": "1",
        "spark.sql.adaptive.enabled": "false",
        "spark.sql.codegen.wholeStage": "false",
        "spark.ui.enabled": "false",
        "spark.ui.showConsoleProgress": "false",
        "spark.driver.memory": "2g",
        "spark.driver.extraJavaOptions": "-XX:TieredStopAtLevel=1 -XX:+UseSerialGC",
        "spark.driver.bindAddress": "127.0.0.1",
        "spark.driver.host": "127.0.0.1",
    }
    builder = SparkSession.builder.master("local[2]")
    for name, value in settings.items():
        builder = builder.config(name, value)
    session = builder.getOrCreate()
    session.sparkContext.setLogLevel("ERROR")
    yield session
    session.stop()


def arguments(target: str, select: list[str], manifest: str, folder: Path) -> list[str]:
    """Command line of a dbt run that writes nothing into the project."""
    options = {
        "input_manifest": manifest, "as_ofs": AS_OFS, "recommender_dates": AS_OFS[2:], "time_zone": TIME_ZONE,
        "assumed_purposes": ["service"],
    }  # fmt: skip
    return [
        "run", "--quiet", "--target", target, "--project-dir", str(PROJECT), "--profiles-dir", str(PROJECT),
        "--target-path", str(folder / f"target_{target}"), "--log-path", str(folder / f"log_{target}"),
        "--select", *select, "--vars", json.dumps(options),
    ]  # fmt: skip


def run_on_duckdb(select: list[str], manifest: str, folder: Path) -> None:
    """In a process of its own, which lets go of the warehouse when it ends."""
    environment = os.environ | {"REGULARS_WAREHOUSE": str(folder / WAREHOUSE), "REGULARS_TEMP": str(folder / "tmp")}
    command = [sys.executable, "-W", "ignore", "-m", "dbt.cli.main", *arguments("duckdb", select, manifest, folder)]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    if done.returncode:
        pytest.fail(done.stdout + done.stderr, pytrace=False)


def run_on_spark(select: list[str], manifest: str, folder: Path) -> None:
    """In this process, so that the session is ours."""
    from dbt.cli.main import dbtRunner

    result = dbtRunner().invoke(arguments("spark", select, manifest, folder))
    runs = getattr(result.result, "results", [])
    failed = [f"{run.node.name}: {run.message}" for run in runs if run.status not in ("success", "skipped")]
    if not result.success:
        pytest.fail("\n".join(failed) or str(result.exception), pytrace=False)


@pytest.fixture(scope="session")
def built(spark: Any, tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[duckdb.DuckDBPyConnection, Any]]:
    """The tiny world in both engines; identity is resolved once, on what DuckDB sees."""
    folder = tmp_path_factory.mktemp("world")
    files = write_world(folder)
    manifest = write_manifest(folder / "inputs.json", files)
    run_on_duckdb(["+int_identifier_edges", "+int_identifiers_seen"], manifest, folder)
    with duckdb.connect(str(folder / WAREHOUSE), read_only=True) as con:
        edges = con.table("intermediate.int_identifier_edges").to_arrow_table()
        seen = con.table("intermediate.int_identifiers_seen").to_arrow_table()
    resolved = resolve(edges, seen)
    tables = {
        "person_spans": resolved.person_spans,
        "redirects": resolved.redirects,
        "customer_ledger": resolved.new_ledger,
    }
    for name, table in tables.items():
        pq.write_table(table, folder / f"{name}.parquet")
        files[f"identity.{name}"] = [str(folder / f"{name}.parquet")]
    files |= write_ledgers(folder, sorted(set(resolved.new_ledger["customer_id"].to_pylist())))
    manifest = write_manifest(folder / "inputs.json", files)
    select = [f"path:models/{name}" for name in FOLDERS if (PROJECT / "models" / name).is_dir()]
    run_on_duckdb(select, manifest, folder)
    run_on_spark(select, manifest, folder)
    with duckdb.connect(str(folder / WAREHOUSE), read_only=True) as con:
        yield con, spark


MODELS = [
    f"{path.parent.name}.{path.stem}" for name in FOLDERS for path in sorted((PROJECT / "models" / name).glob("*.sql"))
]

FROM_CONTRACTS = {f"features.label_{name}" for name in ("due_periods", "contract_periods", "contract_courses")}
"""Empty in a shop that tells churn from orders, as this one does: of these only the columns are compared."""


@pytest.mark.parametrize("model", MODELS)
def test_spark_builds_the_same_rows_as_duckdb(built: tuple[duckdb.DuckDBPyConnection, Any], model: str) -> None:
    con, spark = built
    ours = con.sql(f"select * from {model}").to_arrow_table()
    theirs = spark.table(model).toArrow()
    assert theirs.column_names == ours.column_names
    assert [kind_of(field.type) for field in theirs.schema] == [kind_of(field.type) for field in ours.schema]
    expected, found = sorted_rows(ours), sorted_rows(theirs)
    assert len(found) == len(expected)
    assert (len(found) > 0) == (model not in FROM_CONTRACTS), "an empty table proves nothing"
    for row, other in zip(expected, found, strict=True):
        unequal = [name for name in row if not same(row[name], other[name])]
        assert not unequal, {name: (row[name], other[name]) for name in unequal}


MIDNIGHTS = [
    ("Atlantic/Azores", "2025-10-26"),  # there twice
    ("America/Havana", "2025-11-02"),  # there twice
    ("America/Havana", "2025-03-09"),  # not there
    (TIME_ZONE, "2025-07-01"),
]


@pytest.mark.parametrize(("zone", "day"), MIDNIGHTS)
def test_a_day_begins_with_the_same_instant_in_both_engines_as_in_python(spark: Any, zone: str, day: str) -> None:
    macros = Environment().from_string((PROJECT / "macros" / "engines.sql").read_text())
    engines: Any = macros.make_module({"var": {"time_zone": zone}.get, "return": str})
    midnight = f"date '{day}'"
    theirs = spark.sql(f"select {engines.spark__day_start(midnight)} as begins").toArrow()["begins"][0].as_py()
    (ours,) = duckdb.sql(f"select {engines.duckdb__day_start(midnight)}").fetchone() or ()
    begins = datetime.combine(date.fromisoformat(day), time(), ZoneInfo(zone)).astimezone(UTC).replace(tzinfo=None)
    assert plain(theirs) == plain(ours) == begins


def test_the_world_moves_every_feature(built: tuple[duckdb.DuckDBPyConnection, Any]) -> None:
    features = built[0].sql("select * from features.customer_features").df()
    assert len(features) > 50
    assert [name for name in features if features[name].nunique() < 2] == []


def kind_of(kind: pa.DataType) -> str:
    """What both engines must agree on: width of integers and decimals, not how a string or an instant is stored."""
    if pa.types.is_timestamp(kind):
        return "timestamp"
    if pa.types.is_string(kind) or pa.types.is_large_string(kind):
        return "string"
    return str(kind)


def sorted_rows(table: pa.Table) -> list[dict[str, Any]]:
    """Rows in an order that does not lean on the last places of a float."""
    rows = [{name: plain(value) for name, value in row.items()} for row in table.to_pylist()]
    return sorted(rows, key=lambda row: [(v is None, words(v)) for v in row.values()])


def words(value: Any) -> str:
    return f"{value:.4f}" if isinstance(value, float) else str(value)


def plain(value: Any) -> Any:
    """An instant without its zone (both are UTC)."""
    return value.replace(tzinfo=None) if hasattr(value, "tzinfo") else value


def same(ours: Any, theirs: Any) -> bool:
    if isinstance(ours, float) and isinstance(theirs, float):
        return (math.isnan(ours) and math.isnan(theirs)) or math.isclose(
            ours, theirs, rel_tol=TOLERANCE, abs_tol=TOLERANCE
        )
    return type(ours) is type(theirs) and ours == theirs


def test_the_comparison_sees_a_last_decimal_and_forgives_only_the_last_places_of_a_float() -> None:
    assert not same(Decimal("1.00"), Decimal("1.01"))
    assert not same(1, 1.0)
    assert not same(None, 0)
    assert same(0.1 + 0.2, 0.3)
    assert not same(0.3, 0.3 + 1e-7)
