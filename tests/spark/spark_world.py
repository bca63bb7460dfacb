"""A tiny shop in all touchpoints, as raw Parquet files: made to reach the corners where SQL engines disagree.

Belongs here: rows (nulls, ties, versions, late arrivals, half cents, both changes of the clock, a foreign currency)
and the manifest over them. Does not belong here: what comes out (the test compares two engines, not with a truth).
"""

from __future__ import annotations

import json
from datetime import date, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from random import Random
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import yaml

SOURCES = Path(__file__).resolve().parents[2] / "dbt_project" / "models" / "sources"
FIRST, DAYS = datetime.fromisoformat("2023-09-01T00:00:00"), 700
AS_OFS = ["2024-06-30", "2024-11-04", "2025-03-31", "2025-07-01"]
SOON = datetime.fromisoformat("2025-07-14T12:00:00")
"""Within a month of the last as-of: when some points run out."""
TIME_ZONE = "Europe/London"
PEOPLE, ITEMS = 50, 12

ROWS = {
    "customers": 70, "identities": 40, "products": 20, "orders": 500, "events": 1500, "subscriptions": 30,
    "rewards": 120, "support_tickets": 60, "feedback": 250, "preferences": 60, "messages": 700, "consents": 200,
    "erasure_requests": 3,
}  # fmt: skip

SHARED = {"customers": 8, "consents": 12, "erasure_requests": 1}
"""Of each, the first so many rows carry one phone number, which is too many accounts for it to be anybody's."""


def write_world(folder: Path, seed: int = 7) -> dict[str, list[str]]:
    """Write two batches of each touchpoint; the files by source, as a run's manifest names them."""
    rng = Random(seed)
    files: dict[str, list[str]] = {}
    contract = yaml.safe_load((SOURCES / "raw.yml").read_text())["sources"][0]
    system = contract["config"]["meta"]["system_columns"]
    for table in contract["tables"]:
        name = table["name"]
        if not ROWS[name]:
            continue
        schema = arrow_schema({**{c["name"]: c["data_type"] for c in table["columns"]}, **system})
        rows = [_row(name, number, schema, table["config"]["meta"], rng) for number in range(ROWS[name])]
        for batch, part in enumerate((rows[::2], rows[1::2])):
            path = folder / "raw" / name / f"batch{batch}" / "rows.parquet"
            path.parent.mkdir(parents=True)
            pq.write_table(pa.Table.from_pylist(part, schema=schema), path)
            files.setdefault(f"raw.{name}", []).append(str(path))
    files["shop.exchange_rates"] = [str(folder / "rates.parquet")]
    pq.write_table(_rates(), folder / "rates.parquet")
    return files


def write_ledgers(folder: Path, customers: list[str], seed: int = 7) -> dict[str, list[str]]:
    """Plays decided for these customers in every arm, some of them twice, and who was drawn for the holdout."""
    rng = Random(seed)
    drawn = [
        {"customer_id": customer, "experiment": experiment, "arm": rng.choice(["treatment", "holdout"]), "share": 0.1}
        | {"assigned_as_of": _instant(rng)}
        for customer in customers
        for experiment in ("global", "play:win_back")
    ]
    decided = [
        {"action_id": f"a{number // 2 * 2 if number % 5 == 0 else number}", "customer_id": rng.choice(customers)}
        | {"play": rng.choice(["win_back", "welcome"]), "arm": rng.choice(["treatment", "control", "holdout"])}
        | {"decided_as_of": _instant(rng), "propensity": rng.choice([0.81, 0.09, 0.1])}
        for number in range(300)
    ]
    types = {
        "holdouts": dict.fromkeys(("customer_id", "experiment", "arm"), "varchar"),
        "decisions": dict.fromkeys(("action_id", "customer_id", "play", "arm"), "varchar"),
    }
    types["holdouts"] |= {"share": "double", "assigned_as_of": "timestamp"}
    types["decisions"] |= {"decided_as_of": "timestamp", "propensity": "double"}
    files = {}
    for name, rows in (("holdouts", drawn), ("decisions", decided)):
        path = folder / f"{name}.parquet"
        pq.write_table(pa.Table.from_pylist(rows, schema=arrow_schema(types[name])), path)
        files[f"ledger.{name}"] = [str(path)]
    return files


