"""The truth of the world of contracts, in a folder of its own that no stage of the pipeline may read.

Belongs here: the tables, writing and reading them. Does not belong here: the landing folder.

``people.parquet``          one row per person: hidden type, payer, contract, notice, end
``who_is_who.parquet``      account and e-mail of every person
``observed_*.parquet``      visits, tickets, payments and dues as recorded, per person and day
``dirty_rows.json``, ``world.json``, ``stamp.json``   as in the retail world
"""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa

from ml.simulator.block import World
from ml.simulator.columns import Rows, const, stack
from ml.simulator.contracts.block import ContractBlock
from ml.simulator.contracts.laws import make_contract_laws
from ml.simulator.contracts.life import Columns
from ml.simulator.formats import ParquetFile
from ml.simulator.truth import person_ids, write_json

OBSERVED = ("visits", "tickets", "payments", "dues")


class ContractTruthFiles:
    """Open Parquet files of a truth folder, a row group per block."""

    def __init__(self, folder: Path):
        self.folder = folder
        self._files: dict[str, ParquetFile] = {}

    def add(self, block: ContractBlock) -> None:
        tables = {"people": _people(block), "who_is_who": _who_is_who(block)}
        tables |= {f"observed_{name}": _world_wide(block, getattr(block.contracts, name)) for name in OBSERVED}
        for name, rows in tables.items():
            if name not in self._files:
                self._files[name] = ParquetFile(self.folder / f".{name}.parquet.part")
            self._files[name].append(pa.table(rows))

    def publish(self, world: World, counts: dict[str, Any]) -> None:
        """Close the tables, give them their names, write the JSON files."""
        for name, file in self._files.items():
            file.close()
            (self.folder / f".{name}.parquet.part").replace(self.folder / f"{name}.parquet")
        laws = {name: np.asarray(value).tolist() for name, value in asdict(make_contract_laws(world.config)).items()}
        write_json(self.folder / "dirty_rows.json", counts)
        write_json(self.folder / "world.json", {"settings": world.config.as_settings(), "laws": laws})


def _people(block: ContractBlock) -> Rows:
    life, people = block.contracts, block.shared.people
    numbers = {
        "person": people.index, "kind": life.kind, "payer": life.payer, "start_day": life.start, "period": life.period,
        "notice_day": life.notice_day, "end_day": life.end_day, "objection_day": people.objection_day,
    }  # fmt: skip
    return {
        "person_id": person_ids(people.index),
        "account_id": block.shared.names.account,
        **{name: pa.array(values) for name, values in numbers.items()},
        "is_unpaid_end": pa.array(life.is_unpaid_end),
        "is_profiled_on_entry": pa.array(people.asked & people.granted[:, 0]),
    }


def _who_is_who(block: ContractBlock) -> Rows:
    names, people = block.shared.names, block.shared.people
    return stack(*(
        {"identifier_type": const(kind, people.size), "identifier": values, "person_id": person_ids(people.index)}
        for kind, values in (("account", names.account), ("email", names.email))
    ))  # fmt: skip


def _world_wide(block: ContractBlock, rows: Columns) -> Rows:
    numbers = {name: pa.array(np.asarray(values, np.int64)) for name, values in rows.items()}
    return {**numbers, "person": pa.array(block.shared.people.index[rows["person"]])} if rows else _nothing()


def _nothing() -> Rows:
    return {"person": pa.array([], pa.int64())}
