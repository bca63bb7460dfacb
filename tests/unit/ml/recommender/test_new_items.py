"""What is new to a customer is picked and ordered by who learned from first purchases alone."""

from dataclasses import replace
from pathlib import Path
from typing import ClassVar

import numpy as np
import pytest
from recommender_world import AS_OF, fitted, tiny_world

from ml.model import ModelFileError
from ml.recommender import choice, lessons, new_items
from ml.recommender.blend import HISTORY_STEPS, Blend
from ml.recommender.candidates import Candidates
from ml.recommender.lessons import Lesson, teach
from ml.recommender.linear import Linear
from ml.recommender.lists import Shape, make_lists
from ml.recommender.model import Fitted, RecommenderModel
from ml.recommender.new_items import LEAST_CHANCE, NewItems, only_new
from ml.recommender.outcomes import outcomes
from ml.recommender.ranker import Ranker
from ml.recommender.recommend import _told
from ml.recommender.sparse import Csr, Pairs, at, cells, matrix

RNG = np.random.default_rng(3)
ITEMS = [f"p{number:03}" for number in range(160)]


class ByNumber(Ranker):
    """Gives most to the candidate of the highest number."""

    def scores(self, found: Candidates, shape: tuple[int, int], *, threads: int = 1) -> Csr:  # noqa: ARG002
        return matrix(2.0 ** (found.items - 200), found.rows, found.items, shape)


class KnownOnly(Ranker):
    """Looks at what was bought before and at nothing else."""

    had: ClassVar[Pairs]

    def scores(self, found: Candidates, shape: tuple[int, int], *, threads: int = 1) -> Csr:  # noqa: ARG002
        known = self.had.contains(found.rows, found.items)
        return matrix(np.full(known.sum(), 1 / known.sum()), found.rows[known], found.items[known], shape)


def even(generators: int) -> Blend:
    return Blend(np.full((len(HISTORY_STEPS) + 1, generators), 1 / generators))


def shop(folder: Path, *, own: int = 20, customers: int = 12) -> Fitted:
    """Customers who have bought some of the same items, each others of their own."""
    bought = [
        (f"c{who:02}", ITEMS[int(item)], int(RNG.integers(5, 300)))
        for who in range(customers) for item in RNG.choice(len(ITEMS), own, replace=False) for _ in range(2)
    ]  # fmt: skip
    known = fitted(tiny_world(folder, bought=bought, items=ITEMS))
    return replace(
        known, model=replace(known.model, new_items=NewItems(even(len(known.generators)), ByNumber(Linear((), ())), 20))
    )


def test_what_is_known_keeps_its_score_and_what_is_new_its_sum_in_another_order(tmp_path: Path) -> None:
    known = shop(tmp_path)
    plain = replace(known, model=replace(known.model, ranker=ByNumber(Linear((), ())), new_items=None))
    both = replace(known, model=replace(known.model, ranker=ByNumber(Linear((), ()))))
    (block,) = known.source.blocks()
    case = known.case(block)
    proposals = known.propose(case)
    before, after = (one.scores(case, proposals) for one in (plain, both))
    rows, items, worth = cells(before)
    had = block.bought.contains(rows, items)
    assert had.any()
    assert (np.asarray(at(after, rows[had], items[had])) == worth[had]).all()
    new_rows, others, shares = cells(after)
    new = ~block.bought.contains(new_rows, others)
    given = np.bincount(new_rows[new], shares[new], len(block))
    among = 2.0 ** (others[new] - 200)
    expected = np.bincount(rows[~had], worth[~had], len(block))[new_rows[new]] * among
    assert shares[new] == pytest.approx(np.maximum(expected, LEAST_CHANCE * among))
    assert (given > 0).all()


def test_nobody_s_scores_depend_on_how_many_are_looked_at_at_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    model, lesson = saved(tmp_path)
    known = model.fit(lesson.source)
    (block,) = lesson.source.blocks()
    case = known.case(block)
    proposals = known.propose(case)
    whole = cells(known.scores(case, proposals))
    monkeypatch.setattr(new_items, "CUSTOMERS", 7)
    assert all((x == y).all() for x, y in zip(whole, cells(known.scores(case, proposals)), strict=True))