def write_manifest(path: Path, files: dict[str, list[str]]) -> str:
    """The manifest as JSON; its path."""
    path.write_text(json.dumps({"inputs_id": "0" * 16, "as_of": AS_OFS[-1], "files": files}, indent=2))
    return str(path)


def arrow_schema(types: dict[str, str]) -> pa.Schema:
    """Arrow schema of the contract's data types."""
    plain = {
        "varchar": pa.string(), "timestamp": pa.timestamp("us"), "date": pa.date32(), "integer": pa.int32(),
        "bigint": pa.int64(), "boolean": pa.bool_(), "double": pa.float64(),
    }  # fmt: skip

    def arrow(kind: str) -> pa.DataType:
        if kind.startswith("decimal"):
            return pa.decimal128(*(int(part) for part in kind[8:-1].split(",")))
        return plain[kind]

    return pa.schema([(name, arrow(kind)) for name, kind in types.items()])


def _rates() -> pa.Table:
    days = [FIRST.date() + timedelta(30 * month) for month in range(25)]
    rates = [Decimal("0.85123456") + Decimal(month) / 1000 for month in range(25)]
    columns = [["USD"] * 25, pa.array(days, pa.date32()), pa.array(rates, pa.decimal128(18, 8))]
    return pa.table(columns, names=["currency", "date", "rate"])


def _row(touchpoint: str, number: int, schema: pa.Schema, meta: dict[str, Any], rng: Random) -> dict[str, Any]:
    happened = _instant(rng)
    person = rng.randrange(PEOPLE)
    row = {field.name: _value(touchpoint, field, number, person, happened, rng) for field in schema}
    row |= dict.fromkeys({"started_at"} & row.keys() if meta["mutable"] else {meta["occurred_at"]}, happened)
    if touchpoint in SHARED and number < SHARED[touchpoint]:
        account = f"A{number}" if touchpoint == "customers" else None
        row |= {"account_id": account, "email_token": None, "phone_token": "Pshared"}
    if touchpoint == "rewards" and number % 3 == 0:
        row["expires_at"] = SOON
    row["occurred_at"] = row.get(meta["occurred_at"]) or happened
    # Mostly at once, sometimes days later, sometimes within the knowledge lag, sometimes with an equal instant.
    late = rng.choice([timedelta(0), timedelta(seconds=40), timedelta(hours=3), timedelta(days=rng.randrange(1, 40))])
    row |= {
        "known_at": row["occurred_at"] + late,
        "batch_id": f"{number % 2:016d}",
        "row_hash": f"{rng.getrandbits(128):032x}",
    }
    return row


def _instant(rng: Random) -> datetime:
    """Any instant, often a midnight in either season, now and then in the hours when the clock changes."""
    if rng.random() < 0.1:
        return datetime.fromisoformat(rng.choice(["2024-03-31", "2024-10-27", "2025-03-30"])) + timedelta(
            minutes=rng.choice([0, 30, 59, 60, 61, 90])
        )
    hour = rng.choice([0, 23, rng.randrange(24)])
    return FIRST + timedelta(days=rng.randrange(DAYS), hours=hour, minutes=rng.choice([0, 30, rng.randrange(60)]))


