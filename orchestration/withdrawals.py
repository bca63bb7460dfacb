"""Withdrawn consents and requests to be erased act when they land, not when the next as-of is scored.

Belongs here: comparing what customers decided with what the live tables say. Does not belong here: the live tables
themselves (``publishing.suppression``) and what an as-of has weighed (dbt, ``customer_permissions`` and
``int_erased_identifiers``).
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from datetime import datetime
from pathlib import Path
from typing import Any

from orchestration.activation import publisher
from orchestration.landing import batches
from orchestration.workspace import Workspace

Decision = tuple[str, str, str | None]
"""Customer, purpose, channel (None: all)."""
ASKED_FOR_ERASURE = "asked to be erased"


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
    identifiers = generation.file("customer_identifiers")
    live = {(row["customer_id"], row["purpose"], row["channel"]) for row in target.privacy.withdrawn()}
    decided = _news(workspace, identifiers, generation.manifest.weighed_at)
    withdrawn = {decision for decision, word in decided.items() if word == "withdrawn"} - live
    granted = {decision for decision, word in decided.items() if word == "granted"} & live
    hidden = {row["customer_id"] for row in target.privacy.suppressed()}
    erased = _asking_for_erasure(workspace, identifiers) - hidden
    for (purpose, channel), customers in _by_question(withdrawn).items():
        target.withdraw(customers, purpose, channel)
    for (purpose, channel), customers in _by_question(granted).items():
        target.reinstate(customers, purpose, channel)
    if erased:
        target.suppress(sorted(erased), ASKED_FOR_ERASURE)
    return {"withdrawn": len(withdrawn), "granted again": len(granted), "asked to be erased": len(erased)}


def withhold_newer(workspace: Workspace, identifiers: Path, as_of: datetime) -> None:
    """Hide, before a generation is written, what was withdrawn since its as-of, and who asked to be erased since.

    Parameters
    ----------
    identifiers
        The ``customer_identifiers`` that are about to be published.
    as_of
        Up to when the tables have weighed all decisions, naive UTC.
    """
    privacy, now = publisher(workspace).privacy, workspace.now().replace(tzinfo=None)
    withdrawn = {one for one, word in _news(workspace, identifiers, as_of).items() if word == "withdrawn"}
    for (purpose, channel), customers in _by_question(withdrawn).items():
        privacy.withdraw(customers, purpose, channel, now)
    if erased := _asking_for_erasure(workspace, identifiers):
        privacy.suppress(sorted(erased), now, ASKED_FOR_ERASURE)


def _news(workspace: Workspace, identifiers: Path, as_of: datetime) -> dict[Decision, str]:
    """The newest word since the as-of of each published customer on each question; of a tie, the withdrawal."""
    rows = _said(workspace, "consents", identifiers, """
        select customer_id, purpose, channel,
            max_by(decision, (occurred_at, case decision when 'withdrawn' then 1 else 0 end)) as decision
        from said where greatest(occurred_at, known_at) >= $as_of
        group by all
        """, as_of=as_of)  # fmt: skip
    return {(customer, purpose, channel): decision for customer, purpose, channel, decision in rows}


def _asking_for_erasure(workspace: Workspace, identifiers: Path) -> set[str]:
    rows = _said(workspace, "erasure_requests", identifiers, "select distinct customer_id from said")
    return {customer for (customer,) in rows}


def _said(workspace: Workspace, touchpoint: str, identifiers: Path, select: str, **values: object) -> list[Any]:
    """Rows of a select over ``said``: what has landed of a touchpoint, with the published customer who said it."""
    state = workspace.state
    files = [str(state.raw / touchpoint / one.batch_id / "rows.parquet") for one in batches(state).get(touchpoint, [])]
    if not files:
        return []
    return (
        workspace.connect()
        .execute(
            f"""
        with published as (
            select customer_id, identifier_type || ':' || identifier as identifier_id from read_parquet($identifiers)
        ),
        landed as (
            select
                coalesce('account:' || account_id, 'email:' || email_token, 'phone:' || phone_token) as identifier_id, *
            from read_parquet($files)
        ),
        said as (
            select * from landed inner join published using (identifier_id)
        )
        {select}
        """,
            {"identifiers": str(identifiers), "files": files, **values},
        )
        .fetchall()
    )


def _by_question(decisions: Iterable[Decision]) -> dict[tuple[str, str | None], list[str]]:
    grouped: dict[tuple[str, str | None], list[str]] = defaultdict(list)
    for customer, purpose, channel in sorted(decisions, key=str):
        grouped[purpose, channel].append(customer)
    return grouped
