"""The file of scores: its columns, bands, percentiles, and how it appears whole or not at all.

Belongs here: the layout of ``ml.churn_scores``. Does not belong here: computing probabilities (``scoring``).
"""

from __future__ import annotations

from collections import Counter
from contextlib import AbstractContextManager
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from ml.churn.reasons import COUNT, Reasons
from ml.evaluation import Floats

if TYPE_CHECKING:
    import pyarrow as pa

PLACES = 6
BAND_ODDS = 2.0
"""``high`` is more than twice the shop's usual odds of churn, ``low`` less than half of them. With a usual rate of
50 % that is above 2/3 and below 1/3; a shop that loses 3 % a month still has its high."""


def schema() -> pa.Schema:
    """Columns of ``ml.churn_scores`` in order."""
    import pyarrow as pa

    reasons = [f"reason_{n}{what}" for n in range(1, COUNT + 1) for what in ("", "_words", "_customer_words")]
    return pa.schema(
        [
            ("as_of_date", pa.date32()), ("customer_id", pa.string()), ("status", pa.string()),
            ("churn_probability", pa.float64()), ("churn_percentile", pa.float64()), ("churn_band", pa.string()),
            *((name, pa.string()) for name in reasons), ("model_version", pa.string()),
        ]
    )  # fmt: skip


def bands(p: Floats, base_rate: float) -> NDArray[np.object_]:
    """``low``, ``medium`` or ``high``: odds of churn against the shop's usual ones (``BAND_ODDS``)."""
    usual = base_rate / max(1 - base_rate, 1e-9)
    odds = p / np.maximum(1 - p, 1e-9)
    return np.select([odds > BAND_ODDS * usual, odds < usual / BAND_ODDS], ["high", "low"], "medium").astype(object)


def percentiles(p: Floats) -> Floats:
    """Share of scored customers with a lower probability, half of the ties counted, 6 places; NaN stays NaN."""
    out = np.full(len(p), np.nan)
    scored = np.isfinite(p)
    ordered = np.sort(p[scored])
    below, upto = np.searchsorted(ordered, p[scored], "left"), np.searchsorted(ordered, p[scored], "right")
    out[scored] = ((below + upto) / 2 / max(len(ordered), 1)).round(PLACES)
    return out


def score_table(
    as_of: date,
    customers: Any,
    status: NDArray[np.object_],
    p: Floats,
    reasons: Reasons,
    *,
    base_rate: float,
    version: str,
) -> pa.Table:
    """One batch of the file. ``p`` and ``reasons`` have a row for each ``status`` that is scored, in order."""
    import pyarrow as pa

    scored = np.isin(status.astype(str), SCORED)

    def spread(values: NDArray[Any]) -> NDArray[np.object_]:
        whole = np.full(len(status), None, dtype=object)
        whole[scored] = values
        return whole

    rounded = p.round(PLACES)
    columns: dict[str, Any] = {
        "as_of_date": [as_of] * len(status),
        "customer_id": customers,
        "status": status,
        "churn_probability": spread(rounded),
        "churn_percentile": [None] * len(status),
        "churn_band": spread(bands(rounded, base_rate)),
        "model_version": [version] * len(status),
    }
    for rank in range(COUNT):
        columns[f"reason_{rank + 1}"] = spread(reasons.name[:, rank])
        columns[f"reason_{rank + 1}_words"] = spread(reasons.internal[:, rank])
        columns[f"reason_{rank + 1}_customer_words"] = spread(reasons.customer[:, rank])
    return pa.table({f.name: pa.array(columns[f.name], type=f.type) for f in schema()}, schema=schema())


SCORED = ("scored", "insufficient_data")


class ScoreFile(AbstractContextManager["ScoreFile"]):
    """Collects batches in a draft, then adds the percentiles, which need all of them, and renames.

    A kill leaves the old file, or none, and drafts whose names begin with a dot.
    """

    def __init__(self, path: Path) -> None:
        import pyarrow.parquet as pq

        path.parent.mkdir(parents=True, exist_ok=True)
        self.path = path
        self.statuses: Counter[str] = Counter()
        self.bands: Counter[str] = Counter()
        self.probabilities = np.empty(0)
        self._draft = path.with_name(f".{path.name}.draft")
        self._parts: list[Floats] = []
        self._writer = pq.ParquetWriter(self._draft, schema(), compression="zstd")

    def add(self, table: pa.Table) -> None:
        self._writer.write_table(table)
        self._parts.append(table["churn_probability"].to_numpy().astype(float))
        self.statuses.update(table["status"].to_pylist())
        self.bands.update(band for band in table["churn_band"].to_pylist() if band)

    def __exit__(self, error: type[BaseException] | None, *_: object) -> None:
        self._writer.close()
        if error is None:
            self.probabilities = np.concatenate(self._parts) if self._parts else np.empty(0)
            whole = self.path.with_name(f".{self.path.name}.whole")
            _add_percentiles(self._draft, whole, self.probabilities)
            whole.replace(self.path)
        self._draft.unlink()


def _add_percentiles(draft: Path, final: Path, p: Floats) -> None:
    import pyarrow as pa
    import pyarrow.parquet as pq

    ranks, start = percentiles(p), 0
    source = pq.ParquetFile(draft)
    with source, pq.ParquetWriter(final, schema(), compression="zstd") as writer:
        where = schema().get_field_index("churn_percentile")
        for group in range(source.num_row_groups):
            table = source.read_row_group(group)
            own = pa.array(ranks[start : start + table.num_rows], from_pandas=True)
            writer.write_table(table.set_column(where, "churn_percentile", own))
            start += table.num_rows
