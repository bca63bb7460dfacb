"""Logs that are wrong are refused with a word on what to do; those that are only unusual are read right."""

from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from ml.recommender.evaluation import protocols
from ml.recommender.evaluation.errors import LogError
from ml.recommender.evaluation.files import Columns, read_catalogue, read_rows
from ml.recommender.evaluation.log import Log, make_log

ROWS = [("ä", "茶", "2025-01-01"), ("ä", "pot", "2025-01-02"), ("b", "茶", "2025-01-01"), ("b", "茶", "2025-01-03")]


COLUMNS = ("user", "item", "time")


def written(folder: Path, rows: object = ROWS, columns: tuple[str, ...] = COLUMNS, kind: str = "csv") -> Path:
    path = folder / f"log.{kind}"
    frame = pd.DataFrame(rows, columns=list(columns))
    frame.to_parquet(path) if kind == "parquet" else frame.to_csv(path, index=False)
    return path


@pytest.mark.parametrize("kind", ["csv", "parquet"])
def test_ids_are_text_with_any_letters(tmp_path: Path, kind: str) -> None:
    rows = read_rows(written(tmp_path, kind=kind))
    assert rows.users.tolist() == ["ä", "ä", "b", "b"]
    assert rows.items.tolist() == ["茶", "pot", "茶", "茶"]
    assert rows.is_time


@pytest.mark.parametrize(
    ("spelled", "day"),
    [
        (["2025-01-02", "2025-01-03 12:00:00"], 20090),
        ([20250102, 20250103], 20090),
        ([1735776000, 1735862400], 20090),
        ([1735776000_000_000, 1735862400_000_000], 20090),
        ([1735776000_000_000_000, 1735862400_000_000_000], 20090),
        ([1735776000000, 1735862400000], 20090),
    ],
)
def test_instants_are_read_in_any_common_spelling(tmp_path: Path, spelled: list[object], day: int) -> None:
    rows = read_rows(written(tmp_path, [("u", "i", spelled[0]), ("u", "j", spelled[1])]))
    assert rows.is_time
    assert rows.when is not None
    assert rows.when[0] == pytest.approx(day)
    assert 1 <= rows.when[1] - rows.when[0] <= 1.5


def test_small_numbers_are_an_order_and_no_time(tmp_path: Path) -> None:
    rows = read_rows(written(tmp_path, [("u", "i", 2), ("u", "j", 1)], ("user", "item", "order")))
    assert not rows.is_time
    assert rows.when is not None
    assert rows.when.tolist() == [2, 1]


def test_a_line_of_items_per_user_is_a_log(tmp_path: Path) -> None:
    path = tmp_path / "log.txt"
    path.write_text("ä 9 3 4\nb 3\n")
    rows = read_rows(path)
    assert rows.users.tolist() == ["ä", "ä", "ä", "b"]
    assert rows.items.tolist() == ["9", "3", "4", "3"]


def test_rows_below_the_least_rating_are_left_out_and_counted(tmp_path: Path) -> None:
    path = written(tmp_path, [("u", "i", 1, 5.0), ("u", "j", 2, 2.0)], ("user", "item", "order", "rating"))
    rows = read_rows(path, min_rating=4)
    assert rows.items.tolist() == ["i"]
    assert rows.dropped == 1


@pytest.mark.parametrize(
    ("rows", "columns", "options", "words"),
    [
        (ROWS, ("who", "item", "time"), {}, "no column 'user' for the user; it has who, item, time"),
        (ROWS, COLUMNS, {"min_rating": 3}, "no column 'rating'"),
        ([("u", None, "2025-01-01")], COLUMNS, {}, "1 rows have no item that can be read, first row 1"),
        ([("u", "i", "soon")], COLUMNS, {}, "'soon' in row 1 is no instant"),
        ([("u", "i", 1, 4.0), ("u", "j", 2, float("nan"))], ("user", "item", "order", "rating"), {"min_rating": 3},
         "1 rows have no rating that can be read, first row 2"),
        ([("u", "i", 1, 2.0)], ("user", "item", "order", "rating"), {"min_rating": 3}, "has no row with rating of 3"),
    ],
)  # fmt: skip
@pytest.mark.parametrize("kind", ["csv", "parquet"])
def test_what_cannot_be_read_is_named_with_its_row(
    tmp_path: Path, rows: object, columns: tuple[str, ...], options: dict[str, float], words: str, kind: str
) -> None:
    with pytest.raises(LogError, match=words):
        read_rows(written(tmp_path, rows, columns, kind), Columns(), **options)