ONE_OF: dict[str, list[Any]] = {
    "line_type": ["sale", "sale", "sale", "sale", "return"],
    "status": ["placed", "paid", "shipped", "delivered", "cancelled", None],
    "currency": ["EUR", "EUR", "EUR", "USD"],
    "channel": ["web", "app", "store", None],
    "event_type": ["page_view", "product_view", "search", "add_to_cart", "impression"],
    "category_path": ["Toys > Wood > Trains", "Toys", "Garden > Tools", None, "Ärger > Öl"],
    "change_type": ["earned", "earned", "spent", "expired", "adjusted"],
    "kind": ["nps", "csat", "review", "onboarding", "helpfulness"],
    "attribute": ["category", "brand", "channel"],
    "value": ["Toys", "Garden", "web"],
    "weight": [Decimal("-1.0000"), Decimal("0.0000"), Decimal("0.5000"), Decimal("1.0000")],
    "purpose": ["service", "marketing", "profiling", "profiling", "personalised_recommendations", "special_category"],
    "decision": ["granted", "granted", "withdrawn"],
    "billing_period": ["month", "year"],
    "country": ["DE", "GB", None], "language": ["de", "en"], "loyalty_tier": ["gold", "silver", None],
    "csat": [None, 1, 3, 5], "contacts": [None, 1, 2, 3], "left_type": ["account"],
    "is_available": [True, False], "is_sensitive": [True, False, False, None],
}  # fmt: skip
BY_TOUCHPOINT: dict[str, dict[str, list[Any]]] = {
    "messages": {"channel": ["email", "push", "sms"]},
    "consents": {"channel": ["email", "sms", None, None]},
    "subscriptions": {"status": ["active", "past_due", "cancelled", "ended"]},
}
KEYS = {
    "order_id": 150,
    "event_id": 1400,
    "ticket_id": 50,
    "feedback_id": 220,
    "message_id": 600,
    "reward_id": 115,
    "subscription_id": 20,
}
"""Fewer values than rows, so that some rows are versions of others."""


def _value(touchpoint: str, field: pa.Field, number: int, person: int, happened: datetime, rng: Random) -> Any:
    name, kind = field.name, field.type
    choices = BY_TOUCHPOINT.get(touchpoint, {}).get(name) or ONE_OF.get(name)
    if choices:
        return rng.choice(choices)
    if name in KEYS:
        return f"{name[0]}{rng.randrange(KEYS[name])}"
    if pa.types.is_timestamp(kind):
        later = timedelta(hours=rng.randrange(9000 if touchpoint == "subscriptions" else 400))
        return happened + later if rng.random() < 0.5 else None
    if pa.types.is_date(kind):
        return date(1960 + rng.randrange(55), 1 + rng.randrange(12), 28) if rng.random() < 0.8 else None
    if pa.types.is_decimal(kind):
        return None if rng.random() < 0.1 and name != "quantity" and name != "unit_price" else _decimal(name, kind, rng)
    if pa.types.is_integer(kind):
        return rng.randrange(5)
    return _text(touchpoint, name, person, number, rng)


def _decimal(name: str, kind: pa.DataType, rng: Random) -> Decimal:
    if name == "score":
        return Decimal(rng.randrange(21)) / 2
    # Half cents and half units: where rounding shows its kind.
    return (Decimal(rng.randrange(1, 4000)) / 8).quantize(Decimal(1).scaleb(-kind.scale))


def _text(touchpoint: str, name: str, person: int, number: int, rng: Random) -> str | None:
    if touchpoint == "identities":
        kind, token = ("household", f"H{person // 2}") if number % 4 == 0 else ("device", f"D{person}")
        return kind if name == "right_type" else token if name.startswith("right") else f"A{person}"
    if name == "account_id":
        return f"A{person}" if touchpoint in ("customers", "subscriptions") or rng.random() < 0.6 else None
    if name == "product_id":
        return f"P{rng.randrange(ITEMS)}" if touchpoint == "products" or rng.random() < 0.9 else None
    if name in ("email_token", "phone_token", "loyalty_card_id", "cookie_id", "device_id", "session_id"):
        # Mostly one's own, sometimes the neighbour's.
        whose = person if rng.random() < 0.985 else person ^ 1
        return f"{name[0].upper()}{whose}" if rng.random() < 0.4 else None
    return f"{name} {number % 7}" if rng.random() < 0.9 else None
