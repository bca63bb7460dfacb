"""How coarse a change of a published value must be to count as one.

Belongs here: the kinds of grain, and each as DuckDB SQL. Does not belong here: which column has which
(``activation.yml``), the hash (``rows``).
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Grain:
    """How much a value must change for its row to have changed, so that readers do not sync noise every day."""

    kind: str
    """``step``: to another multiple of ``size`` (of days, for a date); ``ratio``: to about ``size`` times as much;
    ``words``: to other words, whatever numbers stand among them; ``none``: it never counts by itself."""
    size: float = 0.0

    @property
    def text(self) -> str:
        """For the dictionary."""
        return {
            "step": f"Counts as changed with every {self.size:g}.",
            "ratio": f"Counts as changed with every factor of about {self.size:g}.",
            "words": "Counts as changed with its words, not with the numbers among them.",
            "none": "Never counts as changed by itself.",
        }[self.kind]


def as_far_as_it_counts(value: str, data_type: str, grain: Grain | None) -> str:
    """SQL for a value as it enters ``row_hash``: the same for all that count as the same."""
    if grain is None:
        return value
    if grain.kind == "words":
        return f"regexp_replace({value}, '[0-9]+([.,][0-9]+)?', '#', 'g')"
    if grain.kind == "step":
        number = f"epoch({value}) / 86400" if data_type == "date" else value
        return f"cast(round({number} / {grain.size}) as bigint)"
    step = f"cast(round(ln({value}) / ln({grain.size})) as bigint)"
    return f"case when {value} > 0 then {step}::varchar else {value}::varchar end"
