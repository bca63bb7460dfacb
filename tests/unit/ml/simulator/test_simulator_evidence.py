"""What the oracle of the retail world takes for evidence, from when on, and which way it moves."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from ml.simulator import WorldConfig
from ml.simulator.block import make_world
from ml.simulator.evidence import Observed, see
from ml.simulator.filtering import no_order_probability, posterior
from ml.simulator.people import NEVER


def observed(**changes: Any) -> Observed:
    """Two people of whom nothing is known but what is given."""
    nothing = {
        name: np.zeros(0, np.int64)
        for name in ("person", "day", "late", "named", "opened", "group", "resolved", "rating", "order_day")
    }
    known = Observed(
        entry_day=np.array([-1, -1]),
        always_identified=np.array([0.7, 0.7]),
        partner_entry_day=np.array([NEVER, NEVER]),
        permitted=np.ones((2, 3), bool),
        unsubscribed_day=np.array([NEVER, NEVER]),
        orders=nothing,
        sessions=nothing,
        messages=nothing,
        answers=nothing,
        tickets=nothing,
    )
    tables = {name: _arrays(value) if isinstance(value, dict) else value for name, value in changes.items()}
    return replace(known, **tables)


def _arrays(columns: dict[str, list[int]]) -> dict[str, Any]:
    return {name: np.array(values) for name, values in columns.items()}


def probability(seen: Observed, as_of: int = 30) -> np.ndarray:
    world = make_world(WorldConfig())
    evidence = see(seen, world.laws, world.calendar, world.campaigns, as_of, 90)
    return no_order_probability(posterior(evidence, world.laws), evidence, world.laws)


def test_what_happens_after_the_as_of_or_is_known_after_it_changes_nothing() -> None:
    before = probability(observed())
    future = {"person": [0, 0], "day": [30, 28], "late": [0, 2]}
    after = probability(
        observed(
            orders=future,
            sessions={**future, "named": [1, 1]},
            messages={"person": [0], "day": [32], "opened": [1]},
            answers={"person": [0], "day": [30], "group": [0]},
            tickets={"person": [0], "day": [30], "resolved": [31], "rating": [1], "order_day": [25]},
            unsubscribed_day=np.array([30, NEVER]),
        )
    )
    assert after.tolist() == before.tolist()


def test_a_late_order_counts_from_the_night_in_which_it_is_known() -> None:
    late = observed(orders={"person": [0], "day": [28], "late": [2]})
    assert probability(late, 30)[0] == probability(late, 30)[1]
    assert probability(late, 31)[0] < probability(late, 31)[1]


def test_an_anonymous_visit_on_a_shared_cookie_belongs_to_nobody_once_the_other_person_is_known() -> None:
    visit = {"person": [0], "day": [20], "late": [0], "named": [0]}
    alone, shared = np.array([NEVER, NEVER]), np.array([3, NEVER])
    assert (
        probability(observed(sessions=visit, partner_entry_day=alone))[0]
        != probability(observed(partner_entry_day=alone))[0]
    )
    assert (
        probability(observed(sessions=visit, partner_entry_day=shared))[0]
        == probability(observed(partner_entry_day=shared))[0]
    )


@pytest.mark.parametrize(
    ("ticket", "is_worse"),
    [
        ({"day": [25], "resolved": [40], "rating": [0]}, True),
        ({"day": [20], "resolved": [22], "rating": [1]}, True),
        ({"day": [20], "resolved": [20], "rating": [5]}, False),
    ],
)
def test_bad_service_raises_the_risk_and_good_service_lowers_it(ticket: dict[str, list[int]], is_worse: bool) -> None:
    risk = probability(observed(tickets={"person": [0], "order_day": [18], **ticket}))
    assert (risk[0] > risk[1]) == is_worse


def test_how_an_open_ticket_will_end_is_not_known() -> None:
    good, bad = (
        probability(observed(tickets=_ticket(resolved=resolved, rating=rating)))[0]
        for resolved, rating in ((30, 5), (38, 1))
    )
    assert good == bad


def _ticket(resolved: int, rating: int) -> dict[str, list[int]]:
    return {"person": [0], "day": [26], "resolved": [resolved], "rating": [rating], "order_day": [22]}


def test_withdrawing_consent_to_email_is_a_sign_of_leaving() -> None:
    risk = probability(observed(unsubscribed_day=np.array([25, NEVER])))
    assert risk[0] > risk[1] + 0.1
