"""Rules before the cut, filling up, discovery with its propensity, and rows that are the same every time."""

from collections import Counter
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from recommender_world import AS_OF, fitted, lists_of, tiny_world
from scipy.sparse import csr_array
from scipy.stats import chi2

from ml.recommender import lists, rules
from ml.recommender.calibration import calibrated
from ml.recommender.data import World
from ml.recommender.lists import POOL, Shape, make_lists
from ml.recommender.model import RecommenderModel
from ml.recommender.recommend import ListPlan, recommend
from ml.recommender.rules import Mode

CROWD = [(f"x{n}", f"item{m}", 40 + m) for n in range(8) for m in range(12) if (n + m) % 3]
RULES: dict[str, dict[str, Any]] = {
    "unavailable": {"items": {"wanted": {"is_available": False}}},
    "sensitive": {"items": {"wanted": {"is_sensitive": True}}},
    "refused": {"items": {"wanted": {"brand": "Dorn"}}, "said": [("c", "brand", "Dorn", -0.5)]},
    "in_the_basket": {"put": [("c", "wanted", 2)]},
    "just_bought": {"bought": [("c", "wanted", 1)]},
}


def shop(folder: Path, **more: Any) -> World:
    """Customer c has bought ``wanted`` again and again, so that it stands at the top unless a rule takes it out."""
    usual = [("c", "wanted", age) for age in (60, 120, 180, 240)]
    return tiny_world(folder, **{**more, "bought": [*CROWD, *usual, *more.get("bought", ())]})


def test_without_a_rule_against_it_the_wanted_item_comes_first(tmp_path: Path) -> None:
    assert lists_of(shop(tmp_path))["c"][0] == "wanted"


@pytest.mark.parametrize("rule", RULES)
def test_what_must_not_be_shown_is_gone_before_the_cut_and_the_list_is_full(tmp_path: Path, rule: str) -> None:
    found = lists_of(shop(tmp_path, **RULES[rule]))["c"]
    assert "wanted" not in found
    assert len(found) == 5


