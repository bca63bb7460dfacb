"""The shop's three secret keys: for identifier tokens, for tombstones, for holdouts.

Belongs here: making them once, reading and guarding them. Does not belong here: what is done with them
(``tokens``, erasure, holdout assignment).
"""

from __future__ import annotations

import os
import secrets
import stat
from dataclasses import dataclass, field
from pathlib import Path

from orchestration.state import State

PURPOSES = ("tokens", "tombstones", "holdouts")
KEY_BYTES = 32


class KeysError(RuntimeError):
    """The keys cannot be used; the message says why and what to do."""


@dataclass(frozen=True)
class Keys:
    """The keys, 32 bytes each; never printed."""

    tokens: bytes = field(repr=False)
    tombstones: bytes = field(repr=False)
    holdouts: bytes = field(repr=False)


def load_keys(state: State) -> Keys:
    """Read the shop's keys; make them on the very first landing, mode 0600 in a folder of mode 0700.

    Raises
    ------
    KeysError
        They lie inside the data folder, others can read them, one is damaged, or one is missing although
        the shop has data: a new key would turn every known customer into a stranger, so none is made.
    """
    folder = state.keys
    if folder.resolve().is_relative_to(state.data_dir.resolve()):
        raise KeysError(f"{folder} lies inside the data folder {state.data_dir}; set REGULARS_KEYS_DIR elsewhere")
    missing = [purpose for purpose in PURPOSES if not _path(folder, purpose).exists()]
    if missing:
        if _has_data(state):
            raise KeysError(
                f"shop {state.shop} has data under {state.root}, but {_path(folder, missing[0])} is missing. It is not "
                "made anew, because no stored token would match any more: restore it from your backup of the keys, "
                "or delete the shop's data to start over"
            )
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        for purpose in missing:
            _make(_path(folder, purpose))
    return Keys(**{purpose: _read(_path(folder, purpose)) for purpose in PURPOSES})


def _path(folder: Path, purpose: str) -> Path:
    return folder / f"{purpose}.key"


def _has_data(state: State) -> bool:
    folders = (state.raw, state.quarantine, state.ledger, state.identity, state.published, state.root / "privacy")
    return any(path.is_file() for folder in folders for path in folder.rglob("*"))


def _make(path: Path) -> None:
    # Written beside and linked into place: a killed run leaves a whole key or none, and none is overwritten.
    draft = path.with_suffix(f".{os.getpid()}.draft")
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "w") as file:
        file.write(secrets.token_hex(KEY_BYTES) + "\n")
    try:
        os.link(draft, path)
    except FileExistsError:
        pass  # another process was first; its key is the one
    finally:
        draft.unlink()


def _read(path: Path) -> bytes:
    mode = stat.S_IMODE(path.stat().st_mode)
    if mode & 0o077:
        raise KeysError(f"{path} can be read by others (mode {mode:04o}); run: chmod 600 {path}")
    try:
        key = bytes.fromhex(path.read_text(encoding="ascii").strip())
    except ValueError:
        key = b""
    if len(key) != KEY_BYTES:
        raise KeysError(f"{path} holds no key of {KEY_BYTES} bytes in hex: restore it from your backup of the keys")
    return key
