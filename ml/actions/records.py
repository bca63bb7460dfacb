"""Verdicts as rows: decisions, rejections, new assignments.

Belongs here: ids and columns of what is kept. Does not belong here: verdicts (``decide``), files (``run``).
"""

from __future__ import annotations

from datetime import datetime
from hashlib import sha256

import numpy as np
import pyarrow as pa

from ml.actions.decide import NOT_ELIGIBLE, OPEN, RULES, Verdicts
from ml.actions.holdouts import Assigner
from ml.actions.policy import Play, Policy
from ml.actions.rules import Block
from ml.actions.tables import ASSIGNMENTS, DECISIONS, REJECTIONS

HOUR = np.timedelta64(1, "h")
PLACES = 6


def action_id_of(as_of: datetime, customer: str, play: str) -> str:
    """The same whenever the same is decided again, so that a rerun asks for no second message.

    >>> action_id_of(datetime(2025, 7, 1), "c_1", "win_back")
    'a_86d43d56f1e4e357'
    """
    return "a_" + sha256(f"{as_of.isoformat()}|{customer}|{play}".encode()).hexdigest()[:16]


def decisions(block: Block, policy: Policy, as_of: datetime, verdicts: Verdicts) -> pa.Table:
    """One row per customer for whom a play won, whatever their arm, by customer id."""
    rows = np.flatnonzero(verdicts.chosen >= 0)
    chosen = verdicts.chosen[rows]
    plays = [policy.plays[place] for place in chosen]
    customers = [block.customers[row] for row in rows]
    starts = np.array([play.send_after_hours for play in plays], dtype=np.int64) * HOUR + np.datetime64(as_of, "us")
    ends = starts + np.array([play.expires_hours for play in plays], dtype=np.int64) * HOUR
    columns = {
        "action_id": [action_id_of(as_of, one, play.name) for one, play in zip(customers, plays, strict=True)],
        "customer_id": customers,
        "arm": verdicts.arm[rows].tolist(),
        "decided_as_of": [as_of] * len(rows),
        "expected_margin": verdicts.net[rows, chosen].round(PLACES),
        "propensity": verdicts.propensity[rows].round(PLACES),
        "send_after": starts,
        "expires": ends,
        "play": [play.name for play in plays],
        **{name: [getattr(play, name) for play in plays] for name in COPIED},
    }
    return pa.table([pa.array(columns[field.name], field.type) for field in DECISIONS], schema=DECISIONS)


COPIED = ("channel", "contact_permission", "data_permission", "offer", "template", "reason", "trigger")
"""What a decision takes from its play, so that the ledger says what was offered when the play has long changed."""


def rejections(block: Block, policy: Policy, as_of: datetime, verdicts: Verdicts) -> pa.Table:
    """One row per customer and play that they were eligible for and that is not done, by both."""
    row, place = np.nonzero((verdicts.rule != NOT_ELIGIBLE) & (verdicts.rule != OPEN))
    net = verdicts.net[row, place].round(PLACES)
    plays: list[Play] = [policy.plays[one] for one in place]
    columns = {
        "customer_id": [block.customers[one] for one in row],
        "play": [play.name for play in plays],
        "channel": [play.channel for play in plays],
        "rule": [RULES[code] for code in verdicts.rule[row, place]],
        "expected_margin": pa.array(net, mask=np.isnan(net)),
        "decided_as_of": [as_of] * len(row),
        "data_permission": [play.data_permission for play in plays],
    }
    return pa.table([pa.array(columns[field.name], field.type) for field in REJECTIONS], schema=REJECTIONS)


def assignments(assigner: Assigner, as_of: datetime) -> pa.Table:
    """What was drawn here, by customer and experiment."""
    rows = [
        {"customer_id": customer, "experiment": experiment, "arm": arm, "share": share, "assigned_as_of": as_of}
        for customer, experiment, arm, share in sorted(assigner.new)
    ]
    return pa.Table.from_pylist(rows, schema=ASSIGNMENTS)
