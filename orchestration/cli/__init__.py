"""``regulars``: what a person types. Every command is a few lines over a function that does the work.

Belongs here: arguments, exit codes, and turning known errors into one clear line; a module for each group of
commands. Does not belong here: the work.
"""

from __future__ import annotations

import sys

from rich.markup import escape

from orchestration.cli import evaluation, readers, runs, shops, state
from orchestration.cli.application import app, errors
from orchestration.environment import prepare_process

__all__ = ["app", "evaluation", "main", "readers", "runs", "shops", "state"]


def main() -> None:
    """Entry point: known errors are one line that says what to do, and exit code 2."""
    from ml.recommender.evaluation.errors import LogError
    from orchestration.disk import ADVICE, is_full
    from orchestration.landing import LandingError
    from orchestration.privacy.keys import KeysError
    from orchestration.publishing.errors import PublishError
    from orchestration.settings import SettingsError
    from orchestration.shop import ShopError
    from orchestration.state import StateError

    prepare_process()
    try:
        app()
    except (SettingsError, ShopError, StateError, LandingError, KeysError, PublishError, LogError) as error:
        errors.print(f"[red]✗[/] {escape(str(error))}", soft_wrap=True)
        sys.exit(2)
    except Exception as error:
        if not is_full(error):
            raise
        errors.print(f"[red]✗[/] {ADVICE} ({escape(str(error).splitlines()[0])})", soft_wrap=True)
        sys.exit(2)
