"""A triggered run on a finished shop: one dropped file of events changes what a CRM reads, and nothing else."""

from __future__ import annotations

import gzip
import json
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import duckdb
import psycopg
import pytest
from worlds import Deployment

from orchestration.publishing.files import current_generation
from orchestration.publishing.generation import Generation
from orchestration.publishing.server import postgres_url


def generation(deployment: Deployment) -> Generation:
    current = current_generation(deployment.workspace.state.published)
    assert current is not None
    return current


def rows(deployment: Deployment, select: str) -> list[tuple[Any, ...]]:
    with duckdb.connect(str(generation(deployment).views), read_only=True) as connection:
        return connection.execute(select).fetchall()


def actions_of(deployment: Deployment, play: str) -> list[tuple[Any, ...]]:
    return rows(deployment, f"select action_id from crm.next_best_actions where play = '{play}'")


def reachable(deployment: Deployment, may: str = "may_push and may_profile") -> list[tuple[str, str]]:
    """Account and customer of everybody who may be asked by push on what they do, or of whom else is asked for."""
    state = deployment.workspace.state
    file = max(state.features.glob("*/action_candidates.parquet"), key=lambda path: path.stat().st_mtime)
    identifiers = generation(deployment).file("customer_identifiers")
    return duckdb.execute(
        "select identifier, customer_id from read_parquet(?) as c join read_parquet(?) as i using (customer_id) "
        f"where is_primary and {may} order by 1",
        [str(file), str(identifiers)],
    ).fetchall()


def drop(deployment: Deployment, name: str, accounts: list[str], *, hours_ago: float = 0.1) -> None:
    """A file of filled baskets, as the app would send it."""
    now = datetime.now(UTC)
    lines = [
        {"event_id": f"{name}-{account}", "happened_at": (now - timedelta(hours=hours_ago)).isoformat(),
         "event_type": "add_to_cart", "account_id": account, "device_id": None, "cookie_id": None,
         "session_id": name, "product_id": "P00001", "duration_seconds": None, "channel": "app", "properties": None,
         "exported_at": now.isoformat()}
        for account in accounts
    ]  # fmt: skip
    path = deployment.workspace.landing_folder / f"events_{name}.jsonl"
    path.write_text("".join(json.dumps(line) + "\n" for line in lines))


def drop_messages(deployment: Deployment, accounts: dict[str, list[str]]) -> None:
    """Push messages of an hour ago and what came back half an hour later: the instant of that, and to whom."""
    now = datetime.now(UTC)
    sent, since = (now - timedelta(hours=1)).isoformat(), (now - timedelta(minutes=30)).isoformat()
    instants = ["delivered_at", "opened_at", "clicked_at", "bounced_at", "complained_at", "unsubscribed_at"]
    head = ["message_id", "sent_at", "account_id", "email", "phone", "campaign", "play", "channel", "arm", *instants]
    lines = [",".join([*head, "exported_at"])]
    for what, those in accounts.items():
        told = [since if instant == what else "" for instant in instants]
        lines += [",".join([f"peace-{one}", sent, one, *[""] * 4, "push", "", *told, now.isoformat()]) for one in those]
    path = deployment.workspace.landing_folder / "messages_peace.csv.gz"
    path.write_bytes(gzip.compress(("\n".join(lines) + "\n").encode()))


def drop_tickets(deployment: Deployment, accounts: list[str]) -> None:
    """Tickets that nobody has answered yet, as the shop's ticket system writes them."""
    now = datetime.now(UTC)
    unsaid = dict.fromkeys(("requesterMail", "solvedAt", "touches", "satisfaction", "satisfactionAt", "body"))
    opened = {"openedAt": (now - timedelta(minutes=30)).isoformat(), "exportedAt": now.isoformat(), "topic": "invoice"}
    lines = [{"ticketId": f"peace-{one}", "requesterId": one, **opened, **unsaid} for one in accounts]
    path = deployment.workspace.landing_folder / "support_tickets_peace.jsonl"
    path.write_text("".join(json.dumps(line) + "\n" for line in lines))


@pytest.fixture(scope="module")
def triggered(finished_demo: Deployment) -> dict[str, Any]:
    before = generation(finished_demo)
    # Of those whose only order came back nothing is expected, so that they are not asked.
    worth_it = "may_push and may_profile and coalesce(average_order_value, 10) > 1"
    accounts = [account for account, _ in reachable(finished_demo, worth_it)][:20]
    silent = [account for account, _ in reachable(finished_demo, "not may_profile")][:20]
    assert len(silent) == 20, "of whom nothing may be on record"
    drop(finished_demo, "first", accounts + silent)
    started = time.monotonic()
    done = finished_demo.run("trigger")
    seconds = time.monotonic() - started
    assert done.returncode == 0, done.stdout + done.stderr
    return {"before": before, "accounts": accounts, "seconds": seconds, "after": generation(finished_demo)}


def test_those_touched_have_an_action_or_are_held_out(finished_demo: Deployment, triggered: dict[str, Any]) -> None:
    customer = dict(reachable(finished_demo))
    touched = {customer[account] for account in triggered["accounts"]}
    done = rows(finished_demo, "select customer_id from crm.next_best_actions where play = 'abandoned_basket'")
    not_done = rows(finished_demo, "select customer_id from crm.suppressed_actions where play = 'abandoned_basket'")
    assert {one for (one,) in done} | {one for (one,) in not_done} == touched
    assert len(done) > 5
    held_out = rows(finished_demo, "select customer_id from crm.holdout_assignments where arm = 'holdout'")
    assert not set(done) & set(held_out)


