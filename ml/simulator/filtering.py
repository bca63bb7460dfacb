"""Exact inference of a person's hidden state: type and whether they are still a customer.

Belongs here: the forward recursion over days x types x {here, gone} and its projection over the horizon.
Source: the forward algorithm of hidden Markov models, Rabiner 1989, with the type as a constant part of the
state. Does not belong here: what is evidence (``evidence``) and the laws themselves (``latent``).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from ml.simulator.evidence import Evidence
from ml.simulator.latent import NPS_PER_DAY, Laws

Floats = npt.NDArray[np.float64]

RESCALE_DAYS = 8
"""So many days without a division: likelihoods stay far from underflow."""


@dataclass
class Belief:
    """P(type, here) and P(type, gone) given what was seen, people x types each; rows sum to one together."""

    here: Floats
    gone: Floats

    def rescale(self) -> None:
        total = (self.here.sum(axis=1) + self.gone.sum(axis=1))[:, None]
        self.here /= total
        self.gone /= total


def posterior(evidence: Evidence, laws: Laws) -> Belief:
    """Belief at the start of the as-of day. People who enter later keep the prior."""
    n = len(evidence.entry_day)
    belief = Belief(np.tile(laws.prior, (n, 1)), np.zeros((n, laws.types)))
    for day in range(evidence.history):
        _enter(belief, laws, evidence.entry_day == day - 1)
        _observe_orders(belief, evidence, laws, day)
        _observe_sessions(belief, evidence, laws, day)
        _observe_opens(belief, evidence.opened[day], laws)
        _observe_answers(belief, evidence.answer[day], laws)
        _pass_night(belief, evidence, laws, day)
        if day % RESCALE_DAYS == 0:
            belief.rescale()
    _enter(belief, laws, evidence.entry_day >= evidence.history - 1)
    belief.rescale()
    return belief


def no_order_probability(belief: Belief, evidence: Evidence, laws: Laws) -> Floats:
    """P(no order that stands within the horizon), one value per person."""
    here, gone = belief.here.copy(), belief.gone.copy()
    for day in range(evidence.history, evidence.history + evidence.horizon):
        bought = 1 - _no_order(evidence, laws, day)
        here *= 1 - (1 - laws.cancelled_share) * bought
        staying = here * np.exp(-laws.leaving_rate * evidence.leaving_factor[day][:, None])
        here, gone = staying + gone * laws.return_rate, gone * (1 - laws.return_rate) + (here - staying)
    return here.sum(axis=1) + gone.sum(axis=1)


def _enter(belief: Belief, laws: Laws, rows: npt.NDArray[np.bool_]) -> None:
    belief.here[rows] = laws.prior
    belief.gone[rows] = 0


def _no_order(evidence: Evidence, laws: Laws, day: int) -> Floats:
    """P(no order on that day | here), people x types."""
    factor = laws.message_factor(evidence.recent[day], evidence.fatigue[day]) * evidence.order_season[day]
    cells, where = np.unique(np.stack([laws.order_rate, laws.temper]), axis=1, return_inverse=True)
    small = np.exp(-cells[0] * factor[cells[1].astype(int)].T)
    return small[:, where]


def _observe_orders(belief: Belief, evidence: Evidence, laws: Laws, day: int) -> None:
    none = _no_order(evidence, laws, day)
    visible = evidence.order_visible[day]
    ordered = evidence.ordered[day]
    bought = 1 - none[ordered]
    belief.here *= none if visible == 1 else 1 - visible * (1 - none)
    # Where an order was seen the factor above is undone: it is replaced, not added.
    undo = none[ordered] if visible == 1 else 1 - visible * (1 - none[ordered])
    belief.here[ordered] *= visible * bought / undo
    belief.gone[ordered] = 0


def _observe_sessions(belief: Belief, evidence: Evidence, laws: Laws, day: int) -> None:
    seen = evidence.sessions[day]
    exposure = evidence.session_visible[day] * evidence.session_season[day]
    rates, where = np.unique(laws.session_rate, return_inverse=True)
    belief.here *= np.exp(-exposure[:, None] * rates)[:, where]
    belief.gone *= np.exp(-exposure * laws.gone_session_rate)[:, None]
    rows = seen > 0
    belief.here[rows] *= laws.session_rate ** seen[rows][:, None]
    belief.gone[rows] *= (laws.gone_session_rate ** seen[rows])[:, None]


def _observe_opens(belief: Belief, opened: npt.NDArray[np.int64], laws: Laws) -> None:
    chance = laws.open_share[laws.temper]
    for rows, here, gone in (
        (opened == 1, chance, laws.gone_open_share),
        (opened == 0, 1 - chance, 1 - laws.gone_open_share),
    ):
        belief.here[rows] *= here
        belief.gone[rows] *= gone


def _observe_answers(belief: Belief, answer: npt.NDArray[np.int64], laws: Laws) -> None:
    gone_rate = NPS_PER_DAY * laws.gone_nps_factor
    belief.here *= 1 - NPS_PER_DAY
    belief.gone *= 1 - gone_rate
    rows = answer >= 0
    belief.here[rows] *= laws.nps.T[answer[rows]] * NPS_PER_DAY / (1 - NPS_PER_DAY)
    belief.gone[rows] *= (laws.gone_nps[answer[rows]] * gone_rate / (1 - gone_rate))[:, None]


def _pass_night(belief: Belief, evidence: Evidence, laws: Laws, day: int) -> None:
    factor = evidence.leaving_factor[day]
    staying = belief.here * np.exp(-laws.leaving_rate)
    changed = factor != 1
    staying[changed] = belief.here[changed] * np.exp(-laws.leaving_rate * factor[changed][:, None])
    leaving = belief.here - staying
    stay, leave, gone = _withdrawal(evidence, laws, day)
    belief.here = staying * stay + belief.gone * (laws.return_rate * gone)
    belief.gone = leaving * leave + belief.gone * ((1 - laws.return_rate) * gone)


def _withdrawal(evidence: Evidence, laws: Laws, day: int) -> tuple[Floats, Floats, Floats]:
    """Likelihood of what was seen of the consent to e-mail that night, for those staying, leaving and gone."""
    at_risk, withdrew = evidence.subscribed[day], evidence.unsubscribed[day]
    chances = (laws.unsubscribe_staying, laws.unsubscribe_leaving, laws.unsubscribe_gone)
    stay, leave, gone = (np.where(at_risk, np.where(withdrew, p, 1 - p), 1.0)[:, None] for p in chances)
    return stay, leave, gone
