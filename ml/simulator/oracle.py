"""The oracle: the best probability that anybody could give with what the pipeline could see.

Belongs here: reading the truth folder, joining blocks, outcomes. Does not belong here: the inference itself
(``filtering``) and the cut by time (``evidence``). The oracle knows the true parameters and who is who, and no
hidden state of any person; what lies ahead enters at expectation.
"""

from __future__ import annotations

import json
from datetime import date
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from ml.simulator.block import World, make_world
from ml.simulator.config import WorldConfig
from ml.simulator.contracts.oracle import contract_churn_probability, contract_outcomes
from ml.simulator.evidence import Observed, see
from ml.simulator.filtering import no_order_probability, posterior
from ml.simulator.life import Columns
from ml.simulator.seasons import CHANNELS
from ml.simulator.truth import person_ids

OBSERVED = ("orders", "sessions", "messages", "answers", "tickets")


def oracle_churn_probability(truth: Path, as_of: date, horizon_days: int) -> pd.DataFrame:
    """P(no order that stands in [as_of, as_of + horizon_days)), for everybody who had entered before the as-of.

    In the world of contracts P(the contract has ended by then), for contracts that run without notice.

    Parameters
    ----------
    truth
        Folder that ``simulate`` wrote.
    as_of
        Day whose beginning, in the shop's time zone, ends what is seen; with the knowledge lag of 5 to 23 hours.

    Returns
    -------
    DataFrame with ``person_id`` (see ``who_is_who``), ``account_id`` (null for people who only buy as guests),
    ``churn_probability``. People erased before the as-of are left out.

    Raises
    ------
    FileNotFoundError
        The folder holds no truth.
    ValueError
        The as-of lies outside the world, or the horizon is longer than two years.
    """
    world = read_world(truth)
    day = world.calendar.day_of(as_of)
    if not 0 < day <= world.config.days or not 0 < horizon_days <= 730:
        raise ValueError(
            f"as-of {as_of} with {horizon_days} days: the world runs {world.config.start} to {world.config.end}"
        )
    if world.config.world == "subscription":
        return contract_churn_probability(truth, world, as_of, horizon_days)
    parts = [_block(truth, world, number, day, horizon_days) for number in range(world.config.blocks)]
    return pd.concat(parts, ignore_index=True)


def outcomes(truth: Path, as_of: date, horizon_days: int, active_days: int) -> pd.DataFrame:
    """What then really happened: ``person_id``, ``is_eligible`` (an order in the active days), ``has_churned``.

    In the world of contracts: a contract that can end within the horizon, without notice; it has ended by then.
    """
    world = read_world(truth)
    if world.config.world == "subscription":
        return contract_outcomes(truth, world, as_of, horizon_days)
    day = world.calendar.day_of(as_of)
    people = pq.read_table(truth / "people.parquet", columns=["person_id", "entry_day", "erasure_day"]).to_pandas()
    orders = pq.read_table(truth / "observed_orders.parquet", filters=[("cancelled", "=", 0)]).to_pandas()
    before = orders[(orders["day"] >= day - active_days) & (orders["day"] < day)]["person"].to_numpy()
    after = orders[(orders["day"] >= day) & (orders["day"] < day + horizon_days)]["person"].to_numpy()
    there = (people["entry_day"] < day) & (people["erasure_day"] >= day)
    people["is_eligible"] = np.isin(people.index.to_numpy(), before) & there
    people["has_churned"] = ~np.isin(people.index.to_numpy(), after)
    return people.loc[there, ["person_id", "is_eligible", "has_churned"]].reset_index(drop=True)


def who_is_who(truth: Path) -> pd.DataFrame:
    """Every identifier with its person: ``identifier_type``, ``identifier`` (normal form, in the clear), ``person_id``.

    A cookie, device or household of several people stands there once for each of them.
    """
    return pq.read_table(truth / "who_is_who.parquet").to_pandas()


def read_world(truth: Path) -> World:
    """The world of a truth folder, made again from its settings."""
    settings = json.loads((truth / "world.json").read_text(encoding="utf-8"))["settings"]
    return make_world(WorldConfig.from_settings(settings))


def _block(truth: Path, world: World, number: int, as_of: int, horizon: int) -> pd.DataFrame:
    indices = world.config.block(number)
    people = _rows(truth / "people.parquet", indices)
    observed = _observed(truth, people, indices)
    evidence = see(observed, world.laws, world.calendar, world.campaigns, as_of, horizon)
    probability = no_order_probability(posterior(evidence, world.laws), evidence, world.laws)
    there = (people["entry_day"].to_numpy() < as_of) & (people["erasure_day"].to_numpy() >= as_of)
    frame = pd.DataFrame({
        "person_id": person_ids(np.asarray(indices)).to_pandas(),
        "account_id": people["account_id"].to_pandas(),
        "churn_probability": probability,
    })  # fmt: skip
    return frame[there]


def _observed(truth: Path, people: pa.Table, indices: range) -> Observed:
    facts = {name: _facts(truth / f"observed_{name}.parquet", indices) for name in OBSERVED}
    return Observed(
        entry_day=people["entry_day"].to_numpy(),
        always_identified=people["always_identified"].to_numpy(),
        partner_entry_day=people["partner_entry_day"].to_numpy(),
        permitted=np.stack([np.asarray(people[f"permits_{channel}"]) for channel in CHANNELS], axis=1),
        unsubscribed_day=people["unsubscribed_day"].to_numpy(),
        **facts,
    )


def _facts(path: Path, indices: range) -> Columns:
    table = _rows(path, indices)
    facts = {name: table[name].to_numpy() for name in table.column_names}
    return {**facts, "person": facts["person"] - indices.start}


def _rows(path: Path, indices: range) -> pa.Table:
    return pq.read_table(path, filters=[("person", ">=", indices.start), ("person", "<", indices.stop)])
