"""One file on its way to a raw batch.

Belongs here: the order of the steps, the counts and their balance, the two renames that make the result visible.
Does not belong here: which files there are (``arrivals``), what each step does.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import duckdb

from orchestration.landing import sql
from orchestration.landing.arrivals import Arrival
from orchestration.landing.checks import Checked, Rule, checked
from orchestration.landing.contract import TouchpointContract
from orchestration.landing.duplicates import batches_to_compare, find_corrected, find_repeated
from orchestration.landing.errors import FileChangedError, FileRefusedError
from orchestration.landing.integrity import Fingerprint
from orchestration.landing.manifest import Manifest, RuleCount
from orchestration.landing.mapping import map_columns, require_same_rows
from orchestration.landing.quarantine import write_quarantine
from orchestration.landing.rates import first_rate_dates
from orchestration.landing.reader import LINE, Landed, read
from orchestration.landing.remapping import mapping_digest
from orchestration.privacy.keys import Keys
from orchestration.privacy.tokens import install_key
from orchestration.shop import Shop
from orchestration.state import State

ROW_GROUP = 122_880  # fixed, so that the bytes do not hang on the engine's default


@dataclass(frozen=True)
class Job:
    """A file and all that decides what becomes of its rows."""

    arrival: Arrival
    seen: Fingerprint
    contract: TouchpointContract
    shop: Shop
    state: State
    keys: Keys
    now: datetime
    times: int = 0
    """How often the same bytes have been a batch before."""

    @property
    def batch_id(self) -> str:
        """First 16 hex digits of sha256 of touchpoint and file hash, and of how often it came if it did before."""
        said = self.contract.name + self.seen.sha256 + (f"/{self.times}" if self.times else "")
        return hashlib.sha256(said.encode()).hexdigest()[:16]

    @property
    def folder(self) -> Path:
        return self.state.raw / self.contract.name / self.batch_id

    @property
    def quarantine(self) -> Path:
        return self.state.quarantine / self.contract.name / f"{self.batch_id}.parquet"


def prepare(connection: duckdb.DuckDBPyConnection, job: Job, earlier: Sequence[Manifest], scratch: Path) -> Manifest:
    """Read, check and count a file; leave ``quarantine.parquet`` (where needed), ``staged`` and ``repeated`` behind.

    Raises
    ------
    FileRefusedError
        The file as a whole cannot be used.
    """
    connection.execute("set TimeZone = 'UTC'; set preserve_insertion_order = true; set enable_progress_bar = false")
    landed = read(connection, job.arrival.path, job.seen, scratch, job.shop.touchpoints[job.contract.name].encoding)
    types = map_columns(connection, job.contract, job.shop, landed)
    rules = _stage(connection, job, types, scratch).rules
    if job.shop.mapping_sql(job.contract.name):
        require_same_rows(connection, landed, "staged")
    if job.arrival.has_changed():
        raise FileChangedError("changed while it was read")
    connection.execute("""
        create or replace temp view sound as
        select * exclude (violated, violated_value, is_refused) from staged where violated = 0 and not is_refused
    """)
    compared = batches_to_compare(connection, job.contract, earlier, job.state)
    # A row of a history was known when it happened; its correction not before that came.
    spec = job.shop.touchpoints[job.contract.name]
    has_no_clock = spec.history and not spec.known_at
    find_corrected(connection, job.contract, compared if has_no_clock else [])
    connection.execute(f"""
        create or replace temp view fresh as
        select * replace (if({LINE} in (from corrected), {sql.instant(job.now)}, known_at) as known_at) from sound
    """)
    find_repeated(connection, job.contract, compared)
    manifest = _counted(connection, job, landed, rules, scratch)
    manifest.require_balance()
    return manifest


def commit(connection: duckdb.DuckDBPyConnection, job: Job, manifest: Manifest, scratch: Path) -> None:
    """Make a prepared file visible: first its quarantine, then the batch, each by one rename."""
    publish_quarantine(job, manifest, scratch)
    batch = scratch / "batch"
    batch.mkdir()
    columns = [column.name for column in job.contract.columns]
    order = ", ".join(f"{sql.name(part)} asc nulls last" for part in (*job.contract.key, "row_hash"))
    connection.execute(f"""
        copy (
            select {sql.names(columns)}, occurred_at, known_at, {sql.text(job.batch_id)} as batch_id, row_hash
            from fresh anti join repeated using ({LINE})
            order by {order}
        ) to {sql.text(str(batch / "rows.parquet"))} (format parquet, compression zstd, row_group_size {ROW_GROUP})
    """)
    manifest.write(batch / "manifest.json")
    job.folder.parent.mkdir(parents=True, exist_ok=True)
    batch.rename(job.folder)


def publish_quarantine(job: Job, manifest: Manifest, scratch: Path) -> None:
    """Put the file's quarantine in place of what an earlier attempt left."""
    if manifest.quarantined:
        job.quarantine.parent.mkdir(parents=True, exist_ok=True)
        (scratch / "quarantine.parquet").replace(job.quarantine)
    else:
        job.quarantine.unlink(missing_ok=True)


