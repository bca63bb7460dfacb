"""What each file of the landing folder held when it was last dealt with: ``sightings/<touchpoint>.jsonl``.

Belongs here: remembering it, so that the same folder can be landed any number of times. Does not belong here: what a
file that was not dealt with yet becomes (``run``).

The newest line about a file counts. Batches cannot tell it alone: a file whose bytes are a batch already leaves none,
and would be taken for news as soon as something else has come since.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from orchestration.landing.arrivals import Arrival, Look
from orchestration.landing.manifest import Manifest


@dataclass(frozen=True)
class Sighting:
    """How a file looked, and what was in it."""

    look: Look
    sha256: str


class Sightings:
    """Those of one touchpoint; written by one landing at a time."""

    def __init__(self, path: Path, landed: Sequence[Manifest]) -> None:
        self.path = path
        self.is_new = not path.exists()
        """Nothing is remembered, so that any file may have been dealt with before."""
        batches = {batch.sha256 for batch in landed}
        files = {} if self.is_new else dict(_read(path))
        # Of batches that were taken away nothing has been dealt with.
        self._files = {file: one for file, one in files.items() if one.sha256 in batches}

    def is_untouched(self, arrival: Arrival) -> bool:
        """Whether the file was dealt with and is the same, without a look into it."""
        known = self._files.get(arrival.file)
        return known is not None and known.look == arrival.look

    def is_same(self, arrival: Arrival, sha256: str) -> bool:
        """Whether the file has been dealt with: under its name, or under another one that it has no more."""
        here = self._files.get(arrival.file)
        if here is not None:
            return here.sha256 == sha256
        return any(
            (known.sha256, known.look.modified_ns) == (sha256, arrival.look.modified_ns)
            and not (arrival.folder / file).exists()
            for file, known in self._files.items()
        )

    def note(self, arrival: Arrival, sha256: str) -> None:
        """Remember that the file has been dealt with."""
        self._files[arrival.file] = Sighting(arrival.look, sha256)
        self.path.parent.mkdir(parents=True, exist_ok=True)
        line = json.dumps({"file": arrival.file, **asdict(arrival.look), "sha256": sha256}, ensure_ascii=False)
        with self.path.open("a", encoding="utf-8") as lines:
            lines.write(f"\n{line}")  # after whatever a killed run left half written


def _read(path: Path) -> list[tuple[str, Sighting]]:
    found = []
    for line in path.read_text(encoding="utf-8").splitlines():
        try:
            said = json.loads(line)
            file, sha256 = said.pop("file"), said.pop("sha256")
            found.append((file, Sighting(Look(**said), sha256)))
        except ValueError:
            continue  # blank, or cut short by a kill
    return found
