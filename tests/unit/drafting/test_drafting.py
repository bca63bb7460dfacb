"""``regulars init``: what it recognises, what it leaves to be confirmed, and that what it writes can be landed."""

from __future__ import annotations

import json
import random
import re
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import duckdb
import pytest
import yaml
from worlds import ROOT, Deployment

from orchestration.drafting.draft import confirmed
from orchestration.drafting.start import Draft, draft
from orchestration.landing import LandingError, Rehearsal, batches, rehearsal, rows_path
from orchestration.shop import load_shop
from orchestration.state import State

NOW = datetime(2025, 7, 1, 12, tzinfo=UTC)


def drafted(folder: Path, **told: str) -> Draft:
    return draft("corner", folder, None, now=NOW, connect=duckdb.connect, told=told)


def write(folder: Path, name: str, lines: list[str], encoding: str = "utf-8") -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    (folder / name).write_bytes(("\n".join(lines) + "\n").encode(encoding))
    return folder


def landed(
    found: Draft, folder: Path, root: Path, look: Callable[[Rehearsal], object] = bool
) -> dict[str, tuple[int, int]]:
    """Rows in and accepted by touchpoint, once every guess is confirmed; ``look`` sees the rehearsal."""
    shop = root / "shops" / "corner"
    shop.mkdir(parents=True)
    for name, text in found.files.items():
        (shop / name).write_text(confirmed(confirmed(text), "--? "))
    state = State(root / "state", root / "keys", "corner")
    with rehearsal(load_shop(shop.parent, "corner"), state, folder, now=NOW, connect=duckdb.connect) as rehearsed:
        assert rehearsed.report.errors == ()
        look(rehearsed)
        return {batch.touchpoint: (batch.rows_in, batch.accepted) for batch in rehearsed.report.landed}


def days(count: int) -> list[date]:
    return [date(2024, 1, 1) + timedelta(n % 500) for n in range(count)]


def test_the_files_of_the_demo_are_recognised_with_their_mapping(tmp_path: Path) -> None:
    """The demo's order system speaks German; its folder under shops/ is what a person wrote for it."""
    known = yaml.safe_load((ROOT / "shops" / "demo" / "shop.yml").read_text())["touchpoints"]["orders"]
    header = [*known["columns"].values(), "exportiert_am"]
    row = ["B{n}", "1", "sale", "{d} 10:00:00", "K{k}", "k{k}@x.org", "+49 30 {k}", "C{k}", "A1", "2", "9.90", "0.00",
           "EUR", "web", "paid", "{d} 11:00:00", "1", "{d} 12:00:00"]  # fmt: skip
    lines = [";".join(row).format(n=n, k=n % 90, d=day) for n, day in enumerate(days(300))]
    folder = write(tmp_path / "in", "orders_2024-01.csv", [";".join(header), *lines])
    orders = yaml.safe_load(drafted(folder).files["shop.yml"])["touchpoints"]["orders"]
    told = {name: orders["columns"].get(name, name) for name in known["columns"]}
    assert {name: (told[name], column) for name, column in known["columns"].items() if told[name] != column} == {}
    assert orders["known_at"] == known["known_at"]
    assert orders["files"] == "orders_*.csv"


def test_how_a_european_export_is_written_is_seen_from_its_values(tmp_path: Path) -> None:
    rows = [f"B{n};1;K{n % 80};{day:%d.%m.%Y};A1;2;1.234,50" for n, day in enumerate(days(300))]
    header = "Belegnr;Pos;Kundennr;Bestelldatum;Artikelnr;Menge;Stückpreis"
    folder = write(tmp_path / "in", "Umsätze.csv", [header, *rows], "cp1252")
    found = drafted(folder)
    orders = yaml.safe_load(found.files["shop.yml"])["touchpoints"]["orders"]
    assert (orders["encoding"], orders["decimal"], orders["date_format"]) == ("windows-1252", ",", ["%d.%m.%Y"])
    assert landed(found, folder, tmp_path) == {"orders": (300, 300)}


def test_day_first_or_month_first_is_asked_where_no_value_tells(tmp_path: Path) -> None:
    rows = [f"o{n},1,{n % 12 + 1:02}/{n % 9 + 1:02}/2024,c{n % 80},1,9.9" for n in range(200)]
    folder = write(tmp_path / "in", "orders.csv", ["order id,line,order date,customer id,quantity,price", *rows])
    text = drafted(folder).files["shop.yml"]
    assert '#? date_format: ["%d/%m/%Y"]' in text
    clear = write(tmp_path / "in2", "orders.csv", ["order id,line,order date,customer id,quantity,price",
                  *rows, "o999,1,12/31/2024,c1,1,9.9"])  # fmt: skip
    assert '    date_format: ["%m/%d/%Y"]' in drafted(clear).files["shop.yml"]


