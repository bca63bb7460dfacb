"""What is kept of drift between runs, one small file by model: the standing request and the outcomes judged so far.

Belongs here: ``reports/drift/<model>.json`` and whether it makes a run train. Does not belong here: grounds and
thresholds (``ml.drift.retraining``), computing what is kept (``drift``).

The file appears whole by one rename at the end of a model's drift asset; a run killed before it leaves the file of the
run before. A training run answers the requests as soon as its inputs are pinned. Killed after that, the same run again
takes up its inputs and trains; and should training fail, the next day scores as ever instead of failing too, and asks
again after the pause.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, replace
from datetime import date
from pathlib import Path
from typing import Any

from ml.drift.judged import Realised
from ml.drift.retraining import Request
from orchestration.files import write_text_atomically
from orchestration.models import FORETELLING, strangers
from orchestration.state import State
from orchestration.workspace import Workspace


@dataclass(frozen=True)
class Kept:
    """What is known of one model from earlier runs."""

    request: Request | None = None
    realised: tuple[Realised, ...] = ()
    """Ascending by as-of."""
    examined: Mapping[date, str] = field(default_factory=dict)
    """As-of: inputs whose scores need no second look, whether they could be judged or not."""


def requests(workspace: Workspace, day: date) -> dict[str, tuple[str, ...]]:
    """Model: why a run of that as-of should train it, as drift asks or because it foretells another outcome."""
    return standing_requests(workspace.state, day) | strangers(workspace, day)


def standing_requests(state: State, day: date) -> dict[str, tuple[str, ...]]:
    """Model: why drift asks a run of that as-of to train it; empty where it asks for none."""
    found = {model: kept(state, model).request for model in FORETELLING}
    return {model: request.reasons for model, request in found.items() if request and request.stands_at(day)}


def answer_requests(state: State, as_of: date) -> None:
    """Note that a run of that as-of trains."""
    for model in FORETELLING:
        found = kept(state, model)
        if found.request and found.request.tried < as_of:
            keep(state, model, replace(found, request=replace(found.request, tried=as_of)))


def kept(state: State, model: str) -> Kept:
    """What earlier runs left; nothing where there was none."""
    path = _file(state, model)
    if not path.exists():
        return Kept()
    content = json.loads(path.read_text(encoding="utf-8"))
    return Kept(
        request=_request(content["request"]) if content["request"] else None,
        realised=tuple(Realised.from_json(one) for one in content["realised"]),
        examined={date.fromisoformat(day): inputs_id for day, inputs_id in content["examined"].items()},
    )


def keep(state: State, model: str, found: Kept) -> None:
    """Replace what is kept, whole."""
    content = {
        "request": asdict(found.request) if found.request else None,
        "realised": [one.to_json() for one in found.realised],
        "examined": {day.isoformat(): inputs_id for day, inputs_id in sorted(found.examined.items())},
    }
    write_text_atomically(_file(state, model), json.dumps(content, indent=1, default=date.isoformat))


def spoken(asked: Mapping[str, tuple[str, ...]]) -> str:
    """Requests as a person reads them."""
    return "; ".join(f"the {model} model ({', '.join(reasons)})" for model, reasons in sorted(asked.items()))


def _request(content: Mapping[str, Any]) -> Request:
    as_of, tried = (date.fromisoformat(content[name]) for name in ("as_of", "tried"))
    return Request(as_of, content["version"], tuple(content["reasons"]), tried)


def _file(state: State, model: str) -> Path:
    return state.reports / "drift" / f"{model}.json"
