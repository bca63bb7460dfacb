"""Each generator on a world so small that only one answer is right."""

from datetime import date
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest
from recommender_world import Act, proposals, tiny_world, words

from ml.recommender.generators import GENERATORS

PAIRS = [(f"c{n}", item, 30) for n in range(6) for item in (("tea", "pot") if n % 2 else ("nail", "hammer"))]


def test_what_was_bought_with_tea_is_proposed_to_who_bought_tea(tmp_path: Path) -> None:
    world = tiny_world(tmp_path, bought=[*PAIRS, ("new", "tea", 5)])
    assert list(proposals(world, "bought_together")["new"]) == ["pot"]
    assert words(world, "bought_together", "new", "pot") == "Because you bought the tea"


def test_two_baskets_of_one_customer_are_no_basket_but_one_customer(tmp_path: Path) -> None:
    apart = [(f"c{n}", item, age) for n in range(4) for item, age in (("tea", 10), ("pot", 40))]
    world = tiny_world(tmp_path, bought=[*apart, ("new", "tea", 5)])
    assert "new" not in proposals(world, "bought_together")
    assert list(proposals(world, "also_bought")["new"]) == ["pot"]


def test_popularity_is_damped_so_that_everybodys_item_is_not_everythings_neighbour(tmp_path: Path) -> None:
    """Bags lie in every basket; milk goes with cereal only."""
    bags = [(f"b{n}", item, 20) for n in range(30) for item in ("bag", f"thing{n}")]
    milk = [(f"m{n}", item, 20) for n in range(6) for item in ("cereal", "milk", "bag")]
    found = proposals(tiny_world(tmp_path, bought=[*bags, *milk, ("new", "cereal", 3)]), "bought_together")["new"]
    assert found["milk"] > found["bag"]


def test_the_item_bought_more_often_and_more_lately_is_the_one_to_come_again(tmp_path: Path) -> None:
    bought: list[Act] = [("c", "often", age) for age in (30, 90, 150)] + [("c", "once", 90), ("c", "long ago", 700)]
    found = proposals(tiny_world(tmp_path, bought=bought), "repurchase")["c"]
    assert sorted(found, key=lambda item: -found[item]) == ["often", "once", "long ago"]
    assert sum(found.values()) == pytest.approx(1)


def test_an_item_that_nobody_buys_twice_is_proposed_less_than_one_that_everybody_does(tmp_path: Path) -> None:
    others = [(f"c{n}", item, age) for n in range(40) for item, age in (("milk", 20), ("milk", 40), ("sofa", 60))]
    found = proposals(tiny_world(tmp_path, bought=[*others, ("c", "milk", 30), ("c", "sofa", 30)]), "repurchase")["c"]
    assert found["milk"] > 2 * found["sofa"]


def test_what_is_bought_every_month_is_due_after_a_month(tmp_path: Path) -> None:
    """Food every 30 days, last 31 days ago; tea every 30 days, last 5 days ago; a lamp once."""
    bought = [("c", "food", age) for age in (31, 61, 91)] + [("c", "tea", age) for age in (5, 35, 65)]
    world = tiny_world(tmp_path, bought=[*bought, ("c", "lamp", 31)])
    found = proposals(world, "due_again")["c"]
    assert max(found, key=lambda item: found[item]) == "food"
    assert "lamp" not in found
    assert words(world, "due_again", "c", "food") == "Due again: the food"


def test_what_the_segment_buys_comes_first_and_a_small_segment_leans_on_everybody(tmp_path: Path) -> None:
    people = {f"fr{n}": {"segment": "FR/one order"} for n in range(800)} | {"new": {"segment": "FR/one order"}}
    people |= {"at": {"segment": "AT/one order"}}
    bought = [(f"fr{n}", "baguette", 10) for n in range(800)] + [(f"de{n}", "brezel", 10) for n in range(900)]
    found = proposals(
        tiny_world(tmp_path, bought=[*bought, ("at", "knoedel", 10)], people=people), "segment_popularity"
    )
    assert max(found["new"], key=lambda item: found["new"][item]) == "baguette"
    assert max(found["at"], key=lambda item: found["at"][item]) == "brezel"


