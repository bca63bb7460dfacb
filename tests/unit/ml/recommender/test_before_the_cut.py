"""What no list of a customer may hold takes no place among the hundred items that a generator proposes."""

from pathlib import Path

import pytest
from recommender_world import proposals, tiny_world

from ml.recommender.data import World
from ml.recommender.generators import GENERATORS
from ml.recommender.model import parameters_of
from ml.recommender.protocol import MOST_CANDIDATES

FILMS = [f"f{n:03}" for n in range(2 * MOST_CANDIDATES)]


def film_club(folder: Path) -> World:
    """Twenty people who saw all films, each on a day of its own, and one who has not seen two of them."""
    seen = [(f"c{n:02}", film, age + 1) for n in range(20) for age, film in enumerate(FILMS)]
    return tiny_world(folder, bought=[*seen, *(("fan", film, age + 1) for age, film in enumerate(FILMS[2:]))])


def whole(name: str) -> dict[str, int]:
    """Settings under which a generator keeps all neighbours of an item."""
    return {"neighbours": 2 * len(FILMS)} if "neighbours" in parameters_of(GENERATORS[name]()) else {}


@pytest.mark.parametrize("name", ["transitions", "ease", "ease_unordered", "walks", "factors", "also_bought"])
def test_what_somebody_has_had_takes_no_place_of_what_is_new_to_them(tmp_path: Path, name: str) -> None:
    assert set(proposals(film_club(tmp_path), name, "discovery", **whole(name))["fan"]) == set(FILMS[:2])


def test_who_has_had_the_most_popular_hundred_hears_of_what_is_less_so(tmp_path: Path) -> None:
    seen = [(f"c{n:02}", film, 9) for n in range(20) for film in FILMS[: 10 * (n + 1)]]
    world = tiny_world(tmp_path, bought=[*seen, *(("fan", film, 9) for film in FILMS[:150])])
    assert sorted(proposals(world, "segment_popularity", "discovery")["fan"]) == FILMS[150:]


def test_an_own_item_that_a_rule_forbids_takes_no_place_of_another_own_one(tmp_path: Path) -> None:
    """A customer with more own items than a generator proposes, who refuses most of them."""
    items = {film: {"category_path": "Films" if number < 150 else "Books"} for number, film in enumerate(FILMS)}
    own = [("c", film, 1_000) for film in FILMS] + [("c", film, 500) for film in FILMS[:150]]
    world = tiny_world(tmp_path, bought=own, items=items, said=[("c", "category", "Films", -1.0)])
    assert sorted(proposals(world, "repurchase", has_rules=True)["c"]) == FILMS[150:]


SHELF = {f"f{n:03}": {"category_path": "Films", "is_available": n < 4, "is_sensitive": n == 3} for n in range(304)}
"""Films of which all but the first four are gone, and the fourth is sensitive."""


@pytest.mark.parametrize("name", [
    "transitions", "ease", "ease_unordered", "walks", "factors", "also_bought", "bought_together",
    "segment_popularity", "category_popularity", "stated",
])  # fmt: skip
def test_what_is_gone_or_sensitive_takes_no_place_of_what_may_be_shown(tmp_path: Path, name: str) -> None:
    """What is gone was bought by several each, what is left by one; a hundred that are gone go with each item."""
    gone = list(SHELF)[4:]
    acts = [(f"c{n:02}", gone[(37 * n + place) % 300], 9) for n in range(20) for place in range(40)]
    acts += [("c00", film, 9) for film in list(SHELF)[:4]] + [
        (f"c{n:02}", "own", age) for n in range(20) for age in (9, 12)
    ]
    world = tiny_world(tmp_path, bought=[*acts, ("me", "own", 3)], items=SHELF | {"own": {"category_path": "Films"}},
                       said=[("me", "category", "Films", 1.0)])  # fmt: skip
    found = proposals(world, name, "discovery", has_rules=True)["me"]
    assert set(found) == {"f000", "f001", "f002"}
