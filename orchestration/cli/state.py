"""Commands about a shop's state: backup, restore, doctor, ui."""

from __future__ import annotations

from pathlib import Path

import typer

from orchestration.cli.application import ShopOption, app, console, open_workspace


@app.command()
def backup(target: Path, shop: ShopOption = None) -> None:
    """Write the shop's state and keys into one archive (the warehouse and Postgres are rebuilt from it)."""
    from orchestration.backups import write_backup

    workspace = open_workspace(shop)
    workspace.claim("regulars backup")
    write_backup(workspace.state, target)
    console.print(f"{target}: {target.stat().st_size / 1e6:,.1f} MB; it holds the keys, keep it like them")


@app.command()
def restore(source: Path, shop: ShopOption = None) -> None:
    """Bring back a backup where the shop has no state."""
    from orchestration.activation import publisher
    from orchestration.backups import read_backup

    workspace = open_workspace(shop)
    read_backup(workspace.state, source)
    publisher(workspace).relocate()
    console.print(f"{workspace.state.root} restored; `regulars run` brings Postgres up to it")


@app.command()
def doctor(shop: ShopOption = None) -> None:
    """Check everything that a run needs; say what is wrong and what to do."""
    from orchestration.doctor import examine

    findings = examine(open_workspace(shop))
    for finding in findings:
        mark = "[green]✓[/]" if finding.is_well else "[red]✗[/]"
        console.print(f"{mark} {finding.subject:<18} {finding.words}", soft_wrap=True)
    raise typer.Exit(0 if all(finding.is_well for finding in findings) else 1)


@app.command()
def ui(shop: ShopOption = None, port: int = 3000, mlflow_port: int = 5000) -> None:
    """Open Dagster and MLflow on localhost."""
    from orchestration.servers import serve

    raise typer.Exit(serve(open_workspace(shop), port, mlflow_port, console))
