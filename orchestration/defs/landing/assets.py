"""``raw/<touchpoint>``: what the shop delivered; ``ledger/input_manifest``: which of it a run sees."""

from collections.abc import Iterator, Mapping
from datetime import date
from typing import Any

import dagster as dg

from orchestration import inputs
from orchestration.jobs import POOL, take_turn
from orchestration.landing import LandingReport, land, load_contract
from orchestration.landing.contract import TouchpointContract
from orchestration.metadata import landing_metadata
from orchestration.models import champions, is_training_due, training_dates
from orchestration.notes import note_landing
from orchestration.partitions import owners, per_as_of
from orchestration.retraining import answer_requests
from orchestration.workspace import Workspace


@dg.definitions
def defs() -> dg.Definitions:
    contract = load_contract()
    return dg.Definitions(assets=[_raw_batches(contract), _input_manifest(contract)])


def _raw_batches(contract: Mapping[str, TouchpointContract]) -> dg.AssetsDefinition:
    @dg.multi_asset(
        specs=[
            dg.AssetSpec(
                ["raw", name],
                description=touchpoint.description,
                group_name="landing",
                kinds={"parquet"},
                owners=owners(Workspace().shop),
            )
            for name, touchpoint in contract.items()
        ],
        pool=POOL,
    )
    def raw_batches(
        context: dg.AssetExecutionContext, workspace: dg.ResourceParam[Workspace]
    ) -> Iterator[dg.MaterializeResult]:
        take_turn(workspace, context.run_id)
        report = land(
            workspace.shop,
            workspace.state,
            workspace.landing_folder,
            now=workspace.now(),
            settle_seconds=workspace.settings.settle_seconds,
            connect=workspace.connect,
        )
        _tell(context.log, report)
        note_landing(workspace, context.run_id, report)
        for name in contract:
            yield dg.MaterializeResult(asset_key=["raw", name], metadata=landing_metadata(report, name))

    return raw_batches


def _tell(log: dg.DagsterLogManager, report: LandingReport) -> None:
    for line in report.lines():
        log.info(line)
    for error in report.errors:
        log.warning(f"{error.file} was not landed: {error.message}")


def _input_manifest(contract: Mapping[str, TouchpointContract]) -> dg.AssetsDefinition:
    @dg.asset(
        key=["ledger", "input_manifest"],
        description="Everything that may change what the run publishes, pinned: batches, ledgers, model, code.",
        deps=[["raw", name] for name in contract],
        kinds={"json"},
        pool=POOL,
        **per_as_of("landing"),
    )
    def input_manifest(
        context: dg.AssetExecutionContext, workspace: dg.ResourceParam[Workspace]
    ) -> dg.MaterializeResult:
        take_turn(workspace, context.run_id)
        as_of_date = date.fromisoformat(context.partition_key)
        pinned = _pin(workspace, as_of_date, trains=is_training_due(context.run.tags))
        if pinned.trains:
            answer_requests(workspace.state, as_of_date)
        return dg.MaterializeResult(metadata=_pinned(pinned))

    return input_manifest


def _pin(workspace: Workspace, as_of_date: date, *, trains: bool) -> inputs.Inputs:
    return inputs.pin(
        workspace.state,
        workspace.shop,
        as_of_date,
        training_dates=training_dates(workspace, as_of_date) if trains else (),
        champions=champions(workspace),
        trains=trains,
    )


def _pinned(pinned: inputs.Inputs) -> dict[str, Any]:
    return {
        "inputs_id": pinned.inputs_id,
        "batches": sum(len(ids) for ids in pinned.batches.values()),
        "training_snapshots": len(pinned.training_dates),
        "champions": ", ".join(pinned.champions.values()) or "none yet",
    }
