"""Lists that were published at an as-of, what people did with them, and what a model would have shown in their place.

Belongs here: joining rows of lists with answers, and the chance of each row under a model. Does not belong here: the
estimate (``offpolicy``).

A row counts by its item: the model shows it with probability 1 in a place that is not drawn, in its discovery slots
with the chance that any of them draws it, else never. The propensity of a row that was shown is that of one draw; it
counts as often as its list had slots. Places are taken as equal, which favours neither policy.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import numpy as np

from ml.recommender.block import Texts
from ml.recommender.data import World
from ml.recommender.lists import Shape, chance_in_slots, chances
from ml.recommender.model import Fitted
from ml.recommender.offpolicy import OffPolicy, off_policy
from ml.recommender.sparse import Floats, at

REWARDS = {"clicks": "least(clicks, 1)", "orders": "least(order_lines, 1)"}


def judge_logged(fitted: Fitted, world: World, lists: Path, shape: Shape, *, seed: int) -> Mapping[str, OffPolicy]:
    """By reward, what the model's lists of that as-of would have been worth; empty where nobody saw a personal list.

    Parameters
    ----------
    fitted
        The model, fitted to the as-of at which the lists were published.
    world
        The scored as-of, whose answers are read.
    lists
        ``recommendations.parquet`` as it was written then.
    """
    told = ", ".join(f"{told} as {name}" for name, told in REWARDS.items())
    got = world.ask(
        "with lists as (select *, source = 'discovery' as is_drawn, count(*) filter (is_drawn) over own as slots, "
        "max(case when is_drawn then propensity end) over own = 1 as all_are_drawn "
        f"from read_parquet('{lists}') window own as (partition by customer_id)) "
        "select lists.customer_id, lists.product_id, case when is_drawn and all_are_drawn then 1 else propensity end "
        f"as propensity, greatest(slots, 1) as slots, {told} from {{answers}} as answers "
        "inner join lists using (recommendation_id) "
        "where lists.arm = 'personalised' and not lists.is_fallback and lists.product_id = answers.product_id "
        "order by lists.customer_id, lists.rank, answers.recommendation_id"
    )
    customers = np.asarray(got["customer_id"], object)
    if not len(customers):
        return {}
    wanted = _wanted(fitted, customers, np.asarray(got["product_id"], object), shape)
    number = np.unique(customers.astype(str), return_inverse=True)[1]
    logged = chance_in_slots(np.asarray(got["propensity"], float), np.asarray(got["slots"], np.int64))
    return {name: off_policy(np.asarray(got[name], float), logged, wanted, number, seed=seed) for name in REWARDS}


def _wanted(fitted: Fitted, customers: Texts, products: Texts, shape: Shape) -> Floats:
    """Chance of each row under the model."""
    index = {product: number for number, product in enumerate(fitted.source.catalogue.product_ids)}
    items = np.array([index.get(product, -1) for product in products], np.int64)
    out = np.zeros(len(items))
    for block in fitted.source.blocks():
        place = {customer: row for row, customer in enumerate(block.customers)}
        mine = np.array([customer in place for customer in customers], bool) & (items >= 0)
        if not mine.any():
            continue
        rows = np.array([place[customer] for customer in customers[mine]], np.int64)
        who, own = np.unique(rows, return_inverse=True)
        case = fitted.case(block.only(who))
        shown = chances(fitted.scores(case, fitted.propose(case)), case, fitted.popularity, shape)
        out[mine] = at(shown, own.astype(np.int64), items[mine])
    return out
