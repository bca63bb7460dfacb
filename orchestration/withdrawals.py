"""Withdrawn consents act when they land, not when the next generation is published.

Belongs here: comparing what customers decided with what the live tables say. Does not belong here: the live tables
themselves (``publishing.suppression``) and what a generation permits (dbt, ``customer_permissions``).
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from datetime import datetime

from orchestration.activation import publisher
from orchestration.landing import batches
from orchestration.workspace import Workspace

Decision = tuple[str, str, str | None]
"""Customer, purpose, channel (None: all)."""


def follow_withdrawals(workspace: Workspace) -> dict[str, int]:
    """Bring the live withdrawals up to the consents that have landed; returns how many came and went.

    Only decisions that the published generation could not know of: the others it has weighed already. What a
    customer granted again afterwards is lifted.
    """
    target = publisher(workspace)
    generation = target.files.current()
    consents = batches(workspace.state).get("consents", [])
    if generation is None or not consents:
        return {"withdrawn": 0, "granted again": 0}
    live = {(row["customer_id"], row["purpose"], row["channel"]) for row in target.privacy.withdrawn()}
    decided = _news(workspace, str(generation.file("customer_identifiers")), generation.manifest.weighed_at)
    withdrawn = {decision for decision, word in decided.items() if word == "withdrawn"} - live
    granted = {decision for decision, word in decided.items() if word == "granted"} & live
    for (purpose, channel), customers in _by_question(withdrawn).items():
        target.withdraw(customers, purpose, channel)
    for (purpose, channel), customers in _by_question(granted).items():
        target.reinstate(customers, purpose, channel)
    return {"withdrawn": len(withdrawn), "granted again": len(granted)}


def _news(workspace: Workspace, identifiers: str, as_of: datetime) -> dict[Decision, str]:
    """The newest word since the as-of of each published customer on each question; of a tie, the withdrawal."""
    state = workspace.state
    files = [str(state.raw / "consents" / b.batch_id / "rows.parquet") for b in batches(state)["consents"]]
    rows = workspace.connect().execute(
        """
        with published as (
            select customer_id, identifier_type || ':' || identifier as identifier_id from read_parquet($identifiers)
        ),
        consents as (
            select
                coalesce('account:' || account_id, 'email:' || email_token, 'phone:' || phone_token) as identifier_id, *
            from read_parquet($files)
        )
        select customer_id, purpose, channel,
            max_by(decision, (occurred_at, case decision when 'withdrawn' then 1 else 0 end)) as decision
        from consents inner join published using (identifier_id)
        where greatest(occurred_at, known_at) >= $as_of
        group by all
        """,
        {"identifiers": identifiers, "files": files, "as_of": as_of},
    )
    return {(customer, purpose, channel): decision for customer, purpose, channel, decision in rows.fetchall()}


def _by_question(decisions: Iterable[Decision]) -> dict[tuple[str, str | None], list[str]]:
    grouped: dict[tuple[str, str | None], list[str]] = defaultdict(list)
    for customer, purpose, channel in sorted(decisions, key=str):
        grouped[purpose, channel].append(customer)
    return grouped
