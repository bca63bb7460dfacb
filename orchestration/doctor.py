"""``regulars doctor``: what a run needs, checked one by one, each with the next step.

Belongs here: checks that are quick and change nothing. Does not belong here: mending.
"""

from __future__ import annotations

import shutil
import sys
from collections.abc import Callable
from dataclasses import dataclass

from orchestration.landing.waiting import waiting
from orchestration.plays import load_policy
from orchestration.privacy.keys import KeysError, load_keys
from orchestration.workspace import Workspace

ENOUGH_DISK_GIGABYTES = 2


@dataclass(frozen=True)
class Check:
    """How one thing was found."""

    subject: str
    is_well: bool
    words: str


def examine(workspace: Workspace) -> list[Check]:
    """Every check, in the order in which a run would meet them."""
    checks: dict[str, Callable[[Workspace], str]] = {
        "Python": _python,
        "shop": lambda w: f"{w.shop.name}: {len(w.shop.touchpoints)} touchpoints",
        "plays": lambda w: f"{len(load_policy(w.shop.folder).plays)} plays",
        "landing folder": _landing,
        "keys": _keys,
        "state": _state,
        "disk": _disk,
        "run lock": _lock,
        "Postgres": _postgres,
        "champion": _champion,
    }
    return [_check(subject, check, workspace) for subject, check in checks.items()]


def _check(subject: str, check: Callable[[Workspace], str], workspace: Workspace) -> Check:
    try:
        return Check(subject, True, check(workspace))
    except Exception as error:
        return Check(subject, False, str(error).strip() or type(error).__name__)


def _python(_: Workspace) -> str:
    if sys.version_info[:2] != (3, 11):
        raise RuntimeError(f"this is {sys.version.split()[0]}; the locked versions need Python 3.11")
    return sys.version.split()[0]


def _landing(workspace: Workspace) -> str:
    found = waiting(workspace.shop, workspace.landing_folder)
    if not found and workspace.shop.simulator is None:
        raise RuntimeError(
            f"{workspace.landing_folder} holds no file that shop.yml asks for: put the shop's files there"
        )
    return f"{len(found)} files in {workspace.landing_folder}"


def _keys(workspace: Workspace) -> str:
    if not workspace.state.keys.exists() and workspace.state.raw.exists():
        raise KeysError(f"{workspace.state.keys} is missing, but data were landed with its keys: restore them")
    if not workspace.state.keys.exists():
        return "none yet; the first run makes them"
    load_keys(workspace.state)
    return f"in {workspace.state.keys}"


def _state(workspace: Workspace) -> str:
    workspace.state.prepare()
    return f"format {(workspace.state.root / 'format_version').read_text().strip()} in {workspace.state.root}"


def _disk(workspace: Workspace) -> str:
    free = shutil.disk_usage(workspace.state.root).free / 1e9
    if free < ENOUGH_DISK_GIGABYTES:
        raise RuntimeError(f"{free:.1f} GB free under {workspace.state.root}: make room, or set REGULARS_DATA_DIR")
    return f"{free:,.0f} GB free"


def _lock(workspace: Workspace) -> str:
    with workspace.state.exclusive("regulars doctor"):
        return "free"


def _postgres(workspace: Workspace) -> str:
    import psycopg

    from orchestration.publishing.server import postgres_url

    with psycopg.connect(postgres_url(workspace.settings.postgres_url, workspace.state.postgres)) as connection:
        version = connection.execute("show server_version").fetchone()
    return f"version {version[0] if version else 'unknown'}"


def _champion(workspace: Workspace) -> str:
    from orchestration.models import champions

    return ", ".join(champions(workspace).values()) or "none yet; the first run trains one"
