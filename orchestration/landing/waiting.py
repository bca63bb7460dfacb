"""What lies in a landing folder, at a glance: for the sensor, which must be cheap and read no file."""

from __future__ import annotations

from pathlib import Path

from orchestration.shop import Shop


def waiting(shop: Shop, folder: Path) -> dict[str, str]:
    """File name: its size and time of change, for every file that a touchpoint asks for."""
    found = {path for spec in shop.touchpoints.values() for path in folder.glob(spec.files) if path.is_file()}
    return {path.name: f"{path.stat().st_size} {path.stat().st_mtime_ns}" for path in sorted(found)}
