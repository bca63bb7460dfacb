from __future__ import annotations

import csv
import gzip
import io
import json
from collections import Counter
from pathlib import Path
from typing import Any

import pandas as pd
import pyarrow.parquet as pq
import pytest
import yaml

from ml.simulator.dirt import FAULTS, MALFORMED_CSV, MALFORMED_JSON
from ml.simulator.landing_files import periods
from ml.simulator.layouts import LAYOUTS
from ml.simulator.oracle import who_is_who

ROOT = Path(__file__).resolve().parents[4]
SHOP = yaml.safe_load((ROOT / "shops/demo/shop.yml").read_text(encoding="utf-8"))
CONTRACT = {
    table["name"]: table
    for source in yaml.safe_load((ROOT / "dbt_project/models/sources/raw.yml").read_text(encoding="utf-8"))["sources"]
    for table in source["tables"]
}


def lines(path: Path) -> list[str]:
    content = path.read_bytes()
    return (gzip.decompress(content) if path.suffix == ".gz" else content).decode().splitlines()


def rows(path: Path) -> list[tuple[Any, ...]]:
    """Every row of a file as a tuple, malformed ones as their text."""
    if path.suffix == ".parquet":
        return [tuple(row.values()) for row in pq.read_table(path).to_pylist()]
    if ".csv" in path.name:
        return [tuple(row) for row in csv.reader(io.StringIO("\n".join(lines(path)[1:])))]
    return [(line,) for line in lines(path)]


def counts(world: Any) -> dict[str, dict[str, Any]]:
    content: dict[str, dict[str, Any]] = json.loads((world.truth / "dirty_rows.json").read_text())
    return content


def frame(world: Any, name: str) -> pd.DataFrame:
    return pd.concat([pd.read_csv(path, dtype=str, on_bad_lines="skip") for path in sorted(world.landing.glob(name))])


def test_every_touchpoint_of_the_contract_has_files(small_world: Any) -> None:
    assert {count["touchpoint"] for count in counts(small_world).values()} == set(CONTRACT)


def test_the_truth_counts_every_row_of_every_file(small_world: Any) -> None:
    expected = {name: count["rows"] for name, count in counts(small_world).items()}
    assert {path.name: len(rows(path)) for path in small_world.landing.iterdir()} == expected


def test_the_truth_counts_every_duplicate_within_and_across_files(small_world: Any) -> None:
    # Bad rows differ from every good one, so only duplicates repeat.
    for kind in set(FAULTS):
        seen: Counter[tuple[Any, ...]] = Counter()
        for path in sorted(small_world.landing.glob(LAYOUTS[kind].file_name("*").replace("_*.", "*."))):
            before = sum(seen.values()) - len(seen)
            seen.update(rows(path))
            assert sum(seen.values()) - len(seen) - before == counts(small_world)[path.name]["duplicates"], path.name


def test_malformed_lines_are_counted_and_really_malformed(small_world: Any) -> None:
    for name, count in counts(small_world).items():
        path = small_world.landing / name
        if ".csv" in name:
            width = len(next(csv.reader(lines(path)[:1])))
            assert sum(len(row) != width for row in rows(path)) == count["dirty"].get(MALFORMED_CSV, 0)
        elif ".jsonl" in name:
            assert sum(not _is_object(line) for line in lines(path)) == count["dirty"].get(MALFORMED_JSON, 0)


def _is_object(line: str) -> bool:
    try:
        return isinstance(json.loads(line), dict)
    except json.JSONDecodeError:
        return False


def test_every_fault_breaks_a_rule_that_the_contract_has() -> None:
    for kind, faults in FAULTS.items():
        columns = {column["name"]: column for column in CONTRACT[LAYOUTS[kind].touchpoint]["columns"]}
        for fault in faults:
            if fault.is_malformed or fault.rule == "currency without rate":
                continue
            meta = columns[fault.column].get("config", {}).get("meta", {})
            rules = {"required": "required" in meta, "allowed": "allowed" in meta}
            rules |= {f"{bound} {meta.get(bound)}": bound in meta for bound in ("min", "max")}
            rules[f"no {columns[fault.column]['data_type']}"] = True
            assert rules.get(fault.rule), (kind, fault)


