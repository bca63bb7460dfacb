"""What a run sees: the input manifest, pinned once and named by its content.

The same inputs give the same content bytes, whatever the day, time zone, thread count or file order (design 3,
Replay). So everything that may change a result stands in ``Inputs``, and nothing else may be read.

Belongs here: what the inputs are, their fingerprint, where they are kept. Does not belong here: how any of them
is made.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from datetime import date, datetime, time, timedelta
from functools import cached_property
from pathlib import Path
from typing import Any

from orchestration.files import write_text_atomically
from orchestration.landing import batches
from orchestration.publishing.generation import Records
from orchestration.publishing.suppression import Privacy
from orchestration.settings import PROJECT_ROOT
from orchestration.shop import Shop
from orchestration.state import State, StateError

RECOMMENDER_LESSONS = 3
"""Windows that the recommender learns from, before the one that it is judged by."""
CODE = (
    "orchestration/**/*.py",
    "ml/**/*.py",
    *(f"dbt_project/{pattern}" for pattern in ("*.yml", "models/**/*.sql", "models/**/*.yml", "macros/**/*.sql")),
    "requirements.lock",
)
"""What decides results. Not ``dbt_project/target``: what dbt compiles there differs from run to run."""


@dataclass(frozen=True)
class Inputs:
    """Everything that may change what a run publishes."""

    as_of_date: str
    """The daily as-of, ISO date."""
    training_dates: tuple[str, ...]
    """As-ofs whose snapshots train; empty where the run only scores."""
    batches: Mapping[str, tuple[str, ...]]
    """Touchpoint: ids of its raw batches."""
    ledger: tuple[str, ...]
    """Files of the identity ledger written before these batches were resolved."""
    champions: Mapping[str, str]
    """Model: version that serves when the run begins; a model that has none yet is absent."""
    suppressions: str
    """Hash of the suppression state."""
    shop: str
    """Hash of the shop's folder."""
    code: str
    """Hash of code and lock file."""
    action_ledger: tuple[str, ...] = ()
    """Entries of the action ledgers that count, by their inputs: of generations that readers have seen, of earlier
    days and of this one."""

    @cached_property
    def inputs_id(self) -> str:
        """The fingerprint: 16 hex digits."""
        return digest(asdict(self))

    @cached_property
    def identity_id(self) -> str:
        """Fingerprint of what identity depends on: spans hold every instant, so the as-of is no part of it."""
        return digest({"batches": self.batches, "ledger": self.ledger, "shop": self.shop, "code": self.code})

    def as_of(self, shop: Shop) -> datetime:
        """The instant at which the as-of day begins in the shop's time zone."""
        return as_of_instant(shop, date.fromisoformat(self.as_of_date))


def as_of_instant(shop: Shop, day: date) -> datetime:
    """The first instant of a day in the shop's time zone."""
    return datetime.combine(day, time(), shop.zone)


def pin(
    state: State, shop: Shop, as_of_date: date, *, training_dates: tuple[date, ...], champions: Mapping[str, str]
) -> Inputs:
    """Fix the inputs of a run from what has landed by now, and keep them under ``ledger/inputs``.

    A run for the same as-of that was killed left its inputs; where only the model differs, they are taken up again.
    """
    found = fresh(state, shop, as_of_date, training_dates=training_dates, champions=champions)
    left = unfinished(state, found.as_of_date)
    inputs = left if left and _same_but_for_model(left, found) else found
    folder = state.ledger / "inputs"
    write_text_atomically(folder / f"{inputs.inputs_id}.json", json.dumps(asdict(inputs), indent=1))
    write_text_atomically(folder / f"as_of={inputs.as_of_date}", inputs.inputs_id)
    return inputs


def fresh(
    state: State, shop: Shop, as_of_date: date, *, training_dates: tuple[date, ...], champions: Mapping[str, str]
) -> Inputs:
    """What has landed by now as the inputs of a run, kept nowhere."""
    by_touchpoint = {
        touchpoint: tuple(sorted(manifest.batch_id for manifest in manifests))
        for touchpoint, manifests in sorted(batches(state).items())
        if manifests
    }
    own_ledger = ledger_name(by_touchpoint)
    found = Inputs(
        as_of_date=as_of_date.isoformat(),
        training_dates=tuple(sorted(day.isoformat() for day in training_dates)),
        batches=by_touchpoint,
        ledger=tuple(sorted(p.name for p in ledger_folder(state).glob("*.parquet") if p.name != own_ledger)),
        champions=dict(sorted(champions.items())),
        suppressions=suppressions_hash(state),
        shop=shop_hash(shop),
        code=code_hash(),
    )
    seen = published_entries(state, as_of_date)
    return replace(found, action_ledger=tuple(entry for entry in seen if not _is_twin(state, entry, found)))


