"""A synthetic shop of any size for the bench of scoring: 80 features of plausible kinds, and a model trained on them.

Belongs here: drawing features, writing them as snapshots are, one scoring in a process of its own
(``python tests/scoring_world.py FOLDER``). Does not belong here: what is measured (``bench``).
"""

from __future__ import annotations

import json
import sys
import time
from datetime import date
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from ml.booster import Recipe, fit_trees
from ml.churn.model import ChurnModel
from ml.churn.wording import WORDS
from ml.linear import fit_logistic

NAMES = tuple(WORDS)[:80]
AS_OF = date(2024, 6, 1)
AT_ONCE = 100_000
WINDOWS = {"7d": 0.1, "30d": 0.3, "90d": 0.8, "180d": 1.4, "365d": 2.5}
"""How many times a customer's pace a count of that window is."""


def draw(rows: int, seed: int) -> tuple[NDArray[np.float32], NDArray[np.float64]]:
    """Features and outcomes; a customer has a pace and a silence, from which all else is drawn."""
    rng = np.random.default_rng(seed)
    pace, silence = rng.gamma(0.9, 2.0, rows), rng.gamma(1.2, 50, rows)
    X = np.column_stack([_column(name, rng, pace, silence) for name in NAMES]).astype(np.float32)
    z = 0.9 * np.log(silence / 60 + 0.1) - 0.7 * np.log(pace + 0.3) + 0.3 * rng.normal(size=rows)
    for k in range(0, len(NAMES), 9):
        z += 0.15 * np.log1p(np.nan_to_num(X[:, k])) * (-1) ** k
    return X, (rng.random(rows) < 1 / (1 + np.exp(-z + np.median(z)))).astype(float)


def _column(name: str, rng: np.random.Generator, pace: NDArray, silence: NDArray) -> NDArray:
    rows = len(pace)
    if name.startswith(("is_", "has_")):
        return rng.random(rows) < 0.05
    if "_share" in name or "_rate" in name:
        among = rng.poisson(3 * pace)
        return np.where(among > 0, rng.binomial(among, 0.3) / np.maximum(among, 1), np.nan)
    if name.startswith(("days", "contract")):
        return np.where(rng.random(rows) < 0.97, np.floor(rng.gamma(2, 0.5, rows) * silence), np.nan)
    if name.startswith("order_gap"):
        return np.where(pace > 0.8, (rng.gamma(4, 0.25, rows) * 60 / np.maximum(pace, 0.2)).round(1), np.nan)
    if name.endswith("_trend") or name.startswith(("recency", "expected")):
        return np.where(pace > 0.5, rng.gamma(1.5, 1.0, rows) * silence / 60, np.nan).round(4)
    if name.startswith(("spend", "average", "largest")):
        return (rng.lognormal(3.5, 0.7, rows) * rng.poisson(pace)).round(2)
    if "mean" in name:
        return np.where(rng.random(rows) < 0.1, rng.uniform(1, 5, rows).round(1), np.nan)
    return rng.poisson(pace * WINDOWS.get(name.rsplit("_", 1)[-1], 1.0))


def draw_many(rows: int, seed: int) -> tuple[NDArray[np.float32], NDArray[np.float64]]:
    """The same of any number, with the memory of the result and one part."""
    X, y = np.empty((rows, len(NAMES)), np.float32), np.empty(rows)
    for start in range(0, rows, AT_ONCE):
        own = slice(start, min(start + AT_ONCE, rows))
        X[own], y[own] = draw(own.stop - start, seed + start)
    return X, y


def train(folder: Path, rows: int = 200_000) -> ChurnModel:
    """A model of so many rows, kept in a folder."""
    model = fit(*draw(rows, 0))
    model.save(folder)
    return model


def fit(X: NDArray[np.float32], y: NDArray[np.float64]) -> ChurnModel:
    """The project's own recipe, trees and regression half and half."""
    trees = fit_trees(X, y, NAMES, Recipe(), seed=7, threads=2)
    logistic = fit_logistic(X, y, np.random.default_rng(0).integers(0, 2**32, len(y)))
    return ChurnModel(NAMES, trees, logistic, (0.5, 0.5), None, 0.0, 0.0, (AS_OF,), {AS_OF: 0.0}, float(y.mean()))


def write(folder: Path, rows: int) -> None:
    """``features.parquet`` and ``labels.parquet`` of one as-of; one customer in a hundred is not eligible."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    folder.mkdir(parents=True)
    writers: dict[str, pq.ParquetWriter] = {}
    for start in range(0, rows, AT_ONCE):
        numbers = range(start, min(start + AT_ONCE, rows))
        X, _ = draw(len(numbers), start + 1)
        keys = {
            "as_of_date": pa.repeat(pa.scalar(AS_OF), len(numbers)),
            "customer_id": pa.array([f"c_{number:09d}" for number in numbers]),
        }
        values = {name: pa.array(X[:, k], from_pandas=True) for k, name in enumerate(NAMES)}
        eligible = {"is_eligible": pa.array([number % 100 > 0 for number in numbers])}
        fixed = {"status_if_not_eligible": "not_eligible", "is_profiled": True, "has_churned": True}
        labels = eligible | {name: pa.repeat(value, len(numbers)) for name, value in fixed.items()}
        for name, table in (("features", pa.table(keys | values)), ("labels", pa.table(keys | labels))):
            if name not in writers:
                writers[name] = pq.ParquetWriter(folder / f"{name}.parquet", table.schema)
            writers[name].write_table(table)
    for writer in writers.values():
        writer.close()


def main(folder: Path) -> None:
    """Score the folder with the model beside it; seconds and peak memory as JSON."""
    from ml.churn.scoring import ScoringPlan, score
    from ml.engine import Engine
    from ml.splits import Outcome

    files = folder / "features.parquet", folder / "labels.parquet", folder / "scores.parquet"
    plan, start = ScoringPlan(AS_OF, Outcome(30, 5), active_days=365), time.perf_counter()
    done = score(*files, plan, Engine(threads=2), model_folder=folder.parent / "model", model_version="bench/1")
    # Not getrusage: what that says begins with the peak of the process that started this one.
    peak = next(line for line in Path("/proc/self/status").read_text().splitlines() if line.startswith("VmHWM"))
    seconds, megabytes = time.perf_counter() - start, int(peak.split()[1]) / 1024
    print(json.dumps({"rows": done.rows, "seconds": round(seconds, 1), "peak_megabytes": round(megabytes)}))


if __name__ == "__main__":
    main(Path(sys.argv[1]))