def test_the_demo_shop_says_what_the_files_look_like() -> None:
    for kind, layout in LAYOUTS.items():
        said = SHOP["touchpoints"][layout.touchpoint]
        assert said["known_at"] == layout.known_at, kind
        if not (ROOT / "shops/demo" / f"{layout.touchpoint}.sql").exists():
            assert said.get("columns", {}) == dict(layout.names), kind
        assert Path(layout.file_name("2025-07" if layout.period != "whole" else "")).match(said["files"]), kind


def test_incoming_columns_are_those_of_the_contract() -> None:
    for layout in LAYOUTS.values():
        known = set()
        for column in CONTRACT[layout.touchpoint]["columns"]:
            meta = column.get("config", {}).get("meta", {})
            known.add(meta.get("from", column["name"]))
        assert set(layout.columns) <= known, layout.touchpoint


def test_every_order_leads_to_a_person_in_spite_of_spelling(small_world: Any) -> None:
    orders = frame(small_world, "orders_*.csv.gz")
    known = set(zip(*(who_is_who(small_world.truth)[name] for name in ("identifier_type", "identifier")), strict=True))
    spelled = orders["E-Mail"].dropna()
    assert (spelled != spelled.str.strip().str.lower()).any()
    emails = {("email", value) for value in spelled.str.strip().str.lower()}
    phones = {
        ("phone", "+" + value)
        for value in orders["Telefon"].dropna().str.replace(r"\D", "", regex=True).str.lstrip("0")
    }
    cards = {("loyalty_card", value) for value in orders["Kundenkarte"].dropna()}
    accounts = {("account", value) for value in orders["Kundennummer"].dropna()}
    assert emails | phones | cards | accounts <= known
    assert orders[["E-Mail", "Telefon", "Kundenkarte", "Kundennummer"]].notna().any(axis=1).all()


def test_some_rows_are_known_days_late_and_no_instant_lies_in_an_hour_that_exists_twice(small_world: Any) -> None:
    orders = frame(small_world, "orders_*.csv.gz")
    ordered = pd.to_datetime(orders["Bestellt am"], errors="coerce")
    known = pd.to_datetime(orders["exportiert_am"])
    assert (known.dt.hour == 3).all()
    assert (ordered.dropna().dt.hour >= 6).all()
    days = (known.dt.normalize() - ordered.dt.normalize()).dt.days[orders["Status"] == "paid"]
    assert 0.005 < (days > 1).mean() < 0.08
    assert days.dropna().between(1, 6).all()


def test_mutable_columns_change_in_later_versions(small_world: Any) -> None:
    customers = frame(small_world, "customers_*.csv").drop_duplicates()
    for column in ("street", "loyalty_tier"):
        values = customers[["account_id", column]].dropna().drop_duplicates()
        assert values["account_id"].duplicated().any(), column


def test_people_without_a_standing_consent_to_profiling_are_a_few_in_a_hundred(small_world: Any) -> None:
    people = pq.read_table(small_world.truth / "people.parquet").to_pandas()
    consents = frame(small_world, "consents_*.csv")
    profiling = consents[(consents["purpose"] == "profiling") & (consents["decision"] == "granted")]
    share = 1 - people.loc[people["account_id"].notna(), "account_id"].isin(profiling["account_id"]).mean()
    assert 0.01 < share < 0.10


@pytest.mark.parametrize(
    ("length", "first", "count"), [("month", "2024-09", 3), ("quarter", "2024-q3", 2), ("whole", "", 1)]
)
def test_periods_cover_every_day_once(length: str, first: str, count: int) -> None:
    labels, starts = periods(pd.Timestamp("2024-09-15").date(), 60, length)
    assert (labels[0], len(labels), int(starts[0])) == (first, count, 0)
    assert sorted(set(starts)) == list(starts)
