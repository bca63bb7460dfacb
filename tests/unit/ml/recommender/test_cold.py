"""Cold customers and items are counted apart, and what somebody said teaches what to show before they did anything."""

from dataclasses import replace
from pathlib import Path
from typing import ClassVar

import numpy as np
import pytest
from recommender_world import tiny_world

from ml.bootstrap import ratio
from ml.recommender.candidates import Candidates, feature_names
from ml.recommender.cold import as_metrics, by_customer, by_item
from ml.recommender.lessons import Lesson, teach
from ml.recommender.linear import Linear
from ml.recommender.metrics import Hits
from ml.recommender.outcomes import outcomes
from ml.recommender.ranker import Ranker
from ml.recommender.sparse import Csr, matrix

HITS = Hits(5, np.array([0, 1, 2, 3, 4, 4]), np.zeros(6, bool), np.array([1.0, 20, 1, 20, 2, 30]))


def test_customers_are_told_apart_by_what_was_known_of_them() -> None:
    found = by_customer(HITS, np.array([0, 1, 3, 9, 9]), 10, seed=1)
    assert {name: (own.customers, own.recall.value) for name, own in found.items()} == {
        "0": (1, 1), "1": (1, 0), "2-4": (1, 1), "5+": (2, 0.25),
    }  # fmt: skip
    assert found["5+"].ndcg.value == pytest.approx(HITS.ndcg(10)[3:].mean())
    assert found["5+"].recall.low == 0
    assert found["5+"].recall.high == 0.5


def test_items_are_told_apart_by_how_many_had_them_before() -> None:
    """Item 0 was never seen, 1 by two, 2 by seven."""
    found = by_item(HITS, np.array([0, 0, 1, 1, 2, 1]), np.array([0, 2, 7]), 10, seed=1)
    assert {name: (own.items, own.purchases, own.hit_rate.value) for name, own in found.items()} == {
        "0": (1, 2, 0.5), "1-4": (1, 3, pytest.approx(1 / 3)), "5+": (1, 1, 1),
    }  # fmt: skip


def test_a_group_without_anybody_has_no_figure_and_breaks_nothing() -> None:
    customers = by_customer(HITS, np.full(5, 9), 10, seed=1)
    items = by_item(HITS, np.zeros(6, int), np.array([9]), 10, seed=1)
    assert customers["0"].customers == 0
    assert np.isnan(customers["0"].recall.value)
    told = as_metrics(customers, items)
    assert told["known_5_and_more/customers"] == 5
    assert told["item_known_5_and_more/purchases"] == 6
    assert np.isnan(told["item_known_0/hit_rate_at_10"])


def test_a_ratio_of_sums_has_an_interval_around_it_and_none_without_anything_below() -> None:
    rng = np.random.default_rng(2)
    below = rng.random(400)
    found = ratio(2 * below + rng.normal(0, 0.1, 400), below, seed=1)
    assert found.low < found.value < found.high
    assert found.value == pytest.approx(2, abs=0.05)
    assert np.isnan(ratio(below, np.zeros(400), seed=1).value)


def words(folder: Path) -> Lesson:
    """Everybody buys their own item of the kind that they asked for, again; who did nothing yet asked for nothing."""
    rng, bought, said, then = np.random.default_rng(4), [], [], []
    items = {f"{kind}{n}": {"category_path": kind} for kind in ("tea", "pot", "cup") for n in range(6)} | {"staple": {}}
    for n in range(90):
        kind = ("tea", "pot", "cup")[n % 3]
        own = f"{kind}{rng.integers(6)}"
        bought += [(f"c{n:02}", own, 40), (f"c{n:02}", "staple", 30)]
        said.append((f"c{n:02}", "category", kind, 1.0))
        then.append((f"c{n:02}", own))
    then += [(f"new{n:02}", "staple") for n in range(20)]
    people = {f"new{n:02}": {"segment": "DE/prospect"} for n in range(20)}
    world = tiny_world(folder, bought=bought, said=said, then=then, items=items, people=people)
    return Lesson(world, outcomes(world))


def test_a_word_counts_before_there_is_a_history_because_those_with_one_teach_without_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    lesson = words(tmp_path)
    learned = teach([lesson])
    place = learned.model.generators.index("stated")
    assert learned.model.blend.weights[0, place] > 0.3
    monkeypatch.setattr(Lesson, "taught", property(lambda self: list(self.happened)))
    untold = teach([Lesson(lesson.source, lesson.happened)])
    assert untold.model.blend.weights[0, place] < 0.1, "red without: real newcomers have said nothing"


def test_newcomers_of_a_lesson_have_no_history_and_only_those_who_said_something_are_among_them(tmp_path: Path) -> None:
    lesson = words(tmp_path)
    happened, newcomers = lesson.taught
    assert happened is lesson.happened[0]
    assert len(newcomers.block) == 90
    assert newcomers.block.purchases.sum() == 0
    assert newcomers.block.statements(+1).nnz == 90
    assert len(newcomers.items) == 90
    segments = lesson.source.segments
    assert {segments[n] for n in happened.block.segments} == {"DE/some orders", "DE/prospect"}
    assert {segments[n] for n in newcomers.block.segments} == {"DE/prospect"}
    real = teach([lesson])
    assert real.candidate_recall <= 1
    assert not np.isnan(real.candidate_recall)


class Backwards(Ranker):
    """One that gives the highest score to what the blend thinks least of."""

    place: ClassVar[int]

    def scores(self, found: Candidates, shape: tuple[int, int], *, threads: int = 1) -> Csr:  # noqa: ARG002
        return matrix(1 / (1e-9 + found.X[:, self.place]).astype(float), found.rows, found.items, shape)


def test_of_strangers_the_blend_speaks_and_of_everybody_else_the_ranker(tmp_path: Path) -> None:
    lesson = words(tmp_path)
    fitted = teach([lesson]).model.fit(lesson.source)
    Backwards.place = feature_names(fitted.model.generators).index("blend")
    (block,) = lesson.source.blocks()
    case = fitted.case(block)
    proposals = fitted.propose(case)
    blended = (
        replace(fitted, model=replace(fitted.model, ranker=None, new_items=None)).scores(case, proposals).toarray()
    )
    given = (
        replace(fitted, model=replace(fitted.model, ranker=Backwards(Linear((), ())), new_items=None))
        .scores(case, proposals)
        .toarray()
    )
    strangers = np.array([customer.startswith("new") for customer in block.customers])
    assert (block.is_stranger == strangers).all()
    assert given[strangers] == pytest.approx(blended[strangers])
    assert (given.argmax(axis=1) != blended.argmax(axis=1))[~strangers].all()