def test_a_reader_of_novels_gets_the_popular_novel(tmp_path: Path) -> None:
    paths = {"novel 1": "Books > Novels", "novel 2": "Books > Novels", "spade": "Garden > Tools"}
    items = {item: {"category_path": path} for item, path in paths.items()}
    bought = [(f"c{n}", "novel 2", 10) for n in range(5)] + [(f"g{n}", "spade", 10) for n in range(20)]
    world = tiny_world(tmp_path, bought=[*bought, ("reader", "novel 1", 10)], items=items)
    found = proposals(world, "category_popularity")["reader"]
    assert found["novel 2"] > found["novel 1"] > 0
    assert "spade" not in found
    assert words(world, "category_popularity", "reader", "novel 2") == "Popular in Novels, which you like"


def test_who_says_they_like_gardening_gets_what_is_below_it_and_is_told_so(tmp_path: Path) -> None:
    items = {"spade": {"category_path": "Garden > Tools"}, "novel": {"category_path": "Books > Novels"},
             "gardener": {"category_path": "Garden"}, "gardens": {"category_path": "Gardens of the world"}}  # fmt: skip
    world = tiny_world(
        tmp_path, items=items, said=[("c", "category", "Garden", 1.0), ("d", "category", "Garden", -1.0)]
    )
    found = proposals(world, "stated")
    assert set(found["c"]) == {"spade", "gardener"}
    assert "d" not in found, "a refusal is no wish"
    assert words(world, "stated", "c", "spade") == "You told us you like Garden"


def test_what_was_put_into_the_basket_counts_more_than_what_was_looked_at(tmp_path: Path) -> None:
    found = proposals(
        tiny_world(tmp_path, viewed=[("c", "seen", 2)], put=[("c", "put", 2)], bought=[("x", "y", 1)]), "viewed"
    )
    assert found["c"]["put"] > found["c"]["seen"] > 0


@pytest.mark.parametrize("name", GENERATORS)
def test_every_generator_keeps_its_promises(tmp_path: Path, name: str) -> None:
    """Shares sum to one, blocks of one customer say the same as one block, and a shop without acts is no error."""
    said = [("c1", "category", "Food", 1.0)]
    items = {item: {"category_path": "Food"} for item in ("tea", "pot")}
    acts = {"bought": [*PAIRS, ("c1", "tea", 90), ("c1", "tea", 150)], "viewed": [("c3", "nail", 4)]}
    whole = proposals(tiny_world(tmp_path / "a", **acts, said=said, items=items), name)
    single = proposals(tiny_world(tmp_path / "b", **acts, said=said, items=items, block_customers=1), name)
    assert whole == single
    assert all(sum(own.values()) == pytest.approx(1) for own in whole.values())
    assert proposals(tiny_world(tmp_path / "c", items=["tea"], people=["c"]), name) in ({}, {"c": {"tea": 1.0}})


def test_in_a_shop_without_orders_what_people_look_at_stands_for_what_they_buy(tmp_path: Path) -> None:
    world = tiny_world(tmp_path, viewed=[*PAIRS, ("new", "tea", 5)])
    assert list(proposals(world, "bought_together")["new"]) == ["pot"]
    assert words(world, "bought_together", "new", "pot") == "Because you chose the tea"


def test_what_is_bought_after_tea_is_proposed_to_who_bought_tea_last_and_not_the_other_way_round(
    tmp_path: Path,
) -> None:
    """Everybody buys tea, then a pot, then a cosy."""
    row = [(f"c{n}", item, age) for n in range(8) for item, age in (("tea", 90), ("pot", 60), ("cosy", 30))]
    found = proposals(tiny_world(tmp_path, bought=[*row, ("new", "pot", 5)]), "transitions")["new"]
    assert found["cosy"] > found["tea"] > 0
    assert words(tiny_world(tmp_path / "w", bought=[*row, ("new", "pot", 5)]), "transitions", "new", "cosy") == (
        "Because you bought the pot"
    )


def test_an_item_that_only_comes_along_with_another_is_not_what_ease_takes_for_the_reason(tmp_path: Path) -> None:
    """Bags lie beside bread and beside butter; jam comes from bread alone."""
    bread = [(f"a{n}", item, 20) for n in range(12) for item in ("bread", "bag", "jam")]
    butter = [(f"b{n}", item, 20) for n in range(12) for item in ("butter", "bag")]
    found = proposals(tiny_world(tmp_path, bought=[*bread, *butter, ("new", "bread", 5), ("old", "bag", 5)]), "ease")
    assert found["new"]["jam"] > found["new"]["bag"]
    assert found["new"]["jam"] > found["old"]["jam"]