def test_a_file_that_is_not_there_or_no_table_is_named(tmp_path: Path) -> None:
    with pytest.raises(LogError, match="no such file"):
        read_rows(tmp_path / "nowhere.csv")
    (tmp_path / "broken.parquet").write_bytes(b"not parquet")
    with pytest.raises(LogError, match="cannot be read"):
        read_rows(tmp_path / "broken.parquet")


def test_a_catalogue_with_an_item_twice_is_refused_and_one_that_lacks_items_is_not(tmp_path: Path) -> None:
    path = written(tmp_path, [("茶", "Tea", 3.5)], ("item", "name", "price"))
    log = make_log(read_rows(written(tmp_path, kind="parquet")), read_catalogue(path))
    known = dict(zip(log.catalogue.product_ids, log.catalogue.names, strict=True))
    assert known == {"茶": "Tea", "pot": None}
    with pytest.raises(LogError, match="1 rows repeat an item"):
        read_catalogue(written(tmp_path, [("a", "x"), ("a", "y")], ("item", "name")))


def log_of(rows: list[tuple[str, str, str]], folder: Path) -> Log:
    return make_log(read_rows(written(folder, rows)))


def wanted(split: protocols.Split, log: Log) -> set[tuple[str, str]]:
    return {
        (judged.block.customers[row], log.catalogue.product_ids[item])
        for judged in split.test.happened
        for row, item in zip(judged.rows, judged.items, strict=True)
    }


def known(source: object, log: Log) -> set[tuple[str, str, int]]:
    return {
        (block.customers[row], log.catalogue.product_ids[item], int(step))
        for block in source.blocks()  # type: ignore[attr-defined]
        for row, item, step in zip(block.rows, block.items, block.steps, strict=True)
    }


HISTORY = [
    *(("u", item, f"2025-{month:02}-01") for item, month in (("a", 1), ("b", 2), ("c", 3), ("d", 3), ("a", 4))),
    ("v", "a", "2025-01-05"), ("v", "b", "2025-02-05"), ("v", "e", "2025-03-30"),
]  # fmt: skip


def test_leave_last_out_foretells_the_last_item_and_learns_from_those_before(tmp_path: Path) -> None:
    log = log_of(HISTORY, tmp_path)
    split = protocols.leave_last_out(log)
    assert wanted(split, log) == {("u", "a"), ("v", "e")}
    assert split.mode == "discovery"
    assert ("u", "a", 2) in known(split.test.source, log)
    (older, newer) = split.lessons
    assert {("v", "a", 0)} == {act for act in known(newer.source, log) if act[0] == "v"}
    assert not {act for act in known(older.source, log) if act[0] == "v"}


def test_next_basket_foretells_the_last_basket_whole(tmp_path: Path) -> None:
    log = log_of(HISTORY[:4], tmp_path)
    split = protocols.next_basket(log)
    assert wanted(split, log) == {("u", "c"), ("u", "d")}
    assert known(split.test.source, log) == {("u", "a", 1), ("u", "b", 0)}


def test_time_split_foretells_what_users_with_a_history_do_within_the_horizon(tmp_path: Path) -> None:
    log = log_of([*HISTORY, ("new", "a", "2025-03-10")], tmp_path)
    cut = float(np.datetime64("2025-03-01").astype(float))
    split = protocols.time_split(log, cut, 30)
    assert wanted(split, log) == {("u", "c"), ("u", "d"), ("v", "e")}
    assert all(log.when[log.user == 0].max() > cut for _ in [0]), "the log holds more than is known"
    assert {act[1] for act in known(split.test.source, log)} == {"a", "b"}


def test_what_a_protocol_needs_and_the_file_lacks_is_said(tmp_path: Path) -> None:
    bare = make_log(read_rows(written(tmp_path, [("u", "i"), ("u", "j")], ("user", "item"))))
    for protocol in (protocols.leave_last_out, protocols.next_basket):
        with pytest.raises(LogError, match="name a column with --time or --order"):
            protocol(bare)
    with pytest.raises(LogError, match="needs instants"):
        protocols.time_split(bare)
    with pytest.raises(LogError, match="nobody to be judged"):
        protocols.time_split(log_of([("u", "i", "2025-01-01"), ("v", "j", "2025-03-01")], tmp_path))


