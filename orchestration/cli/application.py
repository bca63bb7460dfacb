"""What every command shares: the application, its two consoles, the options, the way to a shop.

Belongs here: nothing that only one command needs.
"""

from __future__ import annotations

import os
from datetime import datetime
from typing import Annotated

import typer
from rich.console import Console

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


def open_workspace(shop: str | None) -> Workspace:
    """The deployment, its shop read and its state checked."""
    if shop:
        os.environ["REGULARS_SHOP"] = shop  # definitions and dbt, in this process, serve the same shop
    workspace = Workspace()
    workspace.shop  # noqa: B018 - a mistake in shop.yml is said before anything else happens
    workspace.state.prepare()
    return workspace


def open_to_decide(shop: str | None) -> Workspace:
    """The same for what ends in decisions: a mistake in plays.yml is not left to be found behind the training."""
    from orchestration.plays import load_policy

    workspace = open_workspace(shop)
    load_policy(workspace.shop.folder)
    return workspace
