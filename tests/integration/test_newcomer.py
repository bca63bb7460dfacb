"""A newcomer's first hour: one odd export, and nothing but what `init` and `check` say, to published scores."""

import random
import re
from datetime import date, timedelta
from pathlib import Path

import duckdb
import pytest
from worlds import Deployment

from orchestration.publishing.files import current_generation

HEADER = "Beleg-Nr.;Pos;K_ID;Bestelldatum;ArtNr;Stk;VK-Preis (EUR);Bezeichnung"


def export(customers: int, *, seed: int = 5) -> bytes:
    """Two years of order lines as a German till writes them: Windows-1252, semicolons, day first, decimal commas."""
    draw = random.Random(seed)
    rows = []
    for customer in range(customers):
        day = date(2023, 7, 1) + timedelta(draw.randrange(30))
        last = date(2023, 9, 1) + timedelta(draw.randrange(650)) if customer % 2 else date(2025, 6, 30)
        while day <= last:
            price = f"{draw.randrange(199, 250_000) / 100:,.2f}".translate(str.maketrans(",.", ".,"))
            when = f"{day:%d.%m.%Y} {draw.randrange(8, 20):02d}:{draw.randrange(60):02d}"
            rows.append(f"B{len(rows):06d};1;{10_000 + customer};{when};A{draw.randrange(40)};1;{price};Größe 38")
            day += timedelta(draw.randrange(5, 60))
    rows.append("B999999;1;10001;31.02.2024;A1;1;9,90;Größe 38")  # no such day
    return "\r\n".join([HEADER, *rows, ""]).encode("cp1252")


@pytest.fixture
def shop(open_folder: Path) -> Deployment:
    """No shop folder yet; only the export lies where shops put their files."""
    (open_folder / "shops").mkdir()
    landing = open_folder / "data" / "boutique" / "landing"
    landing.mkdir(parents=True)
    (landing / "Umsätze_2025.csv").write_bytes(export(400))
    return Deployment(open_folder, "boutique")


def confirm_guesses(path: Path) -> str:
    """What the first line of a draft asks for: remove the mark in front of what is right."""
    text = re.sub(r"(?m)^(\s*)#\? ", r"\1", path.read_text(encoding="utf-8"))
    path.write_text(text, encoding="utf-8")
    return text


@pytest.mark.slow
def test_from_an_odd_export_to_published_scores_by_what_init_and_check_say(shop: Deployment) -> None:
    begun = shop.run("init", "boutique")
    assert begun.returncode == 0, begun.stdout + begun.stderr
    assert "regulars check --shop boutique" in begun.stdout

    before = shop.run("check", "--shop", "boutique")
    assert "no accepted row of orders says whose it is" in before.stdout, "K_ID is only a guess until confirmed"
    assert "no basis for profiling" in before.stdout

    confirm_guesses(shop.folder / "shops" / "boutique" / "shop.yml")
    checked = shop.run("check", "--shop", "boutique")
    assert checked.returncode == 0, checked.stdout + checked.stderr
    assert "99.99.9999" in checked.stdout, "the shape of the bad day, not the day"
    assert "31.02.2024" not in checked.stdout

    ran = shop.run("run")
    assert ran.returncode == 0, ran.stdout + ran.stderr
    generation = current_generation(shop.workspace.state.published)
    assert generation is not None
    scored = duckdb.sql(f"from '{generation.file('customer_scores')}' where status = 'scored'")
    assert scored.shape[0] > 100
    (bad,) = shop.workspace.state.quarantine.glob("orders/*.parquet")
    found = duckdb.sql(f"select file, column_name, value, rule from '{bad}'").fetchall()
    assert found == [("Umsätze_2025.csv", "ordered_at", "31.02.2024", "no timestamp")]
