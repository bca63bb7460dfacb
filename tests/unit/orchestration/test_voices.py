"""Whom a word of a customer names, by what the published generation and a newer one know."""

from pathlib import Path

import pytest
from consent_world import REQUESTS, ConsentWorld

from orchestration.withdrawals import follow_withdrawals, roll_back

G1, G2, G3, G4 = ({f"c_{n}": [f"account:G{n}"]} for n in (1, 2, 3, 4))
EVERYBODY = G1 | G2 | G3 | G4


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
    world.publish("2025-06-02", EVERYBODY | {"c_5": ["account:G5"]})
    world.say("2025-06-02T10", ",g1@x.org,,marketing,email,withdrawn")
    world.ask_for_erasure("2025-06-02T10", ",g4@x.org,")
    g1, g4 = world.email("g1@x.org"), world.email("g4@x.org")
    newer = {"c_1": ["account:G1", g1], "c_2": G2["c_2"], "c_3": G3["c_3"]}
    world.publish("2025-06-03", newer, erased={"c_4": ["account:G4", "account:G5", g4]})
    roll_back(world.workspace)
    assert [world.seen(f"G{n}") for n in range(1, 6)] == [False, True, True, "hidden", "hidden"]


def test_what_a_shared_address_withdraws_counts_at_once_for_each_and_what_it_grants_for_nobody(
    world: ConsentWorld,
) -> None:
    """Where an account is told beside it, the account has spoken, and nobody else."""
    shared = {world.email("fam@x.org"): ["c_1", "c_2", "c_3"]}
    world.publish("2025-06-02", EVERYBODY, shared=shared)
    world.say("2025-06-02T09", "G4,fam@x.org,,marketing,email,withdrawn")
    follow_withdrawals(world.workspace)
    assert [world.seen(f"G{n}") for n in range(1, 5)] == [True, True, True, False]
    world.say("2025-06-02T10", ",fam@x.org,,marketing,email,withdrawn")
    follow_withdrawals(world.workspace)
    assert [world.seen(f"G{n}") for n in range(1, 4)] == [False, False, False]
    assert (world.seen("G1", "may_sms"), world.seen("G1", "may_profile")) == (True, True)
    world.say("2025-06-02T12", ",fam@x.org,,marketing,email,granted", "G2,,,marketing,email,granted")
    follow_withdrawals(world.workspace)
    assert [world.seen(f"G{n}") for n in range(1, 4)] == [False, True, False]
    world.publish("2025-06-03", EVERYBODY, shared=shared)
    assert [world.seen(f"G{n}") for n in range(1, 4)] == [False, True, False]


def test_a_request_by_a_shared_address_takes_everything_back_at_once_until_it_tells_who_asked(
    world: ConsentWorld,
) -> None:
    """G2 objects by themselves before and G3 after the request, which stands; what G4 has said anew stands as well."""
    shared = {world.email("fam@x.org"): list(EVERYBODY)}
    world.publish("2025-06-02", EVERYBODY, shared=shared)
    world.say("2025-06-02T08", "G2,,,profiling,,withdrawn")
    follow_withdrawals(world.workspace)
    world.ask_for_erasure("2025-06-02T10", ",fam@x.org,")
    follow_withdrawals(world.workspace)
    flags = ("may_email", "may_sms", "may_profile", "may_personalise", "may_target_ads")
    for n in range(1, 5):
        assert [world.seen(f"G{n}", flag) for flag in flags] == [False] * 5, "nothing is permitted, nobody is hidden"

    world.say("2025-06-02T12", "G3,,,profiling,,withdrawn", "G4,,,marketing,email,granted")
    follow_withdrawals(world.workspace)
    assert [world.seen("G4", flag) for flag in flags] == [True, False, False, False, False]
    request = REQUESTS + "2025-06-02T10-0,G1,fam@x.org,,2025-06-02T10:00:00Z,2025-06-02T14:00:00Z\n"
    world.land("erasure_requests_again.csv", request)
    for _ in "once", "again":
        follow_withdrawals(world.workspace)
        assert [world.seen(f"G{n}") for n in range(1, 5)] == ["hidden", True, True, True]
        assert [world.seen(f"G{n}", "may_profile") for n in (2, 3, 4)] == [False, False, True]


def test_a_request_by_a_shared_address_takes_back_no_later_grant(world: ConsentWorld) -> None:
    """It lands late; G1 has said meanwhile what they permit, which the published generation knows."""
    world.say("2025-06-01T10", "G1,,,marketing,email,granted")
    world.publish("2025-06-02", EVERYBODY, shared={world.email("fam@x.org"): ["c_1", "c_2"]})
    late = "r1,,fam@x.org,,2025-05-31T10:00:00Z,2025-06-02T10:00:00Z\n"
    world.land("erasure_requests_late.csv", REQUESTS + late)
    follow_withdrawals(world.workspace)
    assert [world.seen("G1", flag) for flag in ("may_email", "may_sms", "may_profile")] == [True, False, False]
    assert [world.seen(f"G{n}") for n in (2, 3)] == [False, True]


def test_a_rollback_knows_an_address_as_shared_though_it_was_one_persons_own(tmp_path: Path, database: str) -> None:
    """Nobody is hidden for a request by it, and each who shares it, though as another customer id, permits nothing."""
    world = ConsentWorld.at(tmp_path, database, has_postgres=True)
    family, friends = world.email("fam@x.org"), world.email("friends@x.org")
    before = {"c_0": ["account:G1", family], "c_2": ["account:G2", friends]} | G3 | G4
    world.publish("2025-06-02", before, shared={world.email("office@x.org"): ["c_3", "c_4"]})
    world.ask_for_erasure("2025-06-02T10", ",fam@x.org,")
    world.say("2025-06-02T10", ",friends@x.org,,profiling,,withdrawn")
    world.publish("2025-06-03", EVERYBODY, shared={family: ["c_1", "c_3"], friends: ["c_2", "c_4"]})
    roll_back(world.workspace)
    follow_withdrawals(world.workspace)
    assert [world.seen(f"G{n}") for n in range(1, 5)] == [False, True, False, True]
    assert [world.seen(f"G{n}", "may_profile") for n in range(1, 5)] == [False, False, False, False]


def test_who_was_shown_with_an_address_takes_back_by_it_though_shared_by_now_under_other_customer_ids(
    tmp_path: Path, database: str
) -> None:
    """The newer generation, which knows G1 within G2 and the address as shared, is rolled back before a word lands."""
    world = ConsentWorld.at(tmp_path, database, has_postgres=True)
    family = world.email("fam@x.org")
    world.publish("2025-06-02", {"c_1": ["account:G1", family]} | G2 | G3 | G4)
    world.publish("2025-06-03", {"c_2": ["account:G1", "account:G2"]} | G3 | G4, shared={family: ["c_2", "c_3"]})
    roll_back(world.workspace)
    world.say("2025-06-03T10", ",fam@x.org,,marketing,email,withdrawn")
    follow_withdrawals(world.workspace)
    assert [world.seen(f"G{n}") for n in range(1, 5)] == [False, False, False, True]
    world.say("2025-06-03T12", ",fam@x.org,,marketing,email,granted")
    follow_withdrawals(world.workspace)
    assert [world.seen(f"G{n}") for n in range(1, 5)] == [False, False, False, True]
