"""What a run's landing leaves for its summary: the files that need a hand.

Belongs here: keeping the note between a step and the end of the run. Does not belong here: how it is printed.
"""

from __future__ import annotations

import json

from orchestration.files import write_text_atomically
from orchestration.landing import LandingError, LandingReport, batches
from orchestration.workspace import Workspace


def note_landing(workspace: Workspace, run_id: str, report: LandingReport) -> None:
    """Keep which files were not landed and why.

    Raises
    ------
    LandingError
        Not one row of the shop has ever been landed: there is nothing to go on with.
    """
    needs_hand = {error.file: error.message for error in report.errors}
    note = {"run_id": run_id, "not_landed": needs_hand, "left_alone": report.left_alone or {}}
    write_text_atomically(workspace.state.reports / "landing.json", json.dumps(note, indent=1))
    landed = [batch for several in batches(workspace.state).values() for batch in several]
    if any(batch.rows_in for batch in landed):
        return
    if needs_hand:
        reasons = "; ".join(f"{name}: {why}" for name, why in needs_hand.items())
        raise LandingError(f"no file could be landed: {reasons}")
    if landed:
        raise LandingError(f"of {', '.join(batch.file for batch in landed)} only the columns are there, no row")


def files_not_landed(workspace: Workspace, run_id: str) -> dict[str, str]:
    """File name: why, for the files that this run could not land."""
    path = workspace.state.reports / "landing.json"
    if not path.exists():
        return {}
    note = json.loads(path.read_text(encoding="utf-8"))
    return dict(note["not_landed"]) if note["run_id"] == run_id else {}
