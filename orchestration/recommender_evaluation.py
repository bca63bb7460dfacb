"""``regulars evaluate recommender``: one file of interactions, judged and written down.

Belongs here: what was asked for in the terms of ``ml.recommender.evaluation``, and where the figures go. Does not
belong here: reading, splitting, judging themselves.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from ml.recommender.evaluation.log import Log
    from ml.recommender.evaluation.protocols import Split


@dataclass(frozen=True)
class Request:
    """What was asked for on the command line."""

    interactions: Path
    protocol: str
    columns: Mapping[str, str]
    test: Path | None = None
    catalogue: Path | None = None
    min_rating: float | None = None
    lengths: str = "5,10,20"
    cut: str | None = None
    horizon_days: float | None = None
    new_only: bool = False
    time_budget: float | None = None
    seed: int = 7


@dataclass(frozen=True)
class Report:
    """Figures of one evaluation."""

    request: Request
    figures: Mapping[str, Any]
    lines: list[str]

    def write(self, path: Path) -> None:
        """The figures as JSON, with what was asked for."""
        path.parent.mkdir(parents=True, exist_ok=True)
        content = {"asked": self.parameters(), **self.figures}
        path.write_text(json.dumps(content, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")

    def parameters(self) -> dict[str, Any]:
        """What was asked for, files by their names."""
        asked = self.request
        return {
            "interactions": asked.interactions.name, "protocol": asked.protocol,
            "test": asked.test.name if asked.test else None,
            "catalogue": asked.catalogue.name if asked.catalogue else None,
            "min_rating": asked.min_rating, "k": asked.lengths, "cut": asked.cut, "horizon_days": asked.horizon_days,
            "new_only": asked.new_only, "time_budget": asked.time_budget, "seed": asked.seed,
        }  # fmt: skip

    def track(self) -> str:
        """Log to MLflow, a nested run per method; returns the id of the run."""
        from ml.recommender.evaluation.tracked import track
        from orchestration.settings import read_environment

        name = self.request.interactions.stem
        return track(read_environment().data_dir / "mlflow", name, self.parameters(), self.figures, self.lines)


def evaluate_log(request: Request, *, note: Callable[[str], None] = lambda _: None) -> Report:
    """Read, split, learn, judge.

    Raises
    ------
    LogError
        The files or what was asked for cannot be evaluated; the message says what to do.
    """
    from ml.recommender.evaluation import report
    from ml.recommender.evaluation.compare import compare

    started, worked = time.perf_counter(), time.process_time()

    def told(words: str) -> None:
        note(f"{time.perf_counter() - started:7.1f} s  {words}")

    lengths = _lengths(request.lengths)
    split = _split(request, told)
    comparison = compare(split, time_budget=request.time_budget, seed=request.seed, note=told)
    figures = report.figures(comparison, lengths, seed=request.seed)
    figures["seconds"] = round(time.perf_counter() - started, 1)
    figures["cpu_seconds"] = round(time.process_time() - worked, 1)
    spent = f"{figures['cpu_seconds']:,.0f} s of computing, {figures['seconds']:,.0f} s in all"
    return Report(request, figures, [*report.lines(figures, lengths), spent])


def _split(request: Request, told: Callable[[str], None]) -> Split:
    from ml.recommender.evaluation import protocols
    from ml.recommender.evaluation.errors import LogError
    from ml.recommender.evaluation.files import Columns, join_rows, read_catalogue, read_rows
    from ml.recommender.evaluation.log import make_log

    if request.protocol not in protocols.PROTOCOLS:
        raise LogError(f"no such protocol: {request.protocol!r}; there are {', '.join(protocols.PROTOCOLS)}")
    if (request.protocol == "given-split") != (request.test is not None):
        raise LogError("--test FILE goes with --protocol given-split, and the other way round")
    if request.protocol != "time-split" and (request.cut is not None or request.horizon_days is not None):
        raise LogError("--cut and --horizon-days go with --protocol time-split")
    columns = Columns(**request.columns)
    needs_time = request.protocol == "time-split"
    rows = read_rows(request.interactions, columns, min_rating=request.min_rating, needs_time=needs_time)
    known = len(rows.users)
    if request.test:
        more = read_rows(request.test, columns, min_rating=request.min_rating)
        rows = join_rows(rows, more)
    attributes = read_catalogue(request.catalogue, columns.item) if request.catalogue else None
    log = make_log(rows, attributes, seed=request.seed)
    told(_spoken(log, rows.dropped, attributes))
    if request.protocol == "given-split":
        split = protocols.given_split(log, log.row >= known)
    elif request.protocol == "time-split":
        split = protocols.time_split(log, _instant(request.cut), request.horizon_days)
    else:
        split = protocols.PROTOCOLS[request.protocol](log)
    return protocols.of_new(split) if request.new_only else split


def _spoken(log: Log, dropped: int, attributes: Mapping[str, Any] | None) -> str:
    words = f"{len(log):,} interactions of {len(log.users):,} users with {log.catalogue.size:,} items"
    if dropped:
        words += f"; {dropped:,} rows below the least rating left out"
    if attributes is not None:
        unknown = sum(item not in attributes for item in log.catalogue.product_ids)
        words += f"; {unknown:,} items are not in the catalogue" if unknown else ""
    return words


def _lengths(told: str) -> list[int]:
    from ml.recommender.evaluation.errors import LogError

    parts = [part.strip() for part in told.split(",")]
    if not all(part.isdecimal() and len(part) <= 4 and int(part) > 0 for part in parts):
        raise LogError(f"--k {told!r}: write lengths of lists as 5,10,20, none above 9,999")
    return sorted({int(part) for part in parts})


def _instant(told: str | None) -> float | None:
    from ml.recommender.evaluation.errors import LogError

    if told is None:
        return None
    try:
        instant = datetime.fromisoformat(told)
    except ValueError as error:
        raise LogError(f"--cut {told!r} is no instant; write it as 2011-09-09") from error
    return (instant if instant.tzinfo else instant.replace(tzinfo=UTC)).timestamp() / 86_400
