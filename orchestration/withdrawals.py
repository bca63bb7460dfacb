"""Withdrawn consents and requests to be erased act when they land, not when the next as-of is scored.

Belongs here: comparing what customers decided with what the live tables say. Does not belong here: the live tables
themselves (``publishing.suppression``) and what an as-of has weighed (dbt, ``customer_permissions`` and
``int_erased_identifiers``).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

import duckdb

from orchestration.activation import publisher
from orchestration.inputs import person_spans
from orchestration.landing import batches, rows_path
from orchestration.publishing.engine import parquet
from orchestration.publishing.files import Outcome
from orchestration.publishing.suppression import Question, question
from orchestration.triggers import base_inputs
from orchestration.workspace import Workspace

ASKED_FOR_ERASURE = "asked to be erased"


@dataclass(frozen=True)
class Word:
    """The last that a customer said on a question; of a tie, the withdrawal."""

    decision: str
    decided_at: datetime
    learned_at: datetime
    """When it had been said and we knew of it."""


@dataclass(frozen=True)
class News:
    """How what has landed differs from what is in force."""

    withdrawn: Mapping[Question, datetime]
    """Since when."""
    granted: frozenset[Question]
    """In force as withdrawn, and granted again."""
    erased: Mapping[str, datetime]
    """Customers who asked to be erased and are not hidden yet; when we learned of it."""


def follow_withdrawals(workspace: Workspace) -> dict[str, int]:
    """Bring the live tables up to the decisions that have landed; returns how many came and went.

    Only consents that the published generation could not know of: the others it has weighed already. What a customer
    granted again afterwards is lifted. Who asked to be erased is hidden, and stays so.

    Raises
    ------
    SinkUnavailableError
        Hidden in files, not yet in Postgres; the next publish brings it up before it shows anything new.
    """
    target = publisher(workspace)
    generation = target.files.current()
    if generation is None:
        return {"withdrawn": 0, "granted again": 0, "asked to be erased": 0}
    news = _news(workspace, generation.file("customer_identifiers"), generation.manifest.weighed_at)
    if news.withdrawn or news.granted or news.erased:
        target.obey(news.withdrawn, news.granted, news.erased, ASKED_FOR_ERASURE)
    return {
        "withdrawn": len(news.withdrawn), "granted again": len(news.granted), "asked to be erased": len(news.erased),
    }  # fmt: skip


def weigh_newer(workspace: Workspace, identifiers: Path, as_of: datetime, spans: Path | None = None) -> None:
    """Before readers see a generation: hide what was taken back since its as-of, show what was granted again.

    Parameters
    ----------
    identifiers
        The ``customer_identifiers`` that are about to be published.
    as_of
        Up to when the tables have weighed all decisions, naive UTC.
    spans
        Person spans of a newer generation, by whose identifiers the same persons are known as well.
    """
    privacy, news = publisher(workspace).privacy, _news(workspace, identifiers, as_of, spans)
    privacy.change(news.withdrawn, news.granted)
    privacy.hide(news.erased, ASKED_FOR_ERASURE)


def roll_back(workspace: Workspace, to: str | None = None) -> tuple[Outcome, Outcome]:
    """Point readers of both sinks to an earlier generation, with all that was taken back since withheld from it.

    What the newer generation had weighed itself never had to act live. Errors as for ``Publisher.rollback``.
    """
    target = publisher(workspace)
    earlier, current = target.files.way_back(to), target.files.current()
    # Who has asked to be erased is in no table of the newer generation, but in its spans.
    spans = person_spans(workspace.state, base_inputs(workspace.state, current)) if current else None
    weigh_newer(workspace, earlier.file("customer_identifiers"), earlier.manifest.weighed_at, spans)
    return target.rollback(earlier.generation_id)


def _news(workspace: Workspace, identifiers: Path, as_of: datetime, spans: Path | None = None) -> News:
    privacy = publisher(workspace).privacy
    with _people(workspace, identifiers, spans) as connection:
        words = _words(connection, workspace, as_of)
        asked = _asked(connection, workspace)
    live = {question(row): row["withdrawn_at"] for row in privacy.withdrawn()}
    taken_back = {
        one: word.learned_at
        for one, word in words.items()
        if word.decision == "withdrawn" and word.learned_at >= as_of and one not in live
    }
    granted = frozenset(one for one, since in live.items() if _is_granted_since(words, one, since))
    for row in privacy.suppressed():
        asked.pop(row["customer_id"], None)
    return News(taken_back, granted, asked)


def _is_granted_since(words: Mapping[Question, Word], asked: Question, since: datetime) -> bool:
    """Whether the last word, on this channel or on all, is a grant that we learned of after the withdrawal."""
    customer, purpose, _ = asked
    said = [words[one] for one in {asked, (customer, purpose, None)} if one in words]
    last = max(said, key=lambda word: (word.decided_at, word.decision == "withdrawn"), default=None)
    return last is not None and last.decision == "granted" and last.learned_at > since


def _words(connection: duckdb.DuckDBPyConnection, workspace: Workspace, as_of: datetime) -> dict[Question, Word]:
    """The last word on each question of those who said something since the as-of, or have a withdrawal in force."""
    privacy = publisher(workspace).privacy
    privacy.prepare()
    select = f"""
        select customer_id, purpose, channel, decision, occurred_at, greatest(occurred_at, known_at)
        from said
        where customer_id in (select customer_id from said where greatest(occurred_at, known_at) >= $as_of)
            or customer_id in (select customer_id from {parquet(privacy.withdrawals)})
        qualify row_number() over (
            partition by customer_id, purpose, channel order by occurred_at desc, decision desc, known_at, row_hash
        ) = 1
        """
    rows = _said(connection, workspace, "consents", select, as_of=as_of)
    return {(customer, purpose, channel): Word(*word) for customer, purpose, channel, *word in rows}


def _asked(connection: duckdb.DuckDBPyConnection, workspace: Workspace) -> dict[str, datetime]:
    """Who has ever asked to be erased; when we learned of it."""
    select = "select customer_id, min(greatest(occurred_at, known_at)) from said group by 1"
    return dict(_said(connection, workspace, "erasure_requests", select))


@contextmanager
def _people(workspace: Workspace, identifiers: Path, spans: Path | None = None) -> Iterator[duckdb.DuckDBPyConnection]:
    """A connection with table ``people``: the customers of a generation by their identifiers.

    A person of the spans is whoever in the generation has any of the same identifiers: one or several.
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
        connection.execute("""
            create table people as
            with aliases as (
                select distinct known.customer_id as alias_id, shown.customer_id
                from known inner join shown using (identifier_id)
            )
            select distinct known.identifier_id, aliases.customer_id
            from known inner join aliases on known.customer_id = aliases.alias_id
        """)
        yield connection


def _said(
    connection: duckdb.DuckDBPyConnection, workspace: Workspace, touchpoint: str, select: str, **values: object
) -> list[Any]:
    """Rows of a select over ``said``: what has landed of a touchpoint, with the customer who said it."""
    state = workspace.state
    files = [str(rows_path(state, one)) for one in batches(state).get(touchpoint, [])]
    if not files:
        return []
    query = f"""
        with landed as (
            select
                coalesce('account:' || account_id, 'email:' || email_token, 'phone:' || phone_token) as identifier_id, *
            from read_parquet($files)
        ),
        said as (
            select * from landed inner join people using (identifier_id)
        )
        {select}
        """
    return connection.execute(query, {"files": files, **values}).fetchall()
