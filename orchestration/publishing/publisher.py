"""The way into publishing for assets and commands: one object per shop that knows both sinks.

Belongs here: what is done to both sinks together. Does not belong here: how (``write``, ``audit``, ``files``,
``postgres``).

Files come first in everything: when Postgres is not available, they are right, and the next ``publish_postgres``
brings the server up to them. Callers hold the shop's run lock, except for suppressions and withdrawals.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from functools import cached_property
from pathlib import Path

from ml.quality.rules import Finding
from orchestration.publishing.audit import Auditor
from orchestration.publishing.contract import Contract
from orchestration.publishing.engine import Engine
from orchestration.publishing.errors import PublishError
from orchestration.publishing.files import FileSink, Outcome
from orchestration.publishing.generation import Generation, GenerationMeta
from orchestration.publishing.postgres.sink import PostgresSink
from orchestration.publishing.suppression import Changes, Privacy
from orchestration.publishing.views import write_views
from orchestration.publishing.write import Writer


@dataclass(frozen=True)
class Publisher:
    """Publishes one shop's tables."""

    published: Path
    """``State.published``."""
    privacy_folder: Path
    """``State.privacy``."""
    contract: Contract
    now: Callable[[], datetime]
    """``Settings.now``: instants of records, never of rows."""
    find_postgres: Callable[[], str]
    """URL of the server, started if need be; raises SinkUnavailableError. Called when Postgres is first needed."""
    engine: Engine = field(default_factory=Engine)

    @property
    def privacy(self) -> Privacy:
        return Privacy(self.privacy_folder)

    @property
    def files(self) -> FileSink:
        return FileSink(self.published)

    @cached_property
    def postgres(self) -> PostgresSink:
        return PostgresSink(self.find_postgres(), self.contract, self.engine)

    def write(self, tables: Mapping[str, Path], meta: GenerationMeta, base: Generation | None = None) -> Generation:
        """Write a generation, compared with the one that is published; see ``Writer.write``."""
        writer = Writer(self.published, self.contract, self.privacy, self.engine)
        return writer.write(tables, meta, self.files.previous_for(meta), base)

    def audit(
        self, generation: Generation, grants: Path | None = None, tables: Collection[str] | None = None
    ) -> list[Finding]:
        """Judge a generation; see ``Auditor.audit``."""
        return Auditor(self.published, self.contract, self.privacy, self.engine).audit(generation, grants, tables)

    def publish_files(self, generation_id: str) -> Outcome:
        """Point the readers of files to a generation that passed its audit; see ``FileSink.publish``."""
        return self.files.publish(generation_id, self._instant())

    def publish_postgres(self) -> Outcome | None:
        """Bring Postgres to the generation that the files show, also one that it missed in an earlier run.

        Returns
        -------
        Outcome or None
            None where nothing is published yet.

        Raises
        ------
        SinkUnavailableError
            The files stay as they are; say so, and end with a code that is not zero.
        """
        current = self.files.current()
        if current is None:
            return None
        shown = self.postgres.current_id()
        records = self.files.records.all()
        # Files may have been rolled back while Postgres did not answer: it follows where they moved since.
        theirs = records[shown].last_move if shown in records else None
        ours = records[current.generation_id].last_move
        return self._to_postgres(current, go_back=theirs is not None and ours is not None and theirs < ours)

    def missed(self) -> Generation | None:
        """The generation of the files, if Postgres shows another one."""
        return self.postgres.missed(self.files.current())

    def rollback(self, to: str | None = None) -> tuple[Outcome, Outcome]:
        """Point the readers of both sinks to the generation published before, or to a named one.

        Suppressions and withdrawals stay in force; what only the newer generation has weighed is weighed first
        (``orchestration.withdrawals.roll_back``).

        Raises
        ------
        PublishError
            There is no such generation; nothing changed.
        SinkUnavailableError
            The files are rolled back, Postgres is not; ``rollback(to=<the same>)`` when it answers again.
        """
        in_files = self.files.rollback(self._instant(), to)
        target = self.files.generation(in_files.generation_id)
        assert target is not None
        return in_files, self._to_postgres(target, go_back=True)

    def suppress(self, customer_ids: Iterable[str], reason: str) -> None:
        """Hide customers in both sinks, at once and through every rollback.

        Raises
        ------
        SinkUnavailableError
            Hidden in files, not yet in Postgres; the next publish brings it up before it shows anything new.
        """
        self.privacy.suppress(customer_ids, self._instant(), reason)
        self.postgres.follow(self.privacy)

    def withdraw(self, customer_ids: Iterable[str], purpose: str, channel: str | None = None) -> None:
        """Take a purpose away, on one channel or on all, in both sinks at once; errors as for ``suppress``."""
        self.privacy.withdraw(customer_ids, purpose, channel, self._instant())
        self.postgres.follow(self.privacy)

    def obey(self, changes: Changes) -> None:
        """What customers have said, in both sinks at once; errors as for ``suppress``."""
        self.privacy.follow(changes)
        self.postgres.follow(self.privacy)

    def unsuppress(self, customer_ids: Sequence[str]) -> None:
        """Undo a suppression made in error."""
        self.privacy.unsuppress(customer_ids)
        self.postgres.follow(self.privacy)

    def reinstate(self, customer_ids: Sequence[str], purpose: str, channel: str | None = None) -> None:
        """Lift a withdrawal after a new grant."""
        self.privacy.reinstate(customer_ids, purpose, channel)
        self.postgres.follow(self.privacy)

    def relocate(self) -> None:
        """Make the files of views anew after the data folder was moved or restored elsewhere."""
        self.privacy.prepare()
        for generation_id in self.files.records.all():
            if generation := self.files.generation(generation_id):
                write_views(generation, self.contract, self.privacy, self.published)

    def _to_postgres(self, generation: Generation, *, go_back: bool) -> Outcome:
        record = self.files.records.get(generation.generation_id)
        if record is None:
            raise PublishError(f"{generation.generation_id} has no record beside it; write it again")
        return self.postgres.publish(generation, record, self.privacy, self._instant(), go_back=go_back)

    def _instant(self) -> datetime:
        return self.now().replace(tzinfo=None)
