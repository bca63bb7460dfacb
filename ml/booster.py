"""LightGBM: parameters, a fit that gives the same bytes on any number of threads, margins, what each feature adds.

Belongs here: what trains and asks a booster. Does not belong here: how Shapley values are computed (``ml.shapley``),
calibration, blending, files.
"""

from __future__ import annotations

from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from ml.evaluation import Floats
from ml.model import ModelFileError
from ml.shapley import interpreted
from ml.shapley.tables import Tables, tabulate

if TYPE_CHECKING:
    import lightgbm

BINARY = {"objective": "binary"}
SHARES = {"objective": "cross_entropy"}
"""Of a yes-or-no that is in part a probability (``ml.treatments``): the same loss."""
BLOCK_ROWS = 8192
"""Rows that a thread works on at once; with fewer the tables of Shapley values pass through memory too often."""
COMPILED_ROWS = 50_000
"""From so many rows on machine code for margins pays: numba takes a second to load."""
END = "\npandas_categorical:null\n"
"""The last line of a booster's text."""
MANY_ROWS, FEW_LEAVES = 100_000, 15
"""Below so many rows, larger trees only learn noise."""


@dataclass(frozen=True)
class Recipe:
    """How the trees grow: few leaves, small steps, strong regularisation, a fixed number of rounds.

    No early stopping: there is no window that may be looked at before the test. ``leaves``, ``rows_per_leaf`` and
    ``ridge`` are upper ends that shrink with the data. 100 rounds of 0.06 did what 150 of 0.04 do (demo, contracts,
    Online Retail II before 2011: within what another seed does) in two thirds of the time.
    """

    leaves: int = 31
    rounds: int = 100
    learning_rate: float = 0.06
    feature_share: float = 0.3
    row_share: float = 0.7
    rows_per_leaf: int = 300
    ridge: float = 50.0
    leaf_scale: float = 1.0
    """Times the rows per leaf that the size of the data asks for."""
    ridge_scale: float = 1.0
    """Times the ridge that the size of the data asks for."""

    def parameters(self, objective: Mapping[str, Any], rows: int, seed: int, threads: int) -> dict[str, Any]:
        return {
            **objective,
            "num_leaves": self.leaves if rows >= MANY_ROWS else min(self.leaves, FEW_LEAVES),
            "learning_rate": self.learning_rate,
            "feature_fraction": self.feature_share,
            "bagging_fraction": self.row_share,
            "bagging_freq": 1,
            "min_data_in_leaf": max(1, int(np.clip(rows // 200, 10, self.rows_per_leaf) * self.leaf_scale)),
            "lambda_l2": float(np.clip(rows / 1000, 1.0, self.ridge)) * self.ridge_scale,
            "deterministic": True,
            "force_col_wise": True,
            "seed": seed,
            "num_threads": threads,
            "verbosity": -1,
        }


@dataclass(frozen=True)
class Trees:
    """A trained booster as its own text, without the parameters (they name the thread count)."""

    text: str

    @classmethod
    def read(cls, path: Path) -> Trees:
        """Of a file.

        Raises
        ------
        FileNotFoundError
        ModelFileError
            It is not whole.
        """
        import lightgbm

        trees = cls(path.read_text(encoding="utf-8"))
        if not trees.text.endswith(END):  # LightGBM reads on in the memory behind it, and the process is gone
            raise ModelFileError(f"{path} breaks off before its end; train again")
        try:
            trees.booster.num_trees()
        except lightgbm.basic.LightGBMError as error:
            raise ModelFileError(f"{path} is damaged ({str(error).splitlines()[0]}); train again") from error
        return trees

    @cached_property
    def booster(self) -> lightgbm.Booster:
        import lightgbm

        return lightgbm.Booster(model_str=self.text)

    def margin(self, X: NDArray[np.float32], threads: int, *, is_compiled: bool = False) -> Floats:
        """Log-odds of a probability, logarithm of an amount; (rows,), the same bits compiled or not."""
        if is_compiled and self.margins:
            return self._compiled_margin(X, threads, self.margins)
        return np.asarray(self.booster.predict(X, raw_score=True, num_threads=threads), dtype=np.float64)

    @staticmethod
    def _compiled_margin(X: NDArray[np.float32], threads: int, tables: Tables) -> Floats:
        from ml.shapley import compiled

        margin = np.zeros((1, len(X)))

        def work(start: int) -> None:
            own = slice(start, start + BLOCK_ROWS)
            total = np.zeros((1, len(X[own])))
            compiled.add_to(total, tables, X[own].T)
            margin[:, own] = total

        with ThreadPoolExecutor(threads) as pool:
            list(pool.map(work, range(0, len(X), BLOCK_ROWS)))
        return margin[0]

    def gains(self) -> Floats:
        """Share of the total gain by feature."""
        gain = np.asarray(self.booster.feature_importance("gain"), dtype=np.float64)
        return gain / max(gain.sum(), 1e-12)

    @cached_property
    def tables(self) -> Tables | None:
        """What Shapley values are looked up in; None for trees that would need too much room."""
        return tabulate(self.booster.dump_model()["tree_info"], self.booster.num_feature())

    @cached_property
    def margins(self) -> Tables | None:
        """What margins alone are looked up in."""
        return tabulate(self.booster.dump_model()["tree_info"], self.booster.num_feature(), is_explained=False)

    def add_explained(self, total: Floats, columns: NDArray[np.float32], *, is_compiled: bool = False) -> None:
        """Add what each feature adds to the margin and, last, the margin.

        ``columns`` are (features, rows), ``total`` has one more. Exact Shapley values; the margin has the bits of
        ``margin``. Both ways, compiled and not, give the same bits.
        """
        if self.tables is None:
            self._add_explained_by_lightgbm(total, columns.T)
        elif is_compiled:
            from ml.shapley import compiled

            compiled.add_to(total, self.tables, columns)
        else:
            interpreted.add_to(total, self.tables, columns)

    def _add_explained_by_lightgbm(self, total: Floats, X: NDArray[np.float32]) -> None:
        """The same at a few hundred rows a second."""
        total[:-1] += np.asarray(self.booster.predict(X, pred_contrib=True, num_threads=1), dtype=np.float64).T[:-1]
        total[-1] += self.margin(X, 1)


def fit_trees(
    X: NDArray[np.float32],
    y: Floats,
    names: tuple[str, ...],
    recipe: Recipe,
    *,
    seed: int,
    threads: int,
    objective: Mapping[str, Any] = BINARY,
    before: Floats | None = None,
) -> Trees:
    """Train on rows in the given (total) order; the same bytes for any number of threads.

    ``before`` is the margin that the trees start from and correct, (rows,); it is no part of them.
    """
    import lightgbm

    data = lightgbm.Dataset(X, label=y, init_score=before, feature_name=list(names), free_raw_data=True)
    booster = lightgbm.train(recipe.parameters(objective, len(y), seed, threads), data, num_boost_round=recipe.rounds)
    return Trees(_without_parameters(booster.model_to_string()))


def _without_parameters(text: str) -> str:
    start, end = text.find("\nparameters:"), text.find("end of parameters")
    return text if start < 0 else text[:start] + text[end + len("end of parameters") :]
