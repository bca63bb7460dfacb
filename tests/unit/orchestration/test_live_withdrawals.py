"""What customers take back, and whom nobody may see: it acts when it lands, and no run or rollback brings it back."""

from pathlib import Path

import pyarrow.parquet as pq
import pytest
from consent_world import CONSENTS, REQUESTS, ConsentWorld

from orchestration.activation import publisher
from orchestration.withdrawals import follow_withdrawals, roll_back, suppress

G1, G2, G3, G4 = ({f"c_{n}": [f"account:G{n}"]} for n in (1, 2, 3, 4))
EVERYBODY = G1 | G2 | G3 | G4


@pytest.fixture
def world(tmp_path: Path, database: str) -> ConsentWorld:
    return ConsentWorld.at(tmp_path, database)


def test_a_rollback_shows_nothing_that_was_taken_back_since(tmp_path: Path, database: str) -> None:
    """One run lands and weighs it all, so that what it publishes is right and nothing had to act live."""
    world = ConsentWorld.at(tmp_path, database, has_postgres=True)
    world.publish("2025-06-02", EVERYBODY)
    world.say("2025-06-02T10", "G1,,,marketing,email,withdrawn", "G3,,,profiling,,withdrawn")
    world.ask_for_erasure("2025-06-02T10", "G2,,")
    world.publish("2025-06-03", G1 | G3 | G4)

    in_files, in_postgres = roll_back(world.workspace)
    assert in_files.moved
    assert in_postgres.moved
    assert (world.seen("G1"), world.seen("G2"), world.seen("G3", "churn_probability")) == (False, "hidden", None)
    assert (world.seen("G4"), world.seen("G4", "churn_probability")) == (True, 0.5)


def test_what_a_run_lands_acts_though_the_run_gets_no_further(world: ConsentWorld) -> None:
    world.publish("2025-06-02", EVERYBODY)
    (world.workspace.state.ledger / "inputs" / "as_of=2025-06-03").write_text("inputs that are gone")
    at = "2025-06-02T10:00:00Z,2025-06-02T10:10:00Z\n"
    landing = world.workspace.landing_folder
    (landing / "erasure_requests.csv").write_text(f"{REQUESTS}r1,G1,,,{at}")
    (landing / "consents.csv").write_text(f"{CONSENTS}G2,,,marketing,email,withdrawn,{at}")

    done = world.deployment.run("run", "--as-of", "2025-06-03", "--no-train")
    assert done.returncode == 1, done.stdout + done.stderr
    stages = [line for line in done.stdout.splitlines() if "✓" in line or "✗" in line]
    for stage, line in zip(("✓ landing", "✓ withdrawn consents", "✗ input manifest"), stages, strict=False):
        assert stage in line, "before anything else that may stop the run"
    assert [world.seen(f"G{n}") for n in (1, 2, 3)] == ["hidden", False, True]


def test_who_was_hidden_stays_hidden_under_another_id_and_within_another_person(world: ConsentWorld) -> None:
    """A's id came of a browser that is B's too; D's address turns out to be C's, an older account."""
    email = world.email("d@x.org")
    world.publish("2025-06-02", {"c_k": ["account:A", "cookie:k"], "c_d": ["account:D", email], "c_c": ["account:C"]})
    suppress(world.workspace, ["A", "D"], "asked for")
    newer = {"c_a": ["account:A"], "c_b": ["account:B", "cookie:k"], "c_c": ["account:C", "account:D", email]}
    world.publish("2025-06-03", newer | G4)
    assert [world.seen(one) for one in ("A", "B", "C", "G4")] == ["hidden", True, "hidden", True]
    roll_back(world.workspace)
    assert [world.seen(one) for one in ("A", "C", "D")] == ["hidden", "hidden", "hidden"]


def test_what_was_taken_back_passes_to_whoever_the_customer_is_by_then_until_it_is_granted_again(
    world: ConsentWorld,
) -> None:
    """G1 spoke by an address that turns out to be many people's, and so nobody's; G2 grants it again meanwhile."""
    g1, g2 = world.email("g1@x.org"), world.email("g2@x.org")
    world.publish("2025-06-02", {"c_1": ["account:G1", g1], "c_2": ["account:G2", g2]} | G4)
    world.say("2025-06-02T10", *(f",g{n}@x.org,,marketing,email,withdrawn" for n in (1, 2)))
    follow_withdrawals(world.workspace)
    world.say("2025-06-02T12", "G2,,,marketing,email,granted")
    world.publish("2025-06-04", {"c_11": ["account:G1"], "c_22": ["account:G2"]} | G4)
    assert [world.seen(f"G{n}") for n in (1, 2, 4)] == [False, True, True]


def test_a_grant_for_one_channel_after_a_withdrawal_for_all_shows_that_channel_alone(world: ConsentWorld) -> None:
    world.publish("2025-06-02", EVERYBODY)
    world.say("2025-06-02T10", "G1,,,marketing,,withdrawn", "G2,,,profiling,,withdrawn")
    follow_withdrawals(world.workspace)
    assert (world.seen("G1"), world.seen("G1", "may_sms"), world.seen("G2", "may_profile")) == (False, False, False)
    world.say("2025-06-02T12", "G1,,,marketing,email,granted", "G2,,,profiling,email,granted")
    for _ in "once", "again":
        follow_withdrawals(world.workspace)
        assert (world.seen("G1"), world.seen("G1", "may_sms"), world.seen("G2", "may_profile")) == (True, False, True)
    world.publish("2025-06-03", EVERYBODY)
    assert (world.seen("G1"), world.seen("G1", "may_sms")) == (True, False)
    world.say("2025-06-03T10", "G1,,,marketing,,granted")
    world.publish("2025-06-04", EVERYBODY)
    assert (world.seen("G1"), world.seen("G1", "may_sms")) == (True, True)


def test_who_is_hidden_before_they_are_published_never_shows(world: ConsentWorld) -> None:
    """Also where only an earlier generation has them; nobody else is concerned by a number that is nobody's."""
    world.publish("2025-06-02", G1 | G2)
    world.publish("2025-06-03", G1)
    assert suppress(world.workspace, ["G1", "G2", "G3", "G9"], "asked for") == {"G1": "c_1"}
    assert world.seen("G1") == "hidden"
    roll_back(world.workspace)
    assert [world.seen(f"G{n}") for n in (1, 2)] == ["hidden", "hidden"]
    world.publish("2025-06-04", EVERYBODY)
    assert [world.seen(f"G{n}") for n in range(1, 5)] == ["hidden", "hidden", "hidden", True]


def test_what_an_earlier_release_wrote_of_withdrawals_is_read_and_lifted(world: ConsentWorld) -> None:
    """Its list says of nothing that it came of a request to be erased, and no as-of of it kept what is shared."""
    world.publish("2025-06-02", EVERYBODY)
    world.say("2025-06-02T10", "G1,,,marketing,email,withdrawn", "G2,,,marketing,email,withdrawn")
    follow_withdrawals(world.workspace)
    withdrawals = publisher(world.workspace).privacy.withdrawals
    pq.write_table(pq.read_table(withdrawals).drop_columns(["request_id"]), withdrawals)
    world.say("2025-06-02T12", "G1,,,marketing,email,granted", "G3,,,marketing,email,withdrawn")
    follow_withdrawals(world.workspace)
    assert [world.seen(f"G{n}") for n in range(1, 5)] == [True, False, False, True]
