"""The Dagster code location: everything under ``defs``, loaded lazily."""

from pathlib import Path

import dagster as dg

from orchestration.environment import prepare_process


@dg.definitions
def defs() -> dg.Definitions:
    prepare_process()
    return dg.load_from_defs_folder(path_within_project=Path(__file__))
