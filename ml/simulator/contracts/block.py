"""One block of people and their contracts: what the makers of rows work on.

Belongs here: putting a block together out of people, names and contracts. Does not belong here: rows.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from ml.simulator.block import Block, World
from ml.simulator.contracts.laws import ContractLaws, make_contract_laws
from ml.simulator.contracts.life import ContractLife, live_contracts
from ml.simulator.identifiers import make_identifiers
from ml.simulator.life import Life
from ml.simulator.people import NEVER, People, make_people
from ml.simulator.traces import Traces


@dataclass(frozen=True)
class ContractBlock:
    """People as in the retail world, everybody with one account and no order; and their contracts."""

    world: World
    laws: ContractLaws
    shared: Block
    """What the makers of customers and consents, which both worlds share, ask for."""
    contracts: ContractLife


def make_contract_block(world: World, number: int) -> ContractBlock:
    """Draw one block; depends on the settings and the number only."""
    laws = make_contract_laws(world.config)
    contracts = live_contracts(world.config, laws, world.calendar, number)
    people = _people(world, contracts, number)
    names = make_identifiers(world.config, people)
    return ContractBlock(world, laws, Block(world, people, names, _no_orders(world, people), NO_TRACES), contracts)


NO_TRACES = Traces(sessions={}, opens={}, answers={})


def _people(world: World, contracts: ContractLife, number: int) -> People:
    people = make_people(world.config, world.laws, world.catalogue, number)
    n = people.size
    everybody, nobody, never = np.ones(n, bool), np.zeros(n, bool), np.full(n, NEVER)
    objects = people.objection_day < NEVER
    return replace(
        people,
        entry_day=contracts.start,
        signup_day=contracts.start,
        has_account=everybody,
        has_card=nobody,
        lead=np.arange(n),
        second_account_day=never,
        erasure_day=never,
        objection_day=np.where(objects, contracts.start + people.objection_day % 500 + 1, NEVER),
        orders_on_entry=nobody,
    )


def _no_orders(world: World, people: People) -> Life:
    nothing = np.zeros((world.config.days, people.size), bool)
    never = np.full(people.size, NEVER)
    return Life(nothing, nothing, nothing.astype(np.int8), nothing, never, spells={}, tickets={})
