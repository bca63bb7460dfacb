"""``actions/*``: what a play may ask; ``ml/action_*``: what was decided, rejected and drawn, entered in the ledgers."""

from collections import Counter
from collections.abc import Iterator
from typing import Any

import dagster as dg

from ml.actions.run import Summary
from orchestration import actions, inputs
from orchestration.jobs import POOL, take_turn
from orchestration.metadata import markdown_table
from orchestration.partitions import ONE_RUN_EACH, daily_as_ofs, owners
from orchestration.resources import dbt
from orchestration.workspace import Workspace

DESCRIPTIONS = {
    "action_decisions": "The play that each customer gets, is held out of or is in control for; entered in the ledger.",
    "standing_actions": "What is to be carried out: decided now, or earlier and neither sent, expired nor withdrawn.",
    "action_rejections": "The plays that a customer was eligible for and does not get, with the first rule against it.",
    "holdout_assignments": "In which arm of which experiment each person stands, frozen when first drawn.",
}


@dg.definitions
def defs() -> dg.Definitions:
    @dg.multi_asset(
        name="ml__action_decisions",
        specs=[
            dg.AssetSpec(
                ["ml", name],
                description=description,
                deps=[
                    ["actions", "action_candidates"],
                    ["actions", "action_contacts"],
                    ["intermediate", "int_customer_redirects"],
                ],
                group_name="actions",
                kinds={"duckdb", "parquet"},
                owners=owners(Workspace().shop),
            )
            for name, description in DESCRIPTIONS.items()
        ],
        partitions_def=daily_as_ofs(Workspace().shop),
        backfill_policy=ONE_RUN_EACH,
        pool=POOL,
    )
    def decisions(
        context: dg.AssetExecutionContext, workspace: dg.ResourceParam[Workspace]
    ) -> Iterator[dg.MaterializeResult]:
        take_turn(workspace, context.run_id)
        pinned = inputs.pinned(workspace.state, context.partition_key)
        candidates = actions.export_candidates(workspace, pinned)
        summary = actions.decide_daily(workspace, pinned)
        shown = {"candidates": candidates, "ledger entries read": len(pinned.action_ledger)}
        yield dg.MaterializeResult(asset_key=["ml", "action_decisions"], metadata=shown | _decided(summary))
        yield dg.MaterializeResult(asset_key=["ml", "standing_actions"], metadata=_standing(summary))
        yield dg.MaterializeResult(asset_key=["ml", "action_rejections"], metadata=_rejected(summary))
        yield dg.MaterializeResult(asset_key=["ml", "holdout_assignments"], metadata={"newly drawn": summary.drawn})

    return dg.Definitions(assets=[dbt.stage("candidates", select="actions"), decisions])


def _decided(summary: Summary) -> dict[str, Any]:
    return {
        "dagster/row_count": sum(summary.decided.values()),
        "by play and arm": _table(("play", "treatment", "control", "holdout"), summary.decided),
    }


def _standing(summary: Summary) -> dict[str, Any]:
    now = sum(count for (_, arm), count in summary.decided.items() if arm == "treatment")
    return {"decided now": now, "decided earlier": summary.carried, "withdrawn": summary.withdrawn}


def _rejected(summary: Summary) -> dict[str, Any]:
    rules = sorted({rule for _, rule in summary.rejected})
    return {"rows": sum(summary.rejected.values()), "by play and rule": _table(("play", *rules), summary.rejected)}


def _table(head: tuple[str, ...], counts: Counter[tuple[str, str]]) -> dg.MetadataValue:
    plays = sorted({play for play, _ in counts})
    rows = [(play, *(counts[play, column] for column in head[1:])) for play in plays]
    return dg.MetadataValue.md(markdown_table(head, rows))
