"""Sixty days of a shop whose sends are logged late: what was really sent keeps every promise, and replays."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from actions_world import AS_OF, World, candidate, play, policy

from ml.actions.holdouts import draw
from ml.actions.policy import Cap, Policy

DAYS, PEOPLE, LATE_DAYS = 60, 120, 3
COOLDOWNS, HOURS = (5, 9, 3, 14, 10), (24, 72, 12, 48, 120)
COLUMNS = ("e_mail", "e_offer", "e_app", "e_text", "e_call")


def shop_policy() -> Policy:
    """Five plays that compete for the same people under tight caps."""
    of_channel = {"mail": "email", "offer": "email", "app": "push", "text": "sms", "call": "agent_task"}
    plays = [
        play(name, channel=channel, eligible=f"e_{name} > 0.5", margin=f"e_{name}", cost=0.55, cooldown_days=cooldown,
             control_share=0.2, expires_hours=hours, stop_contacts=6, stop_days=60)
        for (name, channel), cooldown, hours in zip(of_channel.items(), COOLDOWNS, HOURS, strict=True)
    ]  # fmt: skip
    caps = (Cap(2, 7, "email"), Cap(2, 5, "push"), Cap(1, 14, "sms"), Cap(3, 7))
    quiet = {"complaint": 20, "bounce": 10, "unsubscribe": 10}
    return policy(*plays, caps=caps, quiet_days=quiet, global_holdout=0.15, send_log_days=LATE_DAYS)


@dataclass
class Sent:
    """One action that was really carried out, as it stood on the day when it was."""

    action: dict[str, Any]
    picked: datetime
    at: datetime
    known_at: datetime


@dataclass
class Shop:
    """What is true, and what has been learned of it so far."""

    folder: Path
    seed: int
    policy: Policy = field(default_factory=shop_policy)
    sent: list[Sent] = field(default_factory=list)
    ledger: list[dict[str, Any]] = field(default_factory=list)
    assignments: list[dict[str, Any]] = field(default_factory=list)
    candidates: dict[datetime, list[dict[str, Any]]] = field(default_factory=dict)

    def live(self) -> Shop:
        """Decide, publish, send and log on each of sixty days."""
        random = np.random.default_rng(self.seed)
        complained: dict[str, int] = {}
        for day in range(DAYS):
            as_of = AS_OF + timedelta(days=day)
            self.candidates[as_of] = [self._person(random, number, day, complained) for number in range(PEOPLE)]
            world = self.decided(as_of)
            if random.random() < 0.1:
                continue  # written but not published: nobody can act on it
            self.ledger += world.rows("decisions")
            self.assignments += world.rows("new_assignments")
            sent = {one.action["action_id"] for one in self.sent}
            for action in world.rows("standing"):
                if action["action_id"] not in sent and random.random() < 0.6:
                    self.sent.append(self._send(random, action, as_of))
        return self

    def decided(self, as_of: datetime) -> World:
        """The decision of a day as it was then, whatever has become known since."""
        log = [
            {"message_id": f"m_{number}", "customer_id": one.action["customer_id"], "play": one.action["play"],
             "action_id": one.action["action_id"], "channel": one.action["channel"], "sent_at": one.at}
            for number, one in enumerate(self.sent) if one.known_at < as_of
        ]  # fmt: skip
        ledger = [row for row in self.ledger if row["decided_as_of"] < as_of]
        assignments = [row for row in self.assignments if row["assigned_as_of"] < as_of]
        world = World(self.folder / f"{as_of:%m%d}", log, ledger, assignments)
        world.decide(self.candidates[as_of], self.policy, as_of)
        return world

    def _person(self, random: np.random.Generator, number: int, day: int, complained: dict[str, int]) -> dict[str, Any]:
        name = f"c_{number:03}"
        if random.random() < 0.005:
            complained[name] = day
        since = day - complained[name] + 1 if name in complained else None
        wants = {flag: bool(random.random() < 0.85) for flag in ("may_email", "may_push", "may_sms", "may_serve")}
        margins = dict(zip(COLUMNS, random.random(len(COLUMNS)).round(3).tolist(), strict=True))
        return candidate(name, days_since_complaint=since, **wants, **margins)

    def _send(self, random: np.random.Generator, action: dict[str, Any], as_of: datetime) -> Sent:
        """On the day on which it is picked out of the published actions, whenever it was decided."""
        start, end = max(action["send_after"], as_of), min(action["expires"], as_of + timedelta(days=1))
        at = start + timedelta(seconds=float(random.random() * max((end - start).total_seconds(), 0)))
        known = at + timedelta(days=float(random.random() * LATE_DAYS))
        # For a week the log does not come at all, and then all at once.
        blackout = AS_OF + timedelta(days=20), AS_OF + timedelta(days=27)
        return Sent(action, as_of, at, blackout[1] if blackout[0] <= known < blackout[1] else known)


@pytest.fixture(scope="module", params=[1, 2])
def shop(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Shop:
    return Shop(tmp_path_factory.mktemp("shop"), request.param).live()


def together(shop: Shop) -> Iterator[tuple[Sent, list[Sent]]]:
    """Each thing sent, with what else was sent to the same person and decided before it."""
    for one in shop.sent:
        action = one.action
        yield one, [
            other for other in shop.sent
            if other.action["customer_id"] == action["customer_id"]
            and other.action["decided_as_of"] < action["decided_as_of"]
        ]  # fmt: skip


def test_enough_happens_for_the_promises_to_mean_something(shop: Shop) -> None:
    assert len(shop.sent) > 500
    assert sum(one.picked > one.action["decided_as_of"] for one in shop.sent) > 50
    assert {one.action["play"] for one in shop.sent} == {"mail", "offer", "app", "text", "call"}
    assert any(one.known_at - one.at > timedelta(days=LATE_DAYS) for one in shop.sent)


def test_no_person_is_above_a_cap_in_any_window(shop: Shop) -> None:
    for cap in shop.policy.caps:
        for one, earlier in together(shop):
            counts = cap.channel in (None, one.action["channel"])
            near = [
                other for other in earlier
                if abs(other.at - one.at) < timedelta(days=cap.days) and cap.channel in (None, other.action["channel"])
            ]  # fmt: skip
            assert not counts or len(near) < cap.contacts, (cap, one, near)


def test_no_play_is_sent_within_its_cooldown(shop: Shop) -> None:
    cooldown = {one.name: timedelta(days=one.cooldown_days) for one in shop.policy.plays}
    for one, earlier in together(shop):
        for other in earlier:
            if other.action["play"] == one.action["play"]:
                assert one.at - other.at >= cooldown[one.action["play"]], (one, other)


def test_nobody_in_a_holdout_or_control_group_is_contacted(shop: Shop) -> None:
    people = [f"c_{number:03}" for number in range(PEOPLE)]
    drawn = dict(zip(people, draw(bytes(range(32)), "global", people) < 0.15, strict=True))
    assert any(drawn.values())
    assert not any(drawn[one.action["customer_id"]] for one in shop.sent)
    for name in ("mail", "offer", "app", "text", "call"):
        control = dict(zip(people, draw(bytes(range(32)), f"play:{name}", people) < 0.2, strict=True))
        assert not any(control[one.action["customer_id"]] for one in shop.sent if one.action["play"] == name)


def test_nobody_is_contacted_without_a_grant_or_soon_after_a_complaint(shop: Shop) -> None:
    flags = {"email": "may_email", "push": "may_push", "sms": "may_sms", "agent_task": "may_serve"}
    for one in shop.sent:
        action = one.action
        person = next(row for row in shop.candidates[one.picked] if row["customer_id"] == action["customer_id"])
        assert person[flags[action["channel"]]]
        since = person["days_since_complaint"]
        assert action["channel"] == "agent_task" or since is None or since > 20


def test_an_action_id_is_never_used_twice(shop: Shop) -> None:
    ids = [row["action_id"] for row in shop.ledger]
    assert len(ids) == len(set(ids))


@pytest.mark.parametrize("day", [0, 13, 24, 41, 59])
def test_a_past_decision_replays_to_the_byte(shop: Shop, day: int) -> None:
    """Although the ledgers and the log have grown since, its own entry among them."""
    as_of = AS_OF + timedelta(days=day)
    folder = shop.folder / f"{as_of:%m%d}"
    before = hashes(folder)
    shop.ledger.reverse()
    shop.decided(as_of)
    assert hashes(folder) == before


def hashes(folder: Path) -> dict[str, str]:
    names = ("decisions", "standing", "rejections", "new_assignments", "assignments")
    return {name: hashlib.sha256((folder / f"{name}.parquet").read_bytes()).hexdigest() for name in names}
