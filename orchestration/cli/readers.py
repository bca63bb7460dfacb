"""Commands about what readers see: rollback, suppress, psql, stop."""

from __future__ import annotations

import os
from typing import Annotated

import typer
from rich.markup import escape

from orchestration.cli.application import ShopOption, app, console, errors, open_workspace


@app.command()
def rollback(
    to: Annotated[str | None, typer.Option(help="Generation; else the one published before.")] = None,
    shop: ShopOption = None,
) -> None:
    """Point readers of both sinks to an earlier generation. Suppressions and withdrawals stay in force."""
    from orchestration.withdrawals import roll_back

    workspace = open_workspace(shop)
    workspace.claim("regulars rollback")
    in_files, in_postgres = roll_back(workspace, to)
    console.print(f"files: {in_files.reason}\nPostgres: {in_postgres.reason}", soft_wrap=True)


@app.command()
def suppress(
    external_ids: Annotated[list[str], typer.Argument(help="The shop's own customer numbers.")],
    reason: Annotated[str, typer.Option()] = "asked for",
    shop: ShopOption = None,
) -> None:
    """Hide customers from every published table, at once and through every rollback."""
    from orchestration import withdrawals
    from orchestration.publishing.errors import SinkUnavailableError

    workspace = open_workspace(shop)
    try:
        found = withdrawals.suppress(workspace, external_ids, reason)
    except SinkUnavailableError as error:
        errors.print(
            f"[red]✗[/] hidden in the files, not yet in Postgres ({escape(str(error))}): repeat the command when it "
            "answers again; the next run brings it up too",
            soft_wrap=True,
        )
        raise typer.Exit(1) from error
    unknown = sorted(set(external_ids) - set(found))
    later = f"; not published, hidden as soon as they are: {', '.join(unknown)}" if unknown else ""
    console.print(f"{len(found)} hidden{later}", soft_wrap=True)


@app.command(context_settings={"allow_extra_args": True, "ignore_unknown_options": True})
def psql(context: typer.Context) -> None:
    """The psql that came with the server, connected to the published tables."""
    from orchestration.publishing.server import postgres_url, psql_path

    workspace = open_workspace(None)
    url = postgres_url(workspace.settings.postgres_url, workspace.state.postgres)
    os.execv(psql_path(), [str(psql_path()), url, *context.args])


@app.command()
def stop(shop: ShopOption = None) -> None:
    """Stop the Postgres that a run left running for its readers."""
    from orchestration.publishing.server import stop_server

    stopped = stop_server(open_workspace(shop).state.postgres)
    console.print("Postgres stopped" if stopped else "Postgres was not running")
