"""The file of scores: its columns, bands, percentiles, and how it appears whole or not at all.

Belongs here: the layout of ``ml.churn_scores``. Does not belong here: computing probabilities (``scoring``).
"""

from __future__ import annotations

from collections import Counter
from contextlib import AbstractContextManager
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING

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
            ("expected_remaining_lifetime_days", pa.int32()),
            *((name, pa.string()) for name in reasons), ("model_version", pa.string()),
        ]
    )  # fmt: skip


def _draft_schema() -> pa.Schema:
    """The same with every text that many rows share as numbers into a list of words."""
    import pyarrow as pa

    shared = {"customer_id": pa.string()}
    words = pa.dictionary(pa.int32(), pa.string())
    return pa.schema([(f.name, shared.get(f.name, words) if f.type == pa.string() else f.type) for f in schema()])


def bands(p: Floats, base_rate: float) -> NDArray[np.object_]:
    """``low``, ``medium`` or ``high``: odds of churn against the shop's usual ones (``BAND_ODDS``)."""
    usual = base_rate / max(1 - base_rate, 1e-9)
    odds = p / np.maximum(1 - p, 1e-9)
    return np.select([odds > BAND_ODDS * usual, odds < usual / BAND_ODDS], ["high", "low"], "medium").astype(object)


class Ranks:
    """How many have which probability: percentiles of any number of customers in 8 MB, since those have 6 places."""

    def __init__(self) -> None:
        self.counts = np.zeros(10**PLACES + 1, np.int64)

    def add(self, p: Floats) -> None:
        """Count rounded probabilities; NaN is nobody's."""
        np.add.at(self.counts, _millionths(p[np.isfinite(p)]), 1)

    def percentiles(self, p: Floats) -> Floats:
        """Share of those counted with a lower probability, half of the ties counted, 6 places; NaN stays NaN."""
        out, scored, upto = np.full(len(p), np.nan), np.isfinite(p), np.cumsum(self.counts)
        at = _millionths(p[scored])
        out[scored] = ((2 * upto[at] - self.counts[at]) / 2 / max(upto[-1], 1)).round(PLACES)
        return out

    @property
    def mean(self) -> float:
        """Mean of all counted probabilities."""
        number = int(self.counts.sum())
        return int(self.counts @ np.arange(len(self.counts))) / 10**PLACES / number if number else float("nan")


def _millionths(p: Floats) -> NDArray[np.int64]:
    return np.rint(p * 10**PLACES).astype(np.int64)


def score_table(
    as_of: date,
    customers: pa.Array,
    status: pa.Array,
    p: Floats,
    reasons: Reasons,
    lifetime: Floats,
    *,
    base_rate: float,
    version: str,
) -> pa.Table:
    """One batch of the draft. ``p`` and ``reasons`` have a row for each ``status`` that is scored, in order;
    ``lifetime`` has one for each customer, in days, NaN where unknown."""
    import pyarrow as pa
    import pyarrow.compute as pc

    scored = pc.is_in(status, pa.array(SCORED)).to_numpy(zero_copy_only=False)
    # Where each row's score is; null where it has none.
    at = pa.array(np.cumsum(scored) - 1, mask=~scored)
    rounded, rows = p.round(PLACES), len(status)
    columns = {
        "as_of_date": pa.repeat(pa.scalar(as_of, pa.date32()), rows),
        "customer_id": customers,
        "status": status.dictionary_encode(),
        "churn_probability": pa.array(rounded).take(at),
        "churn_percentile": pa.nulls(rows, pa.float64()),
        "churn_band": pa.array(bands(rounded, base_rate), pa.string()).dictionary_encode().take(at),
        "expected_remaining_lifetime_days": pa.array(np.floor(lifetime + 0.5), from_pandas=True),
        "model_version": pa.repeat(version, rows).dictionary_encode(),
    }
    for rank in range(COUNT):
        for what, spoken in (("", reasons.name), ("_words", reasons.internal), ("_customer_words", reasons.customer)):
            columns[f"reason_{rank + 1}{what}"] = spoken.arrow(rank).take(at)
    return pa.table(columns).select(schema().names).cast(_draft_schema())


SCORED = ("scored", "insufficient_data")


class ScoreFile(AbstractContextManager["ScoreFile"]):
    """Collects batches in a draft, then writes them with the percentiles, which need all of them, and renames.

    A kill leaves the old file, or none, and drafts whose names begin with a dot. The draft is Arrow's own format, the
    words of a batch once and numbers into them, so that no text is written or read twice.
    """

    def __init__(self, path: Path) -> None:
        import pyarrow as pa

        path.parent.mkdir(parents=True, exist_ok=True)
        self.path = path
        self.statuses: Counter[str] = Counter()
        self.bands: Counter[str] = Counter()
        self.ranks = Ranks()
        self._draft = path.with_name(f".{path.name}.draft")
        options = pa.ipc.IpcWriteOptions(compression="lz4")
        self._writer = pa.ipc.new_stream(str(self._draft), _draft_schema(), options=options)

    def add(self, table: pa.Table) -> None:
        self._writer.write_table(table.combine_chunks())
        self.ranks.add(table["churn_probability"].to_numpy())
        for counter, column in ((self.statuses, table["status"]), (self.bands, table["churn_band"])):
            counted = column.drop_null().value_counts()
            counter.update({one["values"]: one["counts"] for one in counted.to_pylist()})

    def __exit__(self, error: type[BaseException] | None, *_: object) -> None:
        self._writer.close()
        if error is None:
            whole = self.path.with_name(f".{self.path.name}.whole")
            _write_whole(self._draft, whole, self.ranks)
            whole.replace(self.path)
        self._draft.unlink()


def _write_whole(draft: Path, final: Path, ranks: Ranks) -> None:
    import pyarrow as pa
    import pyarrow.parquet as pq

    shared = [f.name for f in _draft_schema() if pa.types.is_dictionary(f.type)]
    # Without Arrow's schema in the file every reader sees plain texts.
    with (
        pa.OSFile(str(draft)) as source,
        pq.ParquetWriter(
            final, _draft_schema(), compression="zstd", use_dictionary=shared, store_schema=False
        ) as writer,
    ):
        where = schema().get_field_index("churn_percentile")
        for batch in pa.ipc.open_stream(source):
            own = ranks.percentiles(batch["churn_probability"].to_numpy(zero_copy_only=False))
            writer.write_batch(batch.set_column(where, "churn_percentile", pa.array(own, from_pandas=True)))
