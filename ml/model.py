"""What the models of all stages share: what they refuse, how two voices are blended.

Belongs here: errors about features and files. Does not belong here: any one model (``ml.churn.model``,
``ml.value.model``).
"""

from __future__ import annotations

from collections.abc import Sequence
from difflib import get_close_matches

from ml.evaluation import Floats


class FeatureMismatchError(ValueError):
    """What is to be scored does not have the features that the model learned; the message names what differs."""


class ModelFileError(ValueError):
    """A model folder that this release cannot read."""


def blend(trees: Floats, logistic: Floats, logistic_share: float) -> Floats:
    """Average of margins (log-odds, logarithms), so that contributions of the parts add up."""
    return (1 - logistic_share) * trees + logistic_share * logistic


def explain_mismatch(expected: Sequence[str], given: Sequence[str]) -> str:
    """One sentence per way in which the features differ, renamed ones with the likely new name."""
    missing = [name for name in expected if name not in set(given)]
    extra = [name for name in given if name not in set(expected)]
    said = []
    for name in missing:
        near = get_close_matches(name, extra, 1)
        said.append(f"missing {name}" + (f" (renamed to {near[0]}?)" if near else ""))
    said += [f"unknown {name}" for name in extra]
    if not said:
        first = next(k for k, (a, b) in enumerate(zip(expected, given, strict=False)) if a != b)
        said.append(f"same features in another order, first at {first}: {given[first]} where {expected[first]} belongs")
    return "the features are not those of the model: " + "; ".join(said) + ". Rebuild the features, or train again"
