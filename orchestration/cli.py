"""``regulars``: what a person types. Every command is a few lines over a function that does the work.

Belongs here: arguments, exit codes, and turning known errors into one clear line. Does not belong here: the work.
"""

from __future__ import annotations

import os
import sys
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.markup import escape

from orchestration.environment import prepare_process
from orchestration.workspace import Workspace

app = typer.Typer(
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    help="Raw touchpoints into regular customers.",
)
console = Console(highlight=False)
errors = Console(stderr=True, highlight=False)

ShopOption = Annotated[str | None, typer.Option("--shop", help="Folder under shops/; else REGULARS_SHOP.")]
DayOption = Annotated[datetime | None, typer.Option("--as-of", formats=["%Y-%m-%d"], help="Daily as-of, YYYY-MM-DD.")]


def main() -> None:
    """Entry point: known errors are one line that says what to do, and exit code 2."""
    from orchestration.landing import LandingError
    from orchestration.privacy.keys import KeysError
    from orchestration.publishing.errors import PublishError
    from orchestration.shop import ShopError
    from orchestration.state import StateError

    prepare_process()
    try:
        app()
    except (ShopError, StateError, LandingError, KeysError, PublishError) as error:
        errors.print(f"[red]✗[/] {escape(str(error))}", soft_wrap=True)
        sys.exit(2)


@app.command()
def run(
    shop: ShopOption = None,
    as_of: DayOption = None,
    train: Annotated[bool | None, typer.Option(help="Train first; else only where the shop has no champion.")] = None,
    retry: Annotated[bool, typer.Option(help="Run again only what the last run did not finish.")] = False,
) -> None:
    """Land, resolve, profile, score and publish one as-of."""
    from orchestration.execution import retry_last, run_job
    from orchestration.progress import Progress
    from orchestration.simulation import simulate_if_asked
    from orchestration.summary import close

    workspace = _workspace(shop)
    workspace.claim("regulars run")
    progress = Progress()
    if retry:
        outcome = retry_last(workspace, progress=progress)
        if outcome is None:
            console.print("The last run finished; there is nothing to retry.")
            return
    else:
        day = as_of.date() if as_of else workspace.default_as_of()
        progress.console.print(f"[bold]{workspace.shop.name}[/], as-of {day} 00:00 {workspace.shop.time_zone}")
        simulate_if_asked(workspace, progress)
        trains = train if train is not None else _needs_training(workspace, day)
        outcome = run_job(workspace, day, train=trains, progress=progress)
    raise typer.Exit(close(workspace, outcome, progress))


@app.command()
def backfill(
    start: Annotated[datetime, typer.Option("--from", formats=["%Y-%m-%d"])],
    end: Annotated[datetime, typer.Option("--to", formats=["%Y-%m-%d"])],
    shop: ShopOption = None,
) -> None:
    """Write the generation of every day from --from to --to; readers keep seeing what they see."""
    from orchestration.execution import run_job
    from orchestration.progress import Progress

    workspace = _workspace(shop)
    days = [start.date() + timedelta(n) for n in range((end.date() - start.date()).days + 1)]
    if not days:
        raise typer.BadParameter("--to lies before --from")
    failed: list[date] = []
    for day in days:
        progress = Progress()
        progress.console.print(f"[bold]{workspace.shop.name}[/], as-of {day}, not published")
        outcome = run_job(workspace, day, train=False, publish=False, progress=progress)
        if not outcome.succeeded:
            errors.print(f"[red]✗[/] {day}: {outcome.error}", soft_wrap=True)
            failed.append(day)
    console.print(f"{len(days) - len(failed)} of {len(days)} as-ofs written.")
    raise typer.Exit(1 if failed else 0)


@app.command()
def rollback(
    to: Annotated[str | None, typer.Option(help="Generation; else the one published before.")] = None,
    shop: ShopOption = None,
) -> None:
    """Point readers of both sinks to an earlier generation. Suppressions and withdrawals stay in force."""
    from orchestration.activation import publisher

    workspace = _workspace(shop)
    workspace.claim("regulars rollback")
    in_files, in_postgres = publisher(workspace).rollback(to)
    console.print(f"files: {in_files.reason}\nPostgres: {in_postgres.reason}", soft_wrap=True)


