"""Commands of a shop's first hour: init, check."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Annotated

import typer

from orchestration.cli.application import ShopOption, app, console
from orchestration.settings import PROJECT_ROOT
from orchestration.workspace import Workspace


@app.command()
def init(
    slug: Annotated[str, typer.Argument(help="Name of the new folder under shops/.")],
    files: Annotated[Path | None, typer.Option(help="Folder with its files; else data/<slug>/landing.")] = None,
    touchpoint: Annotated[
        list[str] | None, typer.Option(help="What a file is, such as history.csv=events; may stand several times.")
    ] = None,
) -> None:
    """Write a commented shop folder by looking at a shop's files."""
    from orchestration.drafting.start import draft, require_new
    from orchestration.drafting.words import show

    os.environ["REGULARS_SHOP"] = slug
    workspace = Workspace()
    require_new(workspace.settings.shops_dir, slug)
    default = workspace.settings.landing_dir or workspace.state.landing
    folder = (files or default).resolve()
    landing = None
    if folder != default.resolve():
        landing = os.path.relpath(folder, PROJECT_ROOT) if folder.is_relative_to(PROJECT_ROOT) else str(folder)
    told = dict(one.rpartition("=")[::2] for one in touchpoint or ())
    written = draft(slug, folder, landing, now=workspace.now(), connect=workspace.connect_anywhere, told=told)
    show(written, written.write(workspace.settings.shops_dir), console)


@app.command()
def check(shop: ShopOption = None) -> None:
    """Say what would become of a shop's files, and what is missing; nothing is landed, nothing changes."""
    from orchestration.checking.examine import examine
    from orchestration.checking.words import show
    from orchestration.plays import load_policy

    if shop:
        os.environ["REGULARS_SHOP"] = shop
    workspace = Workspace()
    load_policy(workspace.shop.folder)
    findings = examine(
        workspace.shop,
        workspace.state,
        workspace.landing_folder,
        now=workspace.now(),
        connect=workspace.connect_anywhere,
    )
    show(findings, console)
    if not findings.can_land:
        console.print("\n[red]✗[/] nothing could be landed: mend what is marked, then check again")
        raise typer.Exit(1)
    console.print(f"\nNext: regulars run --shop {workspace.settings.shop}")
