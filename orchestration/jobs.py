"""What definitions and command line share: names of jobs, run tags, the pool, and whose turn it is."""

import dagster as dg

from orchestration.state import BusyError
from orchestration.workspace import Workspace

DAILY = "daily"
WEEKLY = "weekly"
LANDING = "landing"
AT_ONCE = ("published", "withdrawals")
"""Part of every job that lands: what customers take back waits for no stage that comes later, or fails."""
BETWEEN_RUNS = ("published", "triggered")
"""Part of the landing job only: a daily run decides anew itself."""
TRAINING_TAG = "regulars/train"
"""Set where the run trains; decides which snapshots are computed beside the scored one."""
PUBLISH_TAG = "regulars/publish"
"""``false`` where the run writes a generation and leaves the pointers alone, as a backfill does."""
BY_HAND = {"regulars/started_by": "command line"}
"""Tag of runs that hold the shop's lock from their beginning to their end, and report their failure themselves."""
POOL = "warehouse"
"""Where one step at a time may write, or read what another one writes."""
POLL_SECONDS, POLLS = 15, 240
"""How often, and how many times, a run of the daemon asks for a shop that somebody else works on: for an hour."""


def take_turn(workspace: Workspace, run_id: str) -> None:
    """Take the shop's lock for a run of the daemon, which waits where a command holds it; a command's own run has it.

    Raises
    ------
    dagster.RetryRequested
        Another process works on the shop: Dagster tries the step again later.
    """
    try:
        workspace.claim(f"run {run_id}")
    except BusyError as busy:
        raise dg.RetryRequested(max_retries=POLLS, seconds_to_wait=POLL_SECONDS) from busy
