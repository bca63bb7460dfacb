"""Files in a landing folder -> immutable raw batches that lose no row."""

from orchestration.landing.contract import load_contract
from orchestration.landing.errors import LandingError
from orchestration.landing.manifest import Manifest, batches, rows_path
from orchestration.landing.rehearsal import Rehearsal, rehearsal
from orchestration.landing.report import LandingReport
from orchestration.landing.run import land

__all__ = [
    "LandingError", "LandingReport", "Manifest", "Rehearsal", "batches", "land", "load_contract", "rehearsal",
    "rows_path",
]  # fmt: skip
