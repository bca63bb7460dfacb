"""dbt under Dagster: where the project is, how its nodes become assets, what environment it runs in.

Belongs here: the translation between the two tools. Does not belong here: which models a stage builds
(``defs``) and what a run's variables are (``orchestration.inputs``).
"""

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from functools import cached_property
from importlib.metadata import version
from pathlib import Path
from typing import Any

import dagster as dg
from dagster_dbt import DagsterDbtTranslator, DbtCliResource, DbtProject, dbt_assets
from packaging.version import Version

from orchestration import inputs
from orchestration.dbt_inputs import dbt_vars
from orchestration.jobs import POOL, take_turn
from orchestration.partitions import ONE_RUN_EACH, daily_as_ofs, owners
from orchestration.resources.dbt_process import PARSED
from orchestration.settings import PROJECT_ROOT
from orchestration.shop import Shop
from orchestration.workspace import Workspace

PROJECT = PROJECT_ROOT / "dbt_project"
GROUPS = {
    "staging": "landing",
    "intermediate": "profiles",
    "marts": "profiles",
    "features": "profiles",
    "actions": "actions",
    "activation": "activation",
}
IDENTITY_MODELS = ("int_identifier_edges", "int_identifiers_seen")


class Translator(DagsterDbtTranslator):
    """One name everywhere: asset key = schema and table; one group per stage, in the order the data flows."""

    def __init__(self, shop: Shop) -> None:
        super().__init__()
        self.owners = owners(shop)

    def get_asset_key(self, dbt_resource_props: Mapping[str, Any]) -> dg.AssetKey:
        return dg.AssetKey([dbt_resource_props["schema"], dbt_resource_props["name"]])

    def get_group_name(self, dbt_resource_props: Mapping[str, Any]) -> str | None:
        if dbt_resource_props["name"] in IDENTITY_MODELS:
            return "identity"
        return GROUPS.get(dbt_resource_props["schema"])

    def get_asset_spec(self, manifest: Mapping[str, Any], unique_id: str, project: DbtProject | None) -> dg.AssetSpec:
        """What reads sources waits for the manifest that says which files stand behind them."""
        spec = super().get_asset_spec(manifest, unique_id, project)
        reads_sources = any(dep.asset_key.path[0] in ("raw", "ledger") for dep in spec.deps)
        return spec.merge_attributes(deps=[["ledger", "input_manifest"]]) if reads_sources else spec

    def get_owners(self, dbt_resource_props: Mapping[str, Any]) -> Sequence[str] | None:  # noqa: ARG002
        return self.owners


class Dbt(DbtCliResource):
    """dbt's command line without what Dagster asks of it each time and this project has no use for: its version,
    from a process that imports all of dbt, and an adapter for row counts and columns (together 3 s a stage)."""

    @cached_property
    def _cli_version(self) -> Version:
        return Version(version("dbt-core"))

    def _initialize_dbt_core_adapter(self, args: Sequence[str]) -> Any:  # noqa: ARG002
        return None


def project() -> DbtProject:
    """The dbt project, parsed after its files last changed; parses it where it is not.

    Both results are looked at: dbt, started by hand, writes the manifest alone.
    """
    project = DbtProject(PROJECT, profiles_dir=PROJECT)
    sources = [*PROJECT.glob("models/**/*"), *PROJECT.glob("macros/**/*"), *PROJECT.glob("*.yml")]
    newest = max(path.stat().st_mtime for path in sources)
    manifest = project.manifest_path
    if not all(path.exists() and path.stat().st_mtime >= newest for path in (manifest, PARSED)):
        _parse(manifest)
    return project


def resource(workspace: Workspace) -> Dbt:
    """dbt on the shop's warehouse, with the deployment's limits."""
    os.environ.update(_environment(workspace))
    return Dbt(project_dir=str(PROJECT), profiles_dir=str(PROJECT), dbt_executable=_executable("regulars-dbt"))


def run_models(workspace: Workspace, pinned: inputs.Inputs, *select: str) -> None:
    """Build models over pinned inputs outside of a Dagster run. The caller holds the shop's lock.

    Raises
    ------
    RuntimeError
        dbt failed; the message is the end of what it said.
    """
    project()
    variables = json.dumps(dbt_vars(workspace.state, workspace.shop, pinned))
    command = [_executable("regulars-dbt"), "run", "-s", *select, "--vars", variables]
    folders = ["--project-dir", str(PROJECT), "--profiles-dir", str(PROJECT)]
    targets = {"DBT_TARGET_PATH": str(workspace.state.dbt), "DBT_LOG_PATH": str(workspace.state.dbt)}
    environment = {**os.environ, **_environment(workspace), **targets, "DO_NOT_TRACK": "1"}
    done = subprocess.run([*command, *folders], env=environment, capture_output=True, text=True, check=False)
    if done.returncode:
        raise RuntimeError(f"dbt run -s {' '.join(select)} failed:\n{done.stdout[-3000:]}{done.stderr[-1000:]}")


def _environment(workspace: Workspace) -> dict[str, str]:
    """What the profile reads: dbt runs as a process of its own."""
    settings = workspace.settings
    workspace.state.root.mkdir(parents=True, exist_ok=True)
    return {
        "REGULARS_WAREHOUSE": str(workspace.state.warehouse),
        "REGULARS_THREADS": str(settings.threads),
        "REGULARS_MEMORY_LIMIT": settings.memory_limit,
        "REGULARS_TEMP": str(workspace.state.temporary),
    }


def stage(name: str, select: str, exclude: str = "") -> dg.AssetsDefinition:
    """One dbt build over the run's pinned inputs, as assets; unit tests belong to ``make test``."""
    shop = Workspace().shop

    @dbt_assets(
        manifest=project().manifest_path,
        select=select,
        exclude=exclude,
        name=name,
        partitions_def=daily_as_ofs(shop),
        dagster_dbt_translator=Translator(shop),
        backfill_policy=ONE_RUN_EACH,
        pool=POOL,
    )
    def build(context: dg.AssetExecutionContext, dbt: Dbt, workspace: dg.ResourceParam[Workspace]) -> Iterator[Any]:
        take_turn(workspace, context.run_id)
        pinned = inputs.pinned(workspace.state, context.partition_key)
        variables = dbt_vars(workspace.state, workspace.shop, pinned)
        arguments = ["build", "--exclude-resource-type", "unit_test", "--vars", json.dumps(variables)]
        yield from dbt.cli(arguments, context=context, target_path=workspace.state.dbt).stream()

    return build


def _executable(name: str) -> str:
    return str(Path(sys.executable).with_name(name))


def _parse(manifest: Path) -> None:
    """Parse into a folder of our own, then swap: processes that load at once do not see half a manifest."""
    target = manifest.parent.with_name(f".parse-{os.getpid()}")
    command = [_executable("dbt"), "--quiet", "parse", "--project-dir", str(PROJECT), "--profiles-dir", str(PROJECT)]
    environment = {**os.environ, "DBT_TARGET_PATH": str(target)}
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    if done.returncode:
        raise RuntimeError(f"dbt cannot parse {PROJECT}:\n{done.stdout}{done.stderr}")
    manifest.parent.mkdir(parents=True, exist_ok=True)
    (target / "partial_parse.msgpack").replace(PARSED)
    (target / "manifest.json").replace(manifest)
    shutil.rmtree(target, ignore_errors=True)
