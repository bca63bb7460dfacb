"""The Dagster instance of one shop: its folder, its configuration, and nothing sent anywhere."""

from __future__ import annotations

import os

import dagster as dg

from orchestration.files import write_text_atomically
from orchestration.state import State

CONFIGURATION = """\
# Written by Regulars at each start; edit orchestration/instance.py instead.
nux:
  enabled: false
telemetry:
  enabled: false
concurrency:
  runs:
    max_concurrent_runs: 1
  pools:
    default_limit: 1
    granularity: op
run_monitoring:
  enabled: true
  max_runtime_seconds: 14400
  free_slots_after_run_end_seconds: 60
"""


def dagster_home(state: State) -> str:
    """Make the instance folder and point ``DAGSTER_HOME`` at it, for this process and those that it starts."""
    write_text_atomically(state.dagster / "dagster.yaml", CONFIGURATION)
    os.environ["DAGSTER_HOME"] = str(state.dagster)
    return str(state.dagster)


def open_instance(state: State) -> dg.DagsterInstance:
    """The shop's instance, where the UI finds the runs of the command line too."""
    dagster_home(state)
    return dg.DagsterInstance.get()
