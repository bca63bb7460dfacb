"""What was decided and done within the label window of each row of a matrix.

Belongs here: the arrays and how they are read beside the labels. Does not belong here: what follows from them.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from ml.evaluation import Floats

if TYPE_CHECKING:
    import pyarrow as pa

COLUMNS = ("first_play", "treated_play", "untreated_propensity", "is_held_out")
"""What is read of ``customer_labels``."""
NONE = -1


@dataclass(frozen=True)
class Treatments:
    """One entry per row, in the order of the matrix that it belongs to."""

    plays: tuple[str, ...]
    """Names behind the numbers."""
    first: NDArray[np.int16]
    """Play of the first decision within the window, whatever its arm; ``NONE`` without a decision."""
    treated: NDArray[np.int16]
    """Play of the first decision in the arm treatment; ``NONE`` where the customer was left alone."""
    propensity: Floats
    """Probability with which the arms would have left the customer alone, given what was decided; NaN without."""
    is_held_out: NDArray[np.bool_]
    """In the global holdout before the window ended."""
    happened: Floats
    """What was seen to happen, (rows, targets)."""

    def rows(self, kept: Any) -> Treatments:
        """Some rows, by whatever an array can be asked for."""
        own = {name: value[kept] for name, value in self._arrays()}
        return replace(self, **own)

    def digested(self) -> Iterator[bytes]:
        """The content, to be hashed."""
        yield " ".join(self.plays).encode()
        for _, value in self._arrays():
            yield np.ascontiguousarray(value).tobytes()

    def _arrays(self) -> list[tuple[str, NDArray[Any]]]:
        return [(name, value) for name, value in vars(self).items() if name != "plays"]


def stacked(tables: Sequence[pa.Table], happened: Floats) -> Treatments | None:
    """The columns of ``COLUMNS`` of several tables, one after another; None where nothing was ever decided."""
    import pyarrow as pa

    if not all(set(COLUMNS) <= set(table.column_names) for table in tables) or not tables:
        return None
    told = pa.concat_tables([table.select(COLUMNS) for table in tables])
    named = {*told["first_play"].unique().to_pylist(), *told["treated_play"].unique().to_pylist()}
    plays = tuple(sorted(name for name in named if name))  # a play that follows others may be nobody's first
    if not plays:
        return None
    return Treatments(
        plays=plays,
        first=_numbers(told["first_play"], plays),
        treated=_numbers(told["treated_play"], plays),
        propensity=told["untreated_propensity"].cast(pa.float64()).to_numpy().astype(np.float64),
        is_held_out=told["is_held_out"].fill_null(False).to_numpy().astype(bool),
        happened=happened,
    )


def _numbers(names: pa.ChunkedArray, plays: Sequence[str]) -> NDArray[np.int16]:
    import pyarrow as pa
    import pyarrow.compute as pc

    return pc.index_in(names, pa.array(plays, pa.string())).fill_null(NONE).to_numpy().astype(np.int16)
