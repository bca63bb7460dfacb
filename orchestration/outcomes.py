"""What then happened to the customers of an as-of that was scored: outcomes that have landed, and nothing else.

Belongs here: joining scores with the facts of the horizon, and whether it is over. Does not belong here: metrics
(``ml.evaluation``, ``ml.amounts``), and what only a simulated shop knows (``evaluation``).
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

from ml.snapshots import HASH_SQL
from ml.splits import HASH_SPACE, sample_limit
from orchestration.inputs import as_of_instant, known_before
from orchestration.landing import sql
from orchestration.state import StateError
from orchestration.workspace import Workspace

if TYPE_CHECKING:
    import duckdb
    import pandas as pd


class HorizonNotOverError(StateError):
    """What is to be told reaches beyond the data that have landed; the message names both days."""


@dataclass(frozen=True)
class Happened:
    """How an outcome is told: the score that it judges, when facts were last heard of, what each customer did."""

    score: str
    newest: str
    """Select of the newest day with a fact, ``{zone}`` in it the shop's; None from it, without any, is an error only
    where ``is_needed``."""
    is_needed: bool
    did: str
    """Select of ``customer_id`` and what is told, over ``bounds`` (the horizon) and one of two: ``followed`` (person of
    each identifier now, and whoever they were then) where each is told what the person did, ``owned`` (one customer of
    then for each identifier) where amounts are told, which count once."""
    told: str
    """Columns of the outcome, over ``did`` left joined."""


def churn(workspace: Workspace) -> Happened:
    """Who was gone, as the shop defines it: column ``has_churned``."""
    return _CHURN[workspace.shop.churn.touchpoint]


def outcomes(
    workspace: Workspace, happened: Happened, as_of_date: date, scores: Path,
    *, features: Path | None = None, most: int | None = None,
) -> pd.DataFrame:  # fmt: skip
    """Scored customers with what they did in the horizon, whoever they have been found to be since.

    Parameters
    ----------
    features
        ``customer_features.parquet`` of the same run, whose columns are joined on.
    most
        Take a hashed sample of about so many customers.

    Raises
    ------
    HorizonNotOverError
        The horizon is not over in the data that have landed.
    """
    end = as_of_date + timedelta(days=workspace.shop.churn.horizon_days)
    with workspace.warehouse() as warehouse:
        (last,) = warehouse.execute(happened.newest.format(zone=workspace.shop.time_zone)).fetchone() or (None,)
        if last < end - timedelta(days=1) if last else happened.is_needed:
            raise HorizonNotOverError(f"the horizon of {as_of_date} ends on {end}; data have landed up to {last}")
        return warehouse.execute(
            f"""
            with bounds as (
                select date '{as_of_date}' as starts_on, date '{end}' as ends_on,
                    {sql.instant(as_of_instant(workspace.shop, as_of_date))} as starts_at,
                    {sql.instant(as_of_instant(workspace.shop, end))} as ends_at
            ),
            {identifiers(workspace, as_of_date, scores)},
            scores as (
                select columns(name -> name <> 'as_of_date') from read_parquet('{scores}')
                where {happened.score} is not null and {HASH_SQL} < {_limit(warehouse, happened, scores, most)}
            ),
            did as ({happened.did})
            select scores.*, {"features.*," if features else ""} {happened.told}
            from scores
            {_FEATURES.format(features=features, as_of_date=as_of_date) if features else ""}
            inner join identity.customer_ledger as ledger on scores.customer_id = ledger.customer_id
            left join did on scores.customer_id = did.customer_id
            order by scores.customer_id
            """
        ).df()


def _limit(warehouse: duckdb.DuckDBPyConnection, happened: Happened, scores: Path, most: int | None) -> int:
    if most is None:
        return HASH_SPACE
    count = f"select count(*) from read_parquet(?) where {happened.score} is not null"
    (rows,) = warehouse.execute(count, [str(scores)]).fetchone() or (0,)
    return sample_limit(rows, most)


def identifiers(workspace: Workspace, as_of_date: date, published: Path) -> str:
    """``with`` terms of whose an identifier was at an as-of that a file was published for, and who that is now:
    ``followed`` and ``owned``, as in ``Happened.did``."""
    known = sql.instant(known_before(workspace.shop, as_of_date))
    return _IDENTIFIERS.format(published=published, known=known)


_IDENTIFIERS = """latest as (
                select identifier_id, customer_id as person from identity.person_spans
                where known_to > timestamp '9000-01-01'
            ),
            past as (
                select identifier_id, customer_id from identity.person_spans
                where known_from < {known} and known_to >= {known}
            ),
            scored as (
                select identifier_id, customer_id from identity.customer_ledger
                semi join read_parquet('{published}') using (customer_id)
            ),
            held as (
                select identifier_id, coalesce(scored.customer_id, past.customer_id) as customer_id
                from past full join scored using (identifier_id)
            ),
            successors as (
                select customer_id, person from held inner join latest using (identifier_id)
                union
                select customer_id, surviving_customer_id from identity.redirects semi join held using (customer_id)
                where known_to > timestamp '9000-01-01'
            ),
            followed as (
                select latest.identifier_id, person, customer_id from latest inner join successors using (person)
            ),
            heirs as (
                select person, coalesce(max(customer_id) filter (customer_id = person), min(customer_id)) as customer_id
                from successors group by 1
            ),
            owned as (
                select identifier_id, coalesce(held.customer_id, heirs.customer_id) as customer_id
                from latest inner join heirs using (person) left join held using (identifier_id)
            )"""
"""Whose an identifier was at the as-of, and who that is now; ``owned`` as in ``label_identifiers.sql``. An id that was
scored holds the identifier it was minted from, also where history that came late has merged it before the as-of; where
that identifier has become nobody's, as it proved to be shared, the id leads on by itself."""
_FEATURES = """inner join (
                select * exclude (as_of_date) rename (customer_id as featured_id)
                from read_parquet('{features}') where as_of_date = date '{as_of_date}'
            ) as features on scores.customer_id = features.featured_id"""


