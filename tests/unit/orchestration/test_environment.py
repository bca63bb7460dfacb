import os

import pytest

from orchestration.environment import ADMINISTRATION, prepare_process


def test_programs_of_administration_are_found_under_cron(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "/usr/bin:/bin")
    for _ in range(2):
        prepare_process()
        assert os.environ["PATH"] == f"/usr/bin:/bin:{ADMINISTRATION}"
