"""Tiny shops for tests, and a way to run the command line on them as a user would.

Belongs here: worlds that several tests share. Does not belong here: assertions.
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path

import pandas as pd
import yaml

from ml.simulator import WorldConfig, simulate
from orchestration import inputs
from orchestration.identity import resolve_persons
from orchestration.landing import land
from orchestration.publishing.server import stop_server
from orchestration.rebuilding import rebuilt_snapshots
from orchestration.resources.dbt import IDENTITY_MODELS, PROJECT, run_models
from orchestration.settings import Settings
from orchestration.workspace import Workspace

ROOT = Path(__file__).parents[1]
REGULARS = Path(sys.executable).with_name("regulars")


@dataclass(frozen=True)
class Deployment:
    """One shop with state, keys and settings of its own under a folder."""

    folder: Path
    shop: str = "demo"
    environment: dict[str, str] = field(default_factory=dict)

    @property
    def settings(self) -> dict[str, str]:
        return {
            "REGULARS_SHOP": self.shop,
            "REGULARS_SHOPS_DIR": str(self.folder / "shops"),
            "REGULARS_DATA_DIR": str(self.folder / "data"),
            "REGULARS_KEYS_DIR": str(self.folder / "keys"),
            "REGULARS_SETTLE_SECONDS": "0",
            "REGULARS_THREADS": "1",  # the workers of `make test` have a core each
            **self.environment,
        }

    @property
    def workspace(self) -> Workspace:
        values = {name.removeprefix("REGULARS_").lower(): value for name, value in self.settings.items()}
        return Workspace(Settings(**values))  # type: ignore[arg-type]

    def run(self, *arguments: str, timeout: float = 900) -> subprocess.CompletedProcess[str]:
        """``regulars <arguments>``, its output kept."""
        return subprocess.run(
            [str(REGULARS), *arguments], env={**os.environ, **self.settings}, cwd=self.folder,
            capture_output=True, text=True, check=False, timeout=timeout,
        )  # fmt: skip

    def start(self, *arguments: str) -> subprocess.Popen[bytes]:
        """The same in a process group of its own, to be killed; what it prints goes to ``log``."""
        with self.log.open("wb") as log:
            return subprocess.Popen(
                [str(REGULARS), *arguments], env={**os.environ, **self.settings}, cwd=self.folder,
                stdout=log, stderr=subprocess.STDOUT, start_new_session=True,
            )  # fmt: skip

    @property
    def log(self) -> Path:
        return self.folder / "started.log"

    def published(self) -> dict[str, str]:
        """SHA-256 of every content file of the published generation, by ``<generation>/<file>``."""
        current = (self.folder / "data" / self.shop / "published" / "current").resolve()
        files = [*sorted(current.glob("*.parquet")), current / "manifest.json"]
        return {f"{current.name}/{file.name}": hashlib.sha256(file.read_bytes()).hexdigest() for file in files}


def demo(folder: Path, customers: int = 500, *, seed: int = 7, **environment: str) -> Deployment:
    """The demo shop with fewer customers, its files not simulated yet."""
    folder.mkdir(parents=True, exist_ok=True)
    shop = folder / "shops" / "demo"
    shutil.copytree(ROOT / "shops" / "demo", shop)
    content = yaml.safe_load((shop / "shop.yml").read_text())
    content["simulator"] |= {"customers": customers, "seed": seed}
    (shop / "shop.yml").write_text(yaml.safe_dump(content, sort_keys=False))
    return Deployment(folder, environment=environment)


def corner_shop(folder: Path, orders: str, **settings: object) -> Deployment:
    """A shop with one CSV file of orders, given as text, and whatever else its shop.yml says."""
    shop = folder / "shops" / "corner"
    shop.mkdir(parents=True)
    content: dict[str, object] = {
        "name": "Corner shop",
        "closed_on": "2025-07-01",
        "touchpoints": {"orders": {"files": "orders*.csv", "history": True}},
        "consent": {purpose: {"basis": "assume", "because": "a test"} for purpose in ("service", "profiling")},
        **settings,
    }
    (shop / "shop.yml").write_text(yaml.safe_dump(content, sort_keys=False))
    landing = folder / "data" / "corner" / "landing"
    landing.mkdir(parents=True)
    if orders:
        (landing / "orders.csv").write_text(orders)
    return Deployment(folder, "corner")


def contract_shop(folder: Path, customers: int, **settings: object) -> Deployment:
    """The demo shop of contracts with fewer customers, its files not simulated yet."""
    folder.mkdir(parents=True, exist_ok=True)
    shop = folder / "shops" / "demo_subscription"
    shutil.copytree(ROOT / "shops" / "demo_subscription", shop)
    content = yaml.safe_load((shop / "shop.yml").read_text())
    content["simulator"] |= {"customers": customers, **settings}
    (shop / "shop.yml").write_text(yaml.safe_dump(content, sort_keys=False))
    return Deployment(folder, "demo_subscription")


def lone_shop(folder: Path, touchpoint: str, world: WorldConfig, **settings: object) -> Deployment:
    """A shop that has one touchpoint and nothing else: its files out of a simulated world."""
    deployment = corner_shop(
        folder,
        "",
        touchpoints={touchpoint: {"files": f"{touchpoint}*", "known_at": "exported_at"}},
        time_zone=world.time_zone,
        **settings,
    )
    landing = deployment.workspace.landing_folder
    simulate(world, folder / "world", folder / "truth")
    for file in sorted((folder / "world").glob(f"{touchpoint}*")):
        file.rename(landing / file.name)
    return deployment


def features(deployment: Deployment, *as_ofs: date) -> pd.DataFrame:
    """Land what there is and compute the features of the as-ofs, without training, scores or Dagster."""
    workspace = deployment.workspace
    workspace.state.prepare()
    land(workspace.shop, workspace.state, workspace.landing_folder, now=workspace.now(), settle_seconds=0,
         connect=workspace.connect)  # fmt: skip
    *earlier, newest = sorted(as_ofs)
    pinned = inputs.pin(workspace.state, workspace.shop, newest, training_dates=tuple(earlier), champions={})
    folder = rebuilt_snapshots(workspace, pinned, also=("action_contacts",))
    return pd.read_parquet(folder / "customer_features.parquet")


def built(deployment: Deployment, as_of: date, *models: str) -> Workspace:
    """Land what there is, find out who is who and build only these models (dbt's selectors) of an as-of."""
    workspace = deployment.workspace
    workspace.state.prepare()
    land(workspace.shop, workspace.state, workspace.landing_folder, now=workspace.now(), settle_seconds=0,
         connect=workspace.connect)  # fmt: skip
    pinned = inputs.pin(workspace.state, workspace.shop, as_of, training_dates=(), champions={})
    run_models(workspace, pinned, "staging", *IDENTITY_MODELS)
    resolve_persons(workspace, pinned)
    run_models(workspace, pinned, *models)
    return workspace


def dbt(workspace: Workspace, variables: dict[str, object], *arguments: str) -> str:
    """Run dbt on the workspace's warehouse; its output, or a failure that shows it."""
    state = workspace.state
    environment = {
        "REGULARS_WAREHOUSE": str(state.warehouse), "REGULARS_TEMP": str(state.temporary), "DO_NOT_TRACK": "1",
        "DBT_TARGET_PATH": str(state.dbt), "DBT_LOG_PATH": str(state.dbt),
    }  # fmt: skip
    state.root.mkdir(parents=True, exist_ok=True)
    done = subprocess.run(
        [str(REGULARS.with_name("dbt")), *arguments, "--vars", json.dumps(variables), "--project-dir", str(PROJECT),
         "--profiles-dir", str(PROJECT)],
        env={**os.environ, **environment}, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout[-3000:]
    return done.stdout


@contextmanager
def folder_for_a_server() -> Iterator[Path]:
    """A folder in which a Postgres may live, also as root: pytest's own are closed to the server's user."""
    with tempfile.TemporaryDirectory(prefix="regulars-") as name:
        folder = Path(name)
        folder.chmod(0o755)
        yield folder
        for data in folder.glob("**/data/*/postgres"):
            stop_server(data)
