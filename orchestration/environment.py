"""What libraries read from the environment of this process and of those it starts: set once, before they load.

Belongs here: telemetry off, threads that do not spin, where programs are, a quick end. Does not belong here: our own
settings (``settings``).
"""

from __future__ import annotations

import atexit
import gc
import os

LIBRARIES = {
    "DO_NOT_TRACK": "1",
    "MLFLOW_DISABLE_TELEMETRY": "true",
    "MLFLOW_ALLOW_PICKLE_DESERIALIZATION": "false",
    "MLFLOW_SERVER_ENABLE_JOB_EXECUTION": "false",
    "GX_ANALYTICS_ENABLED": "false",
    # Threads that wait for each other sleep: on a busy machine training is then four times as fast.
    "OMP_WAIT_POLICY": "PASSIVE",
}
ADMINISTRATION = "/usr/sbin"
"""Where ``useradd`` is: the wheel's Postgres makes itself a user when root starts it. Cron's path leaves it out."""


def prepare_process() -> None:
    """Set what the caller has not set already."""
    for name, value in LIBRARIES.items():
        os.environ.setdefault(name, value)
    os.environ["PATH"] = os.pathsep.join(dict.fromkeys([*os.get_exec_path(), ADMINISTRATION]))
    atexit.register(gc.freeze)  # else the collector walks through every module once more, for seconds
