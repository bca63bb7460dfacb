"""How good the lists of an as-of were, once it is known what was bought; no stage of the pipeline reads this.

Belongs here: published lists held against what their customers then bought, beside the same lists without discovery and
what is popular. Does not belong here: the figures (``ml.recommender.exposure``, ``discovery``, ``cold``), churn and
value (``evaluation``, ``value_evaluation``).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import date, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from orchestration.inputs import Inputs, pinned
from orchestration.outcomes import identifiers
from orchestration.recommendations import list_shape, serving
from orchestration.snapshots import reading_engine, snapshot_folder
from orchestration.state import StateError
from orchestration.workspace import Workspace

if TYPE_CHECKING:
    from ml.recommender.block import Source
    from ml.recommender.cold import CustomerGroup, ItemGroup
    from ml.recommender.data import World
    from ml.recommender.discovery import Discovery
    from ml.recommender.exposure import Exposed
    from ml.recommender.lessons import Judged
    from ml.recommender.lists import Lists
    from ml.recommender.model import Fitted

POPULAR = "popularity"


@dataclass(frozen=True)
class ListEvaluation:
    """Lists held against purchases; means over the customers who bought."""

    customers: int
    horizon_days: int
    lists: Mapping[str, Mapping[str, float]]
    """As they were published, without discovery, and of popular items alone."""
    slots: Discovery | None
    by_customer: Mapping[str, Mapping[str, CustomerGroup]]
    """By list, how published ones and popular ones did by how much was known of customers."""
    by_item: Mapping[str, ItemGroup]
    """Of the published lists."""


def evaluate_lists(workspace: Workspace, as_of_date: date, *, seed: int = 7) -> ListEvaluation | None:
    """Evaluate the lists written for an as-of; None without any, or where nobody with a personal one bought anything.

    Raises
    ------
    StateError
        Its horizon is not over in the purchases that have landed.
    """
    from ml.recommender import cold, exposure
    from ml.recommender.data import World

    inputs = pinned(workspace.state, as_of_date.isoformat())
    path = workspace.state.scores / inputs.inputs_id / "recommendations.parquet"
    if not path.exists():
        return None
    world = World(snapshot_folder(workspace, inputs), as_of_date, reading_engine(workspace))
    happened = _happened(workspace, world, path)
    if not happened:
        return None
    from ml.parallel import one_blas_thread

    with one_blas_thread():
        parts = _exposed(workspace, inputs, serving(workspace, inputs, world)[0].fit(world), happened, path)
    lists = {name: exposure.joined(own) for name, own in parts.items()}
    items = np.concatenate([judged.items for judged in happened])
    known = np.concatenate([judged.block.purchases for judged in happened])
    buyers, people = exposure.buyers_of(world)
    return ListEvaluation(
        customers=len(known),
        horizon_days=workspace.shop.recommendations.horizon_days,
        lists=exposure.figures(lists, buyers, people, items),
        slots=exposure.found_by_discovery(lists, seed=seed) if exposure.OFF in lists else None,
        by_customer={name: cold.by_customer(lists[name].hits, known, 10, seed=seed) for name in (exposure.ON, POPULAR)},
        by_item=cold.by_item(lists[exposure.ON].hits, items, buyers, 10, seed=seed),
    )


def lines(evaluation: ListEvaluation) -> list[str]:
    """The evaluation as a person reads it."""
    from ml.recommender.evaluation.report import list_lines, spread
    from ml.recommender.exposure import ON

    found: dict[str, Any] = dict(evaluation.lists)
    if evaluation.slots:
        found["slots"] = asdict(evaluation.slots)
    told = [
        f"{evaluation.customers:,} customers with a list of their own bought within {evaluation.horizon_days} days",
        *list_lines(found),
        "recall@10, NDCG@10, recall@10 of popularity, by purchases known of the customer",
    ]
    own, popular = (evaluation.by_customer[name] for name in (ON, POPULAR))
    for name, group in own.items():
        figures = (group.recall, group.ndcg, popular[name].recall)
        told.append(f"  {name} ({group.customers:,}): " + ", ".join(spread(asdict(one)) for one in figures))
    told.append("share of purchases within the ten, by customers who had the item before")
    for name, items in evaluation.by_item.items():
        told.append(
            f"  {name} ({items.purchases:,} purchases, {items.items:,} items): {spread(asdict(items.hit_rate))}"
        )
    return told


def _happened(workspace: Workspace, world: World, path: Path) -> list[Judged]:
    """What customers with a personal list bought, whoever they have been found to be since; of two who are one person
    by now each what their own identifiers bought, so that a purchase counts once."""
    from ml.recommender.outcomes import by_block

    end = world.as_of + timedelta(days=workspace.shop.recommendations.horizon_days)
    table, acts = ("activity", "order_lines") if world.has_orders else ("views", "views + carts")
    with workspace.warehouse() as warehouse:
        (last,) = warehouse.execute(f"select max(activity_date) from marts.daily_product_{table}").fetchone() or (None,)
        if last is None:
            return []
        if last < end - timedelta(days=1):
            raise StateError(f"the horizon of {world.as_of} ends on {end}; purchases have landed up to {last}")
        got = warehouse.execute(
            f"""
            with {identifiers(workspace, world.as_of, path)}
            select owned.customer_id, product_id
            from marts.daily_product_{table} inner join owned using (identifier_id)
            semi join (from read_parquet('{path}') where arm = 'personalised') as listed
                on owned.customer_id = listed.customer_id
            where activity_date >= date '{world.as_of}' and activity_date < date '{end}'
            group by 1, 2 having sum({acts}) > 0
            order by 1, 2
            """
        ).fetchnumpy()
    customers, products = (np.asarray(got[name], object) for name in ("customer_id", "product_id"))
    told = ~np.isin(products.astype(str), world.catalogue.product_ids[world.catalogue.is_sensitive].astype(str))
    return list(by_block(world, customers[told], products[told]))


def _exposed(
    workspace: Workspace, inputs: Inputs, fitted: Fitted, happened: list[Judged], path: Path
) -> dict[str, list[Exposed]]:
    """Published lists, those of popular items, and, where the model that made the first still serves, the same without
    discovery."""
    from ml.recommender import exposure
    from ml.recommender.lists import make_lists

    shape = list_shape(workspace, inputs)
    found: dict[str, list[Exposed]] = {exposure.ON: [], exposure.OFF: [], POPULAR: []}
    number = {product: place for place, product in enumerate(fitted.source.catalogue.product_ids)}
    is_same = True
    for judged in happened:
        case = fitted.case(judged.block)
        scores = fitted.scores(case, fitted.propose(case))
        published = _published(fitted.source, judged, path, number)
        is_same &= _rows(make_lists(scores, case, fitted.popularity, shape)) == _rows(published)
        plain = exposure.shapes(shape)[exposure.OFF]
        lists = {
            exposure.ON: published,
            exposure.OFF: make_lists(scores, case, fitted.popularity, plain),
            POPULAR: make_lists(scores * 0, case, fitted.popularity, plain),
        }
        for name, one in lists.items():
            found[name].append(exposure.looked_at(one, case, judged, fitted.popularity))
    return found if is_same else {name: own for name, own in found.items() if name != exposure.OFF}


def _published(world: Source, judged: Judged, path: Path, number: Mapping[str, int]) -> Lists:
    """The rows of a block in the file of lists, read as the world reads its own: over one connection."""
    from ml.recommender.data import World
    from ml.recommender.lists import Lists
    from ml.recommender.recommend import DISCOVERY

    assert isinstance(world, World)
    row = {customer: place for place, customer in enumerate(judged.block.customers)}
    got = world.ask(
        "select customer_id, product_id, rank - 1 as place, score, propensity, source, is_fallback "
        "from read_parquet($path) where customer_id in (select unnest($customers)) order by customer_id, rank",
        path=str(path),
        customers=list(row),
    )
    return Lists(
        rows=np.array([row[customer] for customer in got["customer_id"]], np.int64),
        items=np.array([number[product] for product in got["product_id"]], np.int64),
        places=np.asarray(got["place"], np.int64),
        scores=np.asarray(got["score"], float),
        propensities=np.asarray(got["propensity"], float),
        is_discovery=np.asarray(got["source"], object) == DISCOVERY,
        is_fallback=np.asarray(got["is_fallback"], bool),
    )


def _rows(lists: Lists) -> set[tuple[int, int, int]]:
    return set(zip(lists.rows.tolist(), lists.places.tolist(), lists.items.tolist(), strict=True))
