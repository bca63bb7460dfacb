"""Exact inference of a person's hidden state: type and whether they are still a customer.

Belongs here: the forward recursion over days x types x {here, gone} and its projection over the horizon.
Source: the forward algorithm of hidden Markov models, Rabiner 1989, with the type as a constant part of the
state. Does not belong here: what is evidence (``evidence``) and the laws themselves (``latent``).

Likelihoods are kept up to factors that are common to all states of a person: those cancel in the posterior.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from ml.simulator.evidence import Evidence
from ml.simulator.latent import NPS_PER_DAY, Laws

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]

RESCALE_DAYS = 8
"""So many days without a division: likelihoods stay far from underflow."""
NOTHING = 1e-150
"""Less is taken for impossible: it would become subnormal, on which processors are a hundred times slower."""


@dataclass
class Belief:
    """P(type, here) and P(type, gone) given what was seen, types x people each; columns sum to one together."""

    here: Floats
    gone: Floats

    def rescale(self) -> None:
        total = self.here.sum(axis=0) + self.gone.sum(axis=0)
        for part in (self.here, self.gone):
            part /= total
            part[part < NOTHING] = 0


def posterior(evidence: Evidence, laws: Laws) -> Belief:
    """Belief at the start of the as-of day. People who enter later keep the prior."""
    n = len(evidence.entry_day)
    belief = Belief(np.tile(laws.prior[:, None], n), np.zeros((laws.types, n)))
    cells = _Cells(laws)
    for day in range(evidence.history):
        _enter(belief, laws, evidence.entry_day == day - 1)
        _observe_nothing(belief, evidence, laws, cells, day)
        _observe_orders(belief, evidence, laws, cells, day)
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
    cells, people = _Cells(laws), np.arange(here.shape[1])
    for day in range(evidence.history, evidence.history + evidence.horizon):
        bought = -np.expm1(-cells.order_hazard(evidence, laws, day, people))[cells.of_type]
        here *= 1 - (1 - laws.cancelled_share) * bought
        leaving = here * -np.expm1(-laws.leaving_rate[:, None] * evidence.leaving_factor[day])
        here += gone * laws.return_rate - leaving
        gone += leaving - gone * laws.return_rate
    total: Floats = here.sum(axis=0) + gone.sum(axis=0)
    return total


class _Cells:
    """Types that order and visit alike: what is computed once for each of them."""

    def __init__(self, laws: Laws):
        kinds = np.stack([laws.order_rate, laws.session_rate, laws.temper])
        cells, where = np.unique(kinds, axis=1, return_inverse=True)
        self.order_rate, self.session_rate = cells[0][:, None], cells[1][:, None]
        self.temper = cells[2].astype(int)
        self.of_type = where.ravel()

    def order_hazard(self, evidence: Evidence, laws: Laws, day: int, people: Ints) -> Floats:
        """-log P(no order on that day | here), cells x people."""
        factor = laws.message_factor(evidence.recent[day, people], evidence.fatigue[day, people])
        hazard: Floats = factor[self.temper] * (self.order_rate * evidence.order_season[day])
        return hazard


def _enter(belief: Belief, laws: Laws, who: npt.NDArray[np.bool_]) -> None:
    belief.here[:, who] = laws.prior[:, None]
    belief.gone[:, who] = 0


def _observe_nothing(belief: Belief, evidence: Evidence, laws: Laws, cells: _Cells, day: int) -> None:
    """No order and no visit, as far as they would be visible; where some were seen, that is corrected afterwards."""
    people = np.arange(belief.here.shape[1])
    hazard = cells.order_hazard(evidence, laws, day, people)
    visible = evidence.order_visible[day]
    visits = evidence.session_visible[day] * evidence.session_season[day]
    none = np.exp(-hazard - (cells.session_rate - laws.gone_session_rate) * visits)
    if visible < 1:
        none = none * (visible + (1 - visible) * np.exp(hazard))
    belief.here *= none[cells.of_type]


def _observe_orders(belief: Belief, evidence: Evidence, laws: Laws, cells: _Cells, day: int) -> None:
    """Orders seen: the ratio of their likelihood to that of none seen."""
    who = np.flatnonzero(evidence.ordered[day])
    bought = -np.expm1(-cells.order_hazard(evidence, laws, day, who))
    visible = evidence.order_visible[day]
    belief.here[:, who] *= (visible * bought / (1 - visible * bought))[cells.of_type]
    belief.gone[:, who] = 0


def _observe_sessions(belief: Belief, evidence: Evidence, laws: Laws, day: int) -> None:
    """Visits seen: the ratio of their likelihood to that of none seen."""
    who = np.flatnonzero(evidence.sessions[day])
    belief.here[:, who] *= (laws.session_rate / laws.gone_session_rate)[:, None] ** evidence.sessions[day, who]


def _observe_opens(belief: Belief, opened: Ints, laws: Laws) -> None:
    chance = laws.open_share[laws.temper][:, None]
    yes, no = np.flatnonzero(opened == 1), np.flatnonzero(opened == 0)
    belief.here[:, yes] *= chance / laws.gone_open_share
    belief.here[:, no] *= (1 - chance) / (1 - laws.gone_open_share)


def _observe_answers(belief: Belief, answer: Ints, laws: Laws) -> None:
    gone_rate = NPS_PER_DAY * laws.gone_nps_factor
    belief.here *= (1 - NPS_PER_DAY) / (1 - gone_rate)
    who = np.flatnonzero(answer >= 0)
    belief.here[:, who] *= laws.nps[:, answer[who]] * NPS_PER_DAY / (1 - NPS_PER_DAY)
    belief.gone[:, who] *= laws.gone_nps[answer[who]] * gone_rate / (1 - gone_rate)


def _pass_night(belief: Belief, evidence: Evidence, laws: Laws, day: int) -> None:
    factor = evidence.leaving_factor[day]
    leaving = belief.here * -np.expm1(-laws.leaving_rate)[:, None]
    changed = np.flatnonzero(factor != 1)
    leaving[:, changed] = belief.here[:, changed] * -np.expm1(-laws.leaving_rate[:, None] * factor[changed])
    stay, leave, gone = _withdrawal(evidence, laws, day)
    belief.here -= leaving
    belief.here *= stay
    belief.here += belief.gone * (laws.return_rate * gone)
    leaving *= leave
    belief.gone *= (1 - laws.return_rate) * gone
    belief.gone += leaving


def _withdrawal(evidence: Evidence, laws: Laws, day: int) -> tuple[Floats, Floats, Floats]:
    """Likelihood of what was seen of the consent to e-mail that night, for those staying, leaving and gone."""
    at_risk, withdrew = evidence.subscribed[day], evidence.unsubscribed[day]
    chances = (laws.unsubscribe_staying, laws.unsubscribe_leaving, laws.unsubscribe_gone)
    stay, leave, gone = (np.where(at_risk, np.where(withdrew, p, 1 - p), 1.0) for p in chances)
    return stay, leave, gone
