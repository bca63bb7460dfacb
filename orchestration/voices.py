"""What customers have said and asked, as it has landed, and whom it names among the customers of a generation.

Belongs here: reading decisions and requests to be erased out of the raw batches. Does not belong here: what becomes of
the lists that act live (``withdrawals``) and what an as-of has weighed (dbt, ``customer_permissions`` and
``int_erased_identifiers``).

An address or a number that several people share is nobody's. Where a row tells nothing stronger, it speaks for each of
them, but only to refuse: what it withdraws counts for all, what it grants for none, and a request to be erased takes
back every purpose of all, as long as it is not known who asked.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

import duckdb

from orchestration.inputs import newest_shared_identifiers
from orchestration.landing import batches, rows_path
from orchestration.publishing.engine import parquet
from orchestration.publishing.suppression import Question
from orchestration.shop import PURPOSES
from orchestration.workspace import Workspace

ANSWERED = "select request_id from landed anti join shared using (identifier_id) where is_strongest"
"""Requests to be erased of which a row, if not each, names somebody."""


@dataclass(frozen=True)
class Word:
    """The last that a customer said on a question; of a tie, the withdrawal."""

    decision: str
    decided_at: datetime
    learned_at: datetime
    """When it had been said and we knew of it."""
    request_id: str | None = None
    """The request to be erased that it follows from; None of a decision."""

    @property
    def order(self) -> tuple[datetime, bool]:
        return self.decided_at, self.decision == "withdrawn"


@contextmanager
def people(workspace: Workspace, identifiers: Path, spans: Path | None = None) -> Iterator[duckdb.DuckDBPyConnection]:
    """A connection with table ``people``: the customers of a generation by their identifiers, and by shared ones.

    A person of the spans is whoever in the generation has any of the same identifiers: one or several. What is shared
    by the newest that is known is nobody's, though it was somebody's in an earlier generation; whose it was is one of
    those who share it, as the newest may know them by a customer id that is not shown.
    """
    with workspace.connect() as connection:
        connection.execute(
            "create table shown as select customer_id, identifier_type || ':' || identifier as identifier_id "
            f"from {parquet(identifiers)}"
        )
        connection.execute("create table known as from shown")
        if spans is not None and spans.exists():
            connection.execute(
                f"insert into known select customer_id, identifier_id from {parquet(spans)} "
                "where known_to >= timestamp '9999-12-31'"
            )
        connection.execute("create table shared (identifier_id varchar, customer_id varchar)")
        if newest := newest_shared_identifiers(workspace.state):
            connection.execute(f"insert into shared by name from {parquet(newest)}")
        connection.execute("""
            create table people as
            with aliases as (
                select distinct known.customer_id as alias_id, shown.customer_id
                from known inner join shown using (identifier_id)
            ),
            voices as (
                select identifier_id, customer_id, identifier_id not in (select identifier_id from shared) as is_own
                from known
                union all
                select identifier_id, customer_id, false as is_own from shared
            )
            select distinct voices.identifier_id, aliases.customer_id, voices.is_own
            from voices inner join aliases on voices.customer_id = aliases.alias_id
        """)
        yield connection


def words(
    connection: duckdb.DuckDBPyConnection, workspace: Workspace, as_of: datetime, concerned: Collection[str]
) -> dict[Question, Word]:
    """The last word on each question of those who said something since the as-of, and of those concerned.

    Any identifier of a row may take back; only the strongest one grants. A request to be erased that does not tell who
    asked is a withdrawal of everything by each who may have.
    """
    requested = _requested(connection, workspace)
    select = """
        select customer_id, purpose, channel, decision, occurred_at, greatest(occurred_at, known_at)
        from said
        where ((is_own and is_strongest) or decision = 'withdrawn') and (
            customer_id in (select customer_id from said where greatest(occurred_at, known_at) >= $as_of)
            or customer_id in (select unnest($concerned))
        )
        qualify row_number() over (
            partition by customer_id, purpose, channel order by occurred_at desc, decision desc, known_at, row_hash
        ) = 1
        """
    rows = _said(connection, workspace, "consents", select, as_of=as_of, concerned=[*concerned, *requested])
    decided = {(customer, purpose, channel): Word(*word) for customer, purpose, channel, *word in rows}
    refused = {(customer, purpose, None): word for customer, word in requested.items() for purpose in PURPOSES}
    return decided | {
        one: max(decided.get(one, word), word, key=lambda word: word.order) for one, word in refused.items()
    }


def asked(connection: duckdb.DuckDBPyConnection, workspace: Workspace) -> dict[str, datetime]:
    """Who has ever asked to be erased; when we learned of it."""
    select = "select customer_id, min(greatest(occurred_at, known_at)) from said where is_own group by 1"
    return dict(_said(connection, workspace, "erasure_requests", select))


def answered(connection: duckdb.DuckDBPyConnection, workspace: Workspace) -> set[str]:
    """Requests to be erased that tell who asked."""
    return {request for (request,) in _said(connection, workspace, "erasure_requests", ANSWERED)}


def _requested(connection: duckdb.DuckDBPyConnection, workspace: Workspace) -> dict[str, Word]:
    """The last request to be erased of each person whom it may mean, of those that do not tell who asked."""
    select = f"""
        select customer_id, 'withdrawn', occurred_at, greatest(occurred_at, known_at), request_id
        from said
        where not is_own and request_id not in ({ANSWERED})
        qualify row_number() over (partition by customer_id order by occurred_at desc, known_at, row_hash) = 1
        """
    return {customer: Word(*word) for customer, *word in _said(connection, workspace, "erasure_requests", select)}


def _said(
    connection: duckdb.DuckDBPyConnection, workspace: Workspace, touchpoint: str, select: str, **values: object
) -> list[Any]:
    """Rows of a select over ``said``: what has landed of a touchpoint, with each customer who has an identifier of the
    row, and whether that is the row's strongest one, as which dbt reads it. One that is shared counts only as that."""
    state = workspace.state
    files = [str(rows_path(state, one)) for one in batches(state).get(touchpoint, [])]
    if not files:
        return []
    query = f"""
        with named as (
            select
                ['account:' || account_id, 'email:' || email_token, 'phone:' || phone_token] as names,
                coalesce(names[1], names[2], names[3]) as strongest_id,
                *
            from read_parquet($files)
        ),
        landed as (
            select unnest(names) as identifier_id, identifier_id = strongest_id as is_strongest, * from named
        ),
        said as (
            select * from landed inner join people using (identifier_id) where is_own or is_strongest
        )
        {select}
        """
    return connection.execute(query, {"files": files, **values}).fetchall()