def test_a_walk_ends_less_often_where_everybody_has_been(tmp_path: Path) -> None:
    crowd = [(f"x{n}", item, 20) for n in range(30) for item in ("bag", f"thing{n}")]
    milk = [(f"m{n}", item, 20 + k) for n in range(6) for k, item in enumerate(("cereal", "milk", "bag"))]
    found = proposals(tiny_world(tmp_path, bought=[*crowd, *milk, ("new", "cereal", 3)]), "walks")["new"]
    assert found["milk"] > found["bag"] > 0


def test_factors_find_the_cell_that_two_groups_of_customers_leave_open(tmp_path: Path) -> None:
    """Each group has its own six items; the last customer of a group lacks one of them."""
    bought = [
        (f"{group}{n:02}", f"{group} item {k}", 10 + k)
        for group in ("a", "b") for n in range(12) for k in range(6) if n or k
    ]  # fmt: skip
    found = proposals(tiny_world(tmp_path, bought=bought), "factors")
    for group in ("a", "b"):
        own = found[f"{group}00"]
        new = {item: share for item, share in own.items() if item == f"{group} item 0" or item[0] != group}
        assert max(new, key=lambda item: new[item]) == f"{group} item 0"


def test_a_new_item_is_proposed_to_who_bought_its_like_and_a_known_one_is_not(tmp_path: Path) -> None:
    named = {
        "p1": {"product_name": "oak table lamp", "category_path": "Home > Lamps"},
        "p2": {"product_name": "oak floor lamp", "category_path": "Home > Lamps"},
        "p3": {"product_name": "oak desk lamp", "category_path": "Home > Lamps"},
        "p4": {"product_name": "garden hose", "category_path": "Garden > Tools"},
    } | {f"x{n}": {"product_name": f"thing {chr(97 + n) * 4}"} for n in range(30)}
    known = [(f"c{n}", item, 20) for n in range(25) for item in ("p1", "p2")]
    world = tiny_world(tmp_path, bought=[*known, ("new", "p1", 3)], items=named)
    found = proposals(world, "content")["new"]
    assert max(found, key=lambda item: found[item]) == "p3"
    assert "p2" not in found
    assert words(world, "content", "new", "p3") == "In Lamps, which you like", "nobody knows since when"


LAMPS = {"lamp 1": {"product_name": "oak table lamp", "category_path": "Lamps"}, "lamp 2": {}, "chair": {}}


@pytest.mark.parametrize(
    ("launched", "kind", "acts", "expected"),
    [
        (date(2025, 6, 1), "Lamps", {}, "New in Lamps, which you like"),
        (date(2024, 6, 1), "Lamps", {}, "In Lamps, which you like"),
        (None, "Lamps", {}, "In Lamps, which you like"),
        (date(2025, 8, 1), "Lamps", {}, "In Lamps, which you like"),
        (date(2025, 6, 1), "Lamps", {"bought": [("new", "lamp 2", 9)]}, "In Lamps, which you like"),
        (date(2025, 6, 1), "Outlet", {}, "New, and like oak table lamp"),
        (date(2025, 6, 1), None, {}, "New, and like oak table lamp"),
        (date(2024, 6, 1), "Outlet", {}, "Because you bought oak table lamp"),
        (date(2024, 6, 1), "Outlet", {"viewed": [("new", "chair", 9)]}, "In Outlet, which you like"),
        (date(2024, 6, 1), "Outlet", {"said": [("new", "category", "Outlet", 1.0)]}, "In Outlet, which you like"),
        (None, "Outlet", {"said": [("new", "category", "Outlet", -1.0)]}, "Because you bought oak table lamp"),
    ],
)  # fmt: skip
def test_only_what_was_launched_lately_is_new_and_only_a_category_that_the_customer_chose_is_liked(
    tmp_path: Path, launched: date | None, kind: str | None, acts: dict[str, list[Any]], expected: str
) -> None:
    shown = {"product_name": "oak floor lamp", "category_path": kind, "launched_date": launched}
    items = LAMPS | {"lamp 2": shown, "chair": {"category_path": "Outlet"}}
    items |= {f"x{n}": {"product_name": f"thing {chr(97 + n) * 4}"} for n in range(30)}
    bought = [("new", "lamp 1", 3), *acts.get("bought", [])]
    world = tiny_world(tmp_path, items=items, **{**acts, "bought": bought})
    assert words(world, "content", "new", "lamp 2") == expected


