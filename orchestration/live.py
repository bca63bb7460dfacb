"""Candidates and tables of a triggered run: the published day, brought up to what has landed since.

Belongs here: the SQL over raw batches, the base's files and the live withdrawals. Does not belong here: pinning and
publishing (``triggers``).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from pathlib import Path

import duckdb
import pyarrow as pa

from ml.actions.policy import FLAGS, MESSAGE_CHANNELS
from ml.actions.run import Known
from ml.actions.tables import CONTACTS
from orchestration.actions import read_known
from orchestration.activation import contract, publisher
from orchestration.files import copy_atomically
from orchestration.inputs import Inputs, person_spans
from orchestration.publishing.contract import Need
from orchestration.publishing.generation import Generation, GenerationMeta
from orchestration.publishing.permissions import literal, matches
from orchestration.snapshots import snapshot_folder
from orchestration.workspace import Workspace

SPEAKS_FOR = {
    "events": ("account_id", "email_token", "device_id", "cookie_id"),
    "orders": ("account_id", "loyalty_card_id", "email_token", "phone_token", "cookie_id"),
    "messages": ("account_id", "email_token", "phone_token"),
    "support_tickets": ("account_id", "email_token"),
}
"""Identifiers of a row, strongest first, as in the macro ``touchpoint_identifiers``."""

SAID = {
    "complaint": "complained_at is not null",
    **{
        f"{channel}_{signal}": f"channel = '{channel}' and {instant} is not null"
        for channel in MESSAGE_CHANNELS
        for signal, instant in (("bounce", "bounced_at"), ("unsubscribe", "unsubscribed_at"))
    },
}
"""What in a message speaks against the next one, by signal (``ml.actions.candidates.SIGNALS``)."""

LIVE = """
    select c.* replace (
        {flags},
        {signals},
        c.tickets_open_count + coalesce(asked.tickets, 0) as tickets_open_count,
        cast(touched.views as integer) as live_views_count,
        cast(touched.baskets as integer) as live_baskets_count,
        cast(coalesce(ordered.lines, 0) as integer) as live_orders_count
    )
    from read_parquet({candidates}) as c
    inner join (
        select customer_id, count(*) filter (event_type = 'product_view') as views,
            count(*) filter (event_type = 'add_to_cart') as baskets
        from fresh where occurred_at >= {since} and occurred_at < {until} group by 1
    ) as touched on c.customer_id = touched.customer_id
    left join (
        select customer_id, count(*) as lines from orders
        where occurred_at >= {since} and occurred_at < {until} group by 1
    ) as ordered on c.customer_id = ordered.customer_id
    left join (select customer_id, {said} from messages group by 1) as sent on c.customer_id = sent.customer_id
    left join (
        select customer_id, count(distinct ticket_id) filter (resolved_at is null) as tickets
        from support_tickets group by 1
    ) as asked on c.customer_id = asked.customer_id
    left join (select customer_id, {withdrawn} from read_parquet({withdrawals}) group by 1) as w
        on c.customer_id = w.customer_id
    where c.customer_id not in (select customer_id from read_parquet({suppressions}))
    order by c.customer_id
"""


def candidates(
    workspace: Workspace, base: Inputs, batches: Mapping[str, Sequence[str]], fresh: Sequence[str],
    since: datetime, until: datetime, out: Path,
) -> int:  # fmt: skip
    """Write ``candidates.parquet``: the base's rows of those whom fresh events touch; returns how many they are.

    Permissions are the base's less what was withdrawn since; a new grant counts from the next daily run on. Likewise
    whoever complained, bounced, unsubscribed or opened a ticket since is left in peace, and a ticket that was resolved
    since stays open until then.
    """
    privacy = publisher(workspace).privacy
    privacy.prepare()
    needs = {flag: Need.parse(purpose) for purpose, flag in FLAGS.items()}
    select = LIVE.format(
        signals=", ".join(
            f"case when sent.{signal} then 0 else c.days_since_{signal} end as days_since_{signal}" for signal in SAID
        ),
        said=", ".join(f"bool_or({said}) as {signal}" for signal, said in SAID.items()),
        flags=", ".join(f"c.{flag} and not coalesce(w.{flag}, false) as {flag}" for flag in needs),
        withdrawn=", ".join(f"bool_or({matches(need)}) as {flag}" for flag, need in needs.items()),
        candidates=_path(snapshot_folder(workspace, base) / "action_candidates.parquet"),
        withdrawals=_path(privacy.withdrawals),
        suppressions=_path(privacy.suppressions),
        since=f"timestamp '{since}'",
        until=f"timestamp '{until}'",
    )
    with workspace.connect() as connection:
        _persons(connection, workspace, base)
        _speakers(connection, workspace, "fresh", "events", fresh)
        for touchpoint in ("orders", "messages", "support_tickets"):
            _speakers(connection, workspace, touchpoint, touchpoint, batches.get(touchpoint, ()))
        return copy_atomically(connection, select, out / "candidates.parquet")


def known(
    workspace: Workspace, base: Inputs, batches: Mapping[str, Sequence[str]], ledger: Sequence[str], until: datetime
) -> Known:
    """The base's send log and what has landed of it since, and the ledgers."""
    before = read_known(workspace.state, snapshot_folder(workspace, base), ledger)
    with workspace.connect() as connection:
        _persons(connection, workspace, base)
        _speakers(connection, workspace, "messages", "messages", batches.get("messages", ()))
        since = connection.execute(
            """select distinct on (message_id) message_id, customer_id, action_id, play,
                case when channel = 'phone' then 'agent_task' else channel end as channel, sent_at
            from messages where sent_at < $until order by message_id, known_at, row_hash""",
            {"until": until},
        ).to_arrow_table()
        connection.register("before", before.log)
        connection.register("since", since.cast(CONTACTS))
        log = connection.execute(
            "select * from before union all select * from since anti join before using (message_id) order by all"
        ).to_arrow_table()
    return replace(before, log=log.cast(CONTACTS))


