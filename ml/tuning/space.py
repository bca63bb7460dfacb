"""The settings that are searched, each with its range, and the recipe that they make.

Belongs here: names and ranges, all in one place. Does not belong here: how they are searched (``study``), what the
other settings of a recipe are (``ml.booster``).

Few, because every further one costs trials: how complex a tree is (``leaves``, ``leaf_scale``), how far it is trusted
(``ridge_scale``), how alike trees are (``feature_share``), and how far they go in steps of which size. Rounds alone say
little, so ``learning``, rounds times the learning rate, is searched in their stead.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from ml.booster import FEW_LEAVES, MANY_ROWS, Recipe

DIGITS = 3
"""Settings are judged as they are written down."""


@dataclass(frozen=True)
class Range:
    """Ends of a setting, searched by their logarithm."""

    low: float
    high: float
    is_whole: bool = False

    def within(self, value: float) -> float:
        return min(max(value, self.low), self.high)


def space(rows: int) -> dict[str, Range]:
    """Ranges for as many rows to learn from; below ``MANY_ROWS`` larger trees would be cut anyway."""
    return {
        "leaves": Range(4, 63 if rows >= MANY_ROWS else FEW_LEAVES, is_whole=True),
        "leaf_scale": Range(0.25, 4.0),
        "ridge_scale": Range(0.1, 10.0),
        "feature_share": Range(0.1, 0.8),
        "learning_rate": Range(0.02, 0.08),
        "learning": Range(1.5, 12.0),
    }


def recipe_of(settings: Mapping[str, float]) -> Recipe:
    """The recipe that these settings make."""
    rate = _rounded(settings["learning_rate"])
    return Recipe(
        leaves=int(settings["leaves"]),
        rounds=max(1, round(settings["learning"] / rate)),
        learning_rate=rate,
        feature_share=_rounded(settings["feature_share"]),
        leaf_scale=_rounded(settings["leaf_scale"]),
        ridge_scale=_rounded(settings["ridge_scale"]),
    )


def settings_of(recipe: Recipe, rows: int) -> dict[str, float]:
    """The settings that make a recipe, as far as the ranges reach."""
    said = {
        "leaves": recipe.leaves,
        "leaf_scale": recipe.leaf_scale,
        "ridge_scale": recipe.ridge_scale,
        "feature_share": recipe.feature_share,
        "learning_rate": recipe.learning_rate,
        "learning": recipe.rounds * recipe.learning_rate,
    }
    return {name: own.within(said[name]) for name, own in space(rows).items()}


def tuned_part(recipe: Recipe) -> dict[str, float]:
    """What of a recipe is searched, by the recipe's own names."""
    names = ("leaves", "rounds", "learning_rate", "feature_share", "leaf_scale", "ridge_scale")
    return {name: getattr(recipe, name) for name in names}


def _rounded(value: float) -> float:
    return float(f"{value:.{DIGITS}g}")
