"""The decision for a block of customers: rules, then the highest margin after cost, then the arm.

Belongs here: the choice. Does not belong here: each rule (``rules``), files and streams (``run``).

"No action" is a candidate worth nothing, so a play must be worth more than it costs. Who is held out is decided last:
the play that would have been done is known for every arm, and the analysis can follow what was intended.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ml.actions import rules
from ml.actions.holdouts import GLOBAL, Assigner
from ml.actions.policy import Policy
from ml.actions.rules import Block, Mask

RULES = (
    "not_eligible", "open", *(rule.__name__ for rule in (*rules.OF_PERSON, *rules.OF_HISTORY)), "no_expected_margin",
    "lower_expected_margin", "decided_before", "control", "holdout",
)  # fmt: skip
"""What a verdict may say, in the order in which rules are asked."""
NOT_ELIGIBLE, OPEN = 0, 1
TREATMENT, CONTROL, HOLDOUT = "treatment", "control", "holdout"


@dataclass(frozen=True)
class Verdicts:
    """What came out for N customers and P plays."""

    chosen: NDArray[np.int64]
    """(N,) place of the play that wins, -1 for no action."""
    arm: NDArray[np.object_]
    """(N,) treatment, control or holdout; empty without a play."""
    propensity: NDArray[np.float64]
    """(N,) probability with which that arm was drawn."""
    rule: NDArray[np.int8]
    """(N, P) place in ``RULES`` of the first rule against the play; ``open`` where it is done."""
    net: NDArray[np.float64]
    """(N, P) expected incremental margin after cost, NaN where it cannot be said."""


@dataclass(frozen=True)
class Before:
    """What was decided and published for a customer at this very as-of, by a run with other inputs."""

    play: str
    arm: str
    margin: float


def decide(
    block: Block, policy: Policy, as_of: np.datetime64, assigner: Assigner, before: Mapping[str, Before] | None = None
) -> Verdicts:
    """Decide for every customer of a block. The same block and policy give the same verdicts, whatever stands beside.

    Parameters
    ----------
    as_of
        Naive UTC. Every contact of the block is taken for known.
    assigner
        Draws, and remembers, the arms of those who have none yet.
    before
        By customer. Readers may have acted on it already, so nothing new is decided for these.
    """
    net = block.margin - np.array([play.cost for play in policy.plays])
    rule = _judged(block, policy, as_of, net)
    for row, customer in enumerate(block.customers):
        if said := (before or {}).get(customer):
            _keep(rule[row], net[row], policy, said)
    open_net = np.where(rule == OPEN, net, -np.inf)
    chosen = np.where((rule == OPEN).any(axis=1), open_net.argmax(axis=1), -1)
    losing = (rule == OPEN) & (np.arange(len(policy.plays)) != chosen[:, None])
    rule[losing] = RULES.index("lower_expected_margin")
    arm, propensity = _arms(block, policy, chosen, assigner)
    for withheld in (CONTROL, HOLDOUT):
        rows = np.flatnonzero(arm == withheld)
        rule[rows, chosen[rows]] = RULES.index(withheld)
    return Verdicts(chosen, arm, propensity, rule, net)


def _keep(rule: NDArray[np.int8], net: NDArray[np.float64], policy: Policy, said: Before) -> None:
    """Reject what is open for one customer (P,): what was decided before takes its place."""
    for place in np.flatnonzero(rule == OPEN):
        name = "lower_expected_margin" if net[place] <= said.margin else "decided_before"
        if policy.plays[place].name == said.play:
            name = "decided_before" if said.arm == TREATMENT else said.arm
        rule[place] = RULES.index(name)


def _judged(block: Block, policy: Policy, as_of: np.datetime64, net: NDArray[np.float64]) -> NDArray[np.int8]:
    is_asked = np.array([play.trigger == policy.trigger for play in policy.plays])
    asked = block.eligible & is_asked & rules.may_be_looked_at(block, policy)
    rule = np.where(asked, OPEN, NOT_ELIGIBLE).astype(np.int8)

    def reject(mask: Mask, name: str) -> None:
        rule[(rule == OPEN) & mask] = RULES.index(name)

    for of_person in rules.OF_PERSON:
        reject(of_person(block, policy), of_person.__name__)
    for of_history in rules.OF_HISTORY:
        reject(of_history(block, policy, as_of), of_history.__name__)
    reject(~(net > 0), "no_expected_margin")
    return rule


def _arms(
    block: Block, policy: Policy, chosen: NDArray[np.int64], assigner: Assigner
) -> tuple[NDArray[np.object_], NDArray[np.float64]]:
    held_out, share = assigner.arms(GLOBAL, policy.global_holdout, block.customers, block.units)
    arm = np.where(chosen >= 0, TREATMENT, "").astype(object)
    propensity = 1.0 - share
    for place, play in enumerate(policy.plays):
        rows = np.flatnonzero((chosen == place) & ~held_out)
        names, units = [block.customers[row] for row in rows], [block.units[row] for row in rows]
        control, control_share = assigner.arms(play.experiment, play.control_share, names, units)
        arm[rows[control]] = CONTROL
        propensity[rows] *= np.where(control, control_share, 1.0 - control_share)
    arm[held_out & (chosen >= 0)] = HOLDOUT
    propensity[held_out] = share[held_out]
    return arm, propensity
