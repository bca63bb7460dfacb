"""Ranks of what was to be foretold: among everything, and among what the customer has not had."""

from collections.abc import Sequence

import numpy as np
import pytest
from log_world import chains, log_of
from numpy.typing import NDArray

from ml.recommender.block import Block
from ml.recommender.evaluation import protocols, ranking
from ml.recommender.evaluation.compare import MODEL, compare
from ml.recommender.evaluation.ranking import rank_all
from ml.recommender.evaluation.report import figures, lines
from ml.recommender.lessons import Judged


def baskets(users: int = 60, items: int = 12) -> list[tuple[str, str, float]]:
    """Four baskets of each, by lot, so that some of the last one was bought before and some was not."""
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
    return protocols.next_basket(log_of(baskets())).test.happened


def test_among_what_is_new_ranks_are_those_of_lists_that_hide_what_was_had(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ranking, "CELLS", 100)
    hits, among_new, _ = rank_all(Coarse(), happened(), "mixed")
    hidden, same, _ = rank_all(Coarse(), happened(), "discovery")
    assert 0 < hits.is_repeat.sum() < len(hits.rows)
    assert among_new.ranks.tolist() == hidden.ranks.tolist() == same.ranks.tolist()
    new = ~hits.is_repeat
    assert (among_new.ranks[new] < hits.ranks[new]).any()
    assert np.isinf(among_new.ranks[~new]).all()


def test_all_that_is_equal_has_the_mean_rank() -> None:
    """Everybody bought everything once: popularity knows nothing, so the wanted item is in the middle."""
    rows = [(f"u{user}", f"i{(user + k) % 12:02}", float(k)) for user in range(12) for k in range(6)]
    found = compare(protocols.leave_last_out(log_of(rows)), seed=1)
    popular = next(one for one in found.judgements if one.name == "popularity")
    assert set(popular.hits.ranks.tolist()) == {4.0}, "seven items are left, the mean of their ranks is 4"


def test_half_of_what_is_hidden_and_equal_stood_ahead() -> None:
    """Of six items four are equal, two of them had: of the two that are left the mean place is one and a half."""
    rows = [*(("u", item, float(day)) for day in (0, 10, 20) for item in "ab"), ("u", "c", 30.0)]
    rows += [("other", item, float(day)) for day, item in enumerate("abcdef")]

    class Equal:
        def scores(self, block: Block) -> NDArray[np.float64]:
            return np.tile([9.0, 9.0, 9.0, 9.0, 1.0, 0.0], (len(block), 1))[:, np.argsort(np.argsort(names))]

    split = protocols.next_basket(log_of(rows))
    names = split.test.source.catalogue.product_ids.astype(str)
    hits, among_new, _ = rank_all(Equal(), [judged.only(np.flatnonzero(judged.block.customers == "u"))
                                            for judged in split.test.happened], "mixed")  # fmt: skip
    assert (hits.ranks.tolist(), among_new.ranks.tolist()) == ([2.5], [1.5])


def test_the_table_tells_what_a_list_of_discoveries_alone_would_find() -> None:
    """Everybody takes ten old items each time, which fill a list, and the next of a chain."""
    again = [(user, f"old{n}", when) for user, _, when in chains() for n in range(10)]
    found = figures(compare(protocols.next_basket(log_of([*chains(), *again])), seed=1), [10], seed=1)
    own = found["methods"][MODEL]
    assert own["explore_recall@10"] < 0.2 < 0.9 < own["new_only_recall@10"]
    gained = found["methods"]["personal popularity"][f"gain of {MODEL} in new_only_recall@10"]
    assert gained["low"] > 0
    table = lines(found, [10])
    head = next(line for line in table if "new only" in line)
    row = next(line for line in table[table.index(head) :] if line.startswith(MODEL))
    assert float(row.split()[3]) == own["new_only_recall@10"]
