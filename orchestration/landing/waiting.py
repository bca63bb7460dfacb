"""What lies in a landing folder, at a glance: for the sensor, which must be cheap and read no file."""

from __future__ import annotations

from pathlib import Path

from orchestration.shop import Shop


def waiting(shop: Shop, folder: Path) -> dict[str, str]:
    """Path within the folder: size and times of change, for every file that a touchpoint asks for."""
    found = {path for spec in shop.touchpoints.values() for path in folder.glob(spec.files) if path.is_file()}
    looks = {path.relative_to(folder).as_posix(): path.stat() for path in sorted(found)}
    return {file: f"{look.st_size} {look.st_mtime_ns} {look.st_ctime_ns}" for file, look in looks.items()}
