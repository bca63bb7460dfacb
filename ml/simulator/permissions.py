"""What people allow and want: consents, preferences, requests to be erased.

Belongs here: the rows of these three touchpoints. Does not belong here: what was decided (``people`` on entry,
``life`` for withdrawals while leaving).
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from ml.simulator.accounts import SIGNUP_SECONDS
from ml.simulator.block import Block, Emitted
from ml.simulator.catalogue import CATEGORIES
from ml.simulator.columns import Rows, at, const, keep, numbered, pick, stack
from ml.simulator.draws import stream
from ml.simulator.people import CONSENTS

Ints = npt.NDArray[np.int64]


def consents(block: Block) -> Emitted:
    """Decisions on entry, objections to profiling, withdrawals of e-mail marketing."""
    people = block.people
    parts, days = [], []
    for number, (purpose, channel, _) in enumerate(CONSENTS):
        granted = people.granted[:, number]
        said = people.asked if purpose == "profiling" else granted
        parts.append(
            _decisions(block, np.flatnonzero(said), people.signup_day, purpose, channel, granted, "signup form")
        )
        days.append(people.signup_day[said])
    end = np.minimum(block.config.days, people.erasure_day)
    none = np.zeros(people.size, bool)
    objecting = people.objection_day < end
    withdrawn = block.life.unsubscribed_day < end
    parts.append(_decisions(block, np.flatnonzero(objecting), people.objection_day, "profiling", "", none, "agent"))
    parts.append(
        _decisions(
            block,
            np.flatnonzero(withdrawn),
            block.life.unsubscribed_day,
            "marketing",
            "email",
            none,
            "unsubscribe link",
        )
    )
    days += [people.objection_day[objecting], block.life.unsubscribed_day[withdrawn]]
    return stack(*parts), np.concatenate(days)


def _decisions(
    block: Block, who: Ints, day: Ints, purpose: str, channel: str, granted: npt.NDArray[np.bool_], source: str
) -> Rows:
    people = block.people
    second = SIGNUP_SECONDS + people.profile["street"][who] % (8 * 3600) + 30
    guest = ~people.has_account[who]
    return {
        "account_id": block.names.account.take(pa.array(who)),
        "email": keep(block.names.email.take(pa.array(who)), guest),
        "purpose": const(purpose, len(who)),
        "channel": const(channel or None, len(who)),
        "decision": pick(("withdrawn", "granted"), granted[who].astype(np.int64)),
        "decided_at": at(block.calendar, day[who], second),
        "source": const(source, len(who)),
    }


def stated(block: Block) -> tuple[Ints, Ints]:
    """Who states what they like and refuse, and on which day each person does or would."""
    people = block.people
    random = stream(block.config.seed, "preferences", people.block)
    day = np.maximum(people.entry_day, 0) + random.integers(0, 90, people.size)
    who = np.flatnonzero(
        (random.random(people.size) < 0.15)
        & people.has_account
        & (day < np.minimum(block.config.days, people.erasure_day))
    )
    return who, day


def preferences(block: Block) -> Emitted:
    """Stated tastes, in part of the people: the category they like most, one they do not want, a channel."""
    people, (who, day) = block.people, stated(block)
    order = np.argsort(people.tastes[who], axis=1)
    words = pa.array(CATEGORIES, pa.string())
    second = 12 * 3600 + people.profile["street"][who] % 3600
    says = (
        ("category", words.take(pa.array(order[:, -1])), 1.0),
        ("category", words.take(pa.array(order[:, 0])), -1.0),
        ("channel", pick(("email", "push", "post"), people.profile["channel"][who] % 3), 0.5),
    )
    parts = [
        {
            "account_id": block.names.account.take(pa.array(who)),
            "attribute": const(attribute, len(who)),
            "value": value,
            "weight": pa.array(np.full(len(who), weight)),
            "set_at": at(block.calendar, day[who], second + 60 * number),
        }
        for number, (attribute, value, weight) in enumerate(says)
    ]
    return stack(*parts), np.tile(day[who], len(parts))


def erasure_requests(block: Block) -> Emitted:
    people = block.people
    who = np.flatnonzero((people.erasure_day < block.config.days) & (people.erasure_day > people.entry_day))
    rows = {
        "request_id": numbered("E", people.index[who], 8),
        "account_id": block.names.account.take(pa.array(who)),
        "email": block.names.email.take(pa.array(who)),
        "requested_at": at(block.calendar, people.erasure_day[who], np.full(len(who), 10 * 3600)),
    }
    return rows, people.erasure_day[who]
