"""A tiny shop whose persons a test makes by hand: what it lands and publishes is real, what lies between is not run.

Belongs here: what the tests of consent and erasure share. Does not belong here: assertions.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any

import duckdb
import psycopg
import pyarrow as pa
import pyarrow.parquet as pq
from worlds import Deployment, corner_shop

from orchestration import inputs
from orchestration.activation import publisher
from orchestration.landing import land
from orchestration.privacy.keys import load_keys
from orchestration.privacy.tokens import token
from orchestration.publishing.audit import is_passed
from orchestration.publishing.generation import Generation, GenerationMeta
from orchestration.withdrawals import weigh_newer
from orchestration.workspace import Workspace

CONSENTS = "account_id,email,phone,purpose,channel,decision,decided_at,exported_at\n"
REQUESTS = "request_id,account_id,email,phone,requested_at,exported_at\n"
SCORES = {
    "status": "'scored'", "churn_mode": "'inactivity'", "churn_horizon_days": "90", "churn_probability": "0.5",
    "currency": "'EUR'", "may_email": "true", "may_push": "true", "may_sms": "true", "may_call": "true",
    "may_profile": "true", "may_personalise": "true", "may_target_ads": "true",
}  # fmt: skip
MORNING = timedelta(hours=8)
"""When the run of a day begins, after its as-of."""
FOREVER = datetime(9999, 12, 31)  # noqa: DTZ001 (naive UTC, as in the spans)


@dataclass(frozen=True)
class ConsentWorld:
    """A corner shop that publishes to files, and to an empty database where a test is about that as well."""

    deployment: Deployment
    has_postgres: bool

    @classmethod
    def at(cls, folder: Path, database: str, *, has_postgres: bool = False) -> ConsentWorld:
        names = ("orders", "consents", "erasure_requests")
        touchpoints = {name: {"files": f"{name}*.csv", "known_at": "exported_at"} for name in names}
        deployment = corner_shop(folder, "", touchpoints=touchpoints, closed_on=None)
        world = cls(replace(deployment, environment={"REGULARS_POSTGRES_URL": database}), has_postgres)
        load_keys(world.workspace.state)  # made before there is any data, as a first run does
        return world

    @property
    def workspace(self) -> Workspace:
        return self.deployment.workspace

    def email(self, address: str) -> str:
        """The identifier of an e-mail address."""
        return f"email:{token(load_keys(self.workspace.state).tokens, 'email', address)}"

    def land(self, file: str, text: str) -> None:
        """Land one file, as a run does first."""
        workspace = self.workspace
        (workspace.landing_folder / file).write_text(text)
        land(workspace.shop, workspace.state, workspace.landing_folder, now=workspace.now(), settle_seconds=0,
             connect=workspace.connect)  # fmt: skip

    def say(self, hour: str, *words: str) -> None:
        """Land consents, each ``account,email,phone,purpose,channel,decision``, said and known at an hour."""
        rows = "".join(f"{one},{hour}:00:00Z,{hour}:10:00Z\n" for one in words)
        self.land(f"consents_{hour}.csv", CONSENTS + rows)

    def ask_for_erasure(self, hour: str, *whom: str) -> None:
        """Land requests, each ``account,email,phone``."""
        rows = "".join(f"{hour}-{n},{one},{hour}:00:00Z,{hour}:10:00Z\n" for n, one in enumerate(whom))
        self.land(f"erasure_requests_{hour}.csv", REQUESTS + rows)

    def publish(
        self,
        day: str,
        people: Mapping[str, Sequence[str]],
        erased: Mapping[str, Sequence[str]] | None = None,
        shared: Mapping[str, Sequence[str]] | None = None,
    ) -> Generation:
        """What a run publishes in the end: persons by their identifiers, who have granted all, less the erased ones;
        and what it keeps of identifiers that several of them share."""
        target, as_of = publisher(self.workspace), datetime.fromisoformat(day)
        if shared is not None:
            self._share(day, shared)
        tables, pinned = self._tables(as_of, people), self._resolve(day, {**people, **(erased or {})})
        weigh_newer(self.workspace, tables["customer_identifiers"], as_of)
        meta = GenerationMeta("corner", pinned, as_of, date.fromisoformat(day), f"run-{day}", as_of + MORNING)
        generation = target.write(tables, meta)
        assert is_passed(target.audit(generation))
        target.publish_files(generation.generation_id)
        if self.has_postgres:
            target.publish_postgres()
        return generation

    def seen(self, account: str, column: str = "may_email") -> object:
        """What the views show of a customer now, in files and (the same) in Postgres; ``hidden`` without a row."""
        views = self.workspace.state.published / "current" / "views.duckdb"
        select = f"select {column} from crm.customer_scores where external_id = '{account}'"
        with duckdb.connect(str(views), read_only=True) as connection:
            found: list[tuple[Any, ...]] = connection.execute(select).fetchall()
        if self.has_postgres:
            with psycopg.connect(self.deployment.environment["REGULARS_POSTGRES_URL"]) as connection:
                assert connection.execute(select.encode()).fetchall() == found
        return found[0][0] if found else "hidden"

    def _share(self, day: str, shared: Mapping[str, Sequence[str]]) -> None:
        path = inputs.shared_identifiers(self.workspace.state, day)
        path.parent.mkdir(parents=True, exist_ok=True)
        rows = [{"identifier_id": one, "customer_id": each} for one, several in shared.items() for each in several]
        pq.write_table(pa.Table.from_pylist(rows), path)

    def _resolve(self, day: str, people: Mapping[str, Sequence[str]]) -> str:
        """Pin what has landed, and write who is who by it."""
        state = self.workspace.state
        pinned = inputs.pin(
            state, self.workspace.shop, date.fromisoformat(day), training_dates=(), champions={}, trains=False
        )
        spans = inputs.person_spans(state, pinned)
        spans.parent.mkdir(parents=True, exist_ok=True)
        rows = [
            {"identifier_id": one, "customer_id": customer, "known_to": FOREVER}
            for customer, identifiers in people.items()
            for one in identifiers
        ]
        pq.write_table(pa.Table.from_pylist(rows), spans)
        return pinned.inputs_id

    def _tables(self, as_of: datetime, people: Mapping[str, Sequence[str]]) -> dict[str, Path]:
        """Files of all tables of the contract: scores and identifiers of the people, else empty ones."""
        folder = self.workspace.state.temporary / f"{as_of:%Y%m%d}"
        folder.mkdir(parents=True, exist_ok=True)
        instants = {"as_of": f"timestamp '{as_of}'", "valid_until": f"timestamp '{as_of + timedelta(days=2)}'"}
        paths = {}
        with duckdb.connect() as connection:
            for table in publisher(self.workspace).contract.given:
                columns = ", ".join(f'"{one.name}" {one.data_type}' for one in table.columns)
                connection.execute(f"create table {table.name} ({columns})")
            for customer, identifiers in people.items():
                account = next(one for one in identifiers if one.startswith("account:")).removeprefix("account:")
                values = {"customer_id": f"'{customer}'", "external_id": f"'{account}'", **SCORES, **instants}
                names = ", ".join(values)
                connection.execute(f"insert into customer_scores ({names}) values ({', '.join(values.values())})")
                connection.executemany(
                    "insert into customer_identifiers values (?, ?, ?, ?, ?)",
                    [(customer, *one.split(":"), one == f"account:{account}", as_of) for one in identifiers],
                )
            for table in publisher(self.workspace).contract.given:
                paths[table.name] = folder / f"{table.name}.parquet"
                select = f"select * from {table.name} order by {', '.join(table.key)}"
                connection.execute(f"copy ({select}) to '{paths[table.name]}' (format parquet)")
        return paths
