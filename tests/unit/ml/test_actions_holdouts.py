"""Who is held out, and that they stay so."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from actions_world import KEY, World, assigned, candidate, play, policy

from ml.actions.holdouts import draw


@pytest.fixture
def world(tmp_path: Path) -> World:
    return World(tmp_path)


def people(count: int) -> list[dict[str, object]]:
    return [candidate(f"c_{n:05}") for n in range(count)]


def test_the_draw_is_even_and_another_for_each_key_and_experiment() -> None:
    units = [f"c_{n}" for n in range(20_000)]
    first, other = draw(KEY, "global", units), draw(KEY, "play:mail", units)
    assert abs((first < 0.05).mean() - 0.05) < 4 * np.sqrt(0.05 * 0.95 / 20_000)
    assert abs(np.corrcoef(first, other)[0, 1]) < 0.03
    assert not np.array_equal(first, draw(bytes(32), "global", units))


def test_nobody_held_out_is_contacted_and_what_was_meant_is_known(world: World) -> None:
    world.decide(people(400), policy(play(), global_holdout=0.25))
    held_out = {row["customer_id"] for row in world.rows("assignments") if row["arm"] == "holdout"}
    assert 60 < len(held_out) < 140
    assert not held_out & set(world.done())
    assert {row["customer_id"] for row in world.rows("decisions") if row["arm"] == "holdout"} == held_out
    assert {customer for (customer, _), rule in world.rules().items() if rule == "holdout"} == held_out
    assert {row["propensity"] for row in world.rows("decisions") if row["arm"] == "holdout"} == {0.25}


def test_who_is_held_out_of_everything_is_drawn_for_no_play(world: World) -> None:
    world.decide(people(400), policy(play(control_share=0.5), global_holdout=0.25))
    arms = {(row["customer_id"], row["experiment"]): row["arm"] for row in world.rows("assignments")}
    for customer in (customer for (customer, experiment), arm in arms.items() if arm == "holdout"):
        assert (customer, "play:mail") not in arms
    treated = [row["propensity"] for row in world.rows("decisions") if row["arm"] != "holdout"]
    assert set(treated) == {0.375}


def test_a_plays_control_group_is_left_out_of_this_play(world: World) -> None:
    world.decide(people(400), policy(play(control_share=0.5)))
    arms = [row["arm"] for row in world.rows("decisions")]
    assert 150 < arms.count("control") < 250
    assert set(arms) == {"control", "treatment"}
    assert {row["propensity"] for row in world.rows("decisions")} == {0.5}
    controls = {row["customer_id"] for row in world.rows("decisions") if row["arm"] == "control"}
    assert world.rules() == {(customer, "mail"): "control" for customer in controls}


def test_an_assignment_survives_another_share(world: World) -> None:
    world.decide(people(400), policy(play(), global_holdout=0.25))
    before = world.rows("assignments")
    for share in (0.0, 0.01, 0.5):
        for row in before:
            row["assigned_as_of"] = row["assigned_as_of"].replace(year=2024)
        world.assignments = before
        world.decide(people(401), policy(play(), global_holdout=share))
        assert world.rows("assignments")[:400] == before
        assert not {row["customer_id"] for row in before if row["arm"] == "holdout"} & set(world.done())


@pytest.mark.parametrize(
    ("first", "second", "expected"),
    [
        (assigned("c_0", "treatment", 40), assigned("c_1", "holdout", 5), "holdout"),
        (assigned("c_0", "holdout", 40), assigned("c_1", "treatment", 5), "holdout"),
        (assigned("c_0", "treatment", 40, "play:mail"), assigned("c_1", "control", 5, "play:mail"), "treatment"),
        (assigned("c_0", "control", 40, "play:mail"), assigned("c_1", "treatment", 5, "play:mail"), "control"),
        (assigned("c_0", "treatment", 5, "play:mail"), assigned("c_1", "control", 5, "play:mail"), "control"),
    ],
)
def test_a_merged_person_keeps_the_holdout_and_else_the_earliest_arm(
    world: World, first: dict[str, object], second: dict[str, object], expected: str
) -> None:
    world.assignments, world.redirects = [first, second], {"c_0": "c_1"}
    world.decide([candidate()], policy(play(control_share=0.1), global_holdout=0.05))
    (kept,) = [row for row in world.rows("assignments") if row["experiment"] == first["experiment"]]
    assert (kept["customer_id"], kept["arm"]) == ("c_1", expected)
    assert (world.done() == {"c_1": "mail"}) == (expected == "treatment")


def test_a_household_is_held_out_together(world: World) -> None:
    pairs = [candidate(f"c_{n:03}", household_id=f"h_{n // 2}") for n in range(200)]
    world.decide(pairs, policy(play(), global_holdout=0.3))
    arm = {row["customer_id"]: row["arm"] for row in world.rows("assignments")}
    assert all(arm[f"c_{n:03}"] == arm[f"c_{n + 1:03}"] for n in range(0, 200, 2))
    assert len(set(arm.values())) == 2