def unfinished(state: State, as_of_date: str) -> Inputs | None:
    """The inputs of a run for this as-of that did not come to its end; the same run again takes them up."""
    pointer = state.ledger / "inputs" / f"as_of={as_of_date}"
    if not pointer.exists() or (pointer.parent / f"{pointer.read_text()}.done").exists():
        return None
    return pinned(state, as_of_date)


def finish(state: State, inputs: Inputs) -> None:
    """Note that a run with these inputs came to its end."""
    write_text_atomically(state.ledger / "inputs" / f"{inputs.inputs_id}.done", "")


def _is_twin(state: State, inputs_id: str, fresh: Inputs) -> bool:
    """Whether the same was pinned before and published: it then is what is made again, and no past of its own."""
    if not (state.ledger / "inputs" / f"{inputs_id}.json").exists():
        return False
    return replace(kept(state, inputs_id), action_ledger=()) == replace(fresh, action_ledger=())


def _same_but_for_model(left: Inputs, fresh: Inputs) -> bool:
    """A killed run may have trained already; that it did must not change what the same run again does."""
    blank: dict[str, Any] = {"champions": {}, "training_dates": (), "action_ledger": ()}
    return replace(left, **blank) == replace(fresh, **blank)


def pinned(state: State, as_of_date: str) -> Inputs:
    """The inputs pinned last for an as-of.

    Raises
    ------
    StateError
        None were pinned: the run did not come through landing.
    """
    pointer = state.ledger / "inputs" / f"as_of={as_of_date}"
    if not pointer.exists():
        raise StateError(f"no inputs are pinned for {as_of_date}: materialize ledger/input_manifest for it first")
    return kept(state, pointer.read_text())


def pinned_as_ofs(state: State) -> dict[date, str]:
    """Every as-of that was ever run, ascending, with the id of the inputs pinned last for it."""
    pointers = (state.ledger / "inputs").glob("as_of=*")
    return {date.fromisoformat(path.name.removeprefix("as_of=")): path.read_text() for path in sorted(pointers)}


def kept(state: State, inputs_id: str) -> Inputs:
    """Inputs that were pinned at any time, by their id."""
    content = json.loads((state.ledger / "inputs" / f"{inputs_id}.json").read_text())
    content["batches"] = {touchpoint: tuple(ids) for touchpoint, ids in content["batches"].items()}
    for name in ("training_dates", "ledger", "action_ledger"):
        content[name] = tuple(content.get(name, ()))
    return Inputs(**content)


def published_entries(state: State, day: date) -> tuple[str, ...]:
    """Inputs of the generations of this day and before that readers have seen, and that decided anything; sorted.

    What was only written, as by a backfill, nobody can have acted on. What was published of the same day, by an earlier
    run with other inputs or by a triggered one, readers may have acted on, whatever its instant.
    """
    return tuple(
        sorted(
            record.inputs_id
            for record in Records(state.published).all().values()
            if record.published_at is not None
            and date.fromisoformat(record.as_of_date) <= day
            and action_ledger_file(state, "decisions", record.inputs_id).exists()
        )
    )


def action_ledger_file(state: State, ledger: str, inputs_id: str) -> Path:
    """One set of inputs' entries in ``decisions`` or ``holdouts``."""
    return state.ledger / ledger / f"{inputs_id}.parquet"


def ledger_folder(state: State) -> Path:
    """Where the identity ledger's files are, one for each set of batches that minted ids."""
    return state.identity / "customer_ledger"


def ledger_name(by_touchpoint: Mapping[str, tuple[str, ...]]) -> str:
    """Ledger file of a set of batches: resolving the same batches again writes the same file, not a further one."""
    return f"{digest(by_touchpoint)}.parquet"


