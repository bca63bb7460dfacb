"""``regulars ui``: Dagster and MLflow on localhost, until interrupted.

Belongs here: starting and stopping the two. Does not belong here: what they show.
"""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

from rich.console import Console

from orchestration.instance import dagster_home
from orchestration.settings import PROJECT_ROOT
from orchestration.workspace import Workspace


def serve(workspace: Workspace, port: int, mlflow_port: int, console: Console) -> int:
    """Run both servers in the foreground; Ctrl-C, or the end of either, stops both. Ports in use are stepped over.

    Their addresses are told once they answer.
    """
    from ml.store import tracking_uri

    dagster_home(workspace.state)
    port, mlflow_port = _free(port), _free(mlflow_port)
    programs = Path(sys.executable).parent
    store = tracking_uri(workspace.state.mlflow)
    commands = [
        [programs / "dagster", "dev", "--workspace", PROJECT_ROOT / "workspace.yaml", "--host", "127.0.0.1",
         "--port", str(port), "--log-level", "warning"],
        [programs / "mlflow", "server", "--backend-store-uri", store, "--default-artifact-root",
         workspace.state.mlflow / "artifacts", "--host", "127.0.0.1", "--port", str(mlflow_port),
         "--uvicorn-opts", "--log-level warning"],
    ]  # fmt: skip
    console.print("Starting Dagster and MLflow …")
    quiet = {**os.environ, "PYTHONWARNINGS": "ignore"}  # of the servers' own deprecations: not the reader's to mend
    signal.signal(signal.SIGTERM, signal.default_int_handler)  # a service manager's way to say Ctrl-C
    running = [
        subprocess.Popen([str(word) for word in command], env=quiet, start_new_session=True) for command in commands
    ]
    waiting = {port: f"Dagster  http://127.0.0.1:{port}", mlflow_port: f"MLflow   http://127.0.0.1:{mlflow_port}"}
    try:
        while all(process.poll() is None for process in running):
            for answering in [one for one in waiting if not _is_free(one)]:
                console.print(waiting.pop(answering), *([] if waiting else ["Ctrl-C stops both."]), sep="\n")
            time.sleep(0.5)
    except KeyboardInterrupt:
        console.print("Stopping …")
        return 0
    finally:
        for process in running:
            _stop(process)
    return 1


def _stop(process: subprocess.Popen[bytes]) -> None:
    """End a server and everything that it started."""
    for send, patience in ((signal.SIGINT, 15), (signal.SIGTERM, 5), (signal.SIGKILL, 5)):
        try:
            os.killpg(process.pid, send)
            process.wait(patience)
        except subprocess.TimeoutExpired:
            continue
        except ProcessLookupError:
            return


def _free(port: int) -> int:
    """The port, or the next one that nobody listens on."""
    while not _is_free(port):
        port += 1
    return port


def _is_free(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) != 0
