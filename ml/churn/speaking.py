"""A feature and its value as a sentence.

Belongs here: numbers, gaps and percentages put into words, and which values are said alike. Does not belong here: the
words (``ml.churn.wording``).
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import cache

import numpy as np
from numpy.typing import NDArray

from ml.churn.wording import THEMES, theme_of, words_of
from ml.evaluation import Floats

STAYS = ", speaks for staying"
ONE = re.compile(
    r"(?<![\d.])1 ((?:[a-z]+ )?)(cart|change|complaint|contact|contract|day|failure|gap|item|line|message|month|order"
    r"|point|return|rise|search(?=e)|session|ticket|unit|unsubscribe|view|week)e?s\b"
)
"""One of what is counted, in words for many."""
PERCENT = re.compile("_(share|rate|probability)(_|$)")


def internal_words(feature: str, value: float, gap: float = float("nan"), *, raises: bool = True) -> str:
    """For colleagues: the fact and its number, ``No order for 74 days, usual gap 30``."""
    return facts(feature, [value], [gap], raises=raises)[0]


def facts(feature: str, values: Sequence[float], gaps: Sequence[float], *, raises: bool) -> list[str]:
    """``internal_words`` of many values and gaps; each number is spelled once."""
    words, number = words_of(feature), _percent if PERCENT.search(feature) else _number
    spelled, usual = cache(number), cache(_number)
    end = "" if raises else STAYS
    said_plainly = words.internal if raises else words.internal_lowers or words.internal
    unknown, with_gap = THEMES[words.theme].unknown + end, said_plainly + end
    without_gap = with_gap.replace(", usual gap {gap}", "").replace(" of {gap} days", "")
    is_gap_said = with_gap != without_gap
    found = []
    for value, gap in zip(values, gaps, strict=True):
        template = with_gap if gap == gap else without_gap
        if value != value:
            template = unknown
        elif value == 0 and words.internal_zero:
            template = words.internal_zero + end
        # 0 and -0 are one key, but two words.
        said, gap_said = spelled(value) if value else number(value), ""
        if is_gap_said:
            gap_said = usual(gap) if gap else _number(gap)
        whole = template.format(value=said, gap=gap_said)
        found.append(one_of(whole) if "1" in (said, gap_said) else whole)
    return found


def one_of(words: str) -> str:
    """Singular where there is one.

    >>> one_of("1 order days in 30 days"), one_of("1 searches in 90 days"), one_of("1.1 orders")
    ('1 order day in 30 days', '1 search in 90 days', '1.1 orders')
    """
    return ONE.sub(r"1 \1\2", words)


def customer_words(feature: str, *, raises: bool) -> str:
    """For the customer: no number, nothing that sounds like being watched."""
    theme = THEMES[theme_of(feature)]
    return theme.raises if raises else theme.lowers


def mentions_gap(feature: str) -> bool:
    return "{gap}" in words_of(feature).internal


def spoken_alike(feature: str, values: NDArray[np.float32]) -> Floats:
    """A number for each value, the same for two of them only if ``internal_words`` says both alike.

    A float32 times 10 or 100 is exact as a double, so it rounds as its decimal does.
    """
    wide = values.astype(np.float64)
    if PERCENT.search(feature):
        said = np.rint(100 * wide)
    else:
        is_whole = (wide == np.rint(wide)) | (np.abs(wide) >= 100)
        said = np.where(is_whole, np.rint(wide), np.rint(10 * wide) + 0.5)  # "2" is not "2.0"
    return np.where(np.abs(said) < 1, said + 0.125 * np.signbit(wide), said)  # "0" is not "-0"


def _number(value: float) -> str:
    if value != value:
        return "unknown"
    return f"{value:.0f}" if value == round(value) or abs(value) >= 100 else f"{value:.1f}"


def _percent(value: float) -> str:
    return f"{100 * value:.0f} %"
