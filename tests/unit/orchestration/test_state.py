"""State on disk: its format, its lock, its backup."""

import errno
import subprocess
import sys
import tarfile
from pathlib import Path

import pytest

from orchestration import backups
from orchestration import state as states
from orchestration.backups import read_backup, write_backup
from orchestration.state import FORMAT_VERSION, State, StateError


@pytest.fixture
def state(tmp_path: Path) -> State:
    return State(tmp_path / "data", tmp_path / "keys", "corner")


def test_a_new_state_is_stamped_with_its_format(state: State) -> None:
    state.prepare()
    assert (state.root / "format_version").read_text().strip() == str(FORMAT_VERSION)


def test_a_newer_format_is_refused_with_what_to_do(state: State) -> None:
    state.prepare()
    (state.root / "format_version").write_text("99")
    with pytest.raises(StateError, match="newer release"):
        state.prepare()


def test_a_stamp_that_did_not_fit_on_the_disk_bricks_nothing(state: State) -> None:
    state.root.mkdir(parents=True)
    (state.root / "format_version").touch()
    state.prepare()
    assert (state.root / "format_version").read_text().strip() == str(FORMAT_VERSION)


def test_an_older_format_is_migrated_step_by_step(state: State, monkeypatch: pytest.MonkeyPatch) -> None:
    state.prepare()
    steps: list[int] = []
    monkeypatch.setattr(states, "FORMAT_VERSION", FORMAT_VERSION + 2)
    for step in (FORMAT_VERSION, FORMAT_VERSION + 1):
        monkeypatch.setitem(states.MIGRATIONS, step, lambda _, step=step: steps.append(step))
    state.prepare()
    assert steps == [FORMAT_VERSION, FORMAT_VERSION + 1]
    assert (state.root / "format_version").read_text().strip() == str(FORMAT_VERSION + 2)


def test_a_state_that_may_hold_addresses_for_tokens_is_refused_with_what_to_do(state: State) -> None:
    state.prepare()
    (state.root / "format_version").write_text("1")
    with pytest.raises(StateError, match="landed anew"):
        state.prepare()
    assert (state.root / "format_version").read_text() == "1"


def test_an_older_format_without_a_migration_is_refused(state: State) -> None:
    state.prepare()
    (state.root / "format_version").write_text("0")
    with pytest.raises(StateError, match="no migration"):
        state.prepare()


def test_a_second_process_is_told_who_holds_the_lock(state: State) -> None:
    code = (
        "from pathlib import Path; from orchestration.state import State, StateError; import sys\n"
        f"state = State(Path({str(state.data_dir)!r}), Path({str(state.keys_dir)!r}), 'corner')\n"
        "try:\n    state.exclusive('second').__enter__()\n"
        "except StateError as error:\n    print(error); sys.exit(3)\n"
    )
    with state.exclusive("the first run"):
        second = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert second.returncode == 3
    assert "the first run" in second.stdout
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0, "free again after the first"


def test_a_backup_that_does_not_fit_leaves_nothing_behind(
    state: State, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    state.prepare()

    def full(*_: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(tarfile.TarFile, "add", full)
    (tmp_path / "archives").mkdir()
    with pytest.raises(OSError, match="No space left"):
        write_backup(state, tmp_path / "archives" / "backup.tar.gz")
    assert list((tmp_path / "archives").iterdir()) == []


def test_a_backup_brings_back_state_and_keys(state: State, tmp_path: Path) -> None:
    state.prepare()
    state.keys.mkdir(parents=True)
    (state.keys / "tokens.key").write_bytes(b"secret")
    (state.raw / "orders").mkdir(parents=True)
    (state.raw / "orders" / "rows.parquet").write_bytes(b"rows")
    (state.raw / "orders" / "lent.parquet").hardlink_to(state.raw / "orders" / "rows.parquet")
    state.warehouse.write_bytes(b"rebuilt by the next run")
    archive = tmp_path / "backup.tar.gz"
    write_backup(state, archive)
    assert archive.stat().st_mode & 0o077 == 0, "it holds the keys"

    elsewhere = State(tmp_path / "data2", tmp_path / "keys2", "corner")
    elsewhere.prepare()
    read_backup(elsewhere, archive)
    assert (elsewhere.raw / "orders" / "rows.parquet").read_bytes() == b"rows"
    assert (elsewhere.raw / "orders" / "lent.parquet").read_bytes() == b"rows"
    assert (elsewhere.keys / "tokens.key").read_bytes() == b"secret"
    assert elsewhere.keys.stat().st_mode & 0o077 == 0
    assert not elsewhere.warehouse.exists()


def test_a_restore_overwrites_nothing(state: State, tmp_path: Path) -> None:
    state.prepare()
    archive = tmp_path / "backup.tar.gz"
    write_backup(state, archive)
    (state.raw / "orders").mkdir(parents=True)
    with pytest.raises(StateError, match="overwrites nothing"):
        read_backup(state, archive)


@pytest.mark.parametrize(
    "member",
    [
        {"name": "state/../../out"},
        {"name": "state/in", "type": tarfile.SYMTYPE, "linkname": "/etc"},
        {"name": "state/in", "type": tarfile.SYMTYPE, "linkname": "../../out"},
        {"name": "state/in", "type": tarfile.FIFOTYPE},
    ],
)
@pytest.mark.parametrize("has_filter", [True, False])
def test_an_archive_that_reaches_outside_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, member: dict[str, object], has_filter: bool
) -> None:
    """Also by Python before 3.11.4, which has no filters of its own."""
    if not has_filter:
        monkeypatch.setattr(backups, "FILTER", {})
    archive = tmp_path / "odd.tar.gz"
    with tarfile.open(archive, "w:gz") as target:
        odd = tarfile.TarInfo()
        for name, value in member.items():
            setattr(odd, name, value)
        target.addfile(odd)
    other = State(tmp_path / "other", tmp_path / "other-keys", "demo")
    other.prepare()
    with pytest.raises(StateError, match="no backup of Regulars"):
        read_backup(other, archive)


def test_a_file_that_is_no_backup_is_refused(state: State, tmp_path: Path) -> None:
    state.prepare()
    (tmp_path / "notes.txt").write_text("not an archive")
    with pytest.raises(StateError, match="no backup of Regulars"):
        read_backup(state, tmp_path / "notes.txt")
