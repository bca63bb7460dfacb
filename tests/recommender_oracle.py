"""A trained recommender of a simulated shop beside the oracle that knows every taste.

Belongs here: what ``tests/bench.py`` measures of lists in a simulated shop. Does not belong here: the oracle itself
(``ml.simulator.item_oracle``).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date

import numpy as np
from numpy.typing import NDArray
from worlds import Deployment

from ml import registry, simulator
from ml.bootstrap import paired_means
from ml.recommender.backtest import backtest
from ml.recommender.data import World
from ml.recommender.lessons import Judged
from ml.recommender.lists import Lists, Shape, make_lists
from ml.recommender.metrics import Hits, mean_ranks
from ml.recommender.model import Fitted, RecommenderModel
from ml.recommender.outcomes import outcomes
from ml.recommender.rules import Case, allowed, sensitive, unavailable
from ml.recommender.sparse import Floats, Ints, Pairs, cells
from ml.simulator.item_oracle import ItemShares, oracle_item_shares, true_item_shares
from orchestration.inputs import pinned, recommender_dates
from orchestration.simulation import truth_folder
from orchestration.snapshots import reading_engine, snapshot_folder

SLOTS = 2
"""Discovery slots of ten places: 20 %."""


@dataclass(frozen=True)
class Known:
    """A shop as its recommender knew it at the judged as-of, and what then happened."""

    deployment: Deployment
    day: date
    fitted: Fitted
    happened: Sequence[Judged]


def known(deployment: Deployment) -> Known:
    """The champion, fitted to the as-of that it was judged at; no weight of it has seen what followed."""
    workspace = deployment.workspace
    day = workspace.default_as_of()
    inputs = pinned(workspace.state, day.isoformat())
    judged_at = recommender_dates(workspace.shop, inputs)[-1]
    champion = registry.champion(workspace.state.mlflow, workspace.shop.slug, "recommender")
    assert champion, "the gate refused the recommender"
    world = World(snapshot_folder(workspace, inputs), judged_at, reading_engine(workspace))
    return Known(deployment, judged_at, RecommenderModel.load(champion.folder).fit(world), outcomes(world))


def share_of_oracle(shop: Known) -> dict[str, float]:
    """NDCG at 10 of model, popularity and oracle on the same people, and the model's share of what is to be known.

    The oracle knows what the pipeline could see and the true parameters; ``clairvoyant`` knows true tastes besides,
    which nobody can learn from a few orders.
    """
    found = backtest({"model": shop.fitted}, shop.happened, Shape(10, 0))
    folder, ours = truth_folder(shop.deployment.workspace), found.hits["model"]
    hits = {"model": ours, "popularity": found.hits["popularity"]}
    for name, shares in (("oracle", oracle_item_shares), ("clairvoyant", true_item_shares)):
        ranks, is_known = _told(shop, shares(folder, shop.day), ours)
        hits[name] = replace(ours, ranks=ranks)
    means = {name: float(one.ndcg(10)[is_known].mean()) for name, one in hits.items()}
    gain = {name: mean - means["popularity"] for name, mean in means.items()}
    return {
        "people": float(is_known.sum()),
        **means,
        "share": gain["model"] / gain["oracle"],
        "oracle_share_of_clairvoyant": gain["oracle"] / gain["clairvoyant"],
    }


def _told(shop: Known, truth: ItemShares, ours: Hits) -> tuple[Floats, NDArray[np.bool_]]:
    """Ranks that an oracle gives what was bought, and for whom it speaks."""
    ranks, there, before = np.full(len(ours.rows), np.nan), [], 0
    people = _people(shop)
    for judged in shop.happened:
        scores = _true_scores(shop, judged, truth, people)
        mine = (ours.rows >= before) & (ours.rows < before + len(judged.block))
        ranks[mine] = mean_ranks(scores, judged.rows, judged.items)
        there.append(np.isfinite(scores).any(axis=1) & (scores.max(axis=1) > 0))
        before += len(judged.block)
    return ranks, np.concatenate(there)


def _people(shop: Known) -> dict[str, str]:
    """Person of each customer with an account."""
    truth = simulator.who_is_who(truth_folder(shop.deployment.workspace))
    owner = truth[truth["identifier_type"] == "account"].set_index("identifier")["person_id"].to_dict()
    with shop.deployment.workspace.warehouse() as warehouse:
        rows = warehouse.execute(
            "select distinct customer_id, substr(identifier_id, 9) from identity.person_spans "
            "where identifier_id like 'account:%' order by 1, 2"
        ).fetchall()
    return {customer: owner[account] for customer, account in rows if account in owner}


def _true_scores(shop: Known, judged: Judged, truth: ItemShares, people: dict[str, str]) -> Floats:
    """An oracle's chances by customer and item of the shop's catalogue; what cannot or may not be shown is last."""
    catalogue = shop.fitted.source.catalogue
    number = {item: place for place, item in enumerate(truth.product_ids)}
    person = {name: place for place, name in enumerate(truth.person_ids)}
    columns = np.array([number.get(item, -1) for item in catalogue.product_ids])
    rows = np.array([person.get(people.get(customer, ""), -1) for customer in judged.block.customers])
    scores = np.where((rows >= 0)[:, None] & (columns >= 0)[None, :], truth.shares[rows][:, columns], 0).astype(float)
    case = Case(catalogue, shop.fitted.rhythm, judged.block)
    every, items = np.repeat(np.arange(len(rows)), catalogue.size), np.tile(np.arange(catalogue.size), len(rows))
    scores.ravel()[unavailable(case, every, items) | sensitive(case, every, items)] = -1
    return scores


def discovery(shop: Known, calibration: float) -> dict[str, float]:
    """Lists of ten with a fifth of discovery, against the same without: hits by slot, and what it costs."""
    wanted, plain, mixed, lists, cases = [], [], [], [], []
    for judged in shop.happened:
        case = shop.fitted.case(judged.block)
        scores = shop.fitted.scores(case, shop.fitted.propose(case))
        for kept, shape in (
            (plain, Shape(10, 0, as_of=str(shop.day))),
            (mixed, Shape(10, SLOTS, calibration, as_of=str(shop.day))),
        ):
            made = make_lists(scores, case, shop.fitted.popularity, shape)
            kept.append(_ndcg(made, judged))
            if kept is mixed:
                lists.append(made)
        wanted.append(judged)
        cases.append(case)
    rates = _slot_rates(shop, lists, wanted, cases)
    loss = 1 - np.concatenate(mixed).mean() / np.concatenate(plain).mean()
    return {**rates, "ndcg_plain": float(np.concatenate(plain).mean()), "loss_of_ndcg": float(loss)}


def _ndcg(made: Lists, judged: Judged) -> Floats:
    place = dict(zip((made.rows * judged.block.width + made.items).tolist(), (made.places + 1).tolist(), strict=True))
    ranks = np.array([place.get(key, np.inf) for key in (judged.rows * judged.block.width + judged.items).tolist()])
    return Hits(len(judged.block), judged.rows, judged.is_repeat, ranks).ndcg(10)


def _slot_rates(
    shop: Known, lists: Sequence[Lists], happened: Sequence[Judged], cases: Sequence[Case]
) -> dict[str, float]:
    """How often what stood in a discovery slot was bought, beside random items and popular ones new to the customer."""
    own, random_, popular = [], [], []
    for made, judged, case in zip(lists, happened, cases, strict=True):
        bought = Pairs.of(judged.rows, judged.items, judged.block.width)
        own.append(bought.contains(made.rows[made.is_discovery], made.items[made.is_discovery]))
        rows, items = _eligible(judged, case)
        random_.append(bought.contains(rows, items))
        top_rows, top_items = _popular(shop, judged, case)
        popular.append(bought.contains(top_rows, top_items))
    rate, chance, best = (float(np.concatenate(hits).mean()) for hits in (own, random_, popular))
    return {"discovery_rate": rate, "random_rate": chance, "popularity_rate": best, "against_random": rate / chance}


def _eligible(judged: Judged, case: Case) -> tuple[Ints, Ints]:
    """Every item that a discovery slot might hold: allowed, and new to the customer."""
    width, count = judged.block.width, len(judged.block)
    rows, items = np.repeat(np.arange(count), width), np.tile(np.arange(width), count)
    kept = allowed(case, rows, items) & ~judged.block.bought.contains(rows, items)
    return rows[kept], items[kept]


def _popular(shop: Known, judged: Judged, case: Case) -> tuple[Ints, Ints]:
    """The ``SLOTS`` most popular of these for each customer."""
    rows, items = _eligible(judged, case)
    order = np.lexsort((items, -shop.fitted.popularity.overall[items], rows))
    rows, items = rows[order], items[order]
    start = np.flatnonzero(np.append(True, rows[1:] != rows[:-1]))
    place = np.arange(len(rows)) - np.repeat(start, np.diff(np.append(start, len(rows))))
    return rows[place < SLOTS], items[place < SLOTS]


def cold(shop: Known) -> dict[str, float]:
    """Customers who stated a category, with all that they did taken away: recall at 10 of what they then bought of it,
    against popularity."""
    hits: dict[str, list[Floats]] = {"model": [], "popularity": []}
    for judged in shop.happened:
        rows, items, _ = cells(judged.block.statements(1) @ judged.block.statement_items)
        asked = Pairs.of(rows, items, judged.block.width)
        mine = asked.contains(judged.rows, judged.items)
        who, own = np.unique(judged.rows[mine], return_inverse=True)
        if not len(who):
            continue
        block = judged.block.only(who).without_history()
        case = shop.fitted.case(block)
        scores = shop.fitted.scores(case, shop.fitted.propose(case)).toarray()
        scores = np.where(scores > 0, 1 + scores, shop.fitted.popularity.overall[None, :])
        popular = np.repeat(shop.fitted.popularity.overall[None, :], len(who), axis=0)
        for name, dense in (("model", scores), ("popularity", popular)):
            ranks = mean_ranks(dense, own, judged.items[mine])
            hits[name].append(Hits(len(who), own, judged.is_repeat[mine], ranks).recall(10))
    ours, theirs = (np.concatenate(hits[name]) for name in ("model", "popularity"))
    gain = paired_means(ours, theirs, seed=7)
    ratio = float(ours.mean() / max(theirs.mean(), 1e-12))
    return {"people": float(len(ours)), "model": float(ours.mean()), "popularity": float(theirs.mean()),
            "ratio": ratio, "gain_low": gain.low}  # fmt: skip
