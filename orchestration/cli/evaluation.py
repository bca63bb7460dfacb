"""Commands that hold what was foretold against what happened, and what was trained against itself or against other
settings: backtest, evaluate, evaluate recommender, reproduce, tune."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path
from typing import Annotated

import typer

from orchestration.cli.application import DayOption, ShopOption, app, console, errors, open_workspace

evaluate = typer.Typer(help="Hold scores against what then really happened.", invoke_without_command=True)
app.add_typer(evaluate, name="evaluate")


@evaluate.callback(invoke_without_command=True)
def scores(context: typer.Context, shop: ShopOption = None, as_of: DayOption = None) -> None:
    """Hold scores and lists of an as-of, the newest that was run, against what then happened; a simulated shop knows
    more of it."""
    if context.invoked_subcommand:
        return
    from orchestration import contract_evaluation, list_evaluation, value_evaluation
    from orchestration.evaluation import evaluate_scores, lines
    from orchestration.inputs import pinned_as_ofs

    workspace = open_workspace(shop)
    day = as_of.date() if as_of else max(pinned_as_ofs(workspace.state), default=workspace.default_as_of())
    console.print("\n".join([f"[bold]{workspace.shop.name}[/], as-of {day}", *lines(evaluate_scores(workspace, day))]))
    if value := value_evaluation.evaluate_value(workspace, day):
        console.print("\n".join(value_evaluation.lines(value, workspace.shop.currency)))
    if contracts := contract_evaluation.evaluate_contracts(workspace, day):
        console.print("\n".join(contract_evaluation.lines(contracts, workspace.shop.currency)))
    if lists := list_evaluation.evaluate_lists(workspace, day):
        console.print("\n".join(list_evaluation.lines(lists)), soft_wrap=True)


@app.command()
def backtest(
    start: Annotated[datetime, typer.Option("--from", formats=["%Y-%m-%d"])],
    end: Annotated[datetime, typer.Option("--to", formats=["%Y-%m-%d"])],
    shop: ShopOption = None,
    worth: Annotated[bool, typer.Option(help="Also without each touchpoint: what is it worth?")] = False,
    track: Annotated[bool, typer.Option(help="Log to MLflow.")] = True,
) -> None:
    """Judge churn and value on the first of every month, each time trained on what was known then."""
    from orchestration import backtesting, data_worth

    if end < start:
        raise typer.BadParameter("--to lies before --from")
    workspace = open_workspace(shop)
    workspace.claim("regulars backtest")
    for compared in backtesting.backtest(workspace, start.date(), end.date()):
        console.print("\n".join(backtesting.lines(compared)), soft_wrap=True)
        if track:
            console.print(f"  MLflow run {backtesting.track(workspace, compared)}")
    if worth:
        found = data_worth.worth_of_data(workspace, start.date(), end.date())
        console.print("\n".join(data_worth.lines(found)), soft_wrap=True)
        if track:
            run = data_worth.track(workspace, found, start.date(), end.date())
            console.print(f"  MLflow run {run}")


@app.command()
def tune(
    shop: ShopOption = None,
    model: Annotated[str | None, typer.Option(help="churn or value; else one after the other.")] = None,
    minutes: Annotated[float, typer.Option(min=0.1, help="For each model.")] = 20,
    as_of: DayOption = None,
    seed: Annotated[int, typer.Option(min=0)] = 7,
    track: Annotated[bool, typer.Option(help="Log to MLflow.")] = True,
) -> None:
    """Search better settings for churn and value than the defaults; what was interrupted goes on."""
    from orchestration import tuning
    from orchestration.inputs import pinned_as_ofs

    if model not in (None, *tuning.MODELS):
        raise typer.BadParameter(f"{model!r} is not tuned, only {' and '.join(tuning.MODELS)} are")
    workspace = open_workspace(shop)
    workspace.claim("regulars tune")
    day = as_of.date() if as_of else max(pinned_as_ofs(workspace.state), default=workspace.default_as_of())
    request = tuning.Request(day, minutes, seed, is_tracked=track)
    inputs = tuning.inputs_of(workspace, day)
    for name in (model,) if model else tuning.MODELS:
        found = tuning.searched(workspace, inputs, name, request, lambda words: console.print(words, soft_wrap=True))
        console.print(f"  {found.verdict.words}", soft_wrap=True)
        console.print(f"  [bold]{tuning.keep(workspace, found, request)}[/]", soft_wrap=True)
        if found.run_id:
            console.print(f"  MLflow run {found.run_id}")


@app.command()
def reproduce(run_id: Annotated[str, typer.Argument(help="Of an MLflow run.")], shop: ShopOption = None) -> None:
    """Train the model of a run again from the raw batches, and compare every byte with what was kept."""
    from orchestration import reproducing

    workspace = open_workspace(shop)
    workspace.claim("regulars reproduce")
    found = reproducing.reproduce(workspace, run_id)
    if found.is_same:
        console.print(f"[green]✓[/] {found.version.spoken}: the same bytes, {found.content[:16]}")
        return
    errors.print(f"[red]✗[/] {found.version.spoken}: {found.content[:16]} instead of {found.version.content[:16]}")
    raise typer.Exit(1)


@evaluate.command()
def recommender(
    interactions: Annotated[Path, typer.Option(help="Parquet, CSV, or .txt: a user and its items in order per line.")],
    protocol: Annotated[str, typer.Option(help="leave-last-out, next-basket, time-split or given-split.")],
    test: Annotated[Path | None, typer.Option(help="given-split: rows to foretell.")] = None,
    catalogue: Annotated[Path | None, typer.Option(help="Items with name, category, brand, price.")] = None,
    min_rating: Annotated[float | None, typer.Option(help="Leaves out rows below it.")] = None,
    k: Annotated[str, typer.Option(help="Lengths of lists.")] = "5,10,20",
    json_file: Annotated[
        Path | None, typer.Option("--json", dir_okay=False, writable=True, help="Writes all figures there.")
    ] = None,
    cut: Annotated[str | None, typer.Option(help="time-split: instant; else a horizon before the last row.")] = None,
    horizon_days: Annotated[float | None, typer.Option(help="time-split: days to foretell; 30 if not given.")] = None,
    new_only: Annotated[bool, typer.Option("--new-only", help="Foretells what is new to the user alone.")] = False,
    user: Annotated[str, typer.Option(help="Column of the user.")] = "user",
    item: Annotated[str, typer.Option(help="Column of the item, in the catalogue too.")] = "item",
    time: Annotated[str, typer.Option(help="Column of the instant.")] = "time",
    order: Annotated[str, typer.Option(help="Column of a number that orders rows.")] = "order",
    basket: Annotated[str, typer.Option(help="Column of the basket; else one instant of a user is one.")] = "basket",
    rating: Annotated[str, typer.Option(help="Column of the rating.")] = "rating",
    time_budget: Annotated[
        float | None, typer.Option(min=0, help="Seconds of fitting; least useful generators go.")
    ] = None,
    seed: Annotated[int, typer.Option(min=0)] = 7,
    track: Annotated[bool, typer.Option(help="Log to MLflow.")] = True,
) -> None:
    """Hold our recommender against popularity, item-item, EASE and ALS on any log of interactions."""
    from orchestration.recommender_evaluation import Request, evaluate_log

    columns = {"user": user, "item": item, "time": time, "order": order, "basket": basket, "rating": rating}
    request = Request(
        interactions, protocol, columns, test=test, catalogue=catalogue, min_rating=min_rating, lengths=k, cut=cut,
        horizon_days=horizon_days, new_only=new_only, time_budget=time_budget, seed=seed,
    )  # fmt: skip
    if json_file and not _can_hold(json_file):
        raise typer.BadParameter(f"--json {json_file} cannot be written: a folder on the way is a file, or it is one")
    report = evaluate_log(request, note=lambda words: errors.print(f"[dim]{words}[/]"))
    console.print("\n".join(report.lines), soft_wrap=True)
    if json_file:
        report.write(json_file)
    if track:
        console.print(f"MLflow run {report.track()}")


def _can_hold(path: Path) -> bool:
    """Whether a file may be written there: asked before minutes are spent on what is to be written."""
    return not path.is_dir() and all(folder.is_dir() for folder in path.parents if folder.exists())
