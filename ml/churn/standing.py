"""The level of the as-of that a model was trained at, kept beside its files as ``standing.json``.

Belongs here: keeping it, and when it speaks. Does not belong here: how a level is found (``ml.churn.model``).

A level is found among all who are scored at a date: their mean is made that of their expectations. Found among a few it
would take what the other parts say of them for a fault of the level, and of one customer nothing but the expectation
would be left.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import date
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from ml.churn.calibration import Level
from ml.churn.model import ChurnModel

FILE = "standing.json"
ENOUGH = 1_000
"""So many customers tell a level of their own, or half of those it was found among, where they are fewer."""


@dataclass(frozen=True)
class Standing:
    """The level of everybody at ``as_of``, who were so many customers."""

    as_of: date
    level: Level
    customers: int

    def level_of(self, model: ChurnModel, X: NDArray[np.float32], as_of: date | None) -> Level:
        """The level of the given customers, (rows, features): their own where they are enough and of a date that is
        given, or where it does not hang on them; else the one kept."""
        are_few = model.expectation is not None and len(X) < min(ENOUGH, self.customers / 2)
        return self.level if as_of is None or are_few else model.level(X, as_of)

    def save(self, folder: Path) -> None:
        """Write ``standing.json`` into the model's folder."""
        content = {
            "as_of": self.as_of.isoformat(),
            "shift": self.level.shift,
            "steepness": self.level.steepness,
            "customers": self.customers,
        }
        (folder / FILE).write_text(json.dumps(content, indent=1) + "\n", encoding="utf-8")

    @classmethod
    def load(cls, folder: Path) -> Standing | None:
        """What ``save`` wrote; None beside models of an earlier release."""
        if not (folder / FILE).exists():
            return None
        content = json.loads((folder / FILE).read_text(encoding="utf-8"))
        level = Level(content["shift"], content["steepness"])
        return cls(date.fromisoformat(content["as_of"]), level, content["customers"])
