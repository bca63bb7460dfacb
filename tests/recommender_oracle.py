"""A trained recommender of a simulated shop beside the oracle that knows every taste.

Belongs here: what ``tests/bench.py`` measures of lists in a simulated shop. Does not belong here: the oracle itself
(``ml.simulator.item_oracle``).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date

import numpy as np
from numpy.typing import NDArray
from worlds import Deployment

from ml import registry, simulator
from ml.bootstrap import paired_means
from ml.recommender import exposure
from ml.recommender.backtest import backtest
from ml.recommender.data import World
from ml.recommender.lessons import Judged
from ml.recommender.lists import Shape
from ml.recommender.metrics import Hits, mean_ranks
from ml.recommender.model import Fitted, RecommenderModel
from ml.recommender.outcomes import outcomes
from ml.recommender.rules import Case, sensitive, unavailable
from ml.recommender.sparse import Floats, Pairs, cells
from ml.simulator.item_oracle import ItemShares, oracle_item_shares, true_item_shares
from orchestration.inputs import pinned, recommender_dates
from orchestration.simulation import truth_folder
from orchestration.snapshots import reading_engine, snapshot_folder

SLOTS = 2
"""Discovery slots of ten places: 20 %."""
PLAIN = "scores alone"


@dataclass(frozen=True)
class Known:
    """A shop as its recommender knew it at the judged as-of, and what then happened."""

    deployment: Deployment | None
    """None for a world without a pipeline."""
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
    """Lists of ten with a fifth of discovery, against the same without and against scores alone."""
    on = Shape(10, SLOTS, calibration, as_of=str(shop.day))
    wanted = {**exposure.shapes(on), PLAIN: Shape(10, 0)}
    parts: dict[str, list[exposure.Exposed]] = {name: [] for name in wanted}
    for judged in shop.happened:
        case = shop.fitted.case(judged.block)
        scores = shop.fitted.scores(case, shop.fitted.propose(case))
        for name, shape in wanted.items():
            parts[name].append(exposure.expose(scores, case, judged, shop.fitted.popularity, shape))
    lists = {name: exposure.joined(own) for name, own in parts.items()}
    slots = exposure.found_by_discovery(lists, seed=7)
    assert slots
    items = np.concatenate([judged.items for judged in shop.happened])
    told = exposure.figures(lists, *exposure.buyers_of(shop.fitted.source), items)
    loss = 1 - told[exposure.ON]["ndcg@10"] / told[PLAIN]["ndcg@10"]
    shown = {f"{name}/{metric}": value for name, own in told.items() for metric, value in own.items()}
    return {**slots.as_metrics(), "discovery/loss_of_ndcg_against_scores_alone": loss, **shown}


def cold(shop: Known, worth: Mapping[str, float] | None = None) -> dict[str, float]:
    """Customers who stated a category, with all that they did taken away: recall at 10 of what they then bought of it,
    against popularity and what is popular in that category.

    ``worth`` is the true chance of each item within its category: in that order stands the best list that anybody could
    give without a history.
    """
    hits: dict[str, list[Floats]] = {"model": [], "popularity": [], "within": [], "best": []}
    true = np.array([(worth or {}).get(item, 0.0) for item in shop.fitted.source.catalogue.product_ids])
    for judged in shop.happened:
        rows, items, _ = cells(judged.block.statements(1) @ judged.block.statement_items)
        asked = Pairs.of(rows, items, judged.block.width)
        mine = asked.contains(judged.rows, judged.items)
        who, own = np.unique(judged.rows[mine], return_inverse=True)
        if not len(who):
            continue
        block = judged.block.only(who).without_history(shop.fitted.source.segments)
        case = shop.fitted.case(block)
        scores = shop.fitted.scores(case, shop.fitted.propose(case)).toarray()
        scores = np.where(scores > 0, 1 + scores, shop.fitted.popularity.overall[None, :])
        popular = np.repeat(shop.fitted.popularity.overall[None, :], len(who), axis=0)
        is_inside = (block.statements(1) @ block.statement_items).toarray() > 0
        inside, best = np.where(is_inside, popular, popular - 1), np.where(is_inside, true[None, :], -1)
        for name, dense in (("model", scores), ("popularity", popular), ("within", inside), ("best", best)):
            ranks = mean_ranks(dense, own, judged.items[mine])
            hits[name].append(Hits(len(who), own, judged.is_repeat[mine], ranks).recall(10))
    ours, theirs = (np.concatenate(hits[name]) for name in ("model", "popularity"))
    gain = paired_means(ours, theirs, seed=7)
    ratio = float(ours.mean() / max(theirs.mean(), 1e-12))
    return {"people": float(len(ours)), "model": float(ours.mean()), "popularity": float(theirs.mean()),
            "popularity_within": float(np.concatenate(hits["within"]).mean()),
            **({"best_within": float(np.concatenate(hits["best"]).mean())} if worth else {}),
            "ratio": ratio, "gain_low": gain.low}  # fmt: skip
