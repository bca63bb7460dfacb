"""Ledgers of actions written by hand, as if a generation with them had been published.

Belongs here: writing them. Does not belong here: assertions.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date, datetime

import pyarrow as pa
import pyarrow.parquet as pq

from ml.actions.tables import ASSIGNMENTS, DECISIONS
from orchestration.inputs import action_ledger_file
from orchestration.publishing.records import Record, Records
from orchestration.state import State

Decided = tuple[str, str, str, str, float]
"""Customer, play, arm, instant, propensity."""


def publish_entries(
    state: State, day: date, decided: Sequence[Decided], held_out: Mapping[str, bool], share: float, since: str
) -> None:
    """Enter decisions and the draw for the global holdout (customer: held out or not) as seen by readers on a day."""
    made = [
        {
            "action_id": f"a{n}", "customer_id": customer, "play": play, "arm": arm, "channel": "email",
            "decided_as_of": datetime.fromisoformat(at), "propensity": propensity,
        }
        for n, (customer, play, arm, at, propensity) in enumerate(decided)
    ]  # fmt: skip
    drawn = [
        {
            "customer_id": customer, "experiment": "global", "arm": "holdout" if is_out else "treatment",
            "share": share, "assigned_as_of": datetime.fromisoformat(since),
        }
        for customer, is_out in held_out.items()
    ]  # fmt: skip
    for name, rows, schema in (("decisions", made, DECISIONS), ("holdouts", drawn, ASSIGNMENTS)):
        file = action_ledger_file(state, name, "seen")
        file.parent.mkdir(parents=True, exist_ok=True)
        pq.write_table(pa.Table.from_pylist(rows, schema=schema), file)
    Records(state.published).put(
        Record(
            generation_id="g", inputs_id="seen", as_of=f"{day}T00:00:00", as_of_date=day.isoformat(), run_id="r",
            started_at=day.isoformat(), contract_version=1, previous=None, published_at=day.isoformat(),
        )
    )  # fmt: skip
