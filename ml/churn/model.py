"""The churn model as it is kept and served: an expectation, trees that correct it, logistic regression, native files.

Belongs here: the model's parts, its files, its checks of what it is fed. Does not belong here: how it is trained
(``ml.churn.recipe``), and customers.

Files: ``model.json`` (features in order, weights, levels by snapshot, coefficients) and ``trees.txt`` (LightGBM's own
text). Nothing is pickled, nothing names a customer.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import date
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ml.booster import Trees
from ml.churn.calibration import Level, season_shift
from ml.churn.hindsight import Hindsight
from ml.evaluation import Floats, expit, level_gap, logit
from ml.linear import Linear
from ml.model import FeatureMismatchError, ModelFileError, explain_mismatch
from ml.seasons import lasting
from ml.splits import Outcome

FORMAT, READABLE = 4, (2, 3, 4)
"""Format 2 knew no hindsight, format 3 not which outcome it had learned."""


@dataclass(frozen=True)
class ChurnModel:
    """Scores customers of any as-of with the features that it learned."""

    names: tuple[str, ...]
    trees: Trees
    logistic: Linear
    weights: tuple[float, ...]
    """Of the log-odds of trees, logistic regression and, where there is one, the expectation; none below 0."""
    expectation: str | None
    """Feature that holds a probability of churn of its own: the trees correct it, the level is its."""
    usual: float
    """Mean log-odds of the expectation among the training rows; 0 without one."""
    start: float
    """Added to the log-odds of the expectation before the trees correct it."""
    snapshots: tuple[date, ...]
    """Dates that it learned from, ascending."""
    level_gaps: dict[date, float]
    """By training snapshot, what the log-odds lacked to meet the level there; those of the expectation, of snapshots
    with enough history for it to know the season, beyond ``shift``, else those of the model."""
    base_rate: float
    """Churn rate of the training snapshots; bands are relative to it."""
    hindsight: Hindsight | None = None
    """What the expectation gets wrong by season; None where nothing tells a season."""
    outcome: Outcome | None = None
    """What it foretells; None in models of releases that did not keep it."""

    def margins(self, X: NDArray[np.float32], *, threads: int) -> Floats:
        """Log-odds of each part, (rows, parts)."""
        expected = self.expected(X)
        parts = [expected + self.start + self.trees.margin(X, threads), self.logistic.margin(X)]
        return np.column_stack(parts if self.expectation is None else [*parts, expected])

    def expected(self, X: NDArray[np.float32]) -> Floats:
        """Log-odds of the expectation, (rows,); the usual ones where it has none."""
        if self.expectation is None:
            return np.zeros(len(X))
        return expected_log_odds(X, self.names, self.expectation, self.usual)

    def margin(self, X: NDArray[np.float32], *, threads: int) -> Floats:
        """Weighted log-odds before the level of the date, (rows,)."""
        trees, logistic, *_ = self.weights
        total = trees * self.trees.margin(X, threads) if trees > 0 else np.zeros(len(X))
        if logistic > 0:
            total += logistic * self.logistic.margin(X)
        return total if self.expectation is None else total + self._before_trees(self.expected(X))

    def _before_trees(self, expected: Floats) -> Floats:
        """What the expectation adds to the weighted log-odds, as a part and as what the trees start from."""
        trees, _, own = self.weights
        return trees * (expected + self.start) + own * expected

    def level(self, population: NDArray[np.float32], as_of: date, *, threads: int = 1) -> Level:
        """What makes probabilities of the log-odds of everybody at an as-of.

        Parameters
        ----------
        population
            Features of the customers who are scored at that as-of, or of a fair sample of them.
        """
        if self.expectation is None or len(population) == 0:
            return Level(season_shift(self.level_gaps, as_of))
        expected = self.expected(population) + self.shift(as_of) + lasting(self.level_gaps)
        steepness = self.steepness(as_of)
        shift = level_gap(steepness * self.margin(population, threads=threads), float(expit(expected).mean()))
        return Level(shift, steepness)

    def shift(self, as_of: date) -> float:
        """What the expectation lacks at the season of an as-of, in log-odds."""
        return self.hindsight.shift(as_of) if self.hindsight else 0.0

    def steepness(self, as_of: date) -> float:
        """What the weighted log-odds are multiplied by at the season of an as-of."""
        return self.hindsight.steepness(as_of) if self.hindsight else 1.0

    def predict(self, X: NDArray[np.float32], names: Sequence[str], level: Level, *, threads: int = 1) -> Floats:
        """Calibrated probability of churn at an as-of whose ``level`` is given, (rows,).

        Raises
        ------
        FeatureMismatchError
            ``names`` are not the model's features in the model's order. A booster would score reordered columns
            without a word.
        """
        self.check(names)
        return level.probability(self.margin(X, threads=threads))

    def explain(self, total: Floats, columns: NDArray[np.float32], *, is_compiled: bool = False) -> None:
        """Fill ``total`` with what each feature adds to the weighted log-odds and, last, with the log-odds.

        Exact Shapley values, ``columns`` (features, rows), ``total`` one more; its last has the bits of ``margin``.
        """
        trees, logistic, *_ = self.weights
        total[:] = 0
        if trees > 0:
            self.trees.add_explained(total, columns, is_compiled=is_compiled)
            total *= trees
        if logistic > 0:
            self.logistic.add_explained(total, columns, logistic)
        if self.expectation is not None:
            expected = self.expected(columns.T)
            total[self.names.index(self.expectation)] += (sum(self.weights) - logistic) * (expected - self.usual)
            total[-1] += self._before_trees(expected)

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
            "weights": list(self.weights),
            "expectation": self.expectation,
            "usual": self.usual,
            "start": self.start,
            "snapshots": [day.isoformat() for day in self.snapshots],
            "level_gaps": {day.isoformat(): gap for day, gap in sorted(self.level_gaps.items())},
            "base_rate": self.base_rate,
            "hindsight": self.hindsight.to_json() if self.hindsight else None,
            "logistic": self.logistic.to_json(),
            **({"outcome": asdict(self.outcome)} if self.outcome else {}),
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
            trees = Trees.read(folder / "trees.txt")
        except (FileNotFoundError, json.JSONDecodeError) as error:
            raise ModelFileError(f"{folder} holds no whole churn model ({error}); train again") from error
        if content.get("format") not in READABLE:
            raise ModelFileError(f"{folder} has model format {content.get('format')}, this release reads {FORMAT}")
        hindsight = content.get("hindsight")
        return cls(
            names=tuple(content["features"]),
            trees=trees,
            logistic=Linear.from_json(content["logistic"]),
            weights=tuple(content["weights"]),
            expectation=content["expectation"],
            usual=content["usual"],
            start=content["start"],
            snapshots=tuple(date.fromisoformat(day) for day in content["snapshots"]),
            level_gaps={date.fromisoformat(day): gap for day, gap in content["level_gaps"].items()},
            base_rate=content["base_rate"],
            hindsight=Hindsight.from_json(hindsight) if hindsight else None,
            outcome=Outcome(**content["outcome"]) if "outcome" in content else None,
        )


def expected_log_odds(X: NDArray[np.float32], names: Sequence[str], feature: str, usual: float) -> Floats:
    """Log-odds of a feature that is a probability, (rows,); ``usual`` where it is not known."""
    p = X[:, names.index(feature)].astype(np.float64)
    return np.where(np.isnan(p), usual, logit(np.nan_to_num(p, nan=0.5)))