@app.command()
def suppress(
    external_ids: Annotated[list[str], typer.Argument(help="The shop's own customer numbers.")],
    reason: Annotated[str, typer.Option()] = "asked for",
    shop: ShopOption = None,
) -> None:
    """Hide customers from every published table, at once and through every rollback."""
    from orchestration.activation import customers_of, publisher

    workspace = _workspace(shop)
    found = customers_of(workspace, external_ids)
    publisher(workspace).suppress(found.values(), reason)
    unknown = sorted(set(external_ids) - set(found))
    console.print(f"{len(found)} hidden" + (f"; not published anyway: {', '.join(unknown)}" if unknown else ""))


@app.command()
def evaluate(shop: ShopOption = None, as_of: DayOption = None) -> None:
    """Hold the scores of an as-of against what then really happened, and against the truth of a simulated shop."""
    from orchestration.evaluation import evaluate_scores, lines

    workspace = _workspace(shop)
    day = as_of.date() if as_of else workspace.default_as_of()
    console.print("\n".join([f"[bold]{workspace.shop.name}[/], as-of {day}", *lines(evaluate_scores(workspace, day))]))


@app.command()
def backup(target: Path, shop: ShopOption = None) -> None:
    """Write the shop's state and keys into one archive (the warehouse and Postgres are rebuilt from it)."""
    from orchestration.backups import write_backup

    workspace = _workspace(shop)
    workspace.claim("regulars backup")
    write_backup(workspace.state, target)
    console.print(f"{target}: {target.stat().st_size / 1e6:,.1f} MB; it holds the keys, keep it like them")


@app.command()
def restore(source: Path, shop: ShopOption = None) -> None:
    """Bring back a backup where the shop has no state."""
    from orchestration.activation import publisher
    from orchestration.backups import read_backup

    workspace = _workspace(shop)
    read_backup(workspace.state, source)
    publisher(workspace).relocate()
    console.print(f"{workspace.state.root} restored; `regulars run` brings Postgres up to it")


@app.command()
def doctor(shop: ShopOption = None) -> None:
    """Check everything that a run needs; say what is wrong and what to do."""
    from orchestration.doctor import examine

    findings = examine(_workspace(shop))
    for finding in findings:
        mark = "[green]✓[/]" if finding.is_well else "[red]✗[/]"
        console.print(f"{mark} {finding.subject:<18} {finding.words}", soft_wrap=True)
    raise typer.Exit(0 if all(finding.is_well for finding in findings) else 1)


@app.command()
def ui(shop: ShopOption = None, port: int = 3000, mlflow_port: int = 5000) -> None:
    """Open Dagster and MLflow on localhost."""
    from orchestration.servers import serve

    raise typer.Exit(serve(_workspace(shop), port, mlflow_port, console))


@app.command(context_settings={"allow_extra_args": True, "ignore_unknown_options": True})
def psql(context: typer.Context) -> None:
    """The psql that came with the server, connected to the published tables."""
    from orchestration.publishing.server import postgres_url, psql_path

    workspace = _workspace(None)
    url = postgres_url(workspace.settings.postgres_url, workspace.state.postgres)
    os.execv(psql_path(), [str(psql_path()), url, *context.args])


@app.command()
def stop(shop: ShopOption = None) -> None:
    """Stop the Postgres that a run left running for its readers."""
    from orchestration.publishing.server import stop_server

    stopped = stop_server(_workspace(shop).state.postgres)
    console.print("Postgres stopped" if stopped else "Postgres was not running")


def _workspace(shop: str | None) -> Workspace:
    """The deployment, its shop read and its state checked."""
    if shop:
        os.environ["REGULARS_SHOP"] = shop  # definitions and dbt, in this process, serve the same shop
    workspace = Workspace()
    workspace.shop  # noqa: B018 - a mistake in shop.yml is said before anything else happens
    workspace.state.prepare()
    return workspace


def _needs_training(workspace: Workspace, day: date) -> bool:
    """Without a champion; and where a run that trained was killed, so that the same run again does the same."""
    from orchestration.inputs import unfinished
    from orchestration.models import champions

    left = unfinished(workspace.state, day.isoformat())
    return bool(left and left.training_dates) or not champions(workspace)
