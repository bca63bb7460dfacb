"""The failure hook: one shell command of the deployment's choice, told which run failed and why."""

from __future__ import annotations

import os
import subprocess

from orchestration.settings import Settings

LONGEST_ERROR = 4_000


def notify_of_failure(settings: Settings, run_id: str, error: str) -> int | None:
    """Call ``REGULARS_FAILURE_COMMAND``; return its exit code, or None where none is set.

    The command finds ``REGULARS_SHOP``, ``REGULARS_RUN_ID`` and ``REGULARS_ERROR`` in its environment.
    """
    if not settings.failure_command:
        return None
    environment = {
        **os.environ,
        "REGULARS_SHOP": settings.shop,
        "REGULARS_RUN_ID": run_id,
        "REGULARS_ERROR": error[:LONGEST_ERROR],
    }
    return subprocess.run(settings.failure_command, shell=True, env=environment, check=False, timeout=300).returncode
