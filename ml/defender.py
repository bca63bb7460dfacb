"""What the champion says of each date of a backtest, by a model of its that could not have known what came after.

Belongs here: choosing that model and letting it speak. Does not belong here: who wins (``ml.promotion``,
``ml.value.gate``), any one model.

A training keeps the model that serves and, under ``backtest/<date>``, those that it was judged by. A champion that has
learned from the very outcomes that a challenger is judged on would never be beaten. In a young shop a challenger is
judged on customers that it left out, a fold by a hash that never changes: the champion's model that left out the same
fold has seen none of them either.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import date
from pathlib import Path
from typing import Protocol, TypeVar

from ml.evaluation import Floats
from ml.model import FeatureMismatchError, ModelFileError
from ml.rolling import Origin
from ml.splits import Outcome


class Kept(Protocol):
    """A model that knows what it learned from."""

    @property
    def snapshots(self) -> tuple[date, ...]: ...


M = TypeVar("M", bound=Kept)


def judged_champion(
    folder: Path, day: date, outcome: Outcome, load: Callable[[Path], M], *, is_of_others: bool = False
) -> M:
    """The newest of the champion's models that could not have known the outcomes after ``day``: an old champion itself,
    else one of its backtest.

    Parameters
    ----------
    is_of_others
        Whether only customers of the fold that is left out are judged: a model that left it out may speak as well.

    Raises
    ------
    ModelFileError
        There is none, or it cannot be read.
    """
    earlier = sorted((path.parent for path in folder.glob("backtest/*/model.json")), reverse=True)
    for kept in (folder, *earlier):
        champion = load(kept)
        if outcome.known_at(champion.snapshots, day) == champion.snapshots:
            return champion
        if is_of_others and kept != folder and _left_out_a_fold(champion, kept):
            return champion
    raise ModelFileError(f"every model in {folder} knows outcomes after {day}")


def let_champion_speak(
    folder: Path | None,
    judging: Sequence[Origin],
    said: Sequence[dict[str, Floats]],
    outcome: Outcome,
    load: Callable[[Path], M],
    say: Callable[[M, Origin], Floats],
) -> str | None:
    """Add what the champion says, as ``champion``, of each date that one of its models can be judged on.

    Returns
    -------
    str or None
        Why it says nothing of any, if so; None without a champion.
    """
    if folder is None:
        return None
    unfit = None
    for origin, by_model in zip(judging, said, strict=True):
        try:
            by_model["champion"] = say(
                judged_champion(folder, origin.date, outcome, load, is_of_others=origin.is_of_others), origin
            )
        except (FeatureMismatchError, ModelFileError) as error:
            unfit = str(error)
    return None if any("champion" in by_model for by_model in said) else unfit


def _left_out_a_fold(model: Kept, folder: Path) -> bool:
    """Whether a model of a backtest was judged on other customers: only then has it learned at its own date."""
    return date.fromisoformat(folder.name) in model.snapshots