def test_what_is_only_a_guess_stands_as_a_comment_with_the_other_candidates(tmp_path: Path) -> None:
    rows = [f"o{n},1,{day},X{n % 70},Y{n % 60},1,9.90" for n, day in enumerate(days(300))]
    folder = write(tmp_path / "in", "orders.csv", ["order id,line,order date,AA,BB,quantity,price", *rows])
    text = drafted(folder).files["shop.yml"]
    assert re.search(r"#\? account_id: AA  # a guess; also possible: BB", text)
    assert "account_id" not in yaml.safe_load(text)["touchpoints"]["orders"]["columns"]
    assert yaml.safe_load(confirmed(text))["touchpoints"]["orders"]["columns"]["account_id"] == "AA"


def test_orders_without_numbers_and_with_negative_lines_get_a_mapping_that_lands(tmp_path: Path) -> None:
    draw = random.Random(3)
    rows = [f"C{draw.randrange(90)},{day},{draw.choice([1, 2, -1])},9.90,Complete" for day in days(400)]
    folder = write(tmp_path / "in", "sales.csv", ["customer,date,qty,amount,status", *rows])
    found = drafted(folder)
    assert set(found.files) == {"shop.yml", "orders.sql"}
    assert "'return', 'sale'" in found.files["orders.sql"]
    assert "status says Complete" in found.files["orders.sql"]
    rows_in, accepted = landed(found, folder, tmp_path)["orders"]
    assert (rows_in, accepted) == (400, 400)


@pytest.mark.parametrize(
    ("head", "cells"),
    [
        ("order id,order date,customer id,total", "{money}"),
        ("order id,order date,customer id,quantity,total", "1,{money}"),
        ("order id,order date,customer id,quantity,price", "1,{money}"),
        ("order id,order date,customer id,quantity,price", "{sign}1,{money}"),
    ],
)
@pytest.mark.parametrize("every", [8, 3_000])
def test_money_paid_back_is_a_return(tmp_path: Path, head: str, cells: str, every: int) -> None:
    """The sample of a long file may show no refund: what takes the sign away keeps it, what does not lands no sale."""
    rows, back = [], 0
    for n, day in enumerate(days(6_100)):
        is_back = n % every == every - 1
        back += is_back
        sign, money = ("-", "-41.47") if is_back else ("", "20.10")
        rows.append(f"{'R' if is_back else 'o'}{n},{day},c{n % 70},{cells.format(sign=sign, money=money)}")
    folder = write(tmp_path / "in", "orders.csv", [head, *rows])
    found = drafted(folder)
    sums: list[tuple[str, int, float]] = []

    def add(rehearsed: Rehearsal) -> None:
        (batch,) = batches(rehearsed.state)["orders"]
        sums.extend(duckdb.execute(
            "select line_type, count(*), sum(quantity * unit_price)::double from read_parquet(?) group by 1 order by 1",
            [str(rows_path(rehearsed.state, batch))],
        ).fetchall())  # fmt: skip

    rows_in, accepted = landed(found, folder, tmp_path, add)["orders"]
    sale = ("sale", 6_100 - back, pytest.approx(20.1 * (6_100 - back)))
    is_seen = every == 8 or "total" in head
    assert sums == ([("return", back, pytest.approx(41.47 * back)), sale] if is_seen else [sale])
    assert (rows_in, accepted) == (6_100, 6_100 if is_seen else 6_100 - back)


def test_a_line_that_comes_in_a_later_file_overwrites_no_line_of_its_order(tmp_path: Path) -> None:
    head = "Order ID,Customer ID,Order date,SKU,Quantity,Unit price"
    order = [f"O{n},C{n % 40},{day},S{n % 9},2,5.00" for n, day in enumerate(days(200))]
    order += [f"O{n},C{n % 40},{day},S{n % 9 + 1},1,7.00" for n, day in enumerate(days(200))]
    later = ["O7,C7,2024-03-01,S7,-1,5.00", "O7,C7,2024-03-09,S7,-1,5.00", "O7,C7,2024-01-08,S3,1,4.00"]
    folder = write(tmp_path / "in", "orders_1.csv", [head, *order, "O3,C3,2024-02-01,S3,-2,5.00"])
    found = drafted(folder)
    write(folder, "orders_2.csv", [head, *later, order[7]])  # and one that was there before
    lines: list[tuple[object, ...]] = []

    def look(rehearsed: Rehearsal) -> None:
        files = [str(rows_path(rehearsed.state, batch)) for batch in batches(rehearsed.state)["orders"]]
        select = "select distinct order_id, line_number, line_type, product_id from read_parquet($files)"
        lines.extend(duckdb.execute(f"{select} where order_id = 'O7'", {"files": files}).fetchall())

    landed(found, folder, tmp_path, look)
    assert len({number for _, number, *_ in lines}) == 5
    assert sorted(line[2:] for line in lines) == [
        ("return", "S7"), ("return", "S7"), ("sale", "S3"), ("sale", "S7"), ("sale", "S8"),
    ]  # fmt: skip


