"""A whole world: its landing files and its truth, block by block.

Belongs here: the order of the work, and whether it has been done already. Does not belong here: what is in
the files.
"""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pyarrow.compute as pc

from ml.simulator import accounts, loyalty, outreach, permissions, purchases, service, visits
from ml.simulator.block import Block, World, make_block, make_world
from ml.simulator.columns import take
from ml.simulator.config import VERSION, WorldConfig
from ml.simulator.contracts import rows
from ml.simulator.contracts.block import make_contract_block
from ml.simulator.contracts.truth import ContractTruthFiles
from ml.simulator.landing_files import LandingFiles
from ml.simulator.products import products
from ml.simulator.purchases import Orders, make_orders
from ml.simulator.truth import STAMP, TruthFiles, write_json


def simulate(config: WorldConfig, landing: Path, truth: Path) -> None:
    """Write a world's landing files into ``landing`` and its truth into ``truth``; nothing if they are there.

    Equal settings give equal bytes. Memory follows the size of a block of people, not of the world. Files
    appear by rename when all are written; what an earlier world with other settings left is removed first,
    files of others in the landing folder stay. A landing file that was changed or deleted afterwards (an erasure
    does so) is not written again.

    Raises
    ------
    OSError
        A folder cannot be written.
    """
    stamp = {"version": VERSION, "settings": config.as_settings()}
    before = _read_stamp(truth)
    if before is not None and {name: before.get(name) for name in stamp} == stamp:
        return
    landing.mkdir(parents=True, exist_ok=True)
    truth.mkdir(parents=True, exist_ok=True)
    _remove(before, landing, truth)
    world = make_world(config)
    files = LandingFiles(world, landing)
    make = {"retail": _retail, "subscription": _contracts}[config.world]
    make(world, files, truth)
    write_json(truth / STAMP, {**stamp, "files": sorted(files.counts)})


def _retail(world: World, files: LandingFiles, truth: Path) -> None:
    truth_files = TruthFiles(truth)
    files.emit("products", products(world))
    for number in range(world.config.blocks):
        block = make_block(world, number)
        orders = make_orders(block)
        _emit(files, block, orders)
        truth_files.add(block, orders)
    files.publish()
    truth_files.publish(world, {name: count.as_json() for name, count in files.counts.items()})


def _contracts(world: World, files: LandingFiles, truth: Path) -> None:
    truth_files = ContractTruthFiles(truth)
    for number in range(world.config.blocks):
        block = make_contract_block(world, number)
        for kind, emitted in (
            ("customers", accounts.customers(block.shared)),
            ("consents", permissions.consents(block.shared)),
            ("subscriptions", rows.subscriptions(block)),
            ("events_app", rows.visits(block)),
            ("support_tickets", rows.support_tickets(block)),
        ):
            files.emit(kind, emitted, number)
        truth_files.add(block)
    files.publish()
    truth_files.publish(world, {name: count.as_json() for name, count in files.counts.items()})


def _emit(files: LandingFiles, block: Block, orders: Orders) -> None:
    number = block.people.block
    for kind, emitted in (
        ("customers", accounts.customers(block)),
        ("identities", accounts.identities(block)),
        ("consents", permissions.consents(block)),
        ("preferences", permissions.preferences(block)),
        ("erasure_requests", permissions.erasure_requests(block)),
        ("orders", purchases.order_lines(orders)),
        ("rewards", loyalty.rewards(orders)),
        ("support_tickets", service.support_tickets(block)),
        ("feedback", service.feedback(orders)),
        ("messages", outreach.messages(block)),
        ("subscriptions", loyalty.subscriptions(block)),
    ):
        files.emit(kind, emitted, number)
    seen, day = visits.events(orders)
    in_app = np.asarray(pc.equal(seen["channel"], "app"))
    for kind, which in (("events_app", in_app), ("events_web", ~in_app)):
        index = np.flatnonzero(which)
        files.emit(kind, (take(seen, index), day[index]), number)


def _read_stamp(truth: Path) -> dict[str, object] | None:
    path = truth / STAMP
    if not path.exists():
        return None
    stamp: dict[str, object] = json.loads(path.read_text(encoding="utf-8"))
    return stamp


def _remove(stamp: dict[str, object] | None, landing: Path, truth: Path) -> None:
    """Take away the files of the world before, and what a killed run left unfinished."""
    names = stamp.get("files", []) if stamp else []
    assert isinstance(names, list)
    (truth / STAMP).unlink(missing_ok=True)
    for path in [*(landing / name for name in names), *landing.glob(".*.part"), *truth.glob(".*.part")]:
        path.unlink(missing_ok=True)
