"""Small worlds shared by the simulator's tests."""

from __future__ import annotations

from datetime import date
from pathlib import Path
from typing import NamedTuple

import pytest

from ml.simulator import WorldConfig, simulate

SMALL = WorldConfig(
    seed=11,
    customers=500,
    products=60,
    start=date(2024, 9, 1),
    end=date(2025, 3, 1),
    dirty_share=0.02,
    duplicate_share=0.02,
)


class Folders(NamedTuple):
    """Where a world lies. Tests name the type by what they use of it: config, landing, truth."""

    config: WorldConfig
    landing: Path
    truth: Path


@pytest.fixture(scope="session")
def small_world(tmp_path_factory: pytest.TempPathFactory) -> Folders:
    """Half a year of five hundred people, with much dirt."""
    folder = tmp_path_factory.mktemp("small_world")
    simulate(SMALL, folder / "landing", folder / "truth")
    return Folders(SMALL, folder / "landing", folder / "truth")
