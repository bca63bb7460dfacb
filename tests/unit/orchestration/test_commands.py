"""What commands say before they begin, and how they refuse."""

from __future__ import annotations

from pathlib import Path

import pytest
from typer.testing import CliRunner

from orchestration.cli import app
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
