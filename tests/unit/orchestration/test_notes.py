"""A landing's note: what needs a hand is told at the end of its own run, and of no other."""

from pathlib import Path
from typing import NamedTuple

import pytest

from orchestration.landing import LandingError, LandingReport
from orchestration.landing.report import FileError
from orchestration.notes import files_not_landed, note_landing
from orchestration.settings import Settings
from orchestration.workspace import Workspace


class Batch(NamedTuple):
    """What of a batch's manifest is looked at."""

    file: str
    rows_in: int


BAD = LandingReport(errors=(FileError("orders", "orders.csv", "no column order_id"),))


@pytest.fixture
def workspace(tmp_path: Path) -> Workspace:
    return Workspace(Settings(data_dir=tmp_path / "data", keys_dir=tmp_path / "keys"))


def test_a_shop_of_which_no_file_ever_landed_stops_there(workspace: Workspace) -> None:
    with pytest.raises(LandingError, match=r"orders\.csv: no column order_id"):
        note_landing(workspace, "run-1", BAD)


def test_a_bad_file_among_good_ones_is_told_at_the_end(workspace: Workspace, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("orchestration.notes.batches", lambda _: {"orders": [Batch("earlier.csv", 9)]})
    note_landing(workspace, "run-1", BAD)
    assert files_not_landed(workspace, "run-1") == {"orders.csv": "no column order_id"}
    assert files_not_landed(workspace, "run-2") == {}, "a retry that did not land has nothing to say"


def test_a_shop_whose_only_files_have_no_row_stops_there(workspace: Workspace, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("orchestration.notes.batches", lambda _: {"orders": [Batch("orders.csv", 0)]})
    with pytest.raises(LandingError, match=r"of orders\.csv only the columns are there, no row"):
        note_landing(workspace, "run-1", LandingReport())
