"""Keys: made once, kept from others, never made anew over data."""

from __future__ import annotations

import stat
from pathlib import Path

import pytest

from orchestration.privacy.keys import PURPOSES, KeysError, load_keys
from orchestration.state import State


@pytest.fixture
def state(tmp_path: Path) -> State:
    return State(tmp_path / "data", tmp_path / "keys", "corner")


def test_keys_are_made_once_each_another_and_readable_by_their_owner_only(state: State) -> None:
    keys = load_keys(state)
    assert load_keys(state) == keys
    assert len({keys.tokens, keys.tombstones, keys.holdouts}) == 3
    assert {stat.S_IMODE(path.stat().st_mode) for path in state.keys.iterdir()} == {0o600}
    assert {path.stem for path in state.keys.iterdir()} == set(PURPOSES)


def test_keys_are_not_printed(state: State) -> None:
    keys = load_keys(state)
    assert keys.tokens.hex() not in repr(keys)
    assert str(keys.tokens) not in repr(keys)


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o644])
def test_a_key_that_others_can_read_is_refused(state: State, mode: int) -> None:
    load_keys(state)
    (state.keys / "holdouts.key").chmod(mode)
    with pytest.raises(KeysError, match=r"can be read by others.*chmod 600"):
        load_keys(state)


@pytest.mark.parametrize("purpose", PURPOSES)
@pytest.mark.parametrize("trace", ["raw/orders/ab/manifest.json", "quarantine/orders/ab.parquet", "ledger/x.parquet"])
def test_a_key_that_is_missing_beside_data_is_never_made_anew(state: State, purpose: str, trace: str) -> None:
    load_keys(state)
    path = state.root / trace
    path.parent.mkdir(parents=True)
    path.touch()
    (state.keys / f"{purpose}.key").unlink()
    with pytest.raises(KeysError, match=r"is missing.*restore it from your backup"):
        load_keys(state)
    assert not (state.keys / f"{purpose}.key").exists()


def test_a_damaged_key_is_refused(state: State) -> None:
    load_keys(state)
    (state.keys / "tokens.key").write_text("abcd\n")
    with pytest.raises(KeysError, match="holds no key of 32 bytes"):
        load_keys(state)


def test_keys_inside_the_data_folder_are_refused(tmp_path: Path) -> None:
    with pytest.raises(KeysError, match="inside the data folder"):
        load_keys(State(tmp_path / "data", tmp_path / "data" / "keys", "corner"))
