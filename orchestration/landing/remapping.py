"""Landed files that were read with another mapping than today's.

Belongs here: telling which. Does not belong here: reading them anew, which nothing does: a batch never changes.
"""

from __future__ import annotations

import hashlib

from orchestration.landing.manifest import batches
from orchestration.shop import Shop
from orchestration.state import State


def mapping_digest(shop: Shop, touchpoint: str) -> str:
    """What of the shop's folder decides how a touchpoint's files are read.

    Not which files they are, nor whether they are a history: shops are told to take that away after the first load.
    """
    spec = shop.touchpoints[touchpoint].model_dump_json(exclude={"files", "history"})
    said = spec + (shop.mapping_sql(touchpoint) or "")
    return hashlib.sha256(said.encode()).hexdigest()


def read_otherwise(shop: Shop, state: State) -> list[str]:
    """A sentence for each touchpoint some of whose batches were read with another mapping."""
    found = []
    for touchpoint, landed in batches(state).items():
        if touchpoint not in shop.touchpoints:
            continue
        today = mapping_digest(shop, touchpoint)
        if other := sum(batch.rows_in > 0 and batch.mapping_sha256 != today for batch in landed):
            found.append(
                f"{touchpoint}: {other} of {len(landed)} landed files were read with another mapping than today's, and "
                "keep what was read then, also if they are put there again: only files with other bytes are read anew"
            )
    return found
