"""Ranks of what was to be foretold: among everything, and among what the customer has not had."""

from collections.abc import Sequence

import numpy as np
import pytest
from numpy.typing import NDArray

from ml.recommender.block import Block
from ml.recommender.evaluation import protocols, ranking
from ml.recommender.evaluation.compare import MODEL, compare
from ml.recommender.evaluation.files import Rows
from ml.recommender.evaluation.log import make_log
from ml.recommender.evaluation.ranking import rank_all
from ml.recommender.evaluation.report import figures, lines
from ml.recommender.lessons import Judged


def split_of(rows: Sequence[tuple[str, str, float]]) -> protocols.Split:
    users, items, when = zip(*rows, strict=True)
    log = Rows(np.array(users, object), np.array(items, object), np.array(when), True, None, 0)
    return protocols.next_basket(make_log(log, seed=7))


def baskets(users: int = 60, items: int = 12) -> list[tuple[str, str, float]]:
    """Three baskets of each: items of the one before, and others."""
    rng = np.random.default_rng(3)
    return [
        (f"u{user}", f"i{item}", 10.0 * basket)
        for user in range(users)
        for basket in range(4)
        for item in sorted(rng.choice(items, 3, replace=False))
    ]


class Coarse:
    """Scores of a few steps, so that many are equal; the same for the same customer."""

    def scores(self, block: Block) -> NDArray[np.float64]:
        draws = [
            np.random.default_rng([ord(c) for c in name]).integers(3, size=block.width) for name in block.customers
        ]
        return np.array(draws, float)


def happened() -> Sequence[Judged]:
    return split_of(baskets()).test.happened


def test_among_what_is_new_ranks_are_those_of_lists_that_hide_what_was_had(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ranking, "CELLS", 100)
    hits, among_new, _ = rank_all(Coarse(), happened(), "mixed")
    hidden, same, _ = rank_all(Coarse(), happened(), "discovery")
    assert 0 < hits.is_repeat.sum() < len(hits.rows)
    assert among_new.ranks.tolist() == hidden.ranks.tolist() == same.ranks.tolist()
    new = ~hits.is_repeat
    assert (among_new.ranks[new] < hits.ranks[new]).any()
    assert np.isinf(among_new.ranks[~new]).all()


def test_half_of_what_is_hidden_and_equal_stood_ahead() -> None:
    """Of six items four are equal, two of them had: of the two that are left the mean place is one and a half."""
    rows = [*(("u", item, float(day)) for day in (0, 10, 20) for item in "ab"), ("u", "c", 30.0)]
    rows += [("other", item, float(day)) for day, item in enumerate("abcdef")]

    class Equal:
        def scores(self, block: Block) -> NDArray[np.float64]:
            return np.tile([9.0, 9.0, 9.0, 9.0, 1.0, 0.0], (len(block), 1))[:, np.argsort(np.argsort(names))]

    split = split_of(rows)
    names = split.test.source.catalogue.product_ids.astype(str)
    hits, among_new, _ = rank_all(Equal(), [judged.only(np.flatnonzero(judged.block.customers == "u"))
                                            for judged in split.test.happened], "mixed")  # fmt: skip
    assert (hits.ranks.tolist(), among_new.ranks.tolist()) == ([2.5], [1.5])


def test_the_table_tells_what_a_list_of_discoveries_alone_would_find() -> None:
    """Everybody takes ten old items each time, which fill a list, and the next of a chain."""
    starts = np.random.default_rng(1).integers((12, 6), size=(240, 2)).tolist()
    walked = [
        (f"u{u:03}", f"{chain:02}-{(start + step) % 6}", 30.0 * step)
        for u, (chain, start) in enumerate(starts)
        for step in range(4)
    ]
    again = [(f"u{u:03}", f"old{n}", 30.0 * step) for u in range(240) for step in range(4) for n in range(10)]
    found = figures(compare(split_of([*walked, *again]), seed=1), [10], seed=1)
    own = found["methods"][MODEL]
    assert own["explore_recall@10"] < 0.2 < 0.9 < own["new_only_recall@10"]
    gained = found["methods"]["personal popularity"][f"gain of {MODEL} in new_only_recall@10"]
    assert gained["low"] > 0
    table = lines(found, [10])
    head = next(line for line in table if "new only" in line)
    row = next(line for line in table[table.index(head) :] if line.startswith(MODEL))
    assert float(row.split()[3]) == own["new_only_recall@10"]
