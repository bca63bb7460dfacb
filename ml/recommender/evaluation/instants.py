"""Instants as they are spelled in logs: ISO 8601, yyyymmdd, seconds or parts of them; or only an order.

Belongs here: telling these apart. Does not belong here: reading files (``files``).
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ml.recommender.block import Texts
from ml.recommender.evaluation.errors import LogError
from ml.recommender.sparse import Floats

UNITS = ((1e8, 1.0, "seconds"), (1e11, 1e3, "milliseconds"), (1e14, 1e6, "microseconds"), (1e17, 1e9, "nanoseconds"))
"""From which number on it counts such parts of a second since 1970, and how many of these a second has; smaller
numbers are only an order."""


def instants(path: Path, name: str, told: Texts, *, is_order: bool) -> tuple[Floats, bool]:
    """Numbers of an order, or days since 1970; whether they are days.

    Raises
    ------
    LogError
        A value is neither a number nor an instant, or numbers do not all count the same; the message names a row.
    """
    import pandas as pd

    texts = pd.Series(told)
    numbers = pd.to_numeric(texts, errors="coerce").to_numpy(float)
    if np.isfinite(numbers).all():
        days = pd.to_datetime(texts, format="%Y%m%d", errors="coerce") if texts.str.len().eq(8).all() else None
        if not is_order and days is not None and days.notna().all():
            return _days(days), True
        kinds = np.searchsorted([least for least, _, _ in UNITS], numbers, side="right")
        if is_order or not kinds.any():
            return numbers, False
        usual = int(np.bincount(kinds).argmax())
        if (others := np.flatnonzero(kinds != usual)).size:
            row = int(others[0])
            raise LogError(
                f"{path}: {name} {told[row]!r} in row {row + 1:,} looks like {_counted(int(kinds[row]))}, most rows "
                f"like {_counted(usual)}; write all alike, or name the column with --order if it is an order"
            )
        return numbers / (86_400 * UNITS[usual - 1][1]), True
    told_at = pd.to_datetime(texts, errors="coerce", utc=True, format="ISO8601")
    if told_at.isna().any():
        row = int(np.flatnonzero(told_at.isna())[0])
        raise LogError(
            f"{path}: {name} {told[row]!r} in row {row + 1:,} is no instant; write it as 2025-07-01 12:30:00"
        )
    return _days(told_at), True


def _counted(kind: int) -> str:
    return f"{UNITS[kind - 1][2]} since 1970" if kind else "an order"


def _days(instants: Any) -> NDArray[np.float64]:
    return np.asarray(instants.astype("int64").to_numpy(float) / _units_per_day(instants))


def _units_per_day(instants: Any) -> float:
    units = {"s": 1.0, "ms": 1e3, "us": 1e6, "ns": 1e9}
    return 86_400 * units[instants.dt.unit]
