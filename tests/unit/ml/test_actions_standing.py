"""Actions decided earlier: they stand until they are sent, expire or are withdrawn; and an as-of decided twice."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from actions_world import AS_OF, World, assigned, candidate, contact, entry, play, policy

from ml.actions.policy import Cap, Policy

DAY_AGO = "a_c_1_1"


@pytest.fixture
def world(tmp_path: Path) -> World:
    """An action of yesterday that may be sent for another day."""
    return World(tmp_path, ledger=[entry(1, expires=AS_OF.replace(day=2))])


def standing(world: World) -> list[str]:
    return [row["action_id"] for row in world.rows("standing")]


def rested(**changes: Any) -> Policy:
    return policy(play(cooldown_days=30, **changes), quiet_days={"complaint": 10, "bounce": 10, "unsubscribe": 10})


def test_an_action_that_was_not_sent_stands_on_the_next_day(world: World) -> None:
    summary = world.decide([candidate(), candidate("c_2")], rested())
    assert [row["action_id"] for row in world.rows("decisions")] == standing(world)[1:]
    assert standing(world)[0] == DAY_AGO
    assert world.rules() == {}, "it is no rejection that it is not decided again"
    assert (summary.carried, summary.withdrawn) == (1, 0)


def test_it_is_gone_once_the_log_has_it(world: World) -> None:
    world.log = [contact(0.5, action_id=DAY_AGO)]
    world.decide([candidate()], rested())
    assert standing(world) == []
    assert world.rules() == {("c_1", "mail"): "cooldown"}


def test_it_is_gone_at_the_instant_at_which_it_expires(world: World) -> None:
    world.ledger = [entry(1, expires=AS_OF)]
    world.decide([candidate()], rested())
    assert standing(world) == []


@pytest.mark.parametrize(
    "changes",
    [
        {"may_email": False},
        {"days_since_complaint": 1},
        {"days_since_email_bounce": 1},
        {"days_since_email_unsubscribe": 1},
        {"tickets_open_count": 1},
    ],
)
def test_it_is_withdrawn_when_something_speaks_against_it(world: World, changes: dict[str, Any]) -> None:
    summary = world.decide([candidate(**changes)], rested())
    assert standing(world) == []
    assert summary.withdrawn == 1


def test_it_is_withdrawn_without_the_permission_to_choose_by_what_a_person_is_like(world: World) -> None:
    world.decide([candidate(may_profile=False)], rested(data_permission="profiling"))
    assert standing(world) == []


@pytest.mark.parametrize(("experiment", "arm"), [("global", "holdout"), ("play:mail", "control")])
def test_it_is_withdrawn_when_the_person_proves_to_be_held_out(world: World, experiment: str, arm: str) -> None:
    world.assignments = [assigned("c_0", arm, 30, experiment)]
    world.redirects = {"c_0": "c_1"}
    world.decide([candidate()], rested())
    assert standing(world) == []


@pytest.mark.parametrize(
    "now",
    [
        rested(eligible="orders_count = 1"),
        policy(play("other", cooldown_days=30, eligible="false")),
        rested(channel="push", eligible="false"),
    ],
    ids=["no longer eligible", "play is gone", "play moved to another channel"],
)
def test_it_is_withdrawn_when_its_play_does_not_ask_for_it_any_more(world: World, now: Policy) -> None:
    world.decide([candidate(orders_count=2)], now)
    assert standing(world) == []


def test_what_set_a_live_play_off_is_not_asked_again(world: World) -> None:
    world.ledger = [entry(1, expires=AS_OF.replace(day=2), trigger="live")]
    world.decide([candidate()], rested(trigger="live", eligible="false"))
    assert standing(world) == [DAY_AGO]


def test_a_daily_run_decides_no_live_play_and_a_triggered_one_no_daily_play(world: World) -> None:
    world.ledger = []
    plays = policy(play("app", trigger="live"), play("mail"))
    world.decide([candidate()], plays)
    assert world.done() == {"c_1": "mail"}
    world.decide([candidate()], policy(*plays.plays, trigger="live"))
    assert world.done() == {"c_1": "app"}
    assert world.rules() == {}


def test_it_stands_on_what_its_play_asks_now(world: World) -> None:
    world.ledger = [entry(1, expires=AS_OF.replace(day=2), contact_permission="service")]
    world.decide([candidate()], rested())
    assert [row["contact_permission"] for row in world.rows("standing")] == ["marketing/email"]


def test_an_action_that_stands_counts_for_caps(world: World) -> None:
    plays = play(cooldown_days=30), play("other", margin="9.0")
    world.decide([candidate()], policy(*plays, caps=(Cap(1, 7),)))
    assert standing(world) == [DAY_AGO]
    assert world.rules() == {("c_1", "other"): "total_cap"}
    world.decide([candidate()], policy(*plays, caps=(Cap(2, 7),)))
    assert sorted(row["play"] for row in world.rows("standing")) == ["mail", "other"]


def test_it_stands_for_the_person_whom_it_now_is(world: World) -> None:
    world.ledger, world.redirects = [entry(1, "c_0", expires=AS_OF.replace(day=2))], {"c_0": "c_1"}
    world.decide([candidate()], rested())
    assert [row["customer_id"] for row in world.rows("standing")] == ["c_1"]


@pytest.fixture
def again(tmp_path: Path) -> World:
    """This very as-of was decided and published before: c_1 was to be written to, c_2 is in control."""
    plays = {"play": "mail", "expires": AS_OF.replace(day=3), "expected_margin": 2.0}
    return World(tmp_path, ledger=[entry(0, **plays), entry(0, "c_2", arm="control", **plays)])


def test_what_was_published_for_an_as_of_stands_when_it_is_decided_once_more(again: World) -> None:
    more = policy(play(), play("better", margin="9.0"), play("worse", margin="0.1"))
    again.decide([candidate(), candidate("c_2"), candidate("c_3")], more)
    assert again.done() == {"c_3": "better"}, "nothing new for whom something was decided"
    assert [row["customer_id"] for row in again.rows("standing")] == ["c_1", "c_3"]
    assert again.rules() == {
        ("c_1", "better"): "decided_before", ("c_1", "worse"): "lower_expected_margin",
        ("c_2", "better"): "decided_before", ("c_2", "worse"): "lower_expected_margin", ("c_2", "mail"): "control",
        ("c_3", "mail"): "lower_expected_margin", ("c_3", "worse"): "lower_expected_margin",
    }  # fmt: skip


def test_an_as_of_decided_once_more_on_the_same_says_the_same(tmp_path: Path) -> None:
    people = [candidate(f"c_{number:02}") for number in range(40)]
    plays = policy(play(control_share=0.3), play("other", margin="0.5", channel="push"), global_holdout=0.2)
    first = World(tmp_path / "first")
    first.decide(people, plays)
    second = World(tmp_path / "second", ledger=first.rows("decisions"), assignments=first.rows("new_assignments"))
    second.decide(people, plays)
    assert second.rows("decisions") == second.rows("new_assignments") == []
    for table in ("standing", "rejections", "assignments"):
        assert second.rows(table) == first.rows(table), table


def test_a_person_whom_the_as_of_drew_stays_in_the_arm(again: World) -> None:
    again.assignments = [assigned("c_3", "holdout", days_ago=0)]
    again.decide([candidate("c_3")], policy(play()))
    assert again.done() == {}
