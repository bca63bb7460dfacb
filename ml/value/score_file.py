"""The file of value scores: its columns, and how it appears whole or not at all.

Belongs here: the layout of ``ml.value_scores``. Does not belong here: computing predictions (``scoring``).
"""

from __future__ import annotations

from collections import Counter
from contextlib import AbstractContextManager
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import pyarrow as pa


def schema() -> pa.Schema:
    """Columns of ``ml.value_scores`` in order."""
    import pyarrow as pa

    amounts = (
        "expected_orders", "expected_spend", "expected_margin", "predicted_clv", "predicted_clv_low",
        "predicted_clv_high",
    )  # fmt: skip
    return pa.schema(
        [
            ("as_of_date", pa.date32()), ("customer_id", pa.string()), ("status", pa.string()),
            *((name, pa.float64()) for name in amounts),
            ("expected_date_of_next_order", pa.date32()), ("model_version", pa.string()),
        ]
    )  # fmt: skip


class ScoreFile(AbstractContextManager["ScoreFile"]):
    """Collects batches in a draft whose name begins with a dot, then renames; a kill leaves the old file, or none."""

    def __init__(self, path: Path) -> None:
        import pyarrow.parquet as pq

        path.parent.mkdir(parents=True, exist_ok=True)
        self.path = path
        self.rows = 0
        self.statuses: Counter[str] = Counter()
        self._draft = path.with_name(f".{path.name}.draft")
        self._writer = pq.ParquetWriter(self._draft, schema(), compression="zstd")

    def add(self, table: pa.Table) -> None:
        self._writer.write_table(table)
        self.rows += table.num_rows
        self.statuses.update(table["status"].to_pylist())

    def __exit__(self, error: type[BaseException] | None, *_: object) -> None:
        self._writer.close()
        if error is None:
            self._draft.replace(self.path)
        else:
            self._draft.unlink()
