"""What libraries read from the environment of this process and of those it starts: set once, before they load.

Belongs here: telemetry off, threads that do not spin, a quick end. Does not belong here: our own settings
(``settings``).
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


def prepare_process() -> None:
    """Set what the caller has not set already."""
    for name, value in LIBRARIES.items():
        os.environ.setdefault(name, value)
    atexit.register(gc.freeze)  # else the collector walks through every module once more, for seconds
