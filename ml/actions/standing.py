"""Which actions decided earlier are still to be carried out: neither expired nor sent, and nothing speaks against them.

Belongs here: withdrawing an action that was published. Does not belong here: which ones are unsent (``history``),
new decisions (``decide``).

An action is withdrawn when its play is gone or has moved to another channel, when a daily play's own predicate no
longer holds, when a grant is missing, after a complaint or bounce, while a ticket is open, and when the person proves
to be held out. What set a live play off is seen on the spot only, so its predicate is not asked again. A withdrawn
action still occupies caps and cooldowns, since it may have been sent before its withdrawal.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from ml.actions import rules
from ml.actions.holdouts import GLOBAL, WITHHELD
from ml.actions.policy import Policy
from ml.actions.rules import Block
from ml.actions.tables import DECISIONS


def still_standing(
    block: Block, policy: Policy, unsent: pa.Table, frozen: Mapping[tuple[str, str], tuple[str, float]]
) -> pa.Table:
    """Those of a block's unsent actions (``tables.DECISIONS``) that stand, with the permissions that the play asks now.

    Parameters
    ----------
    frozen
        (customer, experiment): arm and share, as an ``Assigner`` knows them.
    """
    against = np.logical_or.reduce([rule(block, policy) for rule in rules.OF_PERSON])
    is_daily = np.array([play.trigger == "daily" for play in policy.plays])
    allowed = ~against & rules.may_be_looked_at(block, policy) & (block.eligible | ~is_daily)
    row = {customer: place for place, customer in enumerate(block.customers)}
    place = {(play.name, play.channel): number for number, play in enumerate(policy.plays)}
    kept, permissions = [], []
    for number, entry in enumerate(unsent.select(["customer_id", "play", "channel"]).to_pylist()):
        customer, found = entry["customer_id"], place.get((entry["play"], entry["channel"]))
        if customer not in row or found is None or not allowed[row[customer], found]:
            continue
        play = policy.plays[found]
        arms = (frozen.get((customer, experiment), ("", 0.0))[0] for experiment in (GLOBAL, play.experiment))
        if not any(arm in WITHHELD for arm in arms):
            kept.append(number)
            permissions.append((play.contact_permission, play.data_permission))
    standing = unsent.take(pa.array(kept, pa.int64())).cast(DECISIONS)
    for column, name in enumerate(("contact_permission", "data_permission")):
        asked = pa.array([pair[column] for pair in permissions], pa.string())
        standing = standing.set_column(standing.schema.get_field_index(name), DECISIONS.field(name), asked)
    return standing


def together(decided: pa.Table, standing: pa.Table) -> pa.Table:
    """What is to be carried out: the treated of those decided now, and those that stand; by customer and action."""
    treated = decided.filter(pc.equal(decided["arm"], "treatment"))
    return pa.concat_tables([treated, standing]).sort_by([("customer_id", "ascending"), ("action_id", "ascending")])