def test_a_name_with_brackets_is_a_name_and_no_pattern(tmp_path: Path) -> None:
    for name, item in (("a1.csv", "other"), ("a[1].csv", "own")):
        (tmp_path / name).write_text(f"user,item\nu,{item}\n")
    assert read_rows(tmp_path / "a[1].csv").items.tolist() == ["own"]


def test_whole_numbers_are_the_same_ids_whatever_pandas_made_of_them(tmp_path: Path) -> None:
    ids = {"user": [1, 2], "item": [10, 20]}
    pd.DataFrame(ids).to_parquet(tmp_path / "whole.parquet")
    pd.DataFrame(ids, dtype=float).to_parquet(tmp_path / "floats.parquet")
    assert read_rows(tmp_path / "floats.parquet").users.tolist() == read_rows(tmp_path / "whole.parquet").users.tolist()


@pytest.mark.parametrize(
    ("name", "content", "columns", "min_rating", "message"),
    [
        ("a.csv", "user,item\nu,i\n", {"basket": "bascket"}, None, "no column 'bascket' for the basket.*--basket"),
        ("a.csv", "user,item\n" + "u,i\n" * 40_000 + "u,i,x,y\n", {}, None, "cannot be read: .*"),
        ("a.csv", "user,item,rating\nu,i,5\n", {}, float("nan"), "--min-rating nan is no number"),
        ("a.csv", 'user,item,"a""b"\nu,i,1\n', {"order": 'a"b'}, None, ""),
        ("a.csv", "user,item,line\nu,,1\n", {}, None, "1 rows have no item that can be read, first row 1"),
        ("a.txt", "u a b\n\nv c\n", {}, None, ""),
        ("a.txt", "u a b\nv c\nu d\n", {}, None, "user 'u' stands in lines 1 and 3"),
        ("a.txt", "u a b\n", {}, 3.0, "leave --min-rating and names of columns out"),
        ("a.txt", "u \udcff b\n", {}, None, "cannot be read as text in UTF-8"),
    ],
)
def test_unusual_files_are_read_right_or_refused_in_words(
    tmp_path: Path, name: str, content: str, columns: dict[str, str], min_rating: float | None, message: str
) -> None:
    path = tmp_path / name
    path.write_text(content, encoding="utf-8", errors="surrogateescape")
    if not message:
        assert len(read_rows(path, Columns(**columns)).users)
        return
    with pytest.raises(LogError, match=message):
        read_rows(path, Columns(**columns), min_rating=min_rating)


def test_an_empty_id_is_none_in_any_kind_of_file(tmp_path: Path) -> None:
    pd.DataFrame({"user": ["a", ""], "item": ["x", "y"]}).to_parquet(tmp_path / "a.parquet")
    with pytest.raises(LogError, match="1 rows have no user that can be read, first row 2"):
        read_rows(tmp_path / "a.parquet")


def test_an_instant_is_taken_where_it_is_needed_though_there_is_an_order(tmp_path: Path) -> None:
    path = written(tmp_path, [("u", "i", "2025-01-01", 1)], ("user", "item", "time", "order"))
    assert not read_rows(path).is_time
    assert read_rows(path, needs_time=True).is_time


@pytest.mark.parametrize(
    ("rare", "usual", "words"),
    [
        (0, 1_700_000_000, "'0' in row 4 looks like an order, most rows like seconds since 1970"),
        (1_700_000_000_000, 1_700_000_000, "looks like milliseconds since 1970, most rows like seconds since 1970"),
        (1_700_000_000, 40, "looks like seconds since 1970, most rows like an order"),
    ],
)
def test_numbers_that_do_not_all_count_the_same_are_refused(tmp_path: Path, rare: int, usual: int, words: str) -> None:
    path = written(tmp_path, [*(("u", f"i{n}", usual + n) for n in range(3)), ("u", "j", rare)], COLUMNS)
    with pytest.raises(LogError, match=words):
        read_rows(path)


def test_a_price_in_words_is_refused_by_its_item(tmp_path: Path) -> None:
    (tmp_path / "items.csv").write_text("item,price\ni,2.50\nj,dear\nk,\n")
    with pytest.raises(LogError, match=r"item 'j' has the price 'dear', which is no number \(1 rows\)"):
        read_catalogue(tmp_path / "items.csv")


@pytest.mark.parametrize("price", ["inf", "-5"])
def test_a_price_that_nothing_can_cost_is_refused(tmp_path: Path, price: str) -> None:
    (tmp_path / "items.csv").write_text(f"item,price\ni,{price}\n")
    with pytest.raises(LogError, match="item 'i' has a price of"):
        read_catalogue(tmp_path / "items.csv")


