"""One block of people with everything that happened to them: what the makers of rows work on.

Belongs here: putting a block together, and questions that several makers ask of it. Does not belong here: rows.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
import numpy.typing as npt

from ml.simulator.catalogue import Catalogue, make_catalogue
from ml.simulator.columns import Rows
from ml.simulator.config import WorldConfig
from ml.simulator.identifiers import Identifiers, make_identifiers
from ml.simulator.latent import Laws, make_laws
from ml.simulator.life import Life, live
from ml.simulator.people import NEVER, People, make_people
from ml.simulator.seasons import Calendar, Campaigns, make_calendar, make_campaigns
from ml.simulator.traces import Traces, make_traces

Ints = npt.NDArray[np.int64]
Emitted = tuple[Rows, Ints]
"""Rows of a touchpoint, and per row the day after which the nightly export delivers it."""


@dataclass(frozen=True)
class World:
    """What all blocks share."""

    config: WorldConfig
    laws: Laws
    calendar: Calendar
    campaigns: Campaigns
    catalogue: Catalogue


def make_world(config: WorldConfig) -> World:
    return World(config, make_laws(config), make_calendar(config), make_campaigns(config), make_catalogue(config))


@dataclass(frozen=True)
class Block:
    """One block of people and their history."""

    world: World
    people: People
    names: Identifiers
    life: Life
    traces: Traces

    @property
    def config(self) -> WorldConfig:
        return self.world.config

    @property
    def calendar(self) -> Calendar:
        return self.world.calendar

    @cached_property
    def _orders_so_far(self) -> Ints:
        return np.cumsum(self.life.ordered, axis=0)

    def order_day(self, number: int) -> Ints:
        """Day of each person's n-th order; NEVER where it does not come."""
        reached = self._orders_so_far >= number
        return np.where(reached.any(axis=0), reached.argmax(axis=0), NEVER)


def make_block(world: World, number: int) -> Block:
    """Draw one block; depends on the settings and the number only."""
    people = make_people(world.config, world.laws, world.catalogue, number)
    life = live(world.config, world.laws, world.calendar, world.campaigns, people)
    traces = make_traces(world.config, world.laws, world.calendar, people, life)
    return Block(world, people, make_identifiers(world.config, people), life, traces)
