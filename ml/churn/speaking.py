"""A feature and its value as a sentence.

Belongs here: numbers, gaps and percentages put into words, and which values are said alike. Does not belong here: the
words (``ml.churn.wording``).
"""

from __future__ import annotations

import re
from enum import IntEnum
from functools import cache
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from numpy.typing import NDArray

from ml.churn.wording import THEMES, theme_of, words_of
from ml.evaluation import Floats

if TYPE_CHECKING:
    import pyarrow as pa

STAYS = ", speaks for staying"
ONE = re.compile(
    r"(?<![\d.])1 ((?:[a-z]+ )?)(cart|change|complaint|contact|contract|day|failure|gap|item|line|message|month|order"
    r"|point|return|rise|search(?=e)|session|ticket|unit|unsubscribe|view|week)e?s\b"
)
"""One of what is counted, in words for many."""
PERCENT = re.compile("_(share|rate|probability)(_|$)")


def internal_words(feature: str, value: float, gap: float = float("nan"), *, raises: bool = True) -> str:
    """For colleagues: the fact and its number, ``No order for 74 days, usual gap 30``."""
    _, sentences = facts((feature,), np.array([int(raises)]), np.array([value]), np.array([gap]))
    return str(sentences[0])


def facts(
    names: tuple[str, ...], code: NDArray[np.int64], values: NDArray[np.floating], gaps: NDArray[np.floating]
) -> tuple[NDArray[np.int64], pa.StringArray]:
    """``internal_words`` of many: a number into sentences, (rows,), and the sentences.

    ``code`` is twice the feature's number, plus one where it raises the risk. Of what is spoken alike one is spoken.
    """
    forms = _forms(names)
    kind, _ = numbered(spoken_alike(values, forms.is_share[code]))
    is_gap_told = forms.tells_gap[len(Form) * code + Form.WITH_GAP]
    gap_kind, gaps_told = numbered(np.where(is_gap_told, spoken_alike(gaps, np.zeros(len(gaps), bool)), 0.0))
    number, first = numbered((kind * len(gaps_told) + gap_kind) * 2 * len(names) + code)
    return number, _sentences(forms, code[first], values[first].astype(np.float64), gaps[first].astype(np.float64))


def _sentences(forms: _Forms, code: NDArray[np.int64], values: Floats, gaps: Floats) -> pa.StringArray:
    """(rows,), put together by Arrow; each number is spelled once."""
    import pyarrow as pa
    import pyarrow.compute as pc

    form = np.where(np.isnan(gaps), Form.PLAIN, Form.WITH_GAP)
    form[(values == 0) & forms.has_zero[code]] = Form.ZERO
    form[np.isnan(values)] = Form.UNKNOWN
    at = len(Form) * code + form
    said = _spelled(values, forms.tells_value[at], forms.is_share[code])
    gap_said = _spelled(gaps, forms.tells_gap[at], np.zeros(len(gaps), bool))
    start, middle, end = (part.take(pa.array(at)) for part in (forms.start, forms.middle, forms.end))
    whole = pc.binary_join_element_wise(start, said, middle, gap_said, end, "")
    is_one = pc.or_(pc.equal(said, "1"), pc.equal(gap_said, "1"))
    singular = pa.array([one_of(words) for words in whole.filter(is_one).to_pylist()], pa.string())
    return pc.replace_with_mask(whole, is_one, singular)


class Form(IntEnum):
    """How a feature is told."""

    PLAIN = 0
    WITH_GAP = 1
    UNKNOWN = 2
    ZERO = 3


class _Forms(NamedTuple):
    """By code and form what stands before the value, between it and the gap, and after both."""

    start: pa.StringArray
    middle: pa.StringArray
    end: pa.StringArray
    tells_value: NDArray[np.bool_]
    tells_gap: NDArray[np.bool_]
    has_zero: NDArray[np.bool_]
    """By code, as ``is_share``: 0 has words of its own."""
    is_share: NDArray[np.bool_]


@cache
def _forms(names: tuple[str, ...]) -> _Forms:
    import pyarrow as pa

    said = [form for name in names for raises in (False, True) for form in _told(name, raises=raises)]
    upto_gap, _, end = zip(*(form.partition("{gap}") for form in said), strict=True)
    start, _, middle = zip(*(form.partition("{value}") for form in upto_gap), strict=True)
    return _Forms(
        pa.array(start, pa.string()),
        pa.array(middle, pa.string()),
        pa.array(end, pa.string()),
        np.array(["{value}" in form for form in said]),
        np.array(["{gap}" in form for form in said]),
        np.repeat([words_of(name).internal_zero is not None for name in names], 2),
        np.repeat([PERCENT.search(name) is not None for name in names], 2),
    )


def _told(feature: str, *, raises: bool) -> list[str]:
    """Of a code, by ``Form``."""
    words, stays = words_of(feature), "" if raises else STAYS
    with_gap = words.internal if raises else words.internal_lowers or words.internal
    plain = with_gap.replace(", usual gap {gap}", "").replace(" of {gap} days", "")
    unknown = words.internal_unknown or THEMES[words.theme].unknown
    return [form + stays for form in (plain, with_gap, unknown, words.internal_zero or plain)]


def _spelled(values: Floats, is_said: NDArray[np.bool_], is_share: NDArray[np.bool_]) -> pa.StringArray:
    """Each number in words, nothing where it is not said."""
    import pyarrow as pa

    words = np.full(len(values), "", object)
    for spell, own in ((_percent, is_said & is_share), (_number, is_said & ~is_share)):
        number, first = numbered(values[own])
        words[own] = np.array([spell(value) for value in values[own][first].tolist()], object)[number]
    return pa.array(words, pa.string())


def numbered(values: NDArray[np.float64 | np.int64]) -> tuple[NDArray[np.int64], NDArray[np.intp]]:
    """Equal bits get equal numbers, from 0 on in the order of their first appearance; and where each appears first."""
    import pyarrow as pa

    number = pa.array(values.view(np.int64)).dictionary_encode().indices.to_numpy()
    first = np.empty(number.max(initial=-1) + 1, np.intp)
    first[number[::-1]] = np.arange(len(values))[::-1]
    return number.astype(np.int64), first


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


def spoken_alike(values: NDArray[np.floating], is_share: NDArray[np.bool_]) -> Floats:
    """A number for each value, the same for two of them only if both are spelled alike.

    A float32 times 10 or 100 is exact as a double, so it rounds as its decimal does.
    """
    wide = values.astype(np.float64)
    is_whole = (wide == np.rint(wide)) | (np.abs(wide) >= 100)
    said = np.where(is_whole, np.rint(wide), np.rint(10 * wide) + 0.5)  # "2" is not "2.0"
    np.copyto(said, np.rint(100 * wide), where=is_share)
    return np.where(np.abs(said) < 1, said + 0.125 * np.signbit(wide), said)  # "0" is not "-0"


def _number(value: float) -> str:
    if value != value:
        return "unknown"
    return f"{value:.0f}" if value == round(value) or abs(value) >= 100 else f"{value:.1f}"


def _percent(value: float) -> str:
    return f"{100 * value:.0f} %"