def test_the_proposals_without_what_was_bought_are_those_of_a_plain_look(tmp_path: Path) -> None:
    known = shop(tmp_path)
    (block,) = known.source.blocks()
    proposals = known.propose(known.case(block))
    had = block.bought_matrix.toarray() > 0
    assert any((proposal.toarray()[had] > 0).any() for proposal in proposals)
    for proposal, new in zip(proposals, only_new(proposals, block), strict=True):
        assert (new.toarray() == np.where(had, 0, proposal.toarray())).all()


def test_who_has_more_known_candidates_than_are_looked_at_discovers_something_below_them(tmp_path: Path) -> None:
    known = shop(tmp_path, own=130)
    (block,) = known.source.blocks()
    case, KnownOnly.had = known.case(block), block.bought
    model = replace(known.model, ranker=KnownOnly(Linear((), ())), most_candidates=150)
    proposals = known.propose(case)
    scores = replace(known, model=model).scores(case, proposals)
    rows, items, worth = cells(scores)
    new = ~block.bought.contains(rows, items)
    assert set(rows[new]) == set(range(len(block)))
    assert worth[new].max() < worth[~new].min()
    made = make_lists(scores, case, known.popularity, Shape(10, 2, as_of=str(AS_OF)))
    assert (np.bincount(made.rows[made.is_discovery], minlength=len(block)) == 2).all()


def test_a_discovery_is_looked_for_below_all_that_is_known(tmp_path: Path) -> None:
    known = shop(tmp_path, own=130)
    (block,) = known.source.blocks()
    case = known.case(block)
    had = block.bought_matrix.toarray() > 0
    scores = np.where(had, 2.0, 1.0) + RNG.random(had.shape)
    rows, items = np.nonzero(scores)
    made = make_lists(matrix(scores.ravel(), rows, items, scores.shape), case, known.popularity, Shape(10, 1))
    assert (np.bincount(made.rows[made.is_discovery], minlength=len(block)) == 1).all()


def habits(folder: Path) -> Lesson:
    """Everybody buys an own item again and again, and then something that goes with another's."""
    bought, then = [], []
    for who in range(150):
        mine, other = RNG.choice(60, 2, replace=False)
        bought += [(f"c{who:03}", ITEMS[mine], int(age)) for age in (35, 65, 95)]
        bought += [(f"c{who:03}", ITEMS[other], 30)]
        later = {mine, (other + 1) % 60} if who % 5 else {mine}
        then += [(f"c{who:03}", ITEMS[item]) for item in sorted(later)]
    world = tiny_world(folder, bought=bought, then=then, items=ITEMS[:60])
    return Lesson(world, outcomes(world))


def test_first_purchases_teach_it_where_lists_hold_repeats_as_well(tmp_path: Path) -> None:
    lesson = habits(tmp_path)
    learned = teach([lesson])
    assert learned.model.mode == "mixed"
    assert learned.model.new_items is not None
    assert "what is new to a customer: a sum" in learned.model.order
    assert (learned.model.new_items.blend.weights != learned.model.blend.weights).any()
    assert teach([lesson], mode="discovery").model.new_items is None
    assert teach([lesson], mode="repeat").model.new_items is None