def test_events_alone_are_a_shop(tmp_path: Path) -> None:
    start = datetime(2024, 1, 1)  # noqa: DTZ001 - written with Z
    rows = [
        json.dumps({"userId": f"u{n % 80}", "ts": f"{(start + timedelta(hours=n)).isoformat()}Z", "action": "play"})
        for n in range(900)
    ]
    folder = write(tmp_path / "in", "plays_2024.jsonl", rows)
    found = drafted(folder)
    assert yaml.safe_load(found.files["shop.yml"])["churn"]["activity"] == "events"
    assert landed(found, folder, tmp_path) == {"events": (900, 900)}


def test_subscriptions_alone_are_a_shop(tmp_path: Path) -> None:
    rows = [f"V{n};K{n};S;{day:%d.%m.%Y};{'' if n % 3 else '01.05.2025'};9,99" for n, day in enumerate(days(300))]
    folder = write(tmp_path / "in", "Verträge.csv", ["Vertragsnummer;Kundennummer;Tarif;Beginn;Ende;Preis", *rows])
    found = drafted(folder)
    assert yaml.safe_load(found.files["shop.yml"])["churn"]["mode"] == "subscription"
    assert landed(found, folder, tmp_path) == {"subscriptions": (300, 300)}


KINDS = ("Opened Email", "Clicked Email", "Received Email", "Unsubscribed")


def test_event_is_what_happened_and_a_bare_id_the_key(tmp_path: Path) -> None:
    rows = [f"{n},{day}T10:00:00Z,{KINDS[n % 4]},c{n % 90},P{n % 7}" for n, day in enumerate(days(600))]
    found = drafted(write(tmp_path / "in", "events.csv", ["id,timestamp,event,customer_id,product", *rows]))
    told = columns(found, "events")
    assert (told["event_id"], told["event_type"]) == ("id", "event")
    assert landed(found, tmp_path / "in", tmp_path) == {"events": (600, 600)}


def test_a_key_by_its_name_whose_values_repeat_is_only_a_guess(tmp_path: Path) -> None:
    rows = [f"{day}T10:00:00Z,view,c{n % 90},{KINDS[n % 4]}" for n, day in enumerate(days(600))]
    folder = write(tmp_path / "in", "events.csv", ["timestamp,event type,customer_id,event id", *rows])
    assert "#? event_id: event id  # a guess" in drafted(folder).files["shop.yml"]


def test_a_bare_id_makes_no_order_a_product(tmp_path: Path) -> None:
    rows = [f"{n},{day},c{n % 90},20.10,EUR" for n, day in enumerate(days(600))]
    folder = write(tmp_path / "in", "export.csv", ["id,created_at,customer_id,total_price,currency", *rows])
    (one,) = drafted(folder).found
    assert (one.name, one.guess.choices["order_id"].column) == ("orders", "id")


def columns(found: Draft, touchpoint: str = "orders") -> dict[str, str]:
    """Those that are sure."""
    return yaml.safe_load(found.files["shop.yml"])["touchpoints"][touchpoint].get("columns") or {}


@pytest.mark.parametrize("name", ["Discount %", "discount_pct", "Rabatt (Prozent)"])
def test_a_share_is_no_amount_of_discount(tmp_path: Path, name: str) -> None:
    rows = [f"o{n},1,{day},c{n % 70},1,9.90,{n % 30}" for n, day in enumerate(days(300))]
    head = f"order id,line,order date,customer id,quantity,price,{name}"
    folder = write(tmp_path / "in", "orders.csv", [head, *rows])
    found = drafted(folder)
    assert name not in columns(found).values()
    assert f"discount: {name}" not in found.files["shop.yml"]
    assert landed(found, folder, tmp_path) == {"orders": (300, 300)}


