"""The choice among plays, and every rule that stands before it."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from actions_world import AS_OF, World, candidate, contact, entry, play, policy

from ml.actions.policy import Cap


@pytest.fixture
def world(tmp_path: Path) -> World:
    return World(tmp_path)


def test_the_play_worth_most_after_its_cost_is_done(world: World) -> None:
    dear = play("dear", margin="5.0", cost=4.5)
    world.decide([candidate()], policy(dear, play("plain", margin="1.0")))
    assert world.done() == {"c_1": "plain"}
    assert world.rules() == {("c_1", "dear"): "lower_expected_margin"}
    assert world.rows("decisions")[0]["expected_margin"] == 1.0


def test_no_action_is_better_than_one_that_costs_what_it_brings(world: World) -> None:
    world.decide([candidate()], policy(play(margin="1.0", cost=1.0)))
    assert world.done() == {}
    assert world.rules() == {("c_1", "mail"): "no_expected_margin"}


@pytest.mark.parametrize("margin", ["null", "0.0 / 0.0", "1.0 / 0.0"])
def test_a_margin_that_cannot_be_said_makes_no_action(world: World, margin: str) -> None:
    world.decide([candidate()], policy(play(margin=f"cast({margin} as double)")))
    assert world.rules() == {("c_1", "mail"): "no_expected_margin"}
    assert world.rows("rejections")[0]["expected_margin"] is None


def test_of_two_equal_plays_the_first_by_name_is_done(world: World) -> None:
    world.decide([candidate()], policy(play("beta"), play("alpha")))
    assert world.done() == {"c_1": "alpha"}


def test_who_is_not_eligible_is_no_candidate_and_null_means_no(world: World) -> None:
    few = play(eligible="orders_count = 1")
    world.decide([candidate(orders_count=1), candidate("c_2", orders_count=None), candidate("c_3", orders_count=2)],
                 policy(few))  # fmt: skip
    assert world.done() == {"c_1": "mail"}
    assert world.rules() == {}


@pytest.mark.parametrize("changes", [{}, {"may_email": False}])
def test_of_whom_a_choice_may_not_look_at_nothing_is_on_record(world: World, changes: dict[str, Any]) -> None:
    looks, plain = play("looks", margin="9.0", data_permission="profiling"), play("plain")
    refuses = [candidate(may_profile=may, **changes) for may in (False, None)]
    for one in refuses:
        world.decide([one], policy(looks, plain))
        assert ("c_1", "looks") not in world.rules()
        assert "looks" not in world.done().values()
    world.decide([candidate(may_profile=True)], policy(looks, plain))
    assert world.done() == {"c_1": "looks"}


@pytest.mark.parametrize(
    ("changes", "of_play", "rule"),
    [
        ({"may_email": False}, {}, "no_grant"),
        ({"may_email": None}, {}, "no_grant"),
        ({"may_serve": False}, {"channel": "agent_task"}, "no_grant"),
        ({"days_since_complaint": 10}, {}, "after_complaint"),
        ({"days_since_complaint": 10}, {"channel": "push"}, "after_complaint"),
        ({"days_since_email_bounce": 10}, {}, "after_bounce"),
        ({"days_since_email_unsubscribe": 10}, {}, "after_unsubscribe"),
        ({"tickets_open_count": 1}, {}, "open_ticket"),
        ({"may_call": False}, {"channel": "agent_task", "purpose": "marketing"}, "no_grant"),
        ({"days_since_complaint": 10}, {"channel": "agent_task", "purpose": "marketing"}, "after_complaint"),
        ({"tickets_open_count": 1}, {"channel": "agent_task", "purpose": "marketing"}, "open_ticket"),
        ({"days_since_email_bounce": 10}, {"purpose": "service"}, "after_bounce"),
    ],
)
def test_a_person_who_may_not_be_asked_now_is_not(
    world: World, changes: dict[str, Any], of_play: dict[str, Any], rule: str
) -> None:
    quiet = {"complaint": 10, "bounce": 10, "unsubscribe": 10}
    world.decide([candidate(**changes)], policy(play(**of_play), quiet_days=quiet))
    assert world.done() == {}
    assert world.rules() == {("c_1", "mail"): rule}


@pytest.mark.parametrize(
    ("changes", "of_play"),
    [
        ({"days_since_complaint": 11}, {}),
        ({"days_since_complaint": 1}, {"channel": "agent_task"}),
        ({"days_since_email_bounce": 1}, {"channel": "push"}),
        ({"tickets_open_count": 1}, {"channel": "agent_task"}),
        ({"days_since_email_bounce": 11, "days_since_email_unsubscribe": 11}, {}),
        ({"may_profile": False}, {}),
        ({"may_email": False}, {"channel": "sms"}),
        ({"may_call": False}, {"channel": "agent_task"}),
        ({"may_email": False}, {"purpose": "service"}),
        ({"days_since_email_unsubscribe": 1}, {"purpose": "service"}),
    ],
)
def test_a_rule_holds_back_no_more_than_it_says(world: World, changes: dict[str, Any], of_play: dict[str, Any]) -> None:
    quiet = {"complaint": 10, "bounce": 10, "unsubscribe": 10}
    world.decide([candidate(**changes)], policy(play(**of_play), quiet_days=quiet))
    assert world.done() == {"c_1": "mail"}


@pytest.mark.parametrize(("days_ago", "rule"), [(6.9, "cooldown"), (7.0, None)])
def test_a_play_rests_for_its_cooldown_and_not_longer(world: World, days_ago: float, rule: str | None) -> None:
    world.log = [contact(days_ago)]
    world.decide([candidate()], policy(play(cooldown_days=7), play("other", margin="0.5")))
    assert world.rules().get(("c_1", "mail")) == rule
    assert world.done() == {"c_1": "other" if rule else "mail"}


def test_the_stop_rule_ends_a_play_for_a_person(world: World) -> None:
    world.log = [contact(days) for days in (20, 40, 60)]
    world.decide([candidate()], policy(play(stop_contacts=3, stop_days=90)))
    assert world.rules() == {("c_1", "mail"): "stopped"}
    world.decide([candidate()], policy(play(stop_contacts=3, stop_days=50)))
    assert world.done() == {"c_1": "mail"}


def test_the_stop_rule_counts_contacts_and_nobody_withheld(world: World) -> None:
    world.ledger = [entry(days, arm="control") for days in (20, 40, 60)]
    world.decide([candidate()], policy(play(stop_contacts=3, stop_days=90)))
    assert world.done() == {"c_1": "mail"}


def test_an_open_ticket_holds_nothing_back_where_the_shop_does_not_ask_for_it(world: World) -> None:
    world.decide([candidate(tickets_open_count=1)], policy(play(), quiet_with_open_ticket=False))
    assert world.done() == {"c_1": "mail"}


def test_margins_that_differ_in_a_last_bit_are_equal(world: World) -> None:
    world.decide([candidate()], policy(play("alpha", margin="1.0"), play("beta", margin="1.0000000001")))
    assert world.done() == {"c_1": "alpha"}


def test_a_channels_cap_counts_every_message_on_it_whoever_asked_for_it(world: World) -> None:
    world.log = [contact(2, play="newsletter"), contact(6.9, play=None)]
    caps = (Cap(2, 7, "email"),)
    world.decide([candidate()], policy(play(), play("app", channel="push", margin="0.1"), caps=caps))
    assert world.rules() == {("c_1", "mail"): "channel_cap"}
    assert world.done() == {"c_1": "app"}


def test_the_total_cap_counts_all_channels(world: World) -> None:
    world.log = [contact(2, channel="sms", play=None), contact(3, channel="post", play=None)]
    world.decide([candidate()], policy(play(), caps=(Cap(2, 7),)))
    assert world.rules() == {("c_1", "mail"): "total_cap"}
    world.decide([candidate()], policy(play(), caps=(Cap(3, 7),)))
    assert world.done() == {"c_1": "mail"}


def test_a_published_decision_occupies_until_the_log_speaks(world: World) -> None:
    world.ledger = [entry(3)]
    world.decide([candidate()], policy(play(cooldown_days=7)))
    assert world.rules() == {("c_1", "mail"): "cooldown"}


def test_it_occupies_from_the_latest_instant_at_which_it_may_have_been_sent(world: World) -> None:
    world.ledger = [entry(7.5)]  # to be sent until six and a half days ago
    world.decide([candidate()], policy(play(cooldown_days=7)))
    assert world.rules() == {("c_1", "mail"): "cooldown"}
    world.log = [contact(7.4, action_id="a_c_1_7.5")]
    world.decide([candidate()], policy(play(cooldown_days=7)))
    assert world.done() == {"c_1": "mail"}


def test_the_ledger_says_of_which_play_a_logged_action_is(world: World) -> None:
    world.ledger, world.log = [entry(3)], [contact(3, play="newsletter", action_id="a_c_1_3")]
    world.decide([candidate()], policy(play(cooldown_days=7)))
    assert world.rules() == {("c_1", "mail"): "cooldown"}


def test_a_decision_that_two_runs_entered_is_one_contact(world: World) -> None:
    world.ledger = [entry(3), entry(3)]
    world.decide([candidate()], policy(play("other"), caps=(Cap(2, 7),)))
    assert world.done() == {"c_1": "other"}


def test_a_log_that_went_on_without_it_disproves_it(world: World) -> None:
    world.ledger = [entry(6), entry(4, "c_2")]
    went_on = contact(1.9, "c_2", action_id="a_c_2_4")
    world.log = [went_on]
    world.decide([candidate()], policy(play(cooldown_days=7), send_log_days=3))
    assert world.done() == {"c_1": "mail"}


@pytest.mark.parametrize(
    "speaks",
    [{"action_id": None}, {"channel": "push", "action_id": "a_x"}, {"action_id": "a_x", "days_ago": 2.1}],
    ids=["never names our actions", "of another channel", "not far enough yet"],
)
def test_a_log_that_cannot_know_disproves_nothing(world: World, speaks: dict[str, Any]) -> None:
    world.ledger = [entry(6)]
    world.log = [contact(speaks.pop("days_ago", 1.9), "c_2", **speaks)]
    world.decide([candidate()], policy(play(cooldown_days=7), send_log_days=3))
    assert world.rules() == {("c_1", "mail"): "cooldown"}


def test_the_history_of_a_merged_person_is_that_of_both(world: World) -> None:
    world.ledger, world.redirects = [entry(3, "c_0")], {"c_0": "c_1"}
    world.decide([candidate()], policy(play(cooldown_days=7)))
    assert world.rules() == {("c_1", "mail"): "cooldown"}


def test_who_is_withheld_rests_like_who_is_contacted_but_no_cap_counts_it(world: World) -> None:
    world.ledger = [entry(3, arm="control")]
    other = play("other", margin="0.5")
    world.decide([candidate()], policy(play(cooldown_days=7), other, caps=(Cap(1, 7),)))
    assert world.rules() == {("c_1", "mail"): "cooldown"}
    assert world.done() == {"c_1": "other"}


def test_an_action_says_when_it_may_be_sent_and_keeps_its_id(world: World) -> None:
    timed = play(send_after_hours=9, expires_hours=48)
    world.decide([candidate()], policy(timed))
    (first,) = world.rows("decisions")
    assert first["send_after"] == AS_OF + timedelta(hours=9)
    assert first["expires"] == AS_OF + timedelta(hours=57)
    world.decide([candidate(), candidate("c_2")], policy(timed, play("other", margin="0.1")))
    assert first["action_id"] in [row["action_id"] for row in world.rows("decisions")]


@pytest.mark.parametrize("block_rows", [1, 2, 65_536])
def test_blocks_decide_nothing(tmp_path: Path, block_rows: int) -> None:
    people = [candidate(f"c_{n:03}", may_email=n % 3 > 0) for n in range(40)]
    log = [contact(n % 9, f"c_{n:03}") for n in range(40)]
    worlds = [World(tmp_path / name, log=log, block_rows=rows) for name, rows in (("a", block_rows), ("b", 7))]
    for world, order in zip(worlds, (people, people[::-1]), strict=True):
        world.decide(order, policy(play(), play("app", channel="push", control_share=0.3), global_holdout=0.2))
    for table in ("decisions", "rejections", "assignments"):
        assert worlds[0].rows(table) == worlds[1].rows(table)


def test_a_shop_without_plays_writes_typed_empty_files(world: World) -> None:
    summary = world.decide([candidate()], policy())
    assert summary.candidates == 0
    assert all(world.rows(table) == [] for table in ("decisions", "rejections", "new_assignments", "assignments"))
