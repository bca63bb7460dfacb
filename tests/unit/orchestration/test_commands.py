"""What commands say before they begin, and how they refuse."""

from __future__ import annotations

from pathlib import Path

import duckdb
import pytest
from typer.testing import CliRunner

from orchestration.cli import app, main
from orchestration.settings import read_environment
from orchestration.shop import ShopError

SHOP = "name: Corner\ntouchpoints: {orders: {files: 'orders*'}}\n"
ORDERS = "order_id,line_number,ordered_at,quantity,unit_price\no1,1,2025-06-01,1,9.90\n"


@pytest.fixture
def corner(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder of a tiny shop whose commands run in this process."""
    folder, landing = tmp_path / "shops/corner", tmp_path / "data/corner/landing"
    for each in (folder, landing):
        each.mkdir(parents=True)
    (folder / "shop.yml").write_text(SHOP)
    (landing / "orders.csv").write_text(ORDERS)
    monkeypatch.setenv("REGULARS_SHOP", "corner")
    for name in ("shops", "data", "keys"):
        monkeypatch.setenv(f"REGULARS_{name.upper()}_DIR", str(tmp_path / name))
    return folder


@pytest.mark.parametrize("command", ["run", "backfill --from 2025-06-02 --to 2025-06-02", "check"])
def test_a_mistake_in_plays_is_told_before_anything_is_landed_or_trained(
    corner: Path, monkeypatch: pytest.MonkeyPatch, command: str
) -> None:
    (corner / "plays.yml").write_text("plays: {hello: {channel: email}}\n")
    monkeypatch.setattr("orchestration.cli.runs._parse", lambda: pytest.fail("began"))
    monkeypatch.setattr("orchestration.execution.run_job", lambda *_, **__: pytest.fail("began"))
    refused = CliRunner().invoke(app, command.split()).exception
    assert isinstance(refused, ShopError)
    assert "plays.hello.cooldown_days: is missing" in str(refused)


def test_the_doctor_looks_at_the_plays_too(corner: Path) -> None:
    (corner / "plays.yml").write_text("plays: {hello: {channel: email}}\n")
    said = CliRunner().invoke(app, ["doctor"])
    assert said.exit_code == 1
    assert "plays.hello.cooldown_days: is missing" in said.output


@pytest.mark.parametrize(
    ("command", "environment", "said"),
    [
        ("doctor", {"REGULARS_THREADS": "abc"}, "REGULARS_THREADS: Input should be a valid integer"),
        ("doctor", {"REGULARS_THREADS": "0"}, "REGULARS_THREADS: Input should be greater than or equal to 1"),
        ("check", {"REGULARS_MEMORY_LIMIT": "lots"}, "REGULARS_MEMORY_LIMIT: 'lots' is no amount of memory"),
        ("backup nowhere/x.tgz", {}, "nowhere/x.tgz lies in a folder that does not exist"),
        ("backup .", {}, "is a folder; name a file"),
    ],
)
@pytest.mark.usefixtures("corner")
def test_what_cannot_be_used_is_told_in_one_line(
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    command: str,
    environment: dict[str, str],
    said: str,
) -> None:
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setattr("sys.argv", ["regulars", *command.split()])
    monkeypatch.setattr("orchestration.cli.prepare_process", lambda: None)
    with pytest.raises(SystemExit) as ended:
        main()
    assert ended.value.code == 2
    assert said in capsys.readouterr().err


@pytest.mark.parametrize("limit", ["1GB", "1.5 GiB", "800mb"])
def test_every_memory_limit_that_is_let_in_duckdb_takes(monkeypatch: pytest.MonkeyPatch, limit: str) -> None:
    monkeypatch.setenv("REGULARS_MEMORY_LIMIT", limit)
    duckdb.connect().execute(f"set memory_limit = '{read_environment().memory_limit}'")
