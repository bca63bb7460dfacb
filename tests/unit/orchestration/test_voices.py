"""Whom a word of a customer names, by what the published generation and a newer one know."""

from pathlib import Path

import pytest
from consent_world import ConsentWorld

from orchestration.withdrawals import follow_withdrawals, roll_back

G1, G2, G3, G4 = ({f"c_{n}": [f"account:G{n}"]} for n in (1, 2, 3, 4))


@pytest.fixture
def world(tmp_path: Path, database: str) -> ConsentWorld:
    return ConsentWorld.at(tmp_path, database)


def test_whoever_any_identifier_of_a_row_names_takes_back_and_only_its_strongest_one_grants(
    world: ConsentWorld,
) -> None:
    addresses = {n: world.email(f"g{n}@x.org") for n in (1, 2)}
    world.publish("2025-06-02", {f"c_{n}": [f"account:G{n}", one] for n, one in addresses.items()} | G3)
    world.say("2025-06-02T10", "new1,g1@x.org,,marketing,email,withdrawn", "G3,,,marketing,email,withdrawn")
    world.ask_for_erasure("2025-06-02T10", "new2,g2@x.org,")
    follow_withdrawals(world.workspace)
    assert [world.seen(f"G{n}") for n in (1, 2, 3)] == [False, "hidden", False]
    world.say("2025-06-02T12", "new1,g1@x.org,,marketing,email,granted", "G3,,,marketing,email,granted")
    follow_withdrawals(world.workspace)
    assert [world.seen(f"G{n}") for n in (1, 3)] == [False, True]


def test_a_rollback_knows_a_person_by_what_only_the_newer_generation_knows(tmp_path: Path, database: str) -> None:
    """G4 and G5 turn out to be one person, with an address, and that person takes back and asks by the address."""
    world = ConsentWorld.at(tmp_path, database, has_postgres=True)
    world.publish("2025-06-02", G1 | G2 | G3 | G4 | {"c_5": ["account:G5"]})
    world.say("2025-06-02T10", ",g1@x.org,,marketing,email,withdrawn")
    world.ask_for_erasure("2025-06-02T10", ",g4@x.org,")
    g1, g4 = world.email("g1@x.org"), world.email("g4@x.org")
    newer = {"c_1": ["account:G1", g1], "c_2": G2["c_2"], "c_3": G3["c_3"]}
    world.publish("2025-06-03", newer, erased={"c_4": ["account:G4", "account:G5", g4]})
    roll_back(world.workspace)
    assert [world.seen(f"G{n}") for n in range(1, 6)] == [False, True, True, "hidden", "hidden"]