def test_postgres_shows_the_same_actions(finished_demo: Deployment, triggered: dict[str, Any]) -> None:
    assert triggered["after"].generation_id != triggered["before"].generation_id
    select = "select action_id, customer_id, play, expires from crm.next_best_actions order by 1"
    with psycopg.connect(postgres_url(None, finished_demo.workspace.state.postgres)) as connection:
        assert connection.execute(select).fetchall() == rows(finished_demo, select)


def test_only_the_actions_differ(finished_demo: Deployment, triggered: dict[str, Any]) -> None:
    before, after = triggered["before"].manifest, triggered["after"].manifest
    changed = {name for name, digest in after.sha256.items() if before.sha256[name] != digest}
    given = {name for name in changed if not name.endswith("_changes.parquet")}
    assert given <= {"next_best_actions.parquet", "suppressed_actions.parquet"}
    changes = rows(finished_demo, "select op, play from crm.next_best_actions_changes where op = 'upsert'")
    assert set(changes) == {("upsert", "abandoned_basket")}
    assert rows(finished_demo, "select count(*) from crm.customer_scores_changes") == [(0,)]
    assert after.as_of > before.as_of
    assert after.as_of_date == before.as_of_date


def test_the_same_people_again_are_within_their_cooldown_and_old_events_set_nothing_off(
    finished_demo: Deployment, triggered: dict[str, Any]
) -> None:
    actions = rows(finished_demo, "select action_id from crm.next_best_actions order by 1")
    everybody = [account for account, _ in reachable(finished_demo)]
    drop(finished_demo, "second", triggered["accounts"])
    drop(finished_demo, "old", everybody, hours_ago=48)
    done = finished_demo.run("trigger")
    assert done.returncode == 0, done.stdout + done.stderr
    assert rows(finished_demo, "select action_id from crm.next_best_actions order by 1") == actions
    refused = rows(finished_demo, "select rule from crm.suppressed_actions where play = 'abandoned_basket'")
    # Whoever was drawn into a control group by the shop's random key has no action that stands, but a cooldown as well.
    assert {rule for (rule,) in refused} <= {"cooldown"}
    assert len(actions_of(finished_demo, "abandoned_basket")) + len(refused) == len(triggered["accounts"])


def test_who_has_just_unsubscribed_bounced_complained_or_asked_for_help_is_left_in_peace(
    finished_demo: Deployment, triggered: dict[str, Any]
) -> None:
    """By what has landed since the daily run, together with the baskets that would set the play off."""
    accounts = [account for account, _ in reachable(finished_demo) if account not in triggered["accounts"]][:16]
    groups = {"unsubscribed_at": accounts[:4], "bounced_at": accounts[4:8], "complained_at": accounts[8:12]}
    drop_messages(finished_demo, groups)
    drop_tickets(finished_demo, accounts[12:])
    drop(finished_demo, "peace", accounts)
    done = finished_demo.run("trigger")
    assert done.returncode == 0, done.stdout + done.stderr
    customer = dict(reachable(finished_demo))
    asked = {customer[account] for account in accounts}
    decided = rows(finished_demo, "select customer_id from crm.next_best_actions where play = 'abandoned_basket'")
    assert not {one for (one,) in decided} & asked
    select = "select customer_id, rule from crm.suppressed_actions where play = 'abandoned_basket'"
    said = dict(rows(finished_demo, select))
    rules = {what: {said[customer[one]] for one in those} for what, those in groups.items()}
    assert "after_unsubscribe" in rules["unsubscribed_at"]
    assert "after_bounce" in rules["bounced_at"]
    assert "after_complaint" in rules["complained_at"]
    assert "open_ticket" in {said[customer[one]] for one in accounts[12:]}


def test_without_new_events_nothing_is_published(finished_demo: Deployment, triggered: dict[str, Any]) -> None:
    assert triggered["seconds"] > 0
    current = generation(finished_demo).generation_id
    done = finished_demo.run("trigger")
    assert done.returncode == 0, done.stdout + done.stderr
    assert generation(finished_demo).generation_id == current


def test_the_ledger_holds_what_was_decided_on_the_spot(finished_demo: Deployment, triggered: dict[str, Any]) -> None:
    ledger = finished_demo.workspace.state.ledger / "decisions"
    file = next(Path(ledger).glob(f"{triggered['after'].manifest.inputs_id}.parquet"))
    found = duckdb.execute("select distinct trigger, play from read_parquet(?)", [str(file)]).fetchall()
    assert found == [("live", "abandoned_basket")]


@pytest.mark.slow
def test_the_day_once_more_takes_the_place_of_what_was_triggered_and_keeps_its_actions(
    finished_demo: Deployment, triggered: dict[str, Any]
) -> None:
    select = "select action_id from crm.next_best_actions where play = 'abandoned_basket' order by 1"
    actions, before = rows(finished_demo, select), generation(finished_demo)
    assert before.manifest.as_of >= triggered["after"].manifest.as_of
    assert actions
    done = finished_demo.run("run", "--no-train")
    assert done.returncode == 0, done.stdout + done.stderr
    after = generation(finished_demo)
    assert before.manifest.tables_as_of is not None
    assert after.manifest.tables_as_of is None
    assert after.manifest.previous == before.generation_id
    assert rows(finished_demo, select) == actions
    daily = rows(finished_demo, "select count(*) from crm.next_best_actions where play <> 'abandoned_basket'")
    assert daily[0][0] > 10, "those of the day itself, which the first run decided"
