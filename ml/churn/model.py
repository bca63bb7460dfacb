"""The churn model as it is kept and served: trees and logistic regression blended, calibrated, in native files.

Belongs here: the model's parts, its files, its checks of what it is fed. Does not belong here: how it is trained
(``ml.churn.training``), and customers.

Files: ``model.json`` (features in order, blend, calibration, levels by snapshot, coefficients) and ``trees.txt``
(LightGBM's own text). Nothing is pickled, nothing names a customer.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ml.booster import Trees
from ml.churn.calibration import Line, season_shift
from ml.evaluation import Floats
from ml.linear import Linear
from ml.model import FeatureMismatchError, ModelFileError, blend, explain_mismatch

FORMAT = 1


@dataclass(frozen=True)
class ChurnModel:
    """Scores customers of any as-of with the features that it learned."""

    names: tuple[str, ...]
    trees: Trees
    logistic: Linear
    logistic_share: float
    """Share of the logistic regression in the blended log-odds: 0, 0.5 or 1."""
    line: Line
    level_gaps: dict[date, float]
    """By training snapshot, what the blend's log-odds lacked to meet the level there."""
    base_rate: float
    """Churn rate of the training snapshots; bands are relative to it."""

    def margin(self, X: NDArray[np.float32], *, threads: int) -> Floats:
        """Blended log-odds before calibration, (rows,)."""
        return blend(self.trees.margin(X, threads), self.logistic.margin(X), self.logistic_share)

    def predict(self, X: NDArray[np.float32], names: Sequence[str], as_of: date, *, threads: int = 1) -> Floats:
        """Calibrated probability of churn, (rows,).

        Raises
        ------
        FeatureMismatchError
            ``names`` are not the model's features in the model's order. A booster would score reordered columns
            without a word.
        """
        self.check(names)
        return self.probability(self.margin(X, threads=threads), as_of)

    def probability(self, margin: Floats, as_of: date) -> Floats:
        """Calibrated probability at an as-of, from blended log-odds; (rows,)."""
        return self.line.probability(margin + season_shift(self.level_gaps, as_of))

    def explain(self, total: Floats, columns: NDArray[np.float32], *, is_compiled: bool = False) -> None:
        """Fill ``total`` with what each feature adds to the blended log-odds and, last, with the log-odds.

        Exact Shapley values, ``columns`` (features, rows), ``total`` one more; its last has the bits of ``margin``.
        """
        total[:] = 0
        if self.logistic_share < 1:
            self.trees.add_explained(total, columns, is_compiled=is_compiled)
            total *= 1 - self.logistic_share
        if self.logistic_share > 0:
            self.logistic.add_explained(total, columns, self.logistic_share)

    def check(self, names: Sequence[str]) -> None:
        """Raise ``FeatureMismatchError`` unless the names are exactly the model's, in order."""
        if tuple(names) != self.names:
            raise FeatureMismatchError(explain_mismatch(self.names, names))

    def save(self, folder: Path) -> Path:
        """Write the model's two files into a folder of its own."""
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "trees.txt").write_text(self.trees.text, encoding="utf-8")
        (folder / "model.json").write_text(json.dumps(self._to_json(), indent=1, sort_keys=True) + "\n")
        return folder

    def _to_json(self) -> dict[str, Any]:
        return {
            "format": FORMAT,
            "features": list(self.names),
            "logistic_share": self.logistic_share,
            "calibration": {"slope": self.line.slope, "intercept": self.line.intercept},
            "level_gaps": {day.isoformat(): gap for day, gap in sorted(self.level_gaps.items())},
            "base_rate": self.base_rate,
            "logistic": self.logistic.to_json(),
        }

    @classmethod
    def load(cls, folder: Path) -> ChurnModel:
        """Read what ``save`` wrote; scores equal bit by bit.

        Raises
        ------
        ModelFileError
            A file is missing or written by another format.
        """
        try:
            content = json.loads((folder / "model.json").read_text(encoding="utf-8"))
            trees = Trees((folder / "trees.txt").read_text(encoding="utf-8"))
        except (FileNotFoundError, json.JSONDecodeError) as error:
            raise ModelFileError(f"{folder} holds no whole churn model ({error}); train again") from error
        if content.get("format") != FORMAT:
            raise ModelFileError(f"{folder} has model format {content.get('format')}, this release reads {FORMAT}")
        return cls(
            names=tuple(content["features"]),
            trees=trees,
            logistic=Linear.from_json(content["logistic"]),
            logistic_share=content["logistic_share"],
            line=Line(**content["calibration"]),
            level_gaps={date.fromisoformat(day): gap for day, gap in content["level_gaps"].items()},
            base_rate=content["base_rate"],
        )
