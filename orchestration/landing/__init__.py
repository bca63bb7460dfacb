"""Files in a landing folder -> immutable raw batches that lose no row."""

from orchestration.landing.contract import load_contract
from orchestration.landing.errors import LandingError
from orchestration.landing.manifest import Manifest, batches, rows_path
from orchestration.landing.report import LandingReport
from orchestration.landing.run import check, land

__all__ = ["LandingError", "LandingReport", "Manifest", "batches", "check", "land", "load_contract", "rows_path"]