@pytest.mark.parametrize("name", ["bought_together", "also_bought", "transitions", "ease", "walks"])
def test_a_sensitive_item_is_never_named_beside_another(tmp_path: Path, name: str) -> None:
    """The pot goes with the salve, and a little with tea; who withdraws the permission must not read of salves."""
    with_salve: list[Act] = [(f"c{n}", item, age) for n in range(9) for item, age in (("salve", 10), ("pot", 10))]
    with_tea: list[Act] = [(f"d{n}", item, age) for n in range(3) for item, age in (("tea", 10), ("pot", 10))]
    later: list[Act] = [(who, "pot", 3) for who, *_ in [*with_salve, *with_tea]]
    own: list[Act] = [("both", "salve", 4), ("both", "tea", 6), ("one", "salve", 4), ("e", "nail", 9), ("f", "peg", 9)]
    world = tiny_world(tmp_path, bought=[*with_salve, *with_tea, *later, *own], items={"salve": {"is_sensitive": True}})
    assert words(world, name, "both", "pot") == "Because you bought the tea"
    assert words(world, name, "one", "pot") == "Like what you bought before"


def test_a_sensitive_item_is_never_what_another_is_like(tmp_path: Path) -> None:
    named = {"salve": "night salve", "shown": "night cream in stone", "tea": "stone", "nail": "nail", "peg": "peg"}
    items: dict[str, dict[str, Any]] = {item: {"product_name": name} for item, name in named.items()}
    items["salve"] |= {"is_sensitive": True}
    items["shown"] |= {"launched_date": date(2025, 6, 1)}
    bought: list[Act] = [("both", "salve", 3), ("both", "tea", 9), ("one", "salve", 3)]
    world = tiny_world(tmp_path, bought=bought, items=items)
    assert words(world, "content", "both", "shown") == "New, and like stone"
    assert words(world, "content", "one", "shown") == "New, and like what you bought before"


def test_a_category_is_not_named_for_the_sake_of_sensitive_items(tmp_path: Path) -> None:
    items = {"salve": {"category_path": "Care", "is_sensitive": True}, "soap": {"category_path": "Care"}}
    bought: list[Act] = [("c", "salve", 4), ("d", "soap", 4)]
    world = tiny_world(tmp_path, bought=bought, items=items)
    assert words(world, "category_popularity", "c", "soap") == "Popular right now"
    assert words(world, "category_popularity", "d", "soap") == "Popular in Care, which you like"


def test_a_sensitive_wish_is_named_only_beside_a_sensitive_item(tmp_path: Path) -> None:
    """Soap stands in the category of salves; who withdraws the permission must not read of it."""
    items = {
        "salve": {"category_path": "Home > Health", "is_sensitive": True},
        "soap": {"category_path": "Home > Health"},
    }
    said = [("c", "category", "Home > Health", 1.0), ("both", "category", "Home > Health", 1.0)]
    said += [("both", "category", "Home", 0.5)]
    world = tiny_world(tmp_path, items=items, said=said, sensitive_wishes=["Home > Health"])
    assert words(world, "stated", "c", "soap") == "You told us you like things of this kind"
    assert words(world, "stated", "both", "soap") == "You told us you like Home"
    assert words(world, "stated", "c", "salve") == "You told us you like Home > Health"
    assert words(world, "content", "c", "soap") == "Like what you chose before"


def test_wishes_of_a_release_that_did_not_tell_are_held_to_be_sensitive(tmp_path: Path) -> None:
    world = tiny_world(tmp_path, items={"soap": {"category_path": "Care"}}, said=[("c", "category", "Care", 1.0)])
    file = tmp_path / "recommender_preferences.parquet"
    pq.write_table(pq.read_table(file).drop_columns("is_sensitive"), file)
    assert [one.is_sensitive for one in world.statements] == [True]


@pytest.mark.parametrize("name", ["repurchase", "due_again"])
def test_what_was_only_looked_at_was_neither_bought_nor_is_it_due(tmp_path: Path, name: str) -> None:
    world = tiny_world(tmp_path, viewed=[("c", "tea", age) for age in (31, 61, 91)])
    assert words(world, name, "c", "tea") == "You looked at the tea before"


@pytest.mark.parametrize(("ago", "said"), [(10, "You bought the tea before"), (20, "Due again: the tea")])
def test_due_is_said_from_three_quarters_of_the_expected_gap_on(tmp_path: Path, ago: int, said: str) -> None:
    """Bought every 30 days three times, and usually after 14 days: expected after 26, due from 19.5 on."""
    world = tiny_world(tmp_path, bought=[("c", "tea", ago + gap) for gap in (0, 30, 60, 90)])
    assert proposals(world, "due_again")["c"]["tea"] > 0
    assert words(world, "due_again", "c", "tea") == said
