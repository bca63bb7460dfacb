"""What a run sees: the input manifest, pinned once and named by its content.

The same inputs give the same content bytes, whatever the day, time zone, thread count or file order (design 3,
Replay). So everything that may change a result stands in ``Inputs``, and nothing else may be read.

Belongs here: what the inputs are, their fingerprint, where they are kept. Does not belong here: how any of them
is made.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from datetime import UTC, date, datetime, time, timedelta
from functools import cached_property
from pathlib import Path
from typing import Any

from orchestration.files import write_text_atomically
from orchestration.fingerprints import code_hash, digest, shop_hash, suppressions_hash
from orchestration.landing import batches
from orchestration.publishing.records import Records
from orchestration.shop import Shop
from orchestration.state import State, StateError

RECOMMENDER_LESSONS = 3
"""Windows that the recommender learns from, before the one that it is judged by."""


@dataclass(frozen=True)
class Inputs:
    """Everything that may change what a run publishes."""

    as_of_date: str
    """The daily as-of, ISO date."""
    training_dates: tuple[str, ...]
    """As-ofs whose snapshots train churn and value; empty where the run only scores, or none has an outcome yet."""
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
    trains: bool = False
    """Whether models are trained; so the recommender, which needs no snapshot, learns in a young shop as well."""

    @cached_property
    def inputs_id(self) -> str:
        """The fingerprint: 16 hex digits. What follows from the rest is no part of it."""
        content = asdict(self)
        if self.trains == bool(self.training_dates):
            del content["trains"]
        return digest(content)

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


def known_before(shop: Shop, day: date) -> datetime:
    """Up to when the as-of of a day may have learned of things, UTC.

    The lag is time that passes, as it is in SQL; added to a local time it would be an hour off where clocks change.
    """
    return as_of_instant(shop, day).astimezone(UTC) + timedelta(hours=shop.knowledge_lag_hours)


def newest_as_of(shop: Shop, instant: datetime) -> date:
    """The newest day whose as-of can learn of nothing more: ``known_before`` it has passed."""
    return (instant.astimezone(UTC) - timedelta(hours=shop.knowledge_lag_hours)).astimezone(shop.zone).date()


def pin(
    state: State,
    shop: Shop,
    as_of_date: date,
    *,
    training_dates: tuple[date, ...],
    champions: Mapping[str, str],
    trains: bool = False,
) -> Inputs:
    """Fix the inputs of a run from what has landed by now, and keep them under ``ledger/inputs``.

    A run for the same as-of that was killed left its inputs; where only the model differs, they are taken up again.

    Parameters
    ----------
    trains
        Whether the run trains though there are no ``training_dates``; with some it does.
    """
    found = fresh(state, shop, as_of_date, training_dates=training_dates, champions=champions, trains=trains)
    left = unfinished(state, found.as_of_date)
    inputs = left if left and _same_but_for_model(left, found) else found
    folder = state.ledger / "inputs"
    write_text_atomically(folder / f"{inputs.inputs_id}.json", json.dumps(asdict(inputs), indent=1))
    write_text_atomically(folder / f"as_of={inputs.as_of_date}", inputs.inputs_id)
    return inputs


def fresh(
    state: State,
    shop: Shop,
    as_of_date: date,
    *,
    training_dates: tuple[date, ...],
    champions: Mapping[str, str],
    trains: bool = False,
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
        trains=trains or bool(training_dates),
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
    blank: dict[str, Any] = {"champions": {}, "training_dates": (), "trains": False, "action_ledger": ()}
    return replace(left, **blank) == replace(fresh, **blank)


def pinned(state: State, as_of_date: str) -> Inputs:
    """The inputs pinned last for an as-of.

    Raises
    ------
    StateError
        None were pinned: nothing was run for that as-of.
    """
    pointer = state.ledger / "inputs" / f"as_of={as_of_date}"
    if not pointer.exists():
        step = f"`regulars run --as-of {as_of_date}`, or ledger/input_manifest in Dagster"
        runs = ", ".join(map(str, pinned_as_ofs(state))) or "none"
        raise StateError(f"nothing was run for {as_of_date} yet: {step}; there are runs for: {runs}")
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
    content.setdefault("trains", bool(content["training_dates"]))
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


def recommender_dates(shop: Shop, inputs: Inputs) -> tuple[date, ...]:
    """Where the run trains, the as-ofs that the recommender learns from and, last, the one that it is judged at: a
    horizon apart, the last one a horizon before the scored one, so that what followed each is known."""
    as_of, horizon = date.fromisoformat(inputs.as_of_date), timedelta(shop.recommendations.horizon_days)
    if not inputs.trains:
        return ()
    return tuple(as_of - back * horizon for back in range(RECOMMENDER_LESSONS + 1, 0, -1))


def person_spans(state: State, inputs: Inputs) -> Path:
    """Which person an identifier belonged to, over what was known when, for the batches of these inputs."""
    return state.identity / "person_spans" / f"{inputs.identity_id}.parquet"


def shared_identifiers(state: State, as_of_date: str) -> Path:
    """Whom an address or a number means at an as-of that several people share: each of them."""
    return state.identity / "shared_identifiers" / f"as_of={as_of_date}.parquet"


def newest_shared_identifiers(state: State) -> Path | None:
    """The same at the newest as-of that kept it; None before there is one."""
    return max((state.identity / "shared_identifiers").glob("as_of=*.parquet"), default=None)


def redirects(state: State, inputs: Inputs) -> Path:
    """Which customer id led to which other one, over what was known when, for the batches of these inputs."""
    return state.identity / "redirects" / f"{inputs.identity_id}.parquet"