@pytest.mark.parametrize(
    ("prices", "written", "currency"),
    [
        (("€ 1.234,50", "€ 9,90"), {"decimal": ","}, "EUR"),
        (("$1,234.50", "$9.90"), {"thousands": ","}, "USD"),
        (("1'234.50 CHF", "9.90 CHF"), {"thousands": "'"}, "CHF"),
    ],
)
def test_money_is_read_as_shops_write_it(
    tmp_path: Path, prices: tuple[str, str], written: dict[str, str], currency: str
) -> None:
    rows = [f"o{n};1;{day};c{n % 70};1;{prices[n % 2]}" for n, day in enumerate(days(300))]
    folder = write(tmp_path / "in", "orders.csv", ["order id;line;order date;customer id;quantity;price", *rows])
    found = drafted(folder)
    said = yaml.safe_load(found.files["shop.yml"])
    assert said["currency"] == currency
    assert written.items() <= said["touchpoints"]["orders"].items()
    assert landed(found, folder, tmp_path) == {"orders": (300, 300)}


def test_the_price_of_a_line_with_a_currency_beside_it_is_divided(tmp_path: Path) -> None:
    rows = [f"o{n};1;{day};c{n % 70};2;1.234,50 €" for n, day in enumerate(days(300))]
    folder = write(tmp_path / "in", "orders.csv", ["Belegnr;Pos;Datum;Kundennr;Menge;Umsatz netto", *rows])
    found = drafted(folder)
    assert "Umsatz netto" in found.files["orders.sql"]
    assert landed(found, folder, tmp_path) == {"orders": (300, 300)}


@pytest.mark.parametrize("written", ["%m/%d/%Y %I:%M %p", "%Y-%m-%d %I:%M:%S %p"])
def test_hours_before_and_after_noon(tmp_path: Path, written: str) -> None:
    start = datetime(2024, 1, 1)  # noqa: DTZ001 - as written in the file
    rows = [f"o{n},1,{start + timedelta(hours=7 * n):{written}},c{n % 70},1,9.90" for n in range(300)]
    folder = write(tmp_path / "in", "orders.csv", ["order id,line,order date,customer id,quantity,price", *rows])
    found = drafted(folder)
    assert yaml.safe_load(found.files["shop.yml"])["touchpoints"]["orders"]["date_format"] == [written]
    assert landed(found, folder, tmp_path) == {"orders": (300, 300)}


def test_the_words_of_tills_are_known(tmp_path: Path) -> None:
    rows = [f"{n},1,{day},c{n % 70},1,9.90" for n, day in enumerate(days(300))]
    folder = write(tmp_path / "in", "pos.csv", ["Txn ID,Line,Txn Date,Cust ID,Qty,Unit Retail", *rows])
    told = columns(drafted(folder))
    assert (told["order_id"], told["ordered_at"], told["unit_price"]) == ("Txn ID", "Txn Date", "Unit Retail")


def test_what_every_row_needs_is_for_sure_no_column_with_gaps(tmp_path: Path) -> None:
    """An export of Shopify: whoever has not paid yet has ordered all the same."""
    rows = [
        f"#{n},c{n % 70}@x.org,{day} 10:00:00 +0100,{'' if n % 9 else f'{day} 10:05:00 +0100'},1,9.90"
        for n, day in enumerate(days(300))
    ]
    head = "Name,Email,{},Paid at,Lineitem quantity,Lineitem price"
    both = drafted(write(tmp_path / "both", "orders.csv", [head.format("Created at"), *rows])).files["orders.sql"]
    assert '"Created at" as ordered_at' in both
    assert '"Paid at" as ordered_at' not in both
    alone = drafted(write(tmp_path / "alone", "orders.csv", [head.format("Remark"), *rows])).files["orders.sql"]
    assert '--? "Paid at" as ordered_at' in alone


WATCHED = [
    f"u{n % 40},Title {n % 300},2024-0{n % 9 + 1}-1{n % 7} 1{n % 10}:0{n % 6}:00,{n % 90 * 60}" for n in range(2000)
]


@pytest.mark.parametrize(
    ("name", "head"),
    [
        ("watch_history.csv", "user,title,start time,seconds"), ("export.csv", "user,title,start time,seconds"),
        ("export.csv", "member,plan,start date,seconds"),
    ],
)  # fmt: skip
def test_a_history_of_what_was_watched_is_no_list_of_contracts(tmp_path: Path, name: str, head: str) -> None:
    folder = write(tmp_path / "in", name, [head, *WATCHED])
    found = drafted(folder)
    assert [one.name for one in found.found] == ["events"]
    assert landed(found, folder, tmp_path) == {"events": (2000, 2000)}


