"""The gate of value: whether a challenger may take the champion's place.

Belongs here: the judgement, from amounts of one backtest, in words. Does not belong here: the gate of a yes-or-no
(``ml.promotion``), computing the predictions, moving the alias (``ml.registry``).
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from ml.bootstrap import Difference, on_told_rows, paired_gini
from ml.evaluation import Floats
from ml.promotion import FALLBACK, Decision

NO_LOSS = 1e-6
"""A certain loss of Gini is one, however small (``ml.promotion``); below this it is rounding."""
LUCK_OF_SEGMENTS = 0.003
"""Gini that must certainly be lost in a segment: where several are looked at one is always unlucky."""
LEVEL_LIMIT = 3.0
"""A total beyond three times, or below a third, of what happened is no matter of season any more."""


def decide(
    y: Floats,
    predictions: Mapping[str, Floats],
    *,
    seed: int,
    champion_unfit: str | None = None,
    customers: NDArray[np.int64] | None = None,
    segments: Mapping[str, NDArray[np.bool_]] | None = None,
) -> Decision:
    """Compare models on the same rows of one backtest.

    Parameters
    ----------
    y
        What happened, not negative, shape (rows,).
    predictions
        By model, shape (rows,): ``model`` is the challenger; ``historical_average``, ``fallback`` and ``champion`` if
        any, NaN in rows of which they say nothing.
    champion_unfit
        Why the champion could not be scored on these features; it then cannot defend its place.
    customers
        Whose row each is, where a backtest has several dates.
    segments
        By name, which rows belong to it, (rows,): in none may the challenger certainly rank worse than the champion by
        more than ``LUCK_OF_SEGMENTS``.

    Notes
    -----
    Refused where a prediction is no amount, where nothing was spent, where the total is beyond ``LEVEL_LIMIT``, or
    where the historical average, the champion or, where none can be judged, the fallback ranks better: the 95 %
    interval of the difference in normalised Gini, a paired bootstrap by customer, lies below 0.
    """
    challenger = predictions["model"]
    if broken := _unusable(y, challenger):
        return Decision(False, (broken,))
    differences = {
        name: on_told_rows(paired_gini, y, challenger, predictions[name], seed=seed, customers=customers)
        for name in ("historical_average", "champion" if "champion" in predictions else FALLBACK)
        if name in predictions
    }
    refusals = [*_level_refusal(y, challenger), *_worse(differences)]
    if "champion" in predictions:
        refusals += _worse_among(segments or {}, y, challenger, predictions["champion"], seed, customers)
    if refusals:
        return Decision(False, tuple(refusals), differences)
    return Decision(True, (_grounds(differences, champion_unfit),), differences)


def _worse_among(
    segments: Mapping[str, NDArray[np.bool_]],
    y: Floats,
    p: Floats,
    champion: Floats,
    seed: int,
    customers: NDArray[np.int64] | None,
) -> list[str]:
    found = []
    for name, inside in segments.items():
        if np.isfinite(champion[inside]).any():
            within = on_told_rows(paired_gini, y, p, champion, seed=seed, customers=customers, among=inside)
            if within.high < -LUCK_OF_SEGMENTS:
                found.append(f"gini is worse than that of the champion among {name} beyond noise ({within})")
    return found


def _unusable(y: Floats, p: Floats) -> str | None:
    broken = int((~np.isfinite(p) | (p < 0)).sum())
    if broken:
        return f"{broken} of {len(p)} predictions are not amounts"
    if y.sum() <= 0:
        return "nobody spent anything in the backtest, so nothing can be compared"
    return None


def _level_refusal(y: Floats, p: Floats) -> list[str]:
    ratio = float(p.sum() / y.sum())
    return [] if 1 / LEVEL_LIMIT <= ratio <= LEVEL_LIMIT else [f"the total is {ratio:.2f} times what was spent"]


def _worse(differences: Mapping[str, Difference]) -> list[str]:
    return [
        f"gini is worse than that of the {name.replace('_', ' ')} beyond noise ({difference})"
        for name, difference in differences.items()
        if difference.high < -NO_LOSS
    ]


def _grounds(differences: Mapping[str, Difference], champion_unfit: str | None) -> str:
    shown = {name.replace("_", " "): one for name, one in differences.items() if name != FALLBACK}
    told = ", ".join(f"gini {one} against the {name}" for name, one in shown.items())
    if champion_unfit:
        return f"the champion cannot be scored any more ({champion_unfit}); {told}"
    if "champion" in differences:
        return told
    return "; ".join(("there is no champion yet", *([told] if told else [])))