def dbt_files(state: State, shop: Shop, inputs: Inputs) -> Path:
    """Write the list of files behind every dbt source of this run; return its path."""
    files: dict[str, list[str]] = {
        f"raw.{touchpoint}": [str(state.raw / touchpoint / batch_id / "rows.parquet") for batch_id in ids]
        for touchpoint, ids in inputs.batches.items()
    }
    produced = {
        "identity.person_spans": [person_spans(state, inputs)],
        "identity.customer_ledger": [
            ledger_folder(state) / name for name in (*inputs.ledger, ledger_name(inputs.batches))
        ],
        "ml.churn_scores": [state.scores / inputs.inputs_id / "churn_scores.parquet"],
        "ml.recommendations": [state.scores / inputs.inputs_id / "recommendations.parquet"],
        "ml.item_neighbours": [state.scores / inputs.inputs_id / "item_neighbours.parquet"],
        "ml.value_scores": [state.scores / inputs.inputs_id / "value_scores.parquet"],
        "ml.standing_actions": [state.scores / inputs.inputs_id / "actions" / "standing.parquet"],
        "ml.action_rejections": [state.scores / inputs.inputs_id / "actions" / "rejections.parquet"],
        "ml.holdout_assignments": [state.scores / inputs.inputs_id / "actions" / "assignments.parquet"],
        "shop.exchange_rates": [shop.folder / "rates.csv"],
    }
    for source, paths in produced.items():
        files[source] = [str(path) for path in paths if path.exists()]
    path = state.ledger / "inputs" / f"{inputs.inputs_id}.files.json"
    write_text_atomically(path, json.dumps({"files": files}, indent=1))
    return path


def dbt_vars(state: State, shop: Shop, inputs: Inputs) -> dict[str, Any]:
    """The run's inputs as dbt variables; a pure function of them but for the file list it points to."""
    churn = shop.churn
    return {
        "input_manifest": str(dbt_files(state, shop, inputs)),
        "as_ofs": [*inputs.training_dates, inputs.as_of_date],
        "time_zone": shop.time_zone,
        "knowledge_lag_hours": shop.knowledge_lag_hours,
        "currency": shop.currency,
        "churn_mode": churn.mode,
        "churn_activity": churn.activity,
        "active_days": churn.active_days,
        "horizon_days": churn.horizon_days,
        "label_delay_days": churn.label_delay_days,
        "has_orders": "orders" in shop.touchpoints,
        "recommender_dates": [day.isoformat() for day in recommender_dates(shop, inputs)],
        "recommender_horizon_days": shop.recommendations.horizon_days,
        "assumed_purposes": sorted(name for name, consent in shop.consent.items() if consent.basis == "assume"),
    }


def recommender_dates(shop: Shop, inputs: Inputs) -> tuple[date, ...]:
    """Where the run trains, the as-ofs that the recommender learns from and, last, the one that it is judged at: a
    horizon apart, the last one a horizon before the scored one, so that what followed each is known."""
    as_of, horizon = date.fromisoformat(inputs.as_of_date), timedelta(shop.recommendations.horizon_days)
    if not inputs.training_dates:
        return ()
    return tuple(as_of - back * horizon for back in range(RECOMMENDER_LESSONS + 1, 0, -1))


def known_before(shop: Shop, inputs: Inputs) -> datetime:
    """Up to when the run may have learned of things."""
    return inputs.as_of(shop) + timedelta(hours=shop.knowledge_lag_hours)


def person_spans(state: State, inputs: Inputs) -> Path:
    """Which person an identifier belonged to, over what was known when, for the batches of these inputs."""
    return state.identity / "person_spans" / f"{inputs.identity_id}.parquet"


def suppressions_hash(state: State) -> str:
    """Of who is suppressed and what was withdrawn by now."""
    Privacy(state.privacy).prepare()  # no list and an empty list are the same state
    return _hash_files(state.root, ("privacy/*.parquet",))


def shop_hash(shop: Shop) -> str:
    """Of the shop's folder."""
    return _hash_files(shop.folder, ("*.yml", "*.sql", "*.csv"))


def code_hash() -> str:
    """Of code and lock file."""
    return _hash_files(PROJECT_ROOT, CODE)


def digest(content: Any) -> str:
    """First 16 hex digits of the SHA-256 of the content as canonical JSON."""
    return hashlib.sha256(json.dumps(content, sort_keys=True, default=list).encode()).hexdigest()[:16]


def _hash_files(root: Path, patterns: tuple[str, ...]) -> str:
    paths = sorted(path for pattern in patterns for path in root.glob(pattern) if path.is_file())
    return digest([[str(p.relative_to(root)), hashlib.sha256(p.read_bytes()).hexdigest()] for p in paths])
