"""Old generations leave Postgres without anybody waiting for it.

Belongs here: detaching and dropping partitions, and what killed publishes left. Does not belong here: which
generations stay (``sink``).

Dropping a partition behind a long reader would block every new one. Detaching concurrently does not, but it ends
only when all transactions that were open are done; so it is given up after some milliseconds and finished at a
later publish.
"""

from __future__ import annotations

from orchestration.publishing.contract import Contract
from orchestration.publishing.permissions import literal, quoted
from orchestration.publishing.postgres.connection import Connection, rows, run_impatiently
from orchestration.publishing.postgres.load import attached, partition_name

FEW_ATTEMPTS = 3
PARTITION_PATTERN = "__[0-9]{8}_[0-9a-z]{1,12}$"


def retire(connection: Connection, contract: Contract, keep: set[str]) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Remove every partition of generations that are not in ``keep``.

    Returns
    -------
    removed, postponed : tuple of str
        Partitions that went, and those that a reader still holds.
    """
    removed, postponed = [], []
    # Marks first: a generation that loses its tables must not be found by new readers.
    for table in ("marks", *(table.name for table in contract.tables)):
        kept = {partition_name(table, generation_id) for generation_id in keep}
        for partition, is_pending in attached(connection, table).items():
            if partition in kept and not is_pending:
                continue
            if not _detach(connection, table, partition, is_pending=is_pending):
                postponed.append(partition)
                # Only one partition of a table can wait to be detached.
                break
    for partition in _orphans(connection):
        if run_impatiently(connection, f"drop table crm_data.{quoted(partition)}", attempts=FEW_ATTEMPTS):
            removed.append(partition)
        else:
            postponed.append(partition)
    return tuple(removed), tuple(postponed)


def _detach(connection: Connection, table: str, partition: str, *, is_pending: bool) -> bool:
    how = "finalize" if is_pending else "concurrently"
    statement = f"alter table crm_data.{quoted(table)} detach partition crm_data.{quoted(partition)} {how}"
    # A second attempt would find the first one's work pending, so there is one; the next publish finalizes.
    return run_impatiently(connection, statement, attempts=1)


def _orphans(connection: Connection) -> list[str]:
    """Tables that look like partitions and are none: detached ones, and leftovers of killed publishes."""
    found = rows(
        connection,
        f"""select c.relname from pg_class c join pg_namespace n on n.oid = c.relnamespace
            where n.nspname = 'crm_data' and c.relkind = 'r' and not c.relispartition
              and c.relname ~ {literal(PARTITION_PATTERN)} order by c.relname""",
    )
    return [str(name) for (name,) in found]
