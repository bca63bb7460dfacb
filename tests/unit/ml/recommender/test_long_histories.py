"""People with hundreds of items, and resellers: when whole histories are read, and how much of them."""

from pathlib import Path

import pytest
from recommender_world import proposals, tiny_world, words

from ml.recommender.choice import choose, look
from ml.recommender.generators import GENERATORS


def test_of_a_long_history_the_first_item_says_as_much_as_the_last(tmp_path: Path) -> None:
    """Two circles who saw eighty films each; the newcomer saw sixty of one and ended with five of the other."""
    first, second = [f"a{n:02}" for n in range(80)], [f"b{n:02}" for n in range(80)]
    acts = [(f"c{n}", film, age + 1) for n in range(12) for age, film in enumerate(first if n % 2 else second)]
    mine = [("me", film, 100 - place) for place, film in enumerate([*first[:60], *second[:5]])]
    world = tiny_world(tmp_path, bought=[*acts, *mine])
    best = {name: max((own := proposals(world, name, "discovery")["me"]), key=lambda film: own[film])
            for name in ("ease", "ease_unordered")}  # fmt: skip
    assert best["ease_unordered"] in first
    assert best["ease"] in second, "there the last ones count most"
    assert words(world, "ease_unordered", "me", best["ease_unordered"]).startswith("Because you bought the a")


def test_a_reseller_counts_by_its_latest_items_only(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing but its own rows links the old items to the new ones."""
    monkeypatch.setattr("ml.recommender.generators.ease_unordered.MOST_ITEMS", 4)
    new, old = [f"new{n}" for n in range(4)], [f"old{n}" for n in range(4)]
    acts = [*(("bot", item, 5) for item in new), *(("bot", item, 50) for item in old), ("me", "new0", 3)]
    found = proposals(tiny_world(tmp_path, bought=acts), "ease_unordered", "discovery")["me"]
    assert set(found) == set(new[1:])


@pytest.mark.parametrize(("items", "is_read"), [(50, False), (51, True)])
def test_whole_histories_are_read_where_most_purchases_are_of_people_with_long_ones(
    tmp_path: Path, items: int, is_read: bool
) -> None:
    """Half of all purchases are of one person, the others' histories are short."""
    acts = [("long", f"i{item}", item + 1) for item in range(items)]
    acts += [(f"c{n}", f"i{n}", age) for n in range(items // 2) for age in (3, 9)]
    names, left = choose(look(tiny_world(tmp_path, bought=acts)), list(GENERATORS))
    assert ("ease_unordered" in names) == is_read
    assert any(one.name == "ease_unordered" and "histories are short" in one.reason for one in left) != is_read