def action_tables(
    workspace: Workspace, inputs_id: str, current: Generation, log: pa.Table, until: datetime
) -> dict[str, Path]:
    """The two tables that a triggered run changes: what stands for those touched, and what is published of the others,
    less what was sent or has expired by now."""
    decided = workspace.state.scores / inputs_id / "actions"
    currency = literal(workspace.shop.currency)
    added = {
        "next_best_actions": f"""
            select d.*, s.external_id, cast(d.expected_margin as decimal(18, 4)) as expected_incremental_margin,
                {currency} as currency
            from read_parquet({_path(decided / "standing.parquet")}) as d
            inner join read_parquet({_path(current.file("customer_scores"))}) as s on d.customer_id = s.customer_id""",
        "suppressed_actions": f"""
            select *, cast(expected_margin as decimal(18, 4)) as expected_incremental_margin, {currency} as currency
            from read_parquet({_path(decided / "rejections.parquet")})""",
    }
    touched = f"read_parquet({_path(decided / 'candidates.parquet')})"
    before = {
        "next_best_actions": f"""
            where customer_id not in (select customer_id from {touched}) and expires > timestamp '{until}'
                and action_id not in (select action_id from sent where action_id is not null)""",
        "suppressed_actions": "anti join added using (customer_id, play)",
    }
    written = {}
    with workspace.connect() as connection:
        connection.register("sent", log)
        for name, select in added.items():
            table = contract().table(name)
            columns, key = ", ".join(one.name for one in table.columns), ", ".join(table.key)
            merged = f"""
                with added as ({select})
                select {columns} from added
                union all
                select {columns} from read_parquet({_path(current.file(name))}) {before[name]}
                order by {key}"""
            written[name] = decided / f"{name}.parquet"
            copy_atomically(connection, merged, written[name])
    return written


def retimed(meta: GenerationMeta, inputs_id: str, as_of: datetime, tables_as_of: datetime) -> GenerationMeta:
    """A generation of the base's day, at the instant of the trigger."""
    return replace(meta, inputs_id=inputs_id, as_of=as_of, tables_as_of=tables_as_of)


def grants(workspace: Workspace, base: Inputs) -> Path | None:
    """The standing grants that the base was audited with, where they are still at hand."""
    path = workspace.state.temporary / "activation" / base.inputs_id / "grants.parquet"
    return path if path.exists() else None


def _persons(connection: duckdb.DuckDBPyConnection, workspace: Workspace, base: Inputs) -> None:
    """Whose identifier it is by the newest that is known."""
    spans = person_spans(workspace.state, base)
    connection.execute(
        f"create table persons as select identifier_id, customer_id from read_parquet({_path(spans)}) "
        "where known_to >= timestamp '9999-12-31'"
    )


def _speakers(
    connection: duckdb.DuckDBPyConnection, workspace: Workspace, name: str, touchpoint: str, ids: Sequence[str]
) -> None:
    """Table ``name``: rows of raw batches with the person they speak for; an empty one without batches."""
    files = [str(workspace.state.raw / touchpoint / one / "rows.parquet") for one in ids]
    speaks = ", ".join(f"'{_type(column)}:' || {column}" for column in SPEAKS_FOR[touchpoint])
    if not files:
        connection.register("nothing", pa.table({field: pa.array([], kind) for field, kind in NOTHING.items()}))
        connection.execute(f"create table {name} as from nothing")
        return
    connection.execute(
        f"create table {name} as select persons.customer_id, r.* from read_parquet({files!r}) as r "
        f"inner join persons on coalesce({speaks}) = persons.identifier_id"
    )


NOTHING = {
    "customer_id": pa.string(), "occurred_at": pa.timestamp("us"), "known_at": pa.timestamp("us"),
    "row_hash": pa.string(), **{field.name: field.type for field in CONTACTS if field.name != "customer_id"},
    "complained_at": pa.timestamp("us"), "bounced_at": pa.timestamp("us"), "unsubscribed_at": pa.timestamp("us"),
    "resolved_at": pa.timestamp("us"), "ticket_id": pa.string(), "event_type": pa.string(),
}  # fmt: skip


def _type(column: str) -> str:
    return column.removesuffix("_id").removesuffix("_token")


def _path(path: Path) -> str:
    return literal(str(path))