def newest_day(fact: str) -> str:
    """``Happened.newest`` of facts with an instant: by the shop's days, where an evening is not yet the next one."""
    return f"select timezone('{{zone}}', timezone('UTC', max(occurred_at)))::date from {fact}"


def _churn(fact: str, stayed: str) -> Happened:
    return Happened(
        score="churn_probability",
        newest=newest_day(fact),
        is_needed=True,
        did=stayed,
        told="did.customer_id is null as has_churned",
    )


def _active(fact: str, weight: str) -> Happened:
    return _churn(
        fact,
        f"""select distinct followed.customer_id
            from {fact} as fact inner join followed using (identifier_id) cross join bounds
            where fact.occurred_at >= bounds.starts_at and fact.occurred_at < bounds.ends_at
            group by followed.customer_id, followed.person having sum({weight}) > 0""",
    )


_CONTRACTS = _churn(
    "staging.stg_subscriptions",
    """select distinct followed.customer_id
        from (
            select contracts.*, bounds.ends_at, row_number() over (
                partition by subscription_id order by occurred_at desc, known_at desc, row_hash
            ) as newness
            from staging.stg_subscriptions as contracts cross join bounds where occurred_at < bounds.ends_at
        ) as contracts
        inner join followed using (identifier_id)
        where newness = 1 and status <> 'ended' and started_at < ends_at and coalesce(ended_at >= ends_at, true)""",
)
_CHURN = {
    "orders": _active("marts.fct_order_lines", "line_change"),
    "events": _active("marts.fct_events", "1"),
    "subscriptions": _CONTRACTS,
}
"""By the touchpoint that churn is told from."""
VALUE = Happened(
    score="predicted_clv",
    newest="select max(activity_date) from marts.daily_activity where orders <> 0",
    is_needed=False,
    did="""select owned.customer_id, sum(orders) as orders, sum(spend_cents - returned_cents) / 100.0 as net_spend,
            min(activity_date - starts_on) filter (orders > 0) as days_to_order
        from marts.daily_activity inner join owned using (identifier_id) cross join bounds
        where activity_date >= starts_on and activity_date < ends_on
        group by 1""",
    told="coalesce(did.orders, 0) as orders, coalesce(did.net_spend, 0) as net_spend, did.days_to_order",
)
"""What was spent less what came back, and orders: columns ``net_spend``, ``orders`` and ``days_to_order`` (null without
any)."""