@pytest.mark.parametrize("rule", RULES)
def test_each_rule_is_what_keeps_it_out(tmp_path: Path, rule: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Red without the rule: the test above would notice."""
    monkeypatch.setattr(rules, "RULES", tuple(one for one in rules.RULES if one.__name__ != rule))
    assert "wanted" in lists_of(shop(tmp_path, **RULES[rule]))["c"]


@pytest.mark.parametrize("mode", ["mixed", "repeat", "discovery"])
def test_one_look_up_for_what_is_forbidden_pair_by_pair_says_what_all_rules_say(tmp_path: Path, mode: Mode) -> None:
    everything = {
        name: [act for rule in RULES.values() for act in rule.get(name, [])] for name in ("put", "bought", "said")
    }
    items = {"item1": {"is_available": False}, "item2": {"is_sensitive": True}, "wanted": {"brand": "Dorn"}}
    world = shop(tmp_path, items=items, **everything)
    (block,) = world.blocks()
    case = fitted(world, mode).case(block)
    rows, columns = (pairs.ravel().astype(np.int64) for pairs in np.indices((len(block), block.width)))
    whole = rules.allowed(case, rows, columns)
    assert 0 < whole.sum() < len(whole)
    assert (rules.allowed_of_proposed(case, rows, columns) == whole).all()


def test_with_consent_to_special_category_a_sensitive_item_may_be_shown(tmp_path: Path) -> None:
    consent = {"people": {"c": {"may_see_sensitive": True}}}
    assert "wanted" in lists_of(shop(tmp_path, **RULES["sensitive"], **consent))["c"]


def test_what_is_taken_out_of_the_basket_or_bought_since_is_no_longer_in_it(tmp_path: Path) -> None:
    out = shop(tmp_path / "out", put=[("c", "wanted", 3)], taken_out=[("c", "wanted", 2)])
    assert "wanted" in lists_of(out)["c"]
    again = shop(tmp_path / "again", put=[("c", "wanted", 9), ("c", "wanted", 2)], taken_out=[("c", "wanted", 5)])
    assert "wanted" not in lists_of(again)["c"], "an old removal says nothing of what was put in since"
    one_day = {"put": [("c", "wanted", 3)] * 2, "taken_out": [("c", "wanted", 3)]}
    assert "wanted" not in lists_of(shop(tmp_path / "one of two", **one_day))["c"]
    one_of_two = {"put": [("c", "wanted", 5)] * 2, "taken_out": [("c", "wanted", 3)]}
    assert "wanted" not in lists_of(shop(tmp_path / "later one of two", **one_of_two))["c"]
    given_up = shop(tmp_path / "old", put=[("c", "wanted", rules.BASKET_DAYS + 1)])
    assert "wanted" in lists_of(given_up)["c"]


def test_repeat_shows_the_known_first_and_discovery_only_the_new(tmp_path: Path) -> None:
    own = {"wanted", "item1"}
    acts = {"bought": [("c", "item1", 50)]}
    repeats = lists_of(shop(tmp_path / "a", **acts), mode="repeat")
    assert set(repeats["c"][:2]) == own
    assert len(repeats["c"]) == 5, "filled up: a list is not short, and there is room for discovery"
    found = lists_of(shop(tmp_path / "b", **acts), mode="discovery")["c"]
    assert not own & set(found)
    assert len(found) == 5


def test_a_slot_with_nothing_new_to_draw_takes_the_next_best_of_the_customers_own(tmp_path: Path) -> None:
    own = [("c", f"own{n}", age) for n in range(6) for age in (60, 120, 180, 240)]
    world = tiny_world(tmp_path, bought=[*CROWD, *own])
    found = lists_of(world, mode="repeat", length=4, discovery_slots=2)["c"]
    assert found == lists_of(world, mode="repeat", length=4)["c"]
    assert all(item.startswith("own") for item in found)


def test_where_known_items_are_repeated_who_has_bought_nothing_still_has_a_list_of_their_own(tmp_path: Path) -> None:
    said = [("new", "category", "spice", 0.9)]
    world = tiny_world(tmp_path, bought=CROWD, said=said, items={"item1": {"category": "spice"}})
    assert lists_of(world, mode="repeat")["new"] == lists_of(world)["new"]
    assert lists_of(world, mode="repeat")["new"][0] == "item1"


@pytest.mark.parametrize("looked_at", [0, lists.LOOKED_AT])
def test_a_list_is_never_short_while_something_may_be_shown(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, looked_at: int
) -> None:
    """Items that no generator proposes; nearly all refused, so that filling has to look far down, step by step or at
    all of them at once."""
    monkeypatch.setattr(lists, "LOOKED_AT", looked_at)
    said = [("c", "product", f"item{n:03}", -1.0) for n in range(196)]
    world = tiny_world(tmp_path, items=[f"item{n:03}" for n in range(200)], said=said)
    assert lists_of(world, length=4)["c"] == [f"item{n}" for n in range(196, 200)]


NEW = date(2025, 6, 1)


@pytest.mark.parametrize("acts", [[], [("x", "old 1", 700)], [("x", "old 1", 30)]])
def test_what_nobody_bought_lately_fills_a_list_before_it_is_short(tmp_path: Path, acts: list[Any]) -> None:
    """Nobody ever bought anything, or it is too long ago to count: the newest first, then the others by id; also for
    who may not be profiled. Unavailable, refused and sensitive items never come."""
    items: dict[str, dict[str, Any]] = {f"old {n}": {} for n in range(1, 5)}
    items |= {"young": {"launched_date": NEW}, "younger": {"launched_date": NEW + timedelta(9)}}
    items |= {"gone": {"is_available": False}, "private": {"is_sensitive": True}, "disliked": {"brand": "Dorn"}}
    people = {"c": {}, "secret": {"is_profiled": False, "may_personalise": False, "segment": None}}
    said = [(who, "brand", "Dorn", -1.0) for who in people]
    rows = table(tiny_world(tmp_path, bought=acts, items=items, people=people, said=said), tmp_path / "r.parquet")
    usual = ["younger", "young", "old 1", "old 2", "old 3"]
    bought = bool(acts) and acts[0][2] < 700
    expected = ["old 1", "younger", "young", "old 2", "old 3"] if bought else usual
    for who, own in rows[rows["customer_id"] != "x"].groupby("customer_id"):
        assert own["product_id"].tolist() == expected, who
        is_popular = [bought, False, False, False, False]
        assert own["reason"].tolist() == ["Popular right now" if one else "From our range" for one in is_popular]
    assert set(rows["customer_id"]) == {"c", "secret"} | {who for who, *_ in acts}
    assert rows.groupby("customer_id").size().eq(5).all()


def table(world: World, path: Path, **plan: Any) -> pd.DataFrame:
    shape = Shape(**{"length": 5, "discovery_slots": 1, "as_of": str(AS_OF), **plan.pop("shape", {})})
    recommend(
        world, RecommenderModel.untrained(), "demo.recommender/1", ListPlan(AS_OF, "demo", shape=shape, **plan), path
    )
    return pd.read_parquet(path)


def test_who_may_not_be_profiled_gets_what_is_popular_and_nothing_of_their_own(tmp_path: Path) -> None:
    people = {"secret": {"is_profiled": False, "may_personalise": False, "segment": None},
              "quiet": {"may_personalise": False}}  # fmt: skip
    rows = table(shop(tmp_path, people=people, bought=[("quiet", "item3", 30)]), tmp_path / "r.parquet")
    generic = rows[rows["customer_id"].isin(people)]
    assert set(generic["arm"]) == {"generic"}
    assert set(rows[rows["customer_id"] == "c"]["arm"]) == {"personalised"}
    assert set(generic["source"]) == {"popularity"}
    assert set(generic["reason"]) == {"Popular right now"}
    lists = generic.groupby("customer_id")["product_id"].agg(list)
    assert lists["secret"] == lists["quiet"]


def test_what_somebody_refuses_is_not_in_their_generic_list_either(tmp_path: Path) -> None:
    people = {who: {"is_profiled": False, "may_personalise": False, "segment": None} for who in ("refuses", "silent")}
    items = {f"item{n}": {"category_path": "meat" if n % 2 else "fruit"} for n in range(200)}
    world = shop(tmp_path, people=people, items=items, said=[("refuses", "category", "meat", -1.0)])
    rows = table(world, tmp_path / "r.parquet").set_index("product_id")
    lists = {who: list(rows[rows["customer_id"] == who].index) for who in people}
    assert any(int(item.removeprefix("item")) % 2 for item in lists["silent"] if item.startswith("item"))
    assert len(lists["refuses"]) == 5
    assert not any(items.get(item, {}).get("category_path") == "meat" for item in lists["refuses"])
    assert (rows[rows["customer_id"].isin(people)]["arm"] == "generic").all()


def test_the_discovery_slot_is_new_to_the_customer_and_says_with_which_chance_it_was_drawn(tmp_path: Path) -> None:
    rows = table(shop(tmp_path), tmp_path / "r.parquet")
    drawn = rows[rows["source"] == "discovery"]
    assert set(drawn["rank"]) == {5}
    assert drawn["reason"].str.startswith("New to you: ").all()
    assert (drawn["propensity"] < 1).all()
    assert (rows[rows["source"] != "discovery"]["propensity"] == 1).all()
    bought = {(who, item) for who, item, _ in CROWD} | {("c", "wanted")}
    assert not set(zip(drawn["customer_id"], drawn["product_id"], strict=True)) & bought


def test_what_somebody_has_looked_at_is_not_called_new_to_them(tmp_path: Path) -> None:
    items = {"wanted"} | {item for _, item, _ in CROWD}
    seen = [(who, item, 30) for who in {who for who, *_ in CROWD} for item in items]
    rows = table(shop(tmp_path, viewed=seen), tmp_path / "r.parquet")
    drawn = rows[rows["source"] == "discovery"].set_index("customer_id")["reason"]
    assert drawn.drop("c").str.startswith("You looked at the ").all()
    assert drawn["c"].startswith("New to you: the ")


def test_over_many_days_discovery_draws_as_often_as_its_propensity_says(tmp_path: Path) -> None:
    crowd = [(f"x{n}", f"item{m}", 40) for n in range(6) for m in range(30) if (n + m) % 3]
    world = tiny_world(tmp_path, bought=[*crowd, ("c", "item1", 60)])
    known, (block,) = fitted(world), world.blocks()
    case = known.case(block)
    scores = known.scores(case, known.propose(case))
    drawn: Counter[int] = Counter()
    chance: dict[int, float] = {}
    for day in range(600):
        made = make_lists(scores, case, known.popularity, Shape(5, 1, as_of=str(day)))
        (mine,) = np.flatnonzero((block.customers[made.rows] == "c") & made.is_discovery)
        drawn[int(made.items[mine])] += 1
        chance[int(made.items[mine])] = float(made.propensities[mine])
    assert len(drawn) == POOL
    assert sum(chance.values()) == pytest.approx(1)
    assert min(chance.values()) >= 0.5 / POOL - 1e-9
    chi_square = sum((drawn[item] - 600 * p) ** 2 / (600 * p) for item, p in chance.items())
    assert chi_square < chi2.ppf(0.999, POOL - 1)


def test_discovery_slots_are_spread_over_the_list_and_hold_different_items(tmp_path: Path) -> None:
    crowd = [(f"x{n}", f"item{m}", 40) for n in range(6) for m in range(30) if (n + m) % 3]
    world = tiny_world(tmp_path, bought=[*crowd, ("c", "item1", 60)])
    known, (block,) = fitted(world), world.blocks()
    case = known.case(block)
    made = make_lists(known.scores(case, known.propose(case)), case, known.popularity, Shape(10, 2, as_of="d"))
    assert set(made.places[made.is_discovery].tolist()) == {4, 9}
    assert np.bincount(made.rows).tolist() == [10] * len(block)
    assert len(set(zip(made.rows, made.items, strict=True))) == len(made)


def test_calibration_gives_the_smaller_taste_its_places(tmp_path: Path) -> None:
    """Seven of ten purchases were novels, three were tools; all candidate novels score higher than any tool."""
    paths = {f"novel{n}": "Novels" for n in range(20)} | {f"tool{n}": "Tools" for n in range(20)}
    items = {item: {"category_path": path} for item, path in paths.items()}
    own = [("c", f"novel{n}", 30 + n) for n in range(7)] + [("c", f"tool{n}", 30 + n) for n in range(3)]
    world = tiny_world(tmp_path, bought=own, items=items)
    known, (block,) = fitted(world), world.blocks()
    is_novel = np.array([path == "Novels" for path in world.catalogue.category_paths])
    scores = csr_array(np.where(is_novel, 0.03, 0.02)[None, :])
    shares = []
    for strength in (0.0, 0.9):
        _, best, _ = calibrated(scores, block, world.catalogue, known.popularity, 10, strength)
        assert sorted(best.tolist()) == list(range(40)), "nothing is lost"
        shares.append(is_novel[best[:10]].sum())
    assert shares == [10, 7]


def test_who_has_bought_nothing_gets_the_mix_of_the_shop(tmp_path: Path) -> None:
    """Three of ten purchases of all were tools; all candidate novels score higher than any tool."""
    items = {f"{kind}{n}": {"category_path": kind} for kind in ("novel", "tool") for n in range(20)}
    crowd = [(f"x{n}", f"{'tool' if n < 3 else 'novel'}{n}", 30) for n in range(10)]
    world = tiny_world(tmp_path, bought=crowd, items=items, people=["new"])
    known, (block,) = fitted(world), world.blocks()
    is_novel = np.array([path == "novel" for path in world.catalogue.category_paths])
    own = block.only(np.flatnonzero(block.customers == "new"))
    _, best, _ = calibrated(
        csr_array(np.where(is_novel, 0.03, 0.02)[None, :]), own, world.catalogue, known.popularity, 10, 0.9
    )
    assert is_novel[best[:10]].sum() == 7


def test_rows_are_the_same_in_any_blocks_and_their_ids_are_stable_and_unique(tmp_path: Path) -> None:
    whole = table(shop(tmp_path / "a"), tmp_path / "a.parquet")
    parts = table(tiny_world(tmp_path / "b", bought=[*CROWD, *(("c", "wanted", a) for a in (60, 120, 180, 240))],
                             block_customers=2), tmp_path / "b.parquet")  # fmt: skip
    pd.testing.assert_frame_equal(whole, parts)
    assert whole["recommendation_id"].is_unique
    assert not whole.duplicated(["customer_id", "rank"]).any()
    assert not whole.duplicated(["customer_id", "product_id"]).any()
    by_list = whole["recommendation_id"].str[:-2]
    assert by_list.nunique() == whole["customer_id"].nunique()
    assert (whole["recommendation_id"].str[-2:].astype(int) == whole["rank"]).all()
    again = (tmp_path / "a.parquet").read_bytes()
    table(shop(tmp_path / "c"), tmp_path / "a.parquet")
    assert (tmp_path / "a.parquet").read_bytes() == again


def test_what_the_customer_said_is_the_reason_before_what_was_inferred(tmp_path: Path) -> None:
    items = {f"item{n}": {"category_path": "Garden > Tools"} for n in range(12)}
    rows = table(tiny_world(tmp_path, bought=CROWD, items=items, said=[("new", "category", "Garden > Tools", 1.0)]),
                 tmp_path / "r.parquet", shape={"discovery_slots": 0})  # fmt: skip
    assert set(rows[rows["customer_id"] == "new"]["reason"]) == {"You told us you like Garden > Tools"}


@pytest.mark.parametrize("world", [{}, {"people": ["c"]}, {"items": ["tea"]}])
def test_a_shop_without_items_or_people_gets_an_empty_typed_table(tmp_path: Path, world: dict[str, Any]) -> None:
    rows = table(tiny_world(tmp_path, **world), tmp_path / "r.parquet")
    assert len(rows) == 0
    assert "recommendation_id" in rows.columns
