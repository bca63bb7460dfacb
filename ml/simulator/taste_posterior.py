"""What anybody could know of people's tastes and favourites from what they bought, viewed and stated.

Belongs here: the inference, given the true parameters of the world, by Gibbs sampling over all people at once. Does not
belong here: what was visible when (``item_oracle``), and who orders how often (``filtering``).

Each person has tastes (Dirichlet over categories) and six favourite items drawn by them; a line of an order is a
favourite, something by taste, or the companion of the line before. Given the tastes, a favourite is either an item that
the person was seen to buy (a *pair*) or any other one; so the sampler only ever looks at pairs. Two things are taken
more simply than the world makes them, which costs the oracle a little: an item that stood in for one gone counts as
wanted itself, and the third line of an order is thought to follow the second as it was delivered.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
import numpy.typing as npt

from ml.simulator.catalogue import Catalogue
from ml.simulator.people import FAVOURITES, taste_weights
from ml.simulator.purchases import FAVOURITE_SHARE, FOLLOWING_SHARE, favourite_chances

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]
Bools = npt.NDArray[np.bool_]

BURN_IN, SWEEPS = 50, 100
TRIES = 8
"""Draws of tastes a sweep for somebody who stated what they like; none that agrees, and the tastes stay."""
MOST_LOG = 600.0


@dataclass(frozen=True)
class Seen:
    """What was visible of a block of people; ``person`` counts within the block."""

    people: int
    line_person: Ints
    line_item: Ints
    line_before: Ints
    """Item of the line before in the same order, or -1."""
    views: Floats
    """(people, categories): items looked at."""
    liked: Ints
    """Category stated as liked most, or -1."""
    refused: Ints
    """Category stated as unwanted, or -1."""


@dataclass(frozen=True)
class Posterior:
    """Means over the posterior."""

    tastes: Floats
    """(people, categories)."""
    pair_person: Ints
    pair_item: Ints
    pair_share: Floats
    """Share of a person's favourite lines that fall on the pair's item."""
    elsewhere: Floats
    """(people, categories): share of the favourite lines that fall on items of the category never seen with the person,
    over the chance of those items; times an item's popularity it is that item's share."""


def infer(seen: Seen, catalogue: Catalogue, seed: int) -> Posterior:
    """Posterior means; the same for the same arguments."""
    sampler = _Sampler(seen, catalogue, np.random.default_rng(seed))
    for _ in range(BURN_IN):
        sampler.sweep()
    tastes, elsewhere = np.zeros_like(seen.views), np.zeros_like(seen.views)
    pair_share = np.zeros(len(sampler.pair_item))
    for _ in range(SWEEPS):
        sampler.sweep()
        tastes += sampler.tastes
        pair_share += sampler.pair_weight()
        free = np.where(sampler.slots < 0, favourite_chances()[None, :], 0).sum(axis=1)
        elsewhere += (free / sampler.unseen().sum(axis=1))[:, None] * sampler.tastes
    return Posterior(tastes / SWEEPS, sampler.pair_person, sampler.pair_item, pair_share / SWEEPS, elsewhere / SWEEPS)


class _Sampler:
    """The state of the chain: tastes, and for each favourite the pair that it is or -1 for an item never seen."""

    def __init__(self, seen: Seen, catalogue: Catalogue, random: np.random.Generator) -> None:
        self.seen, self.catalogue, self.random = seen, catalogue, random
        keys, self.line_pair = np.unique(seen.line_person * catalogue.size + seen.line_item, return_inverse=True)
        self.pair_person, self.pair_item = keys // catalogue.size, keys % catalogue.size
        self.pair_category = catalogue.category[self.pair_item]
        self.pair_popularity = catalogue.popularity[self.pair_item]
        later = seen.line_before >= 0
        self.fresh = 1 - FOLLOWING_SHARE * later
        self.follows = FOLLOWING_SHARE * (later & (catalogue.companion[seen.line_before] == seen.line_item))
        self.tastes = self._drawn(taste_weights() + seen.views)
        self.slots = np.full((seen.people, FAVOURITES), -1)

    @cached_property
    def pair_start(self) -> Ints:
        """First pair of each person, and the end."""
        return np.searchsorted(self.pair_person, np.arange(self.seen.people + 1))

    def sweep(self) -> None:
        for place in range(FAVOURITES):
            self._draw_slot(place)
        self._draw_tastes()

    def pair_weight(self) -> Floats:
        """Share of the favourite lines of each pair's person that fall on it."""
        weights = np.broadcast_to(favourite_chances(), self.slots.shape)
        own = self.slots >= 0
        return np.bincount(self.slots[own], weights[own], len(self.pair_item)).astype(np.float64)

    def unseen(self) -> Floats:
        """(people, categories): chance of an item by taste that the person was never seen to buy."""
        cell = self.pair_person * self.tastes.shape[1] + self.pair_category
        seen = np.bincount(cell, self._by_taste(), self.tastes.size).reshape(self.tastes.shape)
        return np.maximum(self.tastes - seen, 1e-300)

    def _by_taste(self) -> Floats:
        return self.tastes[self.pair_person, self.pair_category] * self.pair_popularity

    def _draw_slot(self, place: int) -> None:
        """One favourite of everybody, given all else."""
        step = FAVOURITE_SHARE * favourite_chances()[place]
        self.slots[:, place] = -1
        without = self._line_chance(self.pair_weight())
        gain = np.log1p(self.fresh * step / without)
        by_taste = self._by_taste()
        ratio = np.bincount(self.line_pair, gain, len(by_taste))
        odds = by_taste * np.exp(np.minimum(ratio, MOST_LOG))
        self.slots[:, place] = self._choose(odds, self.unseen().sum(axis=1))

    def _choose(self, odds: Floats, none: Floats) -> Ints:
        """For each person one of their pairs by its odds, or -1 by those of ``none``."""
        total = np.bincount(self.pair_person, odds, self.seen.people) + none
        share = odds / total[self.pair_person]
        ladder = np.cumsum(share)
        start = np.append(0.0, ladder)[self.pair_start[:-1]]
        wanted = start + self.random.random(self.seen.people)
        found = np.searchsorted(ladder, wanted, side="right")
        return np.where(found < self.pair_start[1:], found, -1)

    def _line_chance(self, weight: Floats) -> Floats:
        """Chance of each line, given tastes and the favourites' weight on each pair."""
        drawn = (1 - FAVOURITE_SHARE) * self._by_taste() + FAVOURITE_SHARE * weight
        return self.fresh * drawn[self.line_pair] + self.follows

    def _draw_tastes(self) -> None:
        by_taste = self.fresh * (1 - FAVOURITE_SHARE) * self._by_taste()[self.line_pair]
        is_taste = self.random.random(len(by_taste)) * self._line_chance(self.pair_weight()) < by_taste
        counts = taste_weights() + self.seen.views
        np.add.at(counts, (self.seen.line_person[is_taste], self.pair_category[self.line_pair[is_taste]]), 1)
        np.add.at(counts, (np.repeat(np.arange(self.seen.people), FAVOURITES), self._slot_categories().ravel()), 1)
        drawn = self._drawn(counts)
        told = np.flatnonzero((self.seen.liked >= 0) | (self.seen.refused >= 0))
        for _ in range(TRIES):
            told = told[~self._agrees(drawn[told], told)]
            if not len(told):
                break
            drawn[told] = self._drawn(counts[told])
        agrees = self._agrees(drawn, np.arange(self.seen.people))
        self.tastes = np.where(agrees[:, None], drawn, self.tastes)

    def _slot_categories(self) -> Ints:
        """Category of each favourite; of one never seen it is drawn."""
        ladder = np.cumsum(self.unseen(), axis=1)
        uniform = self.random.random(self.slots.shape) * ladder[:, -1:]
        drawn = (uniform[:, :, None] > ladder[:, None, :]).sum(axis=2)
        known = self.pair_category[self.slots] if len(self.pair_category) else drawn
        return np.where(self.slots >= 0, known, drawn)

    def _agrees(self, tastes: Floats, who: Ints) -> Bools:
        liked, refused = self.seen.liked[who], self.seen.refused[who]
        likes = (liked < 0) | (tastes.argmax(axis=1) == liked)
        return likes & ((refused < 0) | (tastes.argmin(axis=1) == refused))

    def _drawn(self, counts: Floats) -> Floats:
        gamma = np.maximum(self.random.standard_gamma(counts), 1e-300)
        return gamma / gamma.sum(axis=1, keepdims=True)
