"""``regulars check``: a rehearsed landing, looked at from all sides.

Belongs here: putting the findings together. Does not belong here: judging rows (the landing does), words (``words``).
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from pathlib import Path

import duckdb

from ml.splits import Outcome, snapshot_dates
from orchestration.checking.columns import columns_of, shape, unused_columns
from orchestration.checking.consents import consent_troubles
from orchestration.checking.findings import AsOfs, FileFinding, Findings, RuleFinding
from orchestration.checking.guesses import unconfirmed
from orchestration.checking.keys import key_troubles
from orchestration.checking.rhythm import Rhythm, rhythm, standing, suggestion
from orchestration.landing import Manifest, Rehearsal, batches, load_contract, rehearsal, rows_path, sql
from orchestration.landing.errors import FileRefusedError
from orchestration.landing.remapping import read_otherwise
from orchestration.shop import Shop
from orchestration.state import State
from orchestration.tuned import in_force

Connect = Callable[[], duckdb.DuckDBPyConnection]
SILENT_DAYS = 14
"""For so long a shop that is open may have nothing to tell."""
NOBODYS = "no accepted row of {} says whose it is: map account_id, email, phone or another identifier of the customer"


def examine(shop: Shop, state: State, landing_folder: Path, *, now: datetime, connect: Connect) -> Findings:
    """Rehearse the landing of the shop's files and say what it means.

    Raises
    ------
    LandingError, KeysError
        Nothing to look at, or a mapping that contradicts the contract; the message says what to do.
    """
    with rehearsal(shop, state, landing_folder, now=now, connect=connect) as rehearsed, connect() as connection:
        connection.execute("set TimeZone = 'UTC'")
        report = rehearsed.report
        files = tuple(_files(rehearsed, shop, landing_folder, connection))
        landed = batches(rehearsed.state)
        active = landed.get(shop.churn.activity, [])
        rows = [rows_path(rehearsed.state, batch) for batch in active]
        seen = rhythm(connection, rows, shop) if shop.churn.mode == "inactivity" else None
        possible = _as_ofs(connection, rows, shop, seen, now) if seen else None
        consents = [rows_path(rehearsed.state, batch) for batch in landed.get("consents", [])]
        return Findings(
            shop=shop.name,
            files=files,
            left_alone=report.left_alone or {},
            unmatched=report.unmatched,
            without_file=tuple(name for name in shop.touchpoints if name not in {file.touchpoint for file in files}),
            activity=shop.churn.activity,
            rhythm=seen,
            suggestion=suggestion(seen, shop.churn.label_delay_days) if seen else None,
            as_ofs=possible,
            troubles=(
                *unconfirmed(shop),
                *key_troubles(connection, rehearsed),
                *read_otherwise(shop, rehearsed.state),
                *consent_troubles(connection, consents, shop),
                *_time_troubles(shop, any(batch.accepted for batch in active), seen, possible),
            ),
            notes=(
                *(f"{p} is assumed: {c.because}" for p, c in shop.consent.items() if c.basis == "assume"),
                *in_force(shop.folder),
            ),
        )


def _files(rehearsed: Rehearsal, shop: Shop, folder: Path, connection: duckdb.DuckDBPyConnection) -> list[FileFinding]:
    rules = _rules(rehearsed.state, connection)
    landed = [_landed(batch, rules, shop, folder, connection) for batch in rehearsed.report.landed]
    refused = [
        FileFinding(
            error.touchpoint,
            error.file,
            rules=rules.get((error.touchpoint, error.file), ()),
            unused=_unused(folder / error.file, error.touchpoint, shop, connection),
            error=error.message,
        )
        for error in rehearsed.report.errors
    ]
    known = {batch.file: name for name, several in batches(rehearsed.state).items() for batch in several}
    before = [FileFinding(known.get(name, ""), name, has_landed_before=True) for name in rehearsed.report.unchanged]
    return sorted([*landed, *refused, *before], key=lambda file: (file.touchpoint, file.file))


def _landed(
    batch: Manifest,
    rules: dict[tuple[str, str], tuple[RuleFinding, ...]],
    shop: Shop,
    folder: Path,
    connection: duckdb.DuckDBPyConnection,
) -> FileFinding:
    return FileFinding(
        batch.touchpoint,
        batch.file,
        batch.rows_in,
        batch.accepted,
        batch.quarantined,
        batch.duplicates,
        batch.refused,
        rules.get((batch.touchpoint, batch.file), ()),
        _unused(folder / batch.file, batch.touchpoint, shop, connection),
    )


def _unused(
    path: Path, touchpoint: str, shop: Shop, connection: duckdb.DuckDBPyConnection
) -> tuple[tuple[str, str | None], ...]:
    try:
        names = columns_of(path, shop.touchpoints[touchpoint].encoding, connection)
    except (FileRefusedError, OSError, UnicodeDecodeError, duckdb.Error, ValueError):
        return ()  # the file's own error says more
    return unused_columns(names, load_contract()[touchpoint], shop)


def _rules(state: State, connection: duckdb.DuckDBPyConnection) -> dict[tuple[str, str], tuple[RuleFinding, ...]]:
    """Rules by touchpoint and file, most rows first, from the rehearsal's own quarantine."""
    found: dict[tuple[str, str], tuple[RuleFinding, ...]] = {}
    for path in sorted(state.quarantine.glob("*/*.parquet")):
        counted = connection.execute(f"""
            select file, rule, column_name, count(*), min(line), arg_min(value, (line, value is null, value))
            from read_parquet({sql.file(path)})
            group by file, rule, column_name
            order by count(*) desc, min(line), rule, column_name
        """).fetchall()
        if counted:
            rules = tuple(
                RuleFinding(rule, column, n, line, shape(value) if column else "")
                for _, rule, column, n, line, value in counted
            )
            found[path.parent.name, counted[0][0]] = rules
    return found


