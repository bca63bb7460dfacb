"""What has been done to whom, as far as it can be known at an as-of: the send log, and what we ourselves decided.

Belongs here: which contacts occupy caps and cooldowns, and until when. Does not belong here: the caps (``rules``).

A published decision is a contact from the moment it is published, because the sending system may act on it at any time
until it expires. It stands at its expiry, the latest instant at which it may have been sent, until the send log
speaks: a message with its action id puts it at the instant of sending; a log that went on without it disproves it. A
log goes on when on that channel it holds an action of ours sent ``send_log_days`` or more after the expiry: by then
a send within the time allowed would have been logged. A log that never names our actions disproves nothing.
"""

from __future__ import annotations

from datetime import datetime

import duckdb
import pyarrow as pa

ENTRIES = """
    select e.* replace (coalesce(r.redirects_to_customer_id, e.customer_id) as customer_id)
    from ledger as e left join redirects as r on e.customer_id = r.customer_id
    qualify row_number() over (partition by e.action_id, e.arm order by e.customer_id) = 1
"""
"""Decisions of the persons of today, each once."""

OCCUPIED = f"""
    with entries as (select * from ({ENTRIES}) where decided_as_of <> $as_of),
    reached as (
        select channel, max(sent_at) as sent_at from log where action_id is not null group by channel
    ),
    sent as (
        select log.customer_id, coalesce(entries.play, log.play) as play, log.channel, log.sent_at as contacted_at,
            true as is_contact
        from log left join entries on log.action_id = entries.action_id and entries.arm = 'treatment'
    ),
    presumed as (
        select entries.customer_id, entries.play, entries.channel, entries.expires as contacted_at, true as is_contact
        from entries anti join log on entries.action_id = log.action_id
        left join reached on entries.channel = reached.channel
        where entries.arm = 'treatment'
            and not coalesce(reached.sent_at >= entries.expires + to_days($send_log_days), false)
    ),
    withheld as (
        select customer_id, play, channel, send_after as contacted_at, false as is_contact
        from entries where arm <> 'treatment'
    )
    select * from (from sent union all from presumed union all from withheld)
    where contacted_at > $as_of - to_days($history_days) and customer_id is not null
    order by customer_id, contacted_at, channel, play, is_contact
"""
"""Those withheld rest as long as those contacted, so that both arms are asked equally often; no cap counts them. A
decision of this very as-of is no contact before it: it stands in place of a new one (``decided``)."""

OPEN = f"""
    select * from ({ENTRIES}) anti join log using (action_id)
    where arm = 'treatment' and expires > $as_of order by customer_id, action_id
"""
DECIDED = f"select customer_id, play, arm, expected_margin from ({ENTRIES}) where decided_as_of = $as_of order by all"


def occupied(
    connection: duckdb.DuckDBPyConnection, log: pa.Table, ledger: pa.Table, redirects: pa.Table,
    *, as_of: datetime, send_log_days: int, history_days: int,
) -> pa.Table:  # fmt: skip
    """Contacts by person: customer_id, play, channel, contacted_at, is_contact (false where withheld).

    Parameters
    ----------
    log
        Messages known at the as-of, by person (``tables.CONTACTS``).
    ledger
        Decisions that were published, by this as-of or, where it is decided once more, on its day.
    as_of
        Naive UTC.
    """
    _register(connection, log, ledger, redirects)
    parameters = {"as_of": as_of, "send_log_days": send_log_days, "history_days": history_days}
    return connection.execute(OCCUPIED, parameters).to_arrow_table()


def unsent(
    connection: duckdb.DuckDBPyConnection, log: pa.Table, ledger: pa.Table, redirects: pa.Table, *, as_of: datetime
) -> pa.Table:
    """Actions that may still be carried out: neither expired nor in the send log. ``tables.DECISIONS`` by person."""
    _register(connection, log, ledger, redirects)
    return connection.execute(OPEN, {"as_of": as_of}).to_arrow_table()


def decided(
    connection: duckdb.DuckDBPyConnection, ledger: pa.Table, redirects: pa.Table, *, as_of: datetime
) -> pa.Table:
    """What was decided and published for this very as-of: customer_id, play, arm, expected_margin."""
    _register(connection, None, ledger, redirects)
    return connection.execute(DECIDED, {"as_of": as_of}).to_arrow_table()


def _register(
    connection: duckdb.DuckDBPyConnection, log: pa.Table | None, ledger: pa.Table, redirects: pa.Table
) -> None:
    for name, table in (("log", log), ("ledger", ledger), ("redirects", redirects)):
        if table is not None:
            connection.register(name, table)