def test_a_price_that_is_no_number_is_unknown(tmp_path: Path) -> None:
    (tmp_path / "items.csv").write_text("item,price\ni,nan\nj,\nk,2\n")
    found = [told["price"] for told in read_catalogue(tmp_path / "items.csv").values()]
    assert np.isnan(found[0])
    assert found[1:] == [None, 2]


@pytest.mark.parametrize(
    ("text", "words"),
    [("user,item,time\na,i,2025-01-01\nb,j,2025-01-02,9\n", "line 3: 4 values where"),
     ("user;item\na;i\nb\n", "line 3: 1 values where the first line has 2"),
     ("", "is empty")],
)  # fmt: skip
def test_a_row_with_too_many_or_too_few_values_is_named(tmp_path: Path, text: str, words: str) -> None:
    (tmp_path / "log.csv").write_text(text)
    with pytest.raises(LogError, match=words):
        read_rows(tmp_path / "log.csv")


def test_baskets_without_an_order_have_no_last_one(tmp_path: Path) -> None:
    rows = [("u", f"i{n}", str(n)) for n in range(12)]
    log = make_log(read_rows(written(tmp_path, rows, ("user", "item", "basket"))))
    for protocol in (protocols.next_basket, protocols.leave_last_out):
        with pytest.raises(LogError, match="needs an order of rows: name a column with --time or --order"):
            protocol(log)


def test_where_everybody_has_one_basket_that_is_said(tmp_path: Path) -> None:
    with pytest.raises(LogError, match="no user has rows of more than one instant"):
        protocols.next_basket(log_of([("a", "i", "2025-01-01"), ("b", "j", "2025-01-02")], tmp_path))


def test_a_test_file_with_other_items_or_with_the_same_rows_is_refused(tmp_path: Path) -> None:
    known = [("a", "1", "2025-01-01"), ("a", "2", "2025-01-02"), ("b", "1", "2025-01-01"), ("b", "3", "2025-01-03")]
    is_test = np.array([False] * len(known) + [True])
    for more, words in (("a", "1.0", "2025-02-01"), "spelled alike"), (known[0], "1 of 1 rows of --test stand in"):
        log = log_of([*known, more], tmp_path)
        with pytest.raises(LogError, match=words):
            protocols.given_split(log, is_test[log.row])
    log = log_of([*known, ("a", "3", "2025-02-01")], tmp_path)
    assert protocols.given_split(log, is_test[log.row]).test.happened


@pytest.mark.parametrize(("columns", "told_by"), [(("user", "item"), "user and item"),
                                                  (("user", "item", "order"), "user, item and order")])  # fmt: skip
def test_the_same_file_twice_is_refused_also_without_instants(
    tmp_path: Path, columns: tuple[str, ...], told_by: str
) -> None:
    rows = [(f"u{user}", f"i{(user + n) % 7}", str(n))[: len(columns)] for user in range(6) for n in range(5)]
    log = make_log(read_rows(written(tmp_path, [*rows, *rows], columns)))
    with pytest.raises(LogError, match=f"30 of 30 rows of --test stand in --interactions as well, by {told_by}"):
        protocols.given_split(log, log.row >= len(rows))


def test_what_is_bought_again_in_the_test_file_is_no_row_of_the_other(tmp_path: Path) -> None:
    """Each order is a place of its own, so that what repeats is told from what stands twice."""
    rows = [(f"u{user}", f"i{(user + n) % 3}", str(n)) for user in range(6) for n in range(9)]
    log = make_log(read_rows(written(tmp_path, rows, ("user", "item", "order"))))
    assert protocols.given_split(log, log.basket >= 6).test.happened


@pytest.mark.parametrize("nobody", [float("nan"), None])
def test_a_number_that_is_none_is_nobody(tmp_path: Path, nobody: float | None) -> None:
    path = tmp_path / "log.parquet"
    table = pa.table({"user": pa.array([1.0, nobody, 2.0], pa.float64()), "item": ["x", "y", "z"]})
    pq.write_table(table, path)
    with pytest.raises(LogError, match="1 rows have no user that can be read, first row 2"):
        read_rows(path)


def test_a_blank_id_is_none(tmp_path: Path) -> None:
    with pytest.raises(LogError, match="1 rows have no item that can be read, first row 2"):
        read_rows(written(tmp_path, [("u", "i", "2025-01-01"), ("u", "  ", "2025-01-02")], kind="parquet"))
