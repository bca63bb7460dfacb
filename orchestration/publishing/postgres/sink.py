"""Publish to Postgres: load, point, retire; and what acts at once.

Belongs here: the order of steps. Does not belong here: each step (``schema``, ``views``, ``load``, ``retire``).
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from datetime import date, datetime

from orchestration.publishing.contract import Contract
from orchestration.publishing.engine import Engine
from orchestration.publishing.errors import PublishError
from orchestration.publishing.files import KEEP_OLD, Outcome
from orchestration.publishing.generation import Generation, Order
from orchestration.publishing.permissions import SUPPRESSIONS, WITHDRAWALS
from orchestration.publishing.postgres.connection import Connection, publisher_session, reader_session, rows
from orchestration.publishing.postgres.load import attached, load_generation, partition_name
from orchestration.publishing.postgres.retire import retire
from orchestration.publishing.postgres.schema import ensure_schema
from orchestration.publishing.postgres.views import ensure_views
from orchestration.publishing.records import Record
from orchestration.publishing.suppression import Privacy

MOVE = """
    insert into crm_data.generations values (
        %(generation_id)s, %(content_id)s, %(inputs_id)s, %(as_of)s, %(as_of_date)s, %(run_id)s, %(started_at)s,
        %(contract_version)s, %(previous)s, %(counts)s, %(at)s
    ) on conflict (generation_id) do update set content_id = excluded.content_id, run_id = excluded.run_id,
        started_at = excluded.started_at, previous = excluded.previous, counts = excluded.counts
"""


@dataclass(frozen=True)
class PostgresSink:
    """Schema ``crm`` of one database."""

    url: str
    contract: Contract
    engine: Engine = field(default_factory=Engine)

    def current_id(self) -> str | None:
        """The generation that readers see, None before the first.

        Raises
        ------
        SinkUnavailableError
        """
        with reader_session(self.url) as connection:
            return _current(connection)[0] if _has_schema(connection) else None

    def missed(self, current: Generation | None) -> Generation | None:
        """``current``, the generation of the files, if readers here see another one."""
        return current if current is not None and self.current_id() != current.generation_id else None

    def publish(
        self, generation: Generation, record: Record, privacy: Privacy, at: datetime, *, go_back: bool = False
    ) -> Outcome:
        """Load a generation beside the others, point readers to it, retire what is older than two old ones.

        Suppressions and withdrawals that the server missed are brought up first.

        Parameters
        ----------
        go_back
            Allow an older as-of: a rollback.

        Raises
        ------
        SinkUnavailableError
            Readers keep the whole generation that they had; the next publish cleans up.
        ContractError, PublishError
            The contract took something away; a long reader keeps a new column or view out; the content is another
            one than was published under the same name.
        """
        with publisher_session(self.url) as connection:
            ensure_schema(connection, self.contract)
            _push(connection, privacy)
            ensure_views(connection, self.contract)
            current, order = _current(connection)
            is_older = order is not None and order > generation.manifest.order
            if is_older and not go_back:
                return Outcome(
                    generation.generation_id, False, f"{current} is of a later as-of; only rollback goes back"
                )
            if not self._is_whole(connection, generation):
                self._load(connection, generation)
            moved = current != generation.generation_id
            if moved:
                _move(connection, generation, record, at)
            removed, postponed = retire(connection, self.contract, _kept(connection))
            _trim(connection)
        reason = ("rolled back" if is_older else "published") if moved else "already current"
        return Outcome(generation.generation_id, moved, reason, removed, postponed)

    def follow(self, privacy: Privacy) -> None:
        """Bring the server's suppressions and withdrawals to the files' state; readers feel it at their next statement.

        Raises
        ------
        SinkUnavailableError
        """
        with reader_session(self.url) as connection:
            if _has_schema(connection):
                _push(connection, privacy)

    def _is_whole(self, connection: Connection, generation: Generation) -> bool:
        """Whether this very content has been readers' before and is still attached."""
        select = "select content_id from crm_data.generations where generation_id = %s"
        known = rows(connection, select, [generation.generation_id])
        marks = attached(connection, "marks")
        is_attached = marks.get(partition_name("marks", generation.generation_id)) is False
        if not known or not is_attached:
            return False
        if known[0][0] != generation.manifest.content_id:
            raise PublishError(
                f"{generation.generation_id} was published to Postgres with other content: its inputs_id does not "
                "cover all inputs. Readers keep what was published"
            )
        return True

    def _load(self, connection: Connection, generation: Generation) -> None:
        keep = _kept(connection) - {generation.generation_id}
        _, postponed = retire(connection, self.contract, keep)
        own = {partition_name(table.name, generation.generation_id) for table in self.contract.tables}
        if held := sorted(own & set(postponed)):
            raise PublishError(
                f"a reader still holds leftovers of a killed publish ({', '.join(held)}); run again later"
            )
        load_generation(connection, self.contract, generation, self.engine)


def _has_schema(connection: Connection) -> bool:
    return rows(connection, "select to_regclass('crm_data.generations') is not null")[0][0] is True


def _current(connection: Connection) -> tuple[str | None, Order | None]:
    found = rows(
        connection,
        """select p.generation_id, g.as_of_date
           from crm_data.pointer p join crm_data.generations g using (generation_id)
           order by p.move desc limit 1""",
    )
    if not found:
        return None, None
    generation_id, day = found[0]
    assert isinstance(day, date)
    return str(generation_id), day


def _kept(connection: Connection) -> set[str]:
    """The generations that readers saw last: the current one and two old ones."""
    found = rows(
        connection,
        f"select generation_id from crm_data.pointer group by 1 order by max(move) desc limit {KEEP_OLD + 1}",
    )
    return {str(generation_id) for (generation_id,) in found}


def _move(connection: Connection, generation: Generation, record: Record, at: datetime) -> None:
    manifest = generation.manifest
    with connection.transaction():
        connection.execute(MOVE, {
            "generation_id": manifest.generation_id, "content_id": manifest.content_id, "inputs_id": manifest.inputs_id,
            "as_of": manifest.as_of_instant, "as_of_date": manifest.as_of_date, "run_id": record.run_id,
            "started_at": datetime.fromisoformat(record.started_at), "contract_version": manifest.contract_version,
            "previous": manifest.previous, "counts": json.dumps(manifest.rows), "at": at,
        })  # fmt: skip
        connection.execute(
            "insert into crm_data.pointer (generation_id, moved_at) values (%s, %s)", [manifest.generation_id, at]
        )


def _trim(connection: Connection) -> None:
    """Forget moves to generations that are gone; one whose removal waits for a reader is still that reader's."""
    here = [name.removeprefix("marks__").replace("_", "-") for name in attached(connection, "marks")]
    connection.execute("delete from crm_data.pointer where generation_id <> all(%s)", [here])


def _push(connection: Connection, privacy: Privacy) -> None:
    with connection.transaction(), connection.cursor() as cursor:
        # The files are read behind the lock: of two that push at once the later one has the other's entries too.
        cursor.execute("lock table crm_data.suppressions, crm_data.withdrawals in share row exclusive mode")
        for table, columns, entries in (
            ("suppressions", SUPPRESSIONS, privacy.suppressed()),
            ("withdrawals", WITHDRAWALS, privacy.withdrawn()),
        ):
            cursor.execute(f"delete from crm_data.{table}".encode())
            insert = f"insert into crm_data.{table} ({', '.join(columns)}) values ({', '.join(['%s'] * len(columns))})"
            cursor.executemany(insert.encode(), [tuple(row[name] for name in columns) for row in entries])
