"""Triggered runs: new events set live plays off at once, on the scores that are published.

Belongs here: which batches set it off, what is pinned, the ledger, the generation that differs only in its actions.
Does not belong here: who is touched and how a candidate looks live (``live``), deciding (``ml.actions``).

A triggered run takes the instant of its batch as its as-of and the published generation as its base. Nothing is
rebuilt: profiles, scores and audiences are the base's, byte by byte, and the next daily run sees everything anew.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from pathlib import Path

from ml.actions.run import Summary
from orchestration import live
from orchestration.actions import decide_into, enter
from orchestration.activation import contract, generation_meta, publisher
from orchestration.files import write_text_atomically
from orchestration.fingerprints import code_hash, digest, shop_hash, suppressions_hash
from orchestration.inputs import Inputs, kept, published_entries
from orchestration.landing import batches
from orchestration.plays import load_policy
from orchestration.publishing.audit import is_passed
from orchestration.publishing.errors import PublishError
from orchestration.publishing.generation import Generation
from orchestration.state import State
from orchestration.workspace import Workspace

TOUCHPOINTS = ("events", "orders", "messages", "support_tickets")
"""What a live decision looks at; only new events set one off."""


@dataclass(frozen=True)
class Trigger:
    """Everything that may change what a triggered run publishes."""

    base_inputs_id: str
    """The daily run whose scores, candidates and persons serve."""
    base_generation: str
    """The generation whose tables stand in for all but the actions."""
    as_of: str
    """Instant of the newest batch, naive UTC in ISO form."""
    batches: Mapping[str, tuple[str, ...]]
    """Touchpoint: batches that the base has not seen."""
    fresh: tuple[str, ...]
    """Batches of events that set this run off, and no earlier one."""
    action_ledger: tuple[str, ...]
    suppressions: str
    shop: str
    code: str

    @property
    def inputs_id(self) -> str:
        """The fingerprint, as of a daily run's inputs."""
        return digest(asdict(self))

    @property
    def instant(self) -> datetime:
        return datetime.fromisoformat(self.as_of)


def follow_events(workspace: Workspace, run_id: str) -> dict[str, str | int]:
    """Decide and publish live plays for those whom new events touch; returns what a person wants to see.

    Raises
    ------
    PublishError
        The audit stopped the generation; readers keep what they have.
    SinkUnavailableError
        The files show the actions, Postgres does not yet.
    """
    state, policy = workspace.state, load_policy(workspace.shop.folder, "live")
    current = publisher(workspace).files.current()
    if current is None or not policy.deciding:
        return {"outcome": "nothing is published yet" if current is None else "the shop has no live plays"}
    if current.manifest.columns != contract().shape:
        return {"outcome": "the tables have grown since the last daily run; live plays wait for the next one"}
    trigger = _pin(workspace, current)
    if not trigger.fresh:
        return {"outcome": "no new events"}
    base, out = kept(state, trigger.base_inputs_id), state.scores / trigger.inputs_id / "actions"
    since = trigger.instant - timedelta(hours=policy.live_hours)
    candidates = live.candidates(workspace, base, trigger.batches, trigger.fresh, since, trigger.instant, out)
    if not candidates:
        _finish(state, trigger)
        return {"outcome": "nobody whom we know was touched"}
    known = live.known(workspace, base, trigger.batches, trigger.action_ledger, trigger.instant)
    source = f"read_parquet('{out}/candidates.parquet')"
    summary = decide_into(workspace, source, known, policy, trigger.instant, out)
    enter(state, out, trigger.inputs_id)
    tables = live.action_tables(workspace, trigger.inputs_id, current, known.log, trigger.instant)
    generation = _publish(workspace, trigger, base, current, tables, run_id)
    _finish(state, trigger)
    return {"touched": candidates, **_counted(summary), "generation": generation.generation_id}


def base_inputs(state: State, generation: Generation) -> Inputs:
    """The inputs of the daily run behind a generation, which may itself come from a triggered run."""
    return kept(state, _base_of(state, generation.manifest.inputs_id))


def _pin(workspace: Workspace, current: Generation) -> Trigger:
    state = workspace.state
    base_id = _base_of(state, current.manifest.inputs_id)
    base = kept(state, base_id)
    unseen = {
        touchpoint: [batch for batch in several if batch.batch_id not in base.batches.get(touchpoint, ())]
        for touchpoint, several in batches(state).items()
        if touchpoint in TOUCHPOINTS
    }
    done = _batches_done(state, base_id)
    fresh = [batch for batch in unseen.get("events", []) if batch.batch_id not in done]
    # A clock that stands still, as in a replay, must not put two runs at one instant: the second reads what the
    # first decided.
    landed = max((datetime.fromisoformat(batch.landed_at) for batch in fresh), default=current.manifest.as_of_instant)
    as_of = max(landed, current.manifest.as_of_instant + timedelta(microseconds=1))
    trigger = Trigger(
        base_inputs_id=base_id,
        base_generation=current.generation_id,
        as_of=as_of.isoformat(),
        batches={name: tuple(sorted(one.batch_id for one in several)) for name, several in sorted(unseen.items())},
        fresh=tuple(sorted(batch.batch_id for batch in fresh)),
        action_ledger=published_entries(state, current.manifest.order),
        suppressions=suppressions_hash(state),
        shop=shop_hash(workspace.shop),
        code=code_hash(),
    )
    if trigger.fresh:
        write_text_atomically(_file(state, trigger.inputs_id), json.dumps(asdict(trigger), indent=1))
    return trigger


def _publish(
    workspace: Workspace, trigger: Trigger, base: Inputs, current: Generation, tables: Mapping[str, Path], run_id: str
) -> Generation:
    """Write, audit and point both sinks to a generation in which the actions are other ones."""
    target = publisher(workspace)
    meta = generation_meta(workspace, base, run_id)
    meta = live.retimed(meta, trigger.inputs_id, trigger.instant, current.manifest.weighed_at)
    generation = target.write(tables, meta, current)
    judged = {name for table in tables for name in (table, f"{table}_changes")}
    findings = target.audit(generation, live.grants(workspace, base), judged)
    if not is_passed(findings):
        failed = ", ".join(f"{one.table}.{one.check}" for one in findings if not one.passed)
        raise PublishError(f"{generation.generation_id} failed its audit ({failed}); readers keep what they have")
    target.publish_files(generation.generation_id)
    target.publish_postgres()
    return generation


def _counted(summary: Summary) -> dict[str, int]:
    treated = sum(count for (_, arm), count in summary.decided.items() if arm == "treatment")
    withheld = sum(summary.decided.values()) - treated
    return {
        "actions": treated, "withheld": withheld, "rejected": sum(summary.rejected.values()),
        "earlier actions that stand": summary.carried, "withdrawn": summary.withdrawn,
    }  # fmt: skip


def _base_of(state: State, inputs_id: str) -> str:
    path = _file(state, inputs_id)
    return str(json.loads(path.read_text())["base_inputs_id"]) if path.exists() else inputs_id


def _batches_done(state: State, base_id: str) -> set[str]:
    """Batches of events that triggered runs over this base came to an end with."""
    done: set[str] = set()
    for marker in (state.ledger / "triggers").glob("*.done"):
        content = json.loads(marker.with_suffix(".json").read_text())
        done |= set(content["fresh"]) if content["base_inputs_id"] == base_id else set()
    return done


def _finish(state: State, trigger: Trigger) -> None:
    write_text_atomically(_file(state, trigger.inputs_id).with_suffix(".done"), "")


def _file(state: State, inputs_id: str) -> Path:
    return state.ledger / "triggers" / f"{inputs_id}.json"
