"""Short names of content: the same content has the same name on every day and machine.

Belongs here: hashes of code, of a shop's folder, of who is suppressed. Does not belong here: which of them a run's
inputs hold (``inputs``).
"""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any

from orchestration.publishing.suppression import Privacy
from orchestration.settings import PROJECT_ROOT
from orchestration.shop import Shop
from orchestration.state import State

CODE = (
    "orchestration/**/*.py",
    "ml/**/*.py",
    *(f"dbt_project/{pattern}" for pattern in ("*.yml", "models/**/*.sql", "models/**/*.yml", "macros/**/*.sql")),
    "requirements.lock",
)
"""What decides results. Not ``dbt_project/target``: what dbt compiles there differs from run to run."""


def suppressions_hash(state: State) -> str:
    """Of who is suppressed and what was withdrawn by now."""
    Privacy(state.privacy).prepare()  # no list and an empty list are the same state
    return _hash_files(state.root, ("privacy/suppressions.parquet", "privacy/withdrawals.parquet"))


def shop_hash(shop: Shop) -> str:
    """Of the shop's folder."""
    return _hash_files(shop.folder, ("*.yml", "*.sql", "*.csv"))


def code_hash() -> str:
    """Of code and lock file."""
    return _hash_files(PROJECT_ROOT, CODE)


def digest(content: Any) -> str:
    """First 16 hex digits of the SHA-256 of the content as canonical JSON."""
    return hashlib.sha256(json.dumps(content, sort_keys=True, default=list).encode()).hexdigest()[:16]


def _hash_files(root: Path, patterns: tuple[str, ...]) -> str:
    paths = sorted(path for pattern in patterns for path in root.glob(pattern) if path.is_file())
    return digest([[str(p.relative_to(root)), hashlib.sha256(p.read_bytes()).hexdigest()] for p in paths])