def test_where_too_few_taught_the_first_order_there_is_none_of_new_items(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """They are looked at twice as deep, so that theirs may be the only one that has enough to learn from; nothing
    would ask it."""
    lesson, made = habits(tmp_path), [None, ByNumber(Linear((), ()))]
    monkeypatch.setattr(lessons, "learn_order", lambda *_, **__: made.pop(0))
    model = teach([lesson]).model
    assert (model.ranker, model.new_items) == (None, None)


def test_who_bought_nothing_new_teaches_nothing_of_it(tmp_path: Path) -> None:
    lesson = habits(tmp_path)
    known = fitted(lesson.source)
    proposed = [known.propose(known.case(judged.block)) for judged in lesson.taught]
    lists = lessons._lists_of_new(known, lesson, proposed, even(len(known.generators)), 40)
    for judged, (found, bought) in zip(lesson.taught, lists, strict=True):
        buyers = np.unique(judged.rows[~judged.is_repeat])
        assert 0 < len(buyers) < len(judged.block)
        assert set(found.rows) == set(range(len(buyers)))
        assert not judged.block.bought.contains(buyers[found.rows], found.items).any()
        wanted = Pairs.of(judged.rows, judged.items, judged.block.width)
        assert (bought == wanted.contains(buyers[found.rows], found.items)).all()
        assert bought.any()


def test_the_ceiling_counts_known_candidates_of_the_one_order_and_new_ones_of_the_other(tmp_path: Path) -> None:
    lesson = habits(tmp_path)
    model = teach([lesson]).model
    assert model.new_items is not None
    known = model.fit(lesson.source)
    wanted = found = 0
    for judged in lesson.happened:
        case = known.case(judged.block)
        scores = known.scores(case, known.propose(case))
        wanted += len(judged.rows)
        found += int((np.asarray(at(scores, judged.rows, judged.items)) > 0).sum())
    assert teach([lesson]).candidate_recall == pytest.approx(found / wanted)


def test_a_large_shop_does_without_and_is_told_why(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    lesson = habits(tmp_path)
    monkeypatch.setattr(choice, "MANY_CUSTOMERS", 150)
    learned = teach([lesson])
    assert learned.model.new_items is None
    assert {one.name: one.reason for one in learned.left}["new_items"].endswith("150 customers would wait for it")
    assert "new_items" not in {one.name for one in teach([lesson], mode="discovery").left}


def saved(folder: Path) -> tuple[RecommenderModel, Lesson]:
    lesson = habits(folder)
    model = teach([lesson]).model
    model.save(folder / "model")
    return model, lesson


def test_it_is_kept_with_the_model(tmp_path: Path) -> None:
    model, lesson = saved(tmp_path)
    again = RecommenderModel.load(tmp_path / "model")
    first, second = (one.fit(lesson.source) for one in (model, again))
    (block,) = lesson.source.blocks()
    case = first.case(block)
    a, b = (cells(one.scores(case, one.propose(case))) for one in (first, second))
    assert all((x == y).all() for x, y in zip(a, b, strict=True))
    assert again.order == model.order


def test_a_model_without_the_half_that_it_names_is_refused(tmp_path: Path) -> None:
    saved(tmp_path)
    (tmp_path / "model/new_items/ranker.json").unlink()
    with pytest.raises(ModelFileError, match="no whole recommender"):
        RecommenderModel.load(tmp_path / "model")


def test_a_model_of_the_release_before_has_one_order_for_all(tmp_path: Path) -> None:
    file = RecommenderModel.untrained().save(tmp_path) / "model.json"
    file.write_text(file.read_text().replace('"format": 4', '"format": 3').replace('"new_items": null', '"x": 0'))
    assert RecommenderModel.load(tmp_path).new_items is None
    file.write_text(file.read_text().replace('"format": 3', '"format": 2'))
    with pytest.raises(ModelFileError):
        RecommenderModel.load(tmp_path)


def test_the_source_of_a_new_item_is_who_spoke_for_what_is_new(tmp_path: Path) -> None:
    others = [(f"b{number}", item, 20) for number in range(9) for item in ITEMS[:3]]
    world = tiny_world(
        tmp_path, items={item: {"category_path": "Teas"} for item in ITEMS[:4]},
        bought=[("a", ITEMS[0], 9), ("a", ITEMS[0], 30), *others],
    )  # fmt: skip
    known = fitted(world)
    names = [generator.name for generator in known.generators]
    voices = {name: np.tile(np.array(names) == name, (len(HISTORY_STEPS) + 1, 1)).astype(float) for name in names}
    first, of_new = Blend(voices["segment_popularity"]), Blend(voices["category_popularity"])
    model = replace(known.model, blend=first, new_items=NewItems(of_new, ByNumber(Linear((), ())), 20))
    (block,) = world.blocks()
    stranger = block.without_history(world.segments)
    whose, every = np.zeros(4, np.int64), np.arange(4)
    assert (model.counts(stranger, whose, every) == first.weights[0]).all(), "of strangers the first blend speaks"
    own = block.only(np.flatnonzero(block.customers == "a"))
    case = known.case(own)
    proposals = known.propose(case)
    lists = make_lists(known.scores(case, proposals), case, known.popularity, Shape(3, 0))
    source, _ = _told(replace(known, model=model), own, proposals, lists)
    told = dict(zip(lists.items.tolist(), source, strict=True))
    assert told[1] == "category_popularity"
    assert "category_popularity" not in {told.get(0)}
