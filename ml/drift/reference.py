"""What a model was trained on and judged by, kept beside its files as ``reference.json``: aggregates, no customer.

Belongs here: making, keeping and reading it. Does not belong here: the comparison (``stability``), what follows
(``retraining``).
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import date
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ml.drift.judged import Judged
from ml.drift.stability import Distribution, Shift, distribution, population_stability
from ml.evaluation import Floats
from ml.model import ModelFileError
from ml.snapshots import Snapshots
from ml.splits import customer_fold

FORMAT = 1
FILE = "reference.json"
NEWEST_SNAPSHOTS = 3
"""A quarter of a year at monthly snapshots: who the customers are now, and no month alone."""
MOST_ROWS = 200_000
"""Shares of more rows differ by nothing that matters; a hashed sample of customers stands for them."""


@dataclass(frozen=True)
class Reference:
    """The customers a model learned from last, and how its backtest's scores were spread and did."""

    as_of: date
    """Of the run that trained."""
    snapshots: tuple[date, ...]
    """The newest that it learned from, ascending, whose rows ``features`` describes."""
    features: Mapping[str, Distribution]
    gains: Mapping[str, float]
    """Share of the trees' gain by feature."""
    score: Distribution
    """Of this model's scores, around their level, of the customers of its backtest. The backtest's own are of another
    model: at 250 customers they are spread so differently that every new model seemed to have drifted."""
    backtest_date: date
    backtest: Judged

    @property
    def learned_until(self) -> date:
        """The newest as-of whose outcome the model has seen."""
        return self.snapshots[-1]

    def shifts(self, X: NDArray[np.float32]) -> dict[str, Shift]:
        """By feature, how far today's customers, (customers, features) in the order of ``features``, are from then."""
        pairs = zip(self.features.items(), X.T.astype(np.float64), strict=True)
        return {name: population_stability(then, now) for (name, then), now in pairs}

    def save(self, folder: Path) -> None:
        """Write ``reference.json`` into the model's folder."""
        content = {
            "format": FORMAT,
            "as_of": self.as_of.isoformat(),
            "snapshots": [day.isoformat() for day in self.snapshots],
            "features": {name: asdict(one) for name, one in self.features.items()},
            "gains": {name: round(float(gain), 6) for name, gain in self.gains.items()},
            "score": asdict(self.score),
            "backtest_date": self.backtest_date.isoformat(),
            "backtest": self.backtest.to_json(),
        }
        (folder / FILE).write_text(json.dumps(content, indent=1) + "\n", encoding="utf-8")

    @classmethod
    def load(cls, folder: Path) -> Reference:
        """Read what ``save`` wrote.

        Raises
        ------
        ModelFileError
            There is none, as beside models of an earlier release, or it is of another format.
        """
        try:
            content = json.loads((folder / FILE).read_text(encoding="utf-8"))
        except (FileNotFoundError, json.JSONDecodeError) as error:
            raise ModelFileError(f"{folder} holds no {FILE} ({error}); train again") from error
        if content.get("format") != FORMAT:
            raise ModelFileError(
                f"{folder} has a {FILE} of format {content.get('format')}, this release reads {FORMAT}"
            )
        return cls(
            as_of=date.fromisoformat(content["as_of"]),
            snapshots=tuple(date.fromisoformat(day) for day in content["snapshots"]),
            features={name: _distribution(one) for name, one in content["features"].items()},
            gains=content["gains"],
            score=_distribution(content["score"]),
            backtest_date=date.fromisoformat(content["backtest_date"]),
            backtest=Judged.from_json(content["backtest"]),
        )


def reference_of(
    data: Snapshots, gains: Floats, *, as_of: date, backtest_date: date, spread: Floats, judged: Judged
) -> Reference:
    """The reference of a training.

    Parameters
    ----------
    data
        What the model learned from; its newest snapshots are described.
    gains
        Share of the trees' gain by feature, in the order of ``data.names``.
    spread
        Scores by the model that serves, around their level, of the customers at the backtest's date.
    judged
        How the backtest did.
    """
    rows = data.at(data.dates[-NEWEST_SNAPSHOTS:])
    rows = rows.rows(customer_fold(rows.hashed, 1 + len(rows) // MOST_ROWS) == 0)
    return Reference(
        as_of=as_of,
        snapshots=rows.dates,
        features={name: distribution(rows.column(name), rows.customers) for name in rows.names},
        gains=dict(zip(data.names, np.asarray(gains).tolist(), strict=True)),
        score=distribution(spread, len(spread)),
        backtest_date=backtest_date,
        backtest=judged,
    )


def _distribution(content: Mapping[str, Any]) -> Distribution:
    return Distribution(tuple(content["edges"]), tuple(content["shares"]), content["customers"])
