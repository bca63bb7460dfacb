"""A process of its own that writes and publishes one day, and is killed at a given moment.

python publishing_child.py <root> <url> <day> <moment>
"""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

from publishing_world import PublishingWorld

from orchestration.publishing import files, write
from orchestration.publishing.postgres import load, sink


def die(*_: Any, **__: Any) -> None:
    os.kill(os.getpid(), signal.SIGKILL)


def dying_at_call(function: Callable[..., Any], call: int) -> Callable[..., Any]:
    calls = iter(range(1, 1_000))

    def wrapped(*arguments: Any, **options: Any) -> Any:
        if next(calls) == call:
            die()
        return function(*arguments, **options)

    return wrapped


def blocks_then_death(*arguments: Any) -> Any:
    yield from original_blocks(*arguments)
    die()


original_blocks = load._csv_blocks

MOMENTS: dict[str, tuple[Any, str, Any]] = {
    "while writing the second table": (write, "copy_to_parquet", dying_at_call(write.copy_to_parquet, 2)),
    "before the folder is renamed": (write.Writer, "_put_in_place", die),
    "before the views are made": (write, "write_views", die),
    "between record and pointer": (files.FileSink, "_record_move", lambda *a: (record_move(*a), die())),
    "before old generations go": (files.FileSink, "_remove_old", die),
    "in the middle of a copy": (load, "_csv_blocks", blocks_then_death),
    "between two tables": (load, "_load_table", dying_at_call(load._load_table, 2)),
    "between attaching and the pointer": (sink, "_move", die),
    "before old partitions go": (sink, "_kept", dying_at_call(sink._kept, 2)),
    "never": (sys, "flags", sys.flags),
}
record_move = files.FileSink._record_move

if __name__ == "__main__":
    root, url, day, moment = Path(sys.argv[1]), sys.argv[2], int(sys.argv[3]), sys.argv[4]
    if moment != "never":
        setattr(*MOMENTS[moment])
    PublishingWorld(root, url).publish(day, 100 + 10 * day, 5 + day)
