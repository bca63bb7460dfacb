"""Whose outcome shows what happens without plays, once a window with plays is over.

Belongs here: reading it from the ledgers. Does not belong here: drawing arms (``ml.actions``), labels of a training
(``ml.treatments``).

A churn score means the risk, a value the spend, without plays. Held against what everybody did they would look wrong
wherever plays work, the more so the better they do. Whether a play was decided depends on what a customer did
meanwhile, so leaving out the treated would not do either: the holdout remains, whom no play reaches whatever they do.
"""

from __future__ import annotations

from datetime import UTC, date, timedelta
from typing import TYPE_CHECKING

from ml.segments import LEAST_IN_SEGMENT
from orchestration.inputs import action_ledger_file, as_of_instant, published_entries
from orchestration.workspace import Workspace

if TYPE_CHECKING:
    import pandas as pd


def left_alone(workspace: Workspace, frame: pd.DataFrame, day: date, *, as_of: date) -> pd.DataFrame:
    """Of customers scored at ``day`` the holdout, where plays were sent within the horizon and enough are held out;
    everybody where no play was sent, or too few are held out to tell.

    Parameters
    ----------
    frame
        One row per customer, with ``customer_id``.
    as_of
        Up to when ledger entries are read.
    """
    state, shop = workspace.state, workspace.shop
    entries = published_entries(state, as_of)
    if not entries:
        return frame
    decisions, holdouts = (
        [str(action_ledger_file(state, ledger, entry)) for entry in entries] for ledger in ("decisions", "holdouts")
    )
    begins, ends = (
        as_of_instant(shop, one).astimezone(UTC).replace(tzinfo=None)
        for one in (day, day + timedelta(shop.churn.horizon_days))
    )
    with workspace.connect() as connection:
        (is_played,) = connection.execute(SENT, [decisions, begins, ends]).fetchone() or (False,)
        held_out = {customer for (customer,) in connection.execute(HELD_OUT, [holdouts, ends]).fetchall()}
    rows = frame[frame["customer_id"].isin(held_out)]
    return rows if is_played and len(rows) >= LEAST_IN_SEGMENT else frame


SENT = """
    select count(*) > 0 from read_parquet(?)
    where arm = 'treatment' and decided_as_of >= ? and decided_as_of < ?
"""
HELD_OUT = """
    select distinct customer_id from read_parquet(?)
    where experiment = 'global' and arm = 'holdout' and assigned_as_of < ?
"""