def test_a_person_can_say_what_a_file_is(tmp_path: Path) -> None:
    rows = [f"k{n % 50},2024-01-{n % 28 + 1:02},v{n}" for n in range(300)]
    folder = write(tmp_path / "in", "x.csv", ["a,b,c", *rows])
    (one,) = drafted(folder, **{"x*.csv": "events"}).found
    assert one.name == "events"
    with pytest.raises(LandingError, match=r"there is no touchpoint 'event'; there are customers"):
        drafted(folder, **{"x.csv": "event"})
    with pytest.raises(LandingError, match=r"no file is called y.csv; there are x.csv"):
        drafted(folder, **{"y.csv": "events"})


def test_the_rhythm_of_purchases_gives_the_horizon_and_an_old_extract_is_closed(tmp_path: Path) -> None:
    first = date(2023, 1, 1)
    rows = [f"o{n},1,{first + timedelta(14 * (n // 60) + n % 60 // 9)},c{n % 60},1,9" for n in range(60 * 40)]
    folder = write(tmp_path / "in", "orders.csv", ["order id,line,order date,customer id,quantity,price", *rows])
    said = yaml.safe_load(drafted(folder).files["shop.yml"])
    assert said["churn"] == {"mode": "inactivity", "activity": "orders", "active_days": 28, "horizon_days": 14}
    assert (said["first_as_of"], said["closed_on"]) == (date(2023, 1, 1), date(2024, 7, 7))


def test_an_unreadable_file_is_named_and_the_others_go_on(tmp_path: Path) -> None:
    rows = [f"o{n},1,{day},c{n % 60},1,9.90" for n, day in enumerate(days(200))]
    folder = write(tmp_path / "in", "orders.csv", ["order id,line,order date,customer id,quantity,price", *rows])
    (folder / "customers.parquet").write_bytes(b"PAR1 and no more")
    found = drafted(folder)
    assert [one.name for one in found.found] == ["orders"]
    assert found.leftover[0].startswith("customers.parquet: cannot be read")


def test_a_file_without_a_row_that_tells_anything_is_no_touchpoint(tmp_path: Path) -> None:
    rows = [f"o{n},1,{day},c{n % 60},1,9.90" for n, day in enumerate(days(200))]
    folder = write(tmp_path / "in", "orders.csv", ["order id,line,order date,customer id,quantity,price", *rows])
    write(folder, "products.json", ["[", '{"product_id": 1, "name": "a"},', '{"product_id": 2, "name": "b"}', "]"])
    write(folder, "customers.csv", ["account_id,email"])
    write(folder, "messages.jsonl", ["nothing"])
    found = drafted(folder)
    assert [one.name for one in found.found] == ["orders"]
    assert found.leftover[0] == "customers.csv: cannot be read: it has columns, no row"
    assert found.leftover[1] == "messages.jsonl: cannot be read: it has no row that tells anything"
    assert "products.json: cannot be read: the file is a JSON array" in found.leftover[2]


def test_a_folder_in_which_nothing_is_a_shop_says_what_it_saw(tmp_path: Path) -> None:
    folder = write(tmp_path / "in", "notes.csv", ["a,b", "x,y"])
    (folder / "broken.parquet").write_bytes(b"PAR1")
    with pytest.raises(
        LandingError, match=r"looks like orders, events or subscriptions.*broken.parquet: cannot be read"
    ):
        drafted(folder)


@pytest.mark.parametrize(
    ("make", "words"), [(False, "there is no landing folder|there is no folder"), (True, "it is empty")]
)
def test_no_folder_and_an_empty_one_are_told_apart(tmp_path: Path, make: bool, words: str) -> None:
    folder = tmp_path / "in"
    if make:
        folder.mkdir()
    with pytest.raises(LandingError, match=words):
        drafted(folder)


def test_the_command_never_touches_a_folder_that_exists_and_refuses_odd_names(tmp_path: Path) -> None:
    shop = tmp_path / "shops" / "mine"
    shop.mkdir(parents=True)
    (shop / "shop.yml").write_text("mine")
    deployment = Deployment(tmp_path, "mine")
    done = deployment.run("init", "mine")
    assert done.returncode == 2
    assert "exists and is left as it is" in done.stderr
    assert (shop / "shop.yml").read_text() == "mine"
    assert deployment.run("init", "../mine").returncode == 2
