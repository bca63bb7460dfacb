"""Write: tables that were handed over become one immutable generation folder, which no reader sees yet.

Belongs here: checking what is handed over, writing the folder beside its place, the one rename. Does not belong
here: the SQL of rows (``rows``), the audit (``audit``), the pointer (``files``).

Nothing of the clock, the run or the machine is in the bytes: the same input manifest gives the same files.
"""

from __future__ import annotations

import shutil
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

import duckdb

from orchestration.publishing.contract import Contract, Table
from orchestration.publishing.engine import Engine, copy_to_parquet, parquet
from orchestration.publishing.errors import ContractError, PublishError
from orchestration.publishing.generation import Generation, GenerationMeta, Manifest, file_hash, read_generation
from orchestration.publishing.records import Records, record_of
from orchestration.publishing.rows import changed_rows, published_rows
from orchestration.publishing.suppression import Privacy
from orchestration.publishing.views import write_views

WRITING, TRASH = ".writing-", ".trash-"
READ_ONLY = 0o444


@dataclass(frozen=True)
class Writer:
    """Writes generations of one shop into ``published``."""

    published: Path
    contract: Contract
    privacy: Privacy
    engine: Engine = field(default_factory=Engine)

    def write(
        self,
        tables: Mapping[str, Path],
        meta: GenerationMeta,
        previous: Generation | None,
        base: Generation | None = None,
    ) -> Generation:
        """Write one generation, or find it already there.

        Parameters
        ----------
        tables
            Parquet file of every table of the contract that ``base`` does not lend, with exactly its columns.
        previous
            The published generation that ``updated_at`` and the changes refer to.
        base
            A generation whose tables stand in for those not handed over, byte by byte: linked, not copied.

        Raises
        ------
        ContractError
            A table or column is missing, unknown or of another type, or the contract took something away.
        PublishError
            The same inputs were already published with other content: ``inputs_id`` does not cover all inputs.
        """
        self.privacy.prepare()
        self._remove_leftovers()
        self._check(tables, base)
        if previous is not None:
            self.contract.require_additive(previous.manifest.columns)
        lent = base.manifest.sources if base else {}
        sources = dict(lent) | {name: file_hash(path) for name, path in sorted(tables.items())}
        sources["privacy"] = self.privacy.state_id
        existing = read_generation(self.published / meta.generation_id)
        if existing is not None and self._is_the_same(existing, sources, previous):
            write_views(existing, self.contract, self.privacy, self.published)
            return existing
        folder = self._write_folder(tables, meta, sources, previous, base)
        generation = self._put_in_place(folder, existing)
        if existing is None or not self._was_published(meta.generation_id):
            Records(self.published).put(record_of(generation, meta))
        write_views(generation, self.contract, self.privacy, self.published)
        return generation

    def _check(self, tables: Mapping[str, Path], base: Generation | None) -> None:
        expected = {table.name for table in self.contract.given}
        lent = {name for name in expected if base and base.file(name).exists()}
        if missing := sorted(expected - set(tables) - lent):
            raise ContractError(f"no file was handed over for {', '.join(missing)}; the contract has these tables")
        if unknown := sorted(set(tables) - expected):
            raise ContractError(f"{', '.join(unknown)} is not in the contract: describe it in activation.yml first")
        with self.engine.connect() as connection:
            for name, path in tables.items():
                _check_columns(connection, self.contract.table(name), path)

    def _is_the_same(self, existing: Generation, sources: Mapping[str, str], previous: Generation | None) -> bool:
        try:
            existing.verify()
        except PublishError:
            return False
        manifest = existing.manifest
        if manifest.columns != self.contract.shape:
            return False
        if self._was_published(manifest.generation_id):
            # Who was suppressed since is hidden by the views; the content stays what readers have seen.
            return all(manifest.sources[name] == sources[name] for name in sources if name != "privacy")
        return manifest.sources == sources and manifest.previous == (previous and previous.generation_id)

    def _was_published(self, generation_id: str) -> bool:
        record = Records(self.published).get(generation_id)
        return record is not None and record.published_at is not None

    def _write_folder(
        self,
        tables: Mapping[str, Path],
        meta: GenerationMeta,
        sources: dict[str, str],
        previous: Generation | None,
        base: Generation | None,
    ) -> Path:
        folder = self.published / f"{WRITING}{meta.generation_id}"
        folder.mkdir(parents=True)
        with self.engine.connect() as connection:
            for table in self.contract.tables:
                if base is not None and not table.is_feed and table.name not in tables:
                    (folder / f"{table.name}.parquet").hardlink_to(base.file(table.name))
                    continue
                before = previous.file(table.name) if previous and not table.is_feed else None
                before = before if before and before.exists() else None
                if table.is_feed:
                    select = self._feed(table, folder, previous, meta)
                else:
                    select = published_rows(table, tables[table.name], before, self.privacy, meta.as_of)
                copy_to_parquet(connection, select, folder / f"{table.name}.parquet")
            rows = {table.name: _count(connection, folder / f"{table.name}.parquet") for table in self.contract.tables}
        manifest = Manifest(
            generation_id=meta.generation_id, shop=meta.shop, inputs_id=meta.inputs_id, as_of=meta.as_of.isoformat(),
            as_of_date=meta.as_of_date.isoformat(), contract_version=self.contract.version,
            columns=self.contract.shape, rows=rows, previous=previous.generation_id if previous else None,
            sha256={path.name: file_hash(path) for path in sorted(folder.glob("*.parquet"))},
            sources=sources, notices=meta.notices,
            tables_as_of=meta.tables_as_of.isoformat() if meta.tables_as_of else None,
        )  # fmt: skip
        manifest.write(folder)
        for path in folder.iterdir():
            path.chmod(READ_ONLY)
        return folder

    def _feed(self, feed: Table, folder: Path, previous: Generation | None, meta: GenerationMeta) -> str:
        name = feed.name.removesuffix("_changes")
        before = previous.file(name) if previous else None
        return changed_rows(
            feed, folder / f"{name}.parquet", before if before and before.exists() else None, meta.as_of
        )

    def _put_in_place(self, folder: Path, existing: Generation | None) -> Generation:
        generation_id = folder.name.removeprefix(WRITING)
        if existing is not None:
            written = read_generation(folder)
            if self._was_published(generation_id) and written and written.manifest.sha256 != existing.manifest.sha256:
                shutil.rmtree(folder)
                raise PublishError(
                    f"{generation_id} was published with other content: its inputs_id does not cover all inputs. "
                    "Readers keep what was published; add what changed to the input manifest and run again"
                )
            existing.folder.rename(self.published / f"{TRASH}{generation_id}")
        place = folder.rename(self.published / generation_id)
        self._remove_leftovers()
        generation = read_generation(place)
        assert generation is not None
        return generation

    def _remove_leftovers(self) -> None:
        """Folders of a killed run; the shop's run lock says that nobody is writing them."""
        self.published.mkdir(parents=True, exist_ok=True)
        for pattern in (f"{WRITING}*", f"{TRASH}*"):
            for folder in self.published.glob(pattern):
                shutil.rmtree(folder)


def _check_columns(connection: duckdb.DuckDBPyConnection, table: Table, path: Path) -> None:
    found = {
        name: str(data_type).lower().replace(" ", "")
        for name, data_type, *_ in connection.execute(f"describe select * from {parquet(path)}").fetchall()
    }
    expected = {column.name: column.data_type for column in table.columns}
    if found == expected:
        return
    wrong = [f"{name} is missing" for name in expected if name not in found]
    wrong += [f"{name} is not in the contract" for name in found if name not in expected]
    wrong += [
        f"{name} is {found[name]}, not {expected[name]}"
        for name in expected
        if name in found and found[name] != expected[name]
    ]
    raise ContractError(f"{table.name} does not keep the contract: {'; '.join(wrong)}")


def _count(connection: duckdb.DuckDBPyConnection, path: Path) -> int:
    row = connection.execute(f"select count(*) from {parquet(path)}").fetchone()
    return int(row[0]) if row else 0
