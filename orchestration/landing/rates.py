"""``rates.csv`` of a shop: which foreign currencies it can convert, from which day on.

Belongs here: reading and checking the file. Does not belong here: converting (staging does).
"""

from __future__ import annotations

import csv
from datetime import date
from decimal import Decimal, InvalidOperation

from orchestration.landing.errors import LandingError
from orchestration.shop import Shop

COLUMNS = ["currency", "date", "rate"]


def first_rate_dates(shop: Shop) -> dict[str, date]:
    """First day with a rate, by currency; none where the shop has no ``rates.csv``.

    Raises
    ------
    LandingError
        The file has other columns or a line that is no rate.
    """
    path = shop.folder / "rates.csv"
    if not path.exists():
        return {}
    first: dict[str, date] = {}
    with path.open(encoding="utf-8-sig", newline="") as file:
        rows = csv.DictReader(file)
        if rows.fieldnames != COLUMNS:
            raise LandingError(f"{path} has to have the columns {','.join(COLUMNS)}")
        for row in rows:
            try:
                day, rate = date.fromisoformat(row["date"]), Decimal(row["rate"])
            except (ValueError, InvalidOperation, TypeError):
                raise LandingError(f"{path}, line {rows.line_num}: no date or no rate") from None
            if rate <= 0:
                raise LandingError(f"{path}, line {rows.line_num}: a rate has to be positive")
            first[row["currency"]] = min(day, first.get(row["currency"], day))
    return first
