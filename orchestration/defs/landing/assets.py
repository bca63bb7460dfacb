"""``raw/<touchpoint>``: what the shop delivered; ``ledger/input_manifest``: which of it a run sees."""

from collections.abc import Iterator
from datetime import date

import dagster as dg

from orchestration import inputs
from orchestration.jobs import POOL, take_turn
from orchestration.landing import land, load_contract
from orchestration.metadata import landing_metadata
from orchestration.models import champions, is_training_due, training_dates
from orchestration.notes import note_landing
from orchestration.partitions import owners, per_as_of
from orchestration.retraining import answer_requests
from orchestration.workspace import Workspace


@dg.definitions
def defs() -> dg.Definitions:
    contract = load_contract()

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
        for line in report.lines():
            context.log.info(line)
        for error in report.errors:
            context.log.warning(f"{error.file} was not landed: {error.message}")
        note_landing(workspace, context.run_id, report)
        for name in contract:
            yield dg.MaterializeResult(asset_key=["raw", name], metadata=landing_metadata(report, name))

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
        trains = is_training_due(context.run.tags)
        pinned = inputs.pin(
            workspace.state,
            workspace.shop,
            as_of_date,
            training_dates=training_dates(workspace, as_of_date) if trains else (),
            champions=champions(workspace),
        )
        if pinned.training_dates:
            answer_requests(workspace.state, as_of_date)
        return dg.MaterializeResult(
            metadata={
                "inputs_id": pinned.inputs_id,
                "batches": sum(len(ids) for ids in pinned.batches.values()),
                "training_snapshots": len(pinned.training_dates),
                "champions": ", ".join(pinned.champions.values()) or "none yet",
            }
        )

    return dg.Definitions(assets=[raw_batches, input_manifest])