def require_some_good_row(manifest: Manifest) -> None:
    """Refuse a file of which every row broke a rule: its mapping is wrong, not its rows. No row is no bad row."""
    if manifest.rows_in and manifest.quarantined == manifest.rows_in:
        worst = manifest.rules[0]
        column = f" in {worst.column}" if worst.column else ""
        raise FileRefusedError(
            f"all {manifest.rows_in:,} rows are bad, most by the rule `{worst.rule}`{column} ({worst.rows:,} rows, "
            f"first at line {worst.first_line:,}). Correct the mapping or the file, then land it again"
        )


def _stage(connection: duckdb.DuckDBPyConnection, job: Job, types: dict[str, str], scratch: Path) -> Checked:
    tombstones = job.state.root / "privacy" / "tombstones.parquet"
    install_key(connection, "tokens", job.keys.tokens)
    install_key(connection, "tombstones", job.keys.tombstones)
    if tombstones.exists():
        connection.execute(f"create or replace temp view tombstones as from read_parquet({sql.file(tombstones)})")
    plan = checked(
        job.contract,
        job.shop,
        types,
        now=job.now,
        rates=first_rate_dates(job.shop),
        has_tombstones=tombstones.exists(),
    )
    staged = scratch / "staged.parquet"
    connection.execute(f"copy ({plan.statement}) to {sql.text(str(staged))} (format parquet)")
    connection.execute(f"create or replace temp view staged as from read_parquet({sql.file(staged)})")
    return plan


def _counted(
    connection: duckdb.DuckDBPyConnection, job: Job, landed: Landed, rules: tuple[Rule, ...], scratch: Path
) -> Manifest:
    bad, refused = connection.execute("""
        select count(*) filter (where violated > 0 and not is_refused), count(*) filter (where is_refused) from staged
    """).fetchall()[0]
    accepted, first, last = connection.execute(f"""
        select count(*), min(occurred_at), max(occurred_at) from fresh anti join repeated using ({LINE})
    """).fetchall()[0]
    (duplicates,) = connection.execute(f"select count(distinct {LINE}) from repeated").fetchall()[0]
    counts: tuple[RuleCount, ...] = ()
    if bad + landed.malformed:
        counts = write_quarantine(connection, landed, rules, job.arrival.file, scratch / "quarantine.parquet")
    return Manifest(
        touchpoint=job.contract.name,
        batch_id=job.batch_id,
        file=job.arrival.file,
        sha256=job.seen.sha256,
        size=job.arrival.look.size,
        modified_ns=job.arrival.look.modified_ns,
        landed_at=_naive_utc(job.now).isoformat(),
        rows_in=landed.rows + landed.malformed,
        accepted=accepted,
        quarantined=sum(count.rows for count in counts),
        duplicates=duplicates,
        refused=refused,
        erased=0,
        rules=counts,
        first_occurred_at=first and first.isoformat(),
        last_occurred_at=last and last.isoformat(),
        consent_assumptions=_assumptions(job.shop),
        contract_sha256=job.contract.digest,
        mapping_sha256=mapping_digest(job.shop, job.contract.name),
    )


def _assumptions(shop: Shop) -> tuple[str, ...]:
    return tuple(
        f"{purpose} is assumed, because: {consent.because}"
        for purpose, consent in sorted(shop.consent.items())
        if consent.basis == "assume"
    )


def _naive_utc(moment: datetime) -> datetime:
    return moment.astimezone(UTC).replace(tzinfo=None) if moment.tzinfo else moment
