"""``published/*``: write a generation, audit it, point readers to it. Audits block what comes after them."""

from collections import defaultdict
from collections.abc import Iterator, Sequence
from datetime import timedelta

import dagster as dg

from ml.quality.rules import Finding, Severity
from orchestration import activation, inputs
from orchestration.identity import keep_shared_identifiers
from orchestration.jobs import POOL, PUBLISH_TAG, take_turn
from orchestration.metadata import markdown_table, published_metadata
from orchestration.partitions import per_as_of
from orchestration.shop import Shop
from orchestration.withdrawals import weigh_newer
from orchestration.workspace import Workspace


@dg.definitions
def defs() -> dg.Definitions:
    return dg.Definitions(assets=[_generation(), _files(), _postgres()])


def _generation() -> dg.AssetsDefinition:
    tables = [table.name for table in activation.contract().tables]

    @dg.asset(
        key=["published", "generation"],
        description="All crm tables of one as-of, immutable, written where no reader looks.",
        deps=[["activation", table.name] for table in activation.contract().given],
        check_specs=[
            dg.AssetCheckSpec(
                f"audit_{name}",
                asset=["published", "generation"],
                description="What its contract and its readers ask of this table, before anybody is pointed to it.",
                blocking=True,
            )
            for name in tables
        ],
        kinds={"parquet", "greatexpectations"},
        pool=POOL,
        **per_as_of("activation"),
    )
    def generation(
        context: dg.AssetExecutionContext, workspace: dg.ResourceParam[Workspace]
    ) -> Iterator[dg.MaterializeResult | dg.AssetCheckResult]:
        take_turn(workspace, context.run_id)
        pinned = inputs.pinned(workspace.state, context.partition_key)
        publisher = activation.publisher(workspace)
        files, grants = activation.export_tables(workspace, pinned)
        keep_shared_identifiers(workspace, pinned)
        meta = activation.generation_meta(workspace, pinned, context.run_id)
        if context.run.tags.get(PUBLISH_TAG) != "false":
            weigh_newer(workspace, files["customer_identifiers"], meta.as_of)
        written = publisher.write(files, meta)
        yield dg.MaterializeResult(metadata=published_metadata(written))
        yield from _checks(tables, publisher.audit(written, grants))

    return generation


def _files() -> dg.AssetsDefinition:
    @dg.asset(
        key=["published", "files"],
        description="The pointer that readers of Parquet and of the DuckDB views follow.",
        deps=[["published", "generation"]],
        kinds={"parquet", "duckdb"},
        freshness_policy=_freshness(Workspace().shop),
        **per_as_of("activation"),
    )
    def files(context: dg.AssetExecutionContext, workspace: dg.ResourceParam[Workspace]) -> dg.MaterializeResult:
        take_turn(workspace, context.run_id)
        if context.run.tags.get(PUBLISH_TAG) == "false":
            return dg.MaterializeResult(
                metadata={"outcome": "written, not published: a backfill shows nobody the past"}
            )
        pinned = inputs.pinned(workspace.state, context.partition_key)
        written = activation.generation_meta(workspace, pinned, context.run_id).generation_id
        outcome = activation.publisher(workspace).publish_files(written)
        return dg.MaterializeResult(metadata={"generation": outcome.generation_id, "outcome": outcome.reason})

    return files


def _postgres() -> dg.AssetsDefinition:
    @dg.asset(
        key=["published", "postgres"],
        description="Schema crm in Postgres, brought to the generation that the files show.",
        deps=[["published", "files"]],
        kinds={"postgres"},
        freshness_policy=_freshness(Workspace().shop),
        **per_as_of("activation"),
    )
    def postgres(context: dg.AssetExecutionContext, workspace: dg.ResourceParam[Workspace]) -> dg.MaterializeResult:
        take_turn(workspace, context.run_id)
        outcome = activation.publisher(workspace).publish_postgres()
        if outcome is None:
            return dg.MaterializeResult(metadata={"outcome": "nothing is published yet"})
        return dg.MaterializeResult(metadata={"generation": outcome.generation_id, "outcome": outcome.reason})

    return postgres


def _freshness(shop: Shop) -> dg.FreshnessPolicy:
    """Within three hours after the daily schedule fires, which waits for the knowledge lag: after a long one the next
    day has begun. What is looked for goes back four hours, for three by the clock are four in a night in autumn."""
    return dg.FreshnessPolicy.cron(
        deadline_cron=f"0 {(shop.knowledge_lag_hours + 4) % 24} * * *",
        lower_bound_delta=timedelta(hours=4),
        timezone=shop.time_zone,
    )


def _checks(tables: Sequence[str], findings: Sequence[Finding]) -> Iterator[dg.AssetCheckResult]:
    """One blocking check per table: how many rules held, and which did not."""
    by_table: dict[str, list[Finding]] = defaultdict(list)
    for finding in findings:
        by_table[finding.table].append(finding)
    for table in tables:
        failed = [finding for finding in by_table[table] if not finding.passed]
        critical = [finding for finding in failed if finding.severity is Severity.CRITICAL]
        yield dg.AssetCheckResult(
            asset_key=["published", "generation"],
            check_name=f"audit_{table}",
            passed=not failed,
            severity=dg.AssetCheckSeverity.ERROR if critical else dg.AssetCheckSeverity.WARN,
            description=f"{len(by_table[table]) - len(failed)} of {len(by_table[table])} rules held{_broken(critical)}",
            metadata={"failed": _rules(failed)} if failed else {},
        )


def _broken(critical: Sequence[Finding]) -> str:
    """The rules for which nothing is published."""
    told = [
        f"{f.check}{f' of {f.column}' if f.column else ''} ({f.detail or f'{f.failing_rows:,} rows'})" for f in critical
    ]
    return f"; broken: {', '.join(told)}" if told else ""


def _rules(failed: Sequence[Finding]) -> dg.MetadataValue:
    rows = [(f.check, f.severity.value, f.failing_rows, f.detail) for f in failed]
    return dg.MetadataValue.md(markdown_table(("rule", "severity", "rows", "detail"), rows))
