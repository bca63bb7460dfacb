"""Whether anybody may be scored, or recommended anything of their own, at all.

Belongs here: bases that shop.yml lacks, and grants that the files lack. Does not belong here: who exactly is permitted
what, which dbt decides (``customer_permissions``).
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import duckdb

from orchestration.landing import sql
from orchestration.shop import Shop

NOBODY = "everybody would be published without a score (status not_profiled)"


def consent_troubles(connection: duckdb.DuckDBPyConnection, consents: Sequence[Path], shop: Shop) -> list[str]:
    """What keeps all customers from being scored; nothing where profiling is assumed or somebody granted it."""
    return [*_scores(connection, consents, shop), *_lists(connection, consents, shop)]


def _lists(connection: duckdb.DuckDBPyConnection, consents: Sequence[Path], shop: Shop) -> list[str]:
    """Personal recommendations are never assumed; without orders there are none at all."""
    if "orders" not in shop.touchpoints or _grants(connection, consents, "personalised_recommendations"):
        return []
    return [
        "nobody's consent to personalised_recommendations is among the files: everybody would get the same generic list"
    ]


def _scores(connection: duckdb.DuckDBPyConnection, consents: Sequence[Path], shop: Shop) -> list[str]:
    profiling = shop.consent.get("profiling")
    if profiling and profiling.basis == "assume":
        return []
    grants = _grants(connection, consents, "profiling")
    if grants:
        return []
    if profiling is None and "consents" not in shop.touchpoints:
        return [
            f"no basis for profiling: {NOBODY}. Add consents, or say in shop.yml under consent: "
            '`profiling: {basis: assume, because: "…"}`'
        ]
    return [f"profiling needs a consent, and no accepted row of consents grants it: {NOBODY}"]


def _grants(connection: duckdb.DuckDBPyConnection, consents: Sequence[Path], purpose: str) -> int:
    if not consents:
        return 0
    found = connection.execute(f"""
        select count(*) from read_parquet([{", ".join(map(sql.file, consents))}])
        where purpose = '{purpose}' and decision = 'granted'
    """).fetchone()
    return int(found[0]) if found else 0
