"""The truth, in a folder of its own that no stage of the pipeline may read.

Belongs here: who is who, hidden types, true effects, what was recorded of each person for the oracle, counts of
dirty rows, the stamp. Does not belong here: the landing folder.

``people.parquet``          one row per person: hidden type and rates, entry, last leaving, who they share with
``spells.parquet``          when each person was a customer
``who_is_who.parquet``      every identifier of every person, e-mail and phone in normal form
``tastes.parquet``          share of each category in a person's taste
``message_effects.parquet`` true effect of each message on the order rate
``observed_*.parquet``      what the shop's systems recorded, per person and day, with the days by which it was late
``dirty_rows.json``         rows, duplicates and dirty rows by rule, per landing file
``world.json``              settings and true parameters; ``stamp.json`` what was written, last of all
"""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa

from ml.simulator.block import Block, World
from ml.simulator.catalogue import CATEGORIES
from ml.simulator.columns import Rows, numbered, stack, take
from ml.simulator.formats import ParquetFile
from ml.simulator.life import Columns
from ml.simulator.outreach import message_effects
from ml.simulator.people import CONSENTS, FIRST_MARKETING, NEVER
from ml.simulator.purchases import Orders

STAMP = "stamp.json"
PERSON_WIDTH = 9


class TruthFiles:
    """Open Parquet files of a truth folder, a row group per block."""

    def __init__(self, folder: Path):
        self.folder = folder
        self._files: dict[str, ParquetFile] = {}

    def add(self, block: Block, orders: Orders) -> None:
        tables = {
            "people": _people(block),
            "spells": _spells(block),
            "who_is_who": _who_is_who(block),
            "tastes": _tastes(block),
            "message_effects": message_effects(block),
            **{f"observed_{name}": _world_wide(block, rows) for name, rows in _observed(block, orders).items()},
        }
        for name, rows in tables.items():
            if name not in self._files:
                self._files[name] = ParquetFile(self.folder / f".{name}.parquet.part")
            self._files[name].append(pa.table(rows))

    def publish(self, world: World, counts: dict[str, Any]) -> None:
        """Close the tables, give them their names, write the JSON files; the stamp comes last."""
        for name, file in self._files.items():
            file.close()
            (self.folder / f".{name}.parquet.part").replace(self.folder / f"{name}.parquet")
        laws = {name: np.asarray(value).tolist() for name, value in asdict(world.laws).items()}
        write_json(self.folder / "dirty_rows.json", counts)
        write_json(self.folder / "world.json", {"settings": world.config.as_settings(), "laws": laws})


def write_json(path: Path, content: Any) -> None:
    unfinished = path.with_name(f".{path.name}.part")
    unfinished.write_text(json.dumps(content, indent=1, sort_keys=True) + "\n", encoding="utf-8")
    unfinished.replace(path)


def person_ids(index: np.ndarray) -> pa.Array:
    return numbered("p", index, PERSON_WIDTH)


def _people(block: Block) -> Rows:
    people, laws = block.people, block.world.laws
    kind = people.kind
    left = np.full(people.size, -1)
    closed = block.life.spells["to"] < NEVER
    np.maximum.at(left, block.life.spells["person"][closed], block.life.spells["to"][closed])
    numbers = {
        "person": people.index, "kind": kind, "entry_day": people.entry_day, "last_left_day": left,
        "partner_entry_day": people.partner_entry_day, "second_account_day": people.second_account_day,
        "erasure_day": people.erasure_day, "objection_day": people.objection_day,
        "unsubscribed_day": block.life.unsubscribed_day,
    }  # fmt: skip
    return {
        "person_id": person_ids(people.index),
        "account_id": block.names.account,
        "email": block.names.email,
        **{name: pa.array(values) for name, values in numbers.items()},
        "orders_per_year": pa.array(laws.order_rate[kind] * 365),
        "leaving_per_year": pa.array(laws.leaving_rate[kind] * 365),
        "sessions_per_year": pa.array(laws.session_rate[kind] * 365),
        "always_identified": pa.array(people.always_identified_share),
        "is_profiled_on_entry": pa.array(people.asked & people.granted[:, 0]),
        **{
            f"permits_{channel}": pa.array(people.granted[:, number])
            for number, (_, channel, _) in enumerate(CONSENTS)
            if number >= FIRST_MARKETING
        },
    }


def _spells(block: Block) -> Rows:
    spells = block.life.spells
    return {
        "person_id": person_ids(block.people.index[spells["person"]]),
        "from_day": pa.array(spells["from"]),
        "to_day": pa.array(spells["to"], mask=spells["to"] == NEVER),
    }


def _who_is_who(block: Block) -> Rows:
    names, parts = block.names, []
    pairs = (
        ("account", names.account), ("account", names.second_account), ("email", names.email),
        ("email", names.second_email),
        ("phone", names.phone), ("loyalty_card", names.card), ("cookie", names.cookie),
        ("cookie", names.second_cookie),
        ("device", names.device), ("household", names.household),
    )  # fmt: skip
    for kind, values in pairs:
        rows = np.flatnonzero(~np.asarray(values.is_null()))
        parts.append({
            "identifier_type": pa.array([kind] * len(rows), pa.string()),
            "identifier": values.take(pa.array(rows)),
            "person_id": person_ids(block.people.index[rows]),
        })  # fmt: skip
    return stack(*parts)


def _tastes(block: Block) -> Rows:
    n, width = block.people.tastes.shape
    return {
        "person_id": take({"id": person_ids(block.people.index)}, np.repeat(np.arange(n), width))["id"],
        "category_path": pa.array(CATEGORIES).take(pa.array(np.tile(np.arange(width), n))),
        "share": pa.array(np.round(block.people.tastes.ravel(), 6)),
    }


def _observed(block: Block, orders: Orders) -> dict[str, Columns]:
    """What the oracle may know of each person: see ``evidence.Observed``."""
    life, traces = block.life, block.traces
    day, person = np.nonzero(life.sent)
    opened = np.zeros(life.sent.shape, np.int64)
    opened[traces.opens["day"], traces.opens["person"]] = 1
    cancelled = orders.is_cancelled.astype(np.int64)
    return {
        "orders": {"person": orders.person, "day": orders.day, "late": orders.late, "cancelled": cancelled},
        "sessions": {name: traces.sessions[name] for name in ("person", "day", "late", "named")},
        "messages": {"person": person, "day": day, "opened": opened[day, person]},
        "answers": traces.answers,
        "tickets": life.tickets,
    }


def _world_wide(block: Block, rows: Columns) -> Rows:
    numbers = {name: pa.array(np.asarray(values, np.int64)) for name, values in rows.items()}
    return {**numbers, "person": pa.array(block.people.index[rows["person"]])}
