"""Files whose key hardly tells their rows apart: the mapping names the wrong column.

Belongs here: counting rows with the key of another one. Does not belong here: rows that are equal as a whole, which
the landing leaves out (``landing.duplicates``).
"""

from __future__ import annotations

import duckdb

from orchestration.landing import Rehearsal, load_contract, rows_path, sql

MOST = 0.5
"""Above this share it is no longer a few corrections."""


def key_troubles(connection: duckdb.DuckDBPyConnection, rehearsed: Rehearsal) -> list[str]:
    """A sentence for each file most of whose accepted rows have the key of an earlier one.

    Of what changes (customers, contracts) a file may hold many versions under one key; what happened, happened once.
    """
    found = []
    for batch in rehearsed.report.landed:
        contract = load_contract()[batch.touchpoint]
        if contract.mutable or not batch.accepted:
            continue
        repeated, first = connection.execute(f"""
            select coalesce(sum(times - 1), 0)::bigint, min(second)::date
            from (
                select count(*) as times, min(occurred_at, 2)[2] as second
                from read_parquet({sql.file(rows_path(rehearsed.state, batch))})
                group by {sql.names(contract.key)}
                having times > 1
            )
        """).fetchall()[0]
        if repeated > MOST * batch.accepted:
            key = " and ".join(f"`{part}`" for part in contract.key)
            found.append(
                f"{batch.file}: {repeated:,} of {batch.accepted:,} accepted rows have the key of an earlier row, first "
                f"on {first}, and one row of a key counts: is {key} really their key?"
            )
    return found