def _as_ofs(connection: duckdb.DuckDBPyConnection, rows: list[Path], shop: Shop, seen: Rhythm, now: datetime) -> AsOfs:
    churn, day = shop.churn, timedelta(1)
    today = now.astimezone(shop.zone).date()
    default = shop.closed_on or today
    outcome = Outcome(churn.horizon_days, churn.label_delay_days)
    first = max(shop.first_as_of, seen.first_day + day)
    trainable = max(first, seen.first_day + timedelta(churn.horizon_days + outcome.known_after_days))
    snapshots = snapshot_dates(
        default, outcome, step_days=churn.snapshot_step_days, count=churn.training_snapshots,
        first_date=seen.first_day, last_date=seen.last_day,
    )  # fmt: skip
    evaluable = seen.last_day - timedelta(churn.horizon_days - 1)
    return AsOfs(
        first=first,
        last=today,
        first_trainable=trainable if trainable <= today else None,
        last_evaluable=evaluable if evaluable >= first else None,
        default=default,
        training_snapshots=len(snapshots),
        now=standing(connection, rows, shop, default),
        labelled=standing(connection, rows, shop, snapshots[-1]) if snapshots else None,
    )


def _time_troubles(shop: Shop, has_rows: bool, seen: Rhythm | None, possible: AsOfs | None) -> list[str]:
    if seen is None or possible is None:
        return [NOBODYS.format(shop.churn.activity)] if shop.churn.mode == "inactivity" and has_rows else []
    found = []
    if possible.default < shop.first_as_of:
        found.append(
            f"first_as_of ({shop.first_as_of}) lies after the as-of of a run ({possible.default}); set it earlier"
        )
    if (
        not possible.now.eligible
        and not shop.closed_on
        and (possible.default - seen.last_day).days > shop.churn.active_days
    ):
        found.append(
            f"nobody was active in the {shop.churn.active_days} days before {possible.default}: the data end on "
            f"{seen.last_day}. Say `closed_on: {seen.last_day + timedelta(1)}` in shop.yml, or land newer files"
        )
    elif not shop.closed_on and (silent := (possible.default - seen.last_day).days) > SILENT_DAYS:
        found.append(
            f"the data end on {seen.last_day}, {silent} days before {possible.default}: whoever has been silent since "
            f"looks as if they had left. Land newer files, or say `closed_on: {seen.last_day + timedelta(1)}` in "
            "shop.yml"
        )
    if possible.labelled and not possible.labelled.eligible:
        found.append(
            f"nobody was known at {possible.labelled.as_of_date}, the newest day with a finished outcome: nothing can "
            f"be learned. If the file is an old shop's first load, say `history: true` at {shop.churn.activity}"
        )
    elif not possible.training_snapshots:
        found.append(
            f"the history ({seen.span_days} days before {possible.default}) is too short for a model with a horizon of "
            f"{shop.churn.horizon_days} days: customers are scored by the simple fallback (insufficient_data)"
        )
    return found
