"""Commands that compute: run, trigger, backfill."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import date, datetime, timedelta
from typing import Annotated

import typer
from rich.console import Console
from rich.markup import escape

from orchestration.cli.application import DayOption, ShopOption, app, console, errors, open_to_decide, open_workspace
from orchestration.workspace import Workspace


@app.command()
def run(
    shop: ShopOption = None,
    as_of: DayOption = None,
    train: Annotated[bool | None, typer.Option(help="Train first; else only without a champion or on request.")] = None,
    retry: Annotated[bool, typer.Option(help="Run again only what the last run did not finish.")] = False,
) -> None:
    """Land, resolve, profile, score and publish one as-of."""
    from orchestration.execution import retry_last, run_job
    from orchestration.partitions import require_as_of
    from orchestration.progress import Progress
    from orchestration.simulation import simulate_if_asked
    from orchestration.summary import close
    from orchestration.tuned import in_force

    workspace = open_to_decide(shop)
    workspace.claim("regulars run")
    progress = Progress()
    if retry:
        outcome = retry_last(workspace, progress=progress)
        if outcome is None:
            console.print("The last run finished; there is nothing to retry.")
            return
    else:
        day = as_of.date() if as_of else workspace.default_as_of()
        require_as_of(workspace.shop, day)
        progress.console.print(f"[bold]{workspace.shop.name}[/], as-of {day} 00:00 {workspace.shop.time_zone}")
        for settings in in_force(workspace.shop.folder):
            progress.console.print(settings)
        with ThreadPoolExecutor(1) as beside:  # in a fresh clone dbt takes as long as the demo's files
            parsed = beside.submit(_parse)
            simulate_if_asked(workspace, progress)
            parsed.result()
        trains = train if train is not None else _needs_training(workspace, day, progress.console)
        outcome = run_job(workspace, day, train=trains, progress=progress)
    raise typer.Exit(close(workspace, outcome, progress))


@app.command()
def trigger(shop: ShopOption = None) -> None:
    """Land new files now: withdrawals and requests for erasure act, live plays are decided on today's scores."""
    from orchestration.execution import run_landing
    from orchestration.notes import files_not_landed
    from orchestration.progress import Progress

    workspace = open_workspace(shop)
    workspace.claim("regulars trigger")
    outcome = run_landing(workspace, progress=Progress())
    not_landed = files_not_landed(workspace, outcome.run_id)
    for name, why in not_landed.items():
        errors.print(f"[red]✗[/] {name} was not landed and stays where it is: {escape(why)}", soft_wrap=True)
    if not outcome.succeeded:
        errors.print(f"[red]✗[/] {escape(outcome.error or '')}", soft_wrap=True)
    raise typer.Exit(0 if outcome.succeeded and not not_landed else 1)


@app.command()
def backfill(
    start: Annotated[datetime, typer.Option("--from", formats=["%Y-%m-%d"])],
    end: Annotated[datetime, typer.Option("--to", formats=["%Y-%m-%d"])],
    shop: ShopOption = None,
) -> None:
    """Write the generation of every day from --from to --to; readers keep seeing what they see."""
    from orchestration.execution import run_job
    from orchestration.partitions import require_as_of
    from orchestration.progress import Progress

    workspace = open_to_decide(shop)
    days = [start.date() + timedelta(n) for n in range((end.date() - start.date()).days + 1)]
    if not days:
        raise typer.BadParameter("--to lies before --from")
    require_as_of(workspace.shop, days[0])
    require_as_of(workspace.shop, days[-1])
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


def _parse() -> None:
    from orchestration.resources.dbt import project

    project()


def _needs_training(workspace: Workspace, day: date, out: Console) -> bool:
    """Without a champion, once more when churn can first be learned, where drift asks for it, and for a champion of
    another outcome or that this release cannot read; a killed run decides for the same run again."""
    from orchestration.inputs import unfinished
    from orchestration.models import champions, strangers, training_dates
    from orchestration.recommendations import unreadable_champion
    from orchestration.retraining import requests, spoken

    left = unfinished(workspace.state, day.isoformat())
    why = strangers(workspace, day) if left else requests(workspace, day)
    asked = spoken(why) if why else unreadable_champion(workspace)
    if asked:
        out.print(f"Trains again: {asked}")
    served = champions(workspace)
    is_first = not served or ("churn" not in served and bool(training_dates(workspace, day)))
    return bool(asked or (left and left.trains)) or is_first
