"""What the sending system delivers: messages and what became of them.

Belongs here: rows of messages, and the true effect of each message. Does not belong here:
who is sent what (``life``), what it does (``latent``).
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from ml.simulator.block import Block, Emitted
from ml.simulator.columns import Rows, at, const, keep, numbered, pick, stack, take
from ml.simulator.draws import stream
from ml.simulator.identifiers import spelled_email, spelled_phone
from ml.simulator.latent import FATIGUE_DAYS, GAIN_DAYS
from ml.simulator.purchases import ID_ROOM
from ml.simulator.seasons import CHANNELS

Ints = npt.NDArray[np.int64]

OUTCOME_DAYS = 1
"""What became of a message is exported in the second night after it was sent."""


def message_numbers(block: Block) -> Ints:
    return block.people.block * ID_ROOM + np.arange(int(block.life.sent.sum()))


def messages(block: Block) -> Emitted:
    """A message as sent, and a version with what became of it where anything did."""
    random = stream(block.config.seed, "messages", block.people.block)
    day, person = np.nonzero(block.life.sent)
    sent = _sent(block, random, day, person)
    outcome, has_outcome = _outcome(block, random, day, person)
    end = np.minimum(block.config.days, block.people.erasure_day[person])
    rows = np.flatnonzero(has_outcome & (day + OUTCOME_DAYS < end))
    return stack(sent, take({**sent, **outcome}, rows)), np.concatenate([day, day[rows] + OUTCOME_DAYS])


def _sent(block: Block, random: np.random.Generator, day: Ints, person: Ints) -> Rows:
    n, names, people = len(day), block.names, block.people
    channel = block.world.campaigns.channel[day]
    by_mail = (channel == 0) & (~people.has_account[person] | (random.random(n) < 0.3))
    second = random.integers(7 * 3600, 9 * 3600, n)
    lapsed = block.world.campaigns.is_lapsed_play[day]
    bounced = (channel == 0) & (random.random(n) < 0.01) & ~_was_opened(block)[day, person]
    turn = numbered("newsletter_", day // block.config.campaign_every_days, 3)
    return {
        "message_id": numbered("M", message_numbers(block)),
        "sent_at": at(block.calendar, day, second),
        "account_id": keep(names.account_on(people, person, day), (channel < 2) & ~by_mail),
        "email": keep(spelled_email(names.email.take(pa.array(person)), random.integers(0, 20, n)), by_mail),
        "phone": keep(spelled_phone(names.phone.take(pa.array(person)), random.integers(0, 4, n)), channel == 2),
        "campaign": pc.if_else(pa.array(lapsed), const("we_miss_you", n), turn),
        "play": pick(("newsletter", "win_back"), lapsed.astype(np.int64)),
        "channel": pick(CHANNELS, channel),
        "arm": const("treatment", n),
        "delivered_at": at(block.calendar, day, second + 40, ~bounced),
        "bounced_at": at(block.calendar, day, second + 90, bounced),
    }


def _was_opened(block: Block) -> npt.NDArray[np.bool_]:
    opened = np.zeros(block.life.sent.shape, bool)
    opened[block.traces.opens["day"], block.traces.opens["person"]] = True
    return opened


def _outcome(block: Block, random: np.random.Generator, day: Ints, person: Ints) -> tuple[Rows, npt.NDArray[np.bool_]]:
    opens, n, size = block.traces.opens, len(day), block.people.size
    place = np.searchsorted(day * size + person, opens["day"] * size + opens["person"])
    opened, clicked, opened_day = np.zeros(n, bool), np.zeros(n, bool), np.zeros(n, np.int64)
    opened[place], clicked[place], opened_day[place] = True, opens["clicked"] == 1, opens["opened"]
    second = random.integers(9 * 3600 + 600, 22 * 3600, n)
    left = block.life.unsubscribed_day[person]
    unsubscribed = (block.world.campaigns.channel[day] == 0) & (left >= day) & (left <= day + OUTCOME_DAYS)
    complained = unsubscribed & (random.random(n) < 0.1)
    leaving = at(block.calendar, np.where(unsubscribed, left, 0), np.full(n, 22 * 3600 + 300), unsubscribed)
    rows = {
        "opened_at": at(block.calendar, opened_day, second, opened),
        "clicked_at": at(block.calendar, opened_day, second + 30, clicked),
        "unsubscribed_at": leaving,
        "complained_at": keep(leaving, complained),
    }
    return rows, opened | unsubscribed


def message_effects(block: Block) -> Rows:
    """The truth about each message: its log effect on the order rate, and the orders it brings or costs.

    ``expected_extra_orders`` is over four weeks, given that the person was a customer at the time or not, without
    later messages and leavings.
    """
    laws, season = block.world.laws, block.calendar.order_season
    day, person = np.nonzero(block.life.sent)
    kind = block.people.kind[person]
    gain, loss = laws.gain[laws.temper[kind]], laws.fatigue[laws.temper[kind]]
    total = np.concatenate([[0.0], np.cumsum(season)])
    early, late = total[day + GAIN_DAYS] - total[day], total[day + FATIGUE_DAYS] - total[day + GAIN_DAYS]
    change = early * np.expm1(gain - loss) + late * np.expm1(-loss)
    here = block.life.alive[day, person]
    return {
        "message_id": numbered("M", message_numbers(block)),
        "person_id": numbered("p", block.people.index[person], 9),
        "was_customer": pa.array(here),
        "log_gain": pa.array(gain),
        "log_loss": pa.array(loss),
        "expected_extra_orders": pa.array(np.where(here, laws.order_rate[kind] * change, 0.0)),
    }
