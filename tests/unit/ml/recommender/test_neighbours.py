"""What is bought together, counted by hand."""

from pathlib import Path

import pandas as pd
import pytest
from recommender_world import AS_OF, Act, tiny_world

from ml.recommender import copurchase
from ml.recommender import neighbours as module
from ml.recommender.neighbours import neighbours

BASKETS = {"a": ("tea", "pot"), "b": ("tea", "pot"), "c": ("tea", "pot", "nail"), "d": ("nail",), "e": ("tea",)}


def found(folder: Path, **more: object) -> pd.DataFrame:
    bought = [(who, item, 10) for who, items in BASKETS.items() for item in items]
    return neighbours(tiny_world(folder, bought=bought, **more), AS_OF).to_pandas()  # type: ignore[arg-type]


def test_support_and_lift_are_those_counted_by_hand(tmp_path: Path) -> None:
    rows = found(tmp_path)
    assert rows[["product_id", "neighbour_product_id"]].to_numpy().tolist() == [["pot", "tea"], ["tea", "pot"]]
    assert rows["support"].tolist() == [3, 3]
    assert rows["lift"].tolist() == [pytest.approx(3 * 5 / (3 * 4))] * 2
    cosine = 3 / (3 * 4) ** 0.5
    assert rows["score"].tolist() == [pytest.approx(cosine * 3 / 8, abs=1e-6)] * 2


@pytest.mark.parametrize("why", ["is_available", "is_sensitive"])
def test_neither_the_unavailable_nor_the_sensitive_is_a_neighbour(tmp_path: Path, why: str) -> None:
    rows = found(tmp_path, items={"pot": {why: why == "is_sensitive"}})
    assert "pot" not in set(rows["neighbour_product_id"])
    if why == "is_sensitive":
        assert "pot" not in set(rows["product_id"])


def test_without_items_there_are_no_neighbours(tmp_path: Path) -> None:
    assert neighbours(tiny_world(tmp_path), AS_OF).num_rows == 0


def test_what_is_viewed_together_but_hardly_bought_together_is_a_substitute(tmp_path: Path) -> None:
    """People look at two kettles and take one; they look at kettle and tea, and take both. Others want soap."""
    kinds = {"kettle 1": "Kitchen", "kettle 2": "Kitchen", "tea": "Food"}
    others = [(f"d{n}", "soap", 10) for n in range(6)]
    viewed = [(f"c{n}", item, 10) for n in range(6) for item in kinds] + others
    bought = [(f"c{n}", item, 10) for n in range(6) for item in (f"kettle {1 + n % 2}", "tea")] + others
    items = {item: {"category_path": path} for item, path in kinds.items()}
    rows = neighbours(tiny_world(tmp_path, bought=bought, viewed=viewed, items=items), AS_OF).to_pandas()
    own = rows[rows["product_id"] == "kettle 1"]
    assert own["rank"].tolist() == list(range(1, len(own) + 1))
    assert own[["kind", "neighbour_product_id"]].to_numpy().tolist() == [
        ["bought_together", "tea"], ["viewed_together", "kettle 2"], ["viewed_together", "tea"],
        ["substitute", "kettle 2"],
    ]  # fmt: skip
    assert not rows.duplicated(["product_id", "rank"]).any()


def test_what_goes_together_no_more_than_by_chance_is_no_neighbour(tmp_path: Path) -> None:
    """Everybody buys tea, so that it says nothing of whoever buys nails as well."""
    bought = [(f"c{n}", item, 10) for n in range(8) for item in ("tea", *(["nail"] if n % 2 else []))]
    assert neighbours(tiny_world(tmp_path, bought=bought), AS_OF).num_rows == 0


def test_every_item_of_a_large_basket_counts(tmp_path: Path) -> None:
    """Three people buy the same 60 items on one day, three others one nail each: each item is found in three of six."""
    bought: list[Act] = [(f"c{n}", f"item {k:02}", 10) for n in range(3) for k in range(60)]
    rows = neighbours(tiny_world(tmp_path, bought=[*bought, *[(f"d{n}", "nail", 10) for n in range(3)]]), AS_OF)
    assert set(rows["product_id"].to_pylist()) == {f"item {k:02}" for k in range(60)}
    assert set(rows["support"].to_pylist()) == {3}
    assert set(rows["lift"].to_pylist()) == {2.0}


def test_a_basket_beyond_all_measure_counts_nowhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(copurchase, "LARGEST_BASKET", 3)
    without = found(tmp_path / "without")
    export: list[Act] = [("x", item, 10) for item in ("tea", "pot", "nail", "soap")]
    bought = [(who, item, 10) for who, items in BASKETS.items() for item in items]
    pd.testing.assert_frame_equal(
        neighbours(tiny_world(tmp_path / "with", bought=[*bought, *export]), AS_OF).to_pandas(), without
    )


def test_counting_and_looking_in_parts_change_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    bought: list[Act] = [(f"c{n}", f"item {k}", 10 + k % 2) for n in range(9) for k in range(12) if (n * k) % 5 < 3]
    world = tiny_world(tmp_path, bought=bought, viewed=[(who, item, 3) for who, item, _ in bought])
    whole = neighbours(world, AS_OF)
    monkeypatch.setattr(copurchase, "MOST_PAIRS", 20)
    monkeypatch.setattr(module, "CELLS", 7)
    assert whole.num_rows
    assert neighbours(world, AS_OF).equals(whole)


def test_what_was_bought_together_once_is_no_substitute_where_chance_would_be_less(tmp_path: Path) -> None:
    """Of 21 people who look at both kettles one buys them, on one day: more than chance, as nobody else buys either."""
    kettles = ("kettle 1", "kettle 2")
    others = [(f"d{n}", "soap", 10) for n in range(20)]
    world = tiny_world(
        tmp_path,
        viewed=[*[(f"c{n}", item, 10) for n in range(21) for item in kettles], *others],
        bought=[*[("c0", item, 5) for item in kettles], *others],
        items={item: {"category_path": "Kitchen"} for item in kettles},
    )
    kinds = neighbours(world, AS_OF)["kind"].to_pylist()
    assert set(kinds) == {"viewed_together"}


def test_in_a_shop_without_orders_nothing_was_bought_together(tmp_path: Path) -> None:
    viewed = [(who, item, 10) for who, items in BASKETS.items() for item in items]
    rows = neighbours(tiny_world(tmp_path, viewed=viewed), AS_OF).to_pandas()
    assert rows["kind"].tolist() == ["viewed_together"] * 2
    assert rows["support"].tolist() == [3, 3]
