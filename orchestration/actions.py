"""The actions stage: candidates out of the warehouse, the decision, and the ledgers that remember it.

Belongs here: which ledger entries a run reads and where its own go. Does not belong here: deciding (``ml.actions``),
plays.yml (``plays``), triggered runs (``triggers``).

The ledgers are append-only, one file per set of inputs and named by it. A run reads those of published generations, as
pinned in its inputs; its own file it never reads, so the same run again writes the same bytes.
"""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from ml.actions.policy import Policy
from ml.actions.run import Known, Summary, decide_all
from ml.actions.tables import ASSIGNMENTS, CONTACTS, DECISIONS, REDIRECTS
from orchestration.files import copy_atomically
from orchestration.inputs import Inputs, action_ledger_file
from orchestration.plays import load_policy
from orchestration.privacy.keys import load_keys
from orchestration.snapshots import snapshot_folder
from orchestration.state import State
from orchestration.workspace import Workspace

EXPORTS = {
    "action_candidates": "select * from actions.action_candidates order by customer_id",
    "action_contacts": "select * from actions.action_contacts order by customer_id, sent_at, message_id",
    "contract_values": "select * from actions.contract_values order by customer_id",
    "customer_redirects": "select * from intermediate.int_customer_redirects order by customer_id",
}


def export_candidates(workspace: Workspace, inputs: Inputs) -> int:
    """Copy what a decision reads out of the warehouse; returns the number of candidates."""
    folder, rows = snapshot_folder(workspace, inputs), {}
    with workspace.warehouse() as warehouse:
        for name, select in EXPORTS.items():
            rows[name] = copy_atomically(warehouse, select, folder / f"{name}.parquet")
    return rows["action_candidates"]


def decide_daily(workspace: Workspace, inputs: Inputs) -> Summary:
    """Decide for everybody at the as-of, and enter it in the ledgers."""
    state, folder = workspace.state, snapshot_folder(workspace, inputs)
    policy = load_policy(workspace.shop.folder)
    known = read_known(state, folder, inputs.action_ledger)
    as_of = inputs.as_of(workspace.shop).astimezone(UTC).replace(tzinfo=None)
    candidates = f"read_parquet('{folder}/action_candidates.parquet')"
    out = state.scores / inputs.inputs_id / "actions"
    summary = decide_into(workspace, candidates, known, policy, as_of, out)
    enter(state, out, inputs.inputs_id)
    return summary


def decide_into(
    workspace: Workspace, candidates: str, known: Known, policy: Policy, as_of: datetime, out: Path
) -> Summary:
    """Run a decision within the deployment's limits; ``as_of`` is naive UTC."""
    key = load_keys(workspace.state).holdouts if policy.plays else b""
    with workspace.connect() as connection:
        return decide_all(connection, candidates, known, policy, key, as_of, out)


def read_known(state: State, folder: Path, ledger: Sequence[str]) -> Known:
    """The send log and the redirects of a run's snapshot folder, and the ledgers named."""
    return Known(
        log=pq.read_table(folder / "action_contacts.parquet", schema=CONTACTS),
        decisions=_entries(state, "decisions", ledger, DECISIONS),
        assignments=_entries(state, "holdouts", ledger, ASSIGNMENTS),
        redirects=pq.read_table(folder / "customer_redirects.parquet", columns=REDIRECTS.names).cast(REDIRECTS),
    )


def enter(state: State, decided: Path, inputs_id: str) -> None:
    """Put what was decided and drawn into the ledgers, each by one rename."""
    for ledger, file in (("decisions", "decisions"), ("holdouts", "new_assignments")):
        target = action_ledger_file(state, ledger, inputs_id)
        target.parent.mkdir(parents=True, exist_ok=True)
        draft = target.with_name(f".{target.name}.tmp")
        shutil.copyfile(decided / f"{file}.parquet", draft)
        draft.replace(target)


def _entries(state: State, ledger: str, names: Sequence[str], schema: pa.Schema) -> pa.Table:
    files = [action_ledger_file(state, ledger, name) for name in names]
    tables = [pq.read_table(file).cast(schema) for file in files]
    return pa.concat_tables(tables) if tables else schema.empty_table()
