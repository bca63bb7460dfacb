"""How a log is split into what is known and what is to be foretold.

Belongs here: one function per protocol, each giving windows to learn from and the one to be judged by. Does not belong
here: reading (``files``), judging (``compare``).

Windows to learn from lie strictly before the judged one: nothing of what is judged, and no later row, is in them.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np

from ml.recommender.block import Flags
from ml.recommender.evaluation.errors import LogError
from ml.recommender.evaluation.log import BLOCK_CUSTOMERS, Log, LogSource
from ml.recommender.lessons import Judged, Lesson
from ml.recommender.rules import Mode
from ml.recommender.sparse import Floats, Ints, places

LESSONS, TIME_LESSONS = 2, 6
"""Windows to learn from, of users and of time; the latest also chooses settings."""
HORIZON_DAYS = 30.0
LEAST_TAUGHT = 0.25
"""Of the users of the newest window to learn from; an older one with fewer says too little for what it costs."""
LATER_SHARE = 0.5
"""From more rows of a test file on that came after all that is known of their user, it is one of later rows."""
LOTS = 7
"""Seed of what is held out by lot."""


@dataclass(frozen=True)
class Split:
    """What a protocol makes of a log."""

    lessons: tuple[Lesson, ...]
    """In the order of time; the last one chooses settings."""
    test: Lesson
    mode: Mode | None
    """None: by the data."""
    words: str
    """How it was cut."""
    newcomers: tuple[Judged, ...] = ()
    """Who had done nothing before the cut, and what they then did; where the protocol judges others by their history,
    these are judged apart."""


def leave_last_out(log: Log) -> Split:
    """The last interaction of each user is to be foretold among the items that the user has not had.

    Raises
    ------
    LogError
        There is no order of rows, or every last one is of an item that its user has had.
    """
    _require_order(log, "leave-last-out")
    from_end = _from_end(log)
    everybody = np.bincount(log.user, minlength=len(log.users))

    def window(back: int) -> Lesson:
        cut = np.zeros(len(log.users))
        wanted = from_end == back
        cut[log.user[wanted]] = log.when[wanted]
        return _lesson(log, from_end > back, wanted, cut, np.flatnonzero(everybody > back))

    split = _split([window(back) for back in range(LESSONS, -1, -1)], "discovery", "the last row of each user")
    had = sum(int(judged.is_repeat.sum()) for judged in split.test.happened)
    if had:
        split = replace(split, words=f"{split.words}, {had:,} of an item that the user had before, which no list holds")
    if all(judged.is_repeat.all() for judged in split.test.happened):
        raise LogError(
            "every last row is of an item that its user had before, and leave-last-out foretells new ones: leave out "
            "rows that stand twice, or use --protocol next-basket"
        )
    return split


def next_basket(log: Log) -> Split:
    """The last basket of each user is to be foretold, known items and new ones alike."""
    _require_order(log, "next-basket")
    from_end = log.baskets[log.user] - 1 - log.basket

    def window(back: int) -> Lesson:
        cut = np.full(len(log.users), np.inf)
        wanted = from_end == back
        np.minimum.at(cut, log.user[wanted], log.when[wanted])
        before = (from_end > back) & (log.when <= cut[log.user])  # no row that an earlier basket got after it began
        return _lesson(log, before, wanted, cut, np.flatnonzero(log.baskets > back))

    return _split([window(back) for back in range(LESSONS, -1, -1)], "mixed", "the last basket of each user")


def time_split(log: Log, cut: float | None = None, horizon_days: float | None = None) -> Split:
    """What users with a history do in the days after one instant is to be foretold; what others do, apart from it.

    Parameters
    ----------
    cut
        Days since 1970; one horizon before the end of the day of the last interaction if not given.
    horizon_days
        ``HORIZON_DAYS`` if not given.
    """
    horizon_days = HORIZON_DAYS if horizon_days is None else horizon_days
    if not log.is_time:
        raise LogError("time-split needs instants: name the column that has them with --time")
    if not (np.isfinite(horizon_days) and horizon_days > 0):
        raise LogError(f"--horizon-days {horizon_days:g}: write how many days after the cut are to be foretold, as 30")
    end = cut if cut is not None else np.floor(float(log.when.max())) + 1 - horizon_days

    def window(back: int) -> Lesson:
        start = end - back * horizon_days
        before, wanted = log.when < start, (log.when >= start) & (log.when < start + horizon_days)
        return _lesson(log, before, wanted, np.full(len(log.users), start), np.unique(log.user[before]))

    windows = [window(back) for back in range(TIME_LESSONS, -1, -1)]
    least = LEAST_TAUGHT * _users(windows[-2])
    split = _split([lesson for lesson in windows[:-2] if _users(lesson) >= least] + windows[-2:], None,
                   f"the {horizon_days:g} days from {np.datetime64(round(end * 86_400), 's')} on")  # fmt: skip
    wanted = (log.when >= end) & (log.when < end + horizon_days)
    new = np.setdiff1d(log.user[wanted], log.user[log.when < end])
    apart = _lesson(log, np.zeros(len(log), bool), wanted, np.full(len(log.users), end), new)
    return replace(split, newcomers=tuple(apart.happened))


def _users(lesson: Lesson) -> int:
    """Who is to be foretold."""
    return sum(len(judged.block) for judged in lesson.happened)


def given_split(log: Log, is_test: Flags) -> Split:
    """The rows of a test file are to be foretold from all rows of the other.

    Windows to learn from are cut out of the known rows as the test was cut out of all: of each user in proportion, and
    the latest ones where the test is of later rows, else by lot.
    """
    if not is_test.any():
        raise LogError("the test file has no row")
    known = ~is_test
    _require_common(log, is_test)
    repeats = np.isin(log.user[is_test] * log.catalogue.size + log.item[is_test],
                      log.user[known] * log.catalogue.size + log.item[known])  # fmt: skip
    mode: Mode | None = "discovery" if not repeats.any() else None
    is_later = _is_later(log, is_test)
    window_of = _window_of(log, known, is_later=is_later)

    def window(back: int) -> Lesson:
        wanted = known & (window_of == back) if back else is_test
        before = known & (window_of > back if is_later else ~wanted)
        cut = np.zeros(len(log.users))
        np.maximum.at(cut, log.user[before], log.when[before] + 1)
        return _lesson(log, before, wanted, cut, np.unique(log.user[before]) if back else np.arange(len(log.users)))

    words = "of rows that came later" if is_later else "cut by lot or without an order"
    return _split([window(back) for back in range(LESSONS, -1, -1)], mode, f"the test file, {words}")


def _is_later(log: Log, is_test: Flags) -> bool:
    """Whether most of the test came after everything that is known of its users."""
    last = np.full(len(log.users), -1, np.int64)
    np.maximum.at(last, log.user[~is_test], log.basket[~is_test])
    told = is_test & (last[log.user] >= 0)
    if not (log.is_ordered and told.any()):
        return log.is_ordered
    return bool(np.mean(log.basket[told] > last[log.user[told]]) > LATER_SHARE)


def _window_of(log: Log, known: Flags, *, is_later: bool) -> Ints:
    """Which window to learn from holds out each known row, from 1, the last, on; whole baskets where the order counts.

    Each holds out of a user the share that the test has of all rows, at least one row and at most half.
    """
    counts = np.bincount(log.user[known], minlength=len(log.users))
    tested = np.bincount(log.user[~known], minlength=len(log.users))
    share = counts * tested / np.maximum(counts + tested, 1)
    each = np.maximum(np.minimum(share.round().astype(np.int64), counts // 2), 1)
    rows = np.flatnonzero(known)
    order = np.arange(len(log)) if is_later else np.random.default_rng(LOTS).permutation(len(log))
    rows = rows[np.lexsort((-order[rows], log.user[rows]))]
    place = places(log.user[rows])
    if is_later:  # the rows of a basket stand where its last one does
        starts = np.append(True, (log.user[rows][1:] != log.user[rows][:-1]) | np.diff(log.basket[rows]).astype(bool))
        place = place[starts][np.cumsum(starts) - 1]
    out = np.zeros(len(log), np.int64)
    out[rows] = 1 + place // each[log.user[rows]]
    return out


def of_new(split: Split) -> Split:
    """The same with nothing to foretell, and nothing in any list, that the user has had before."""

    def lesson(one: Lesson) -> Lesson:
        new = [judged.of_new() for judged in one.happened]
        return Lesson(one.source, [judged for judged in new if len(judged.block)])

    windows = [*map(lesson, split.lessons), lesson(split.test)]
    return replace(_split(windows, "discovery", f"{split.words}, new items only"), newcomers=split.newcomers)


PROTOCOLS: dict[str, Callable[..., Split]] = {
    "leave-last-out": leave_last_out,
    "next-basket": next_basket,
    "time-split": time_split,
    "given-split": given_split,
}


def _require_order(log: Log, protocol: str) -> None:
    if not log.is_ordered:
        raise LogError(f"{protocol} needs an order of rows: name a column with --time or --order")
    if not log.basket.any():
        raise LogError(f"{protocol} foretells the last of several: no user has rows of more than one instant or basket")


def _require_common(log: Log, is_test: Flags) -> None:
    """Refuse files that do not belong together, and those that are one and the same."""
    if not np.isin(log.item[is_test], log.item[~is_test]).any():
        raise LogError("no item of --test occurs in --interactions: are they spelled alike in both, as 7 and not 7.0?")
    twice = _twice(log, is_test)
    if 2 * twice >= is_test.sum():
        order = "item and instant" if log.is_time else "item and order"
        told_by = f"user, {order}" if log.is_ordered else "user and item"
        advice = "" if log.is_ordered else ", or name a column with --time or --order if they are repeats"
        raise LogError(
            f"{twice:,} of {is_test.sum():,} rows of --test stand in --interactions as well, by {told_by}: what is to "
            f"be foretold may not be known; take them out of one of the files{advice}"
        )


def _twice(log: Log, is_test: Flags) -> int:
    """Rows of the test that are known too, as far as the log can tell rows of a user and an item apart."""
    apart = log.when if log.is_time else log.basket * log.is_ordered
    rows = np.column_stack([log.user, log.item, apart])
    known = {tuple(row) for row in rows[~is_test].tolist()}
    return sum(tuple(row) in known for row in rows[is_test].tolist())


def _from_end(log: Log) -> Ints:
    """Rows of the same user that come later."""
    ends = np.append(np.flatnonzero(log.user[1:] != log.user[:-1]), len(log) - 1)
    size = np.diff(np.append(-1, ends))
    return np.repeat(ends, size) - np.arange(len(log))


def _lesson(log: Log, before: Flags, wanted: Flags, cut: Floats, people: Ints) -> Lesson:
    source = LogSource(log, before, cut, people)
    place = np.full(len(log.users), -1, np.int64)
    place[people] = np.arange(len(people))
    chosen = wanted & (place[log.user] >= 0)
    pairs = np.unique(place[log.user[chosen]] * log.catalogue.size + log.item[chosen])
    rows, items = pairs // log.catalogue.size, pairs % log.catalogue.size
    happened = []
    for number, block in enumerate(source.blocks()):
        mine = rows // BLOCK_CUSTOMERS == number
        who, own = np.unique(rows[mine] - number * BLOCK_CUSTOMERS, return_inverse=True)
        if len(who):
            happened.append(Judged(block.only(who), own.astype(np.int64), items[mine]))
    return Lesson(source, happened)


def _split(windows: list[Lesson], mode: Mode | None, words: str) -> Split:
    *lessons, test = windows
    if not test.happened:
        raise LogError("the split leaves nobody to be judged: no user has both a history and something to foretell")
    taught = tuple(lesson for lesson in lessons if lesson.happened)
    if not taught:
        raise LogError("the split leaves no window to learn from: users need a history before what is foretold")
    return Split(taught, test, mode, words)
