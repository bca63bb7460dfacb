"""What came of a comparison, in words and as JSON.

Belongs here: tables and their keys. Does not belong here: the numbers (``measures``), MLflow (``tracked``).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

from ml.recommender.choice import MODE_WORDS
from ml.recommender.evaluation.compare import MODEL, Comparison
from ml.recommender.evaluation.measures import (
    accuracy,
    by_known_of_customer,
    by_known_of_item,
    gain,
    kinds,
    lists,
    shown,
)

DIGITS = 4


def figures(comparison: Comparison, lengths: Sequence[int], *, seed: int) -> dict[str, Any]:
    """Everything, ready for JSON; rounded to what the intervals bear."""
    ours = comparison.judgements[0]
    middle = 10 if 10 in lengths else lengths[0]
    methods = {}
    for one in comparison.judgements:
        own: dict[str, Any] = {
            **{name: asdict(figure) for name, figure in accuracy(one.hits, lengths, seed=seed).items()},
            **kinds(one, middle),
            **shown(one, comparison),
            "customers by what was known of them": by_known_of_customer(one, comparison, middle, seed=seed),
            "items by what was known of them": by_known_of_item(one, comparison, middle, seed=seed),
            "settings": dict(one.settings),
            "fit_seconds": one.fit_seconds,
            "score_seconds": one.score_seconds,
        }
        if one is not ours:
            for kind, mine, theirs, of_new in (
                ("recall", ours.hits, one.hits, False),
                ("explore_recall", ours.hits, one.hits, True),
                ("new_only_recall", ours.among_new, one.among_new, True),
            ):
                found = gain(mine, theirs, middle, seed=seed, new_only=of_new)
                own[f"gain of {MODEL} in {kind}@{middle}"] = asdict(found)
        methods[one.name] = own
    learned = comparison.learned
    return _rounded({
        "customers": ours.hits.customers,
        "purchases": len(ours.hits.rows),
        "items": len(comparison.buyers),
        "foretold": comparison.words,
        "mode": comparison.mode,
        "repeat_share": learned.repeat_share,
        "generators": list(learned.model.generators),
        "left out": {left.name: left.reason for left in learned.left},
        "candidate_recall": learned.candidate_recall,
        "order": learned.model.order,
        "methods": methods,
        "lists": lists(comparison, seed=seed),
        "peak_megabytes": comparison.peak_megabytes,
    })  # fmt: skip


def lines(found: dict[str, Any], lengths: Sequence[int]) -> list[str]:
    """The same as a table for the terminal, ours first."""
    middle = 10 if 10 in lengths else lengths[0]
    columns = [f"{kind}@{length}" for length in lengths for kind in ("recall", "ndcg")]
    names = list(found["methods"])
    wide = max(len(name) for name in names) + 2
    head = (
        f"{found['customers']:,} customers, {found['purchases']:,} purchases to foretell, {found['items']:,} items; "
        f"{MODE_WORDS[found['mode']]} ({found['repeat_share']:.1%} of purchases are repeats)"
    )
    out = [f"foretold: {found['foretold']}", head, "generators: " + ", ".join(found["generators"])]
    out += [f"  left out: {name}: {reason}" for name, reason in found["left out"].items()]
    out.append(f"candidate recall {found['candidate_recall']:.4f}, ordered by {found['order']}")
    out.append("")
    out.append("".ljust(wide) + "".join(f"{column:>22}" for column in columns) + f"{'fit s':>9}{'score s':>9}")
    for name in names:
        own = found["methods"][name]
        told = [f"{own[c]['value']:.4f} [{own[c]['low']:.3f},{own[c]['high']:.3f}]" for c in columns]
        seconds = f"{own['fit_seconds']:>9.1f}{own['score_seconds']:>9.1f}"
        out.append(name.ljust(wide) + "".join(f"{words:>22}" for words in told) + seconds)
    out += ["", *_second(found, middle, wide), "", *_cold(found, middle, wide)]
    return [*out, "", *list_lines(found["lists"]), "", f"peak memory {found['peak_megabytes']:,.0f} MB"]


def _second(found: dict[str, Any], middle: int, wide: int) -> list[str]:
    """Repeats and discoveries apart, these also without repeats beside them, what is shown, and the gain over each
    method."""
    recalls = [f"{kind}_recall@{middle}" for kind in ("repeat", "explore", "new_only")]
    columns = [*recalls, "coverage@10", "novelty@10", "popularity_bias@10"]
    heads = ["repeat", "explore", "new only", "coverage", "novelty", "bias"]
    out = ["".ljust(wide) + "".join(f"{head:>10}" for head in heads) + f"   our gain in recall@{middle}, in new only"]
    for name, own in found["methods"].items():
        row = name.ljust(wide) + "".join(f"{_told(own[column]):>10}" for column in columns)
        gains = [own.get(f"gain of {MODEL} in {kind}@{middle}") for kind in ("recall", "new_only_recall")]
        told = [
            f"{one['value']:+.4f} [{one['low']:+.4f},{one['high']:+.4f}]"
            for one in gains
            if one and one["value"] is not None
        ]
        out.append(row + "   " + "  ".join(told))
    return out


def _cold(found: dict[str, Any], middle: int, wide: int) -> list[str]:
    """By how much was known of the customer, and of the item."""
    out = []
    for title, size, kinds_told in (
        ("customers", "customers", ("recall", "ndcg")),
        ("items", "purchases", ("hit_rate",)),
    ):
        key = f"{title} by what was known of them"
        groups = found["methods"][MODEL][key]
        heads = [f"{group} ({own[size]:,})" for group, own in groups.items()]
        out.append(f"{', '.join(kinds_told)}@{middle}, {key} ({size})")
        out.append("".ljust(wide) + "".join(f"{head:>30}" for head in heads))
        for name, method in found["methods"].items():
            cells = [" ".join(spread(own[f"{kind}@{middle}"]) for kind in kinds_told) for own in method[key].values()]
            out.append(name.ljust(wide) + "".join(f"{told:>30}" for told in cells))
    return out


def spread(figure: dict[str, Any]) -> str:
    """A value with half the width of its interval."""
    if figure["value"] is None or figure["value"] != figure["value"]:
        return "-"
    return f"{figure['value']:.4f} ±{(figure['high'] - figure['low']) / 2:.3f}"


def list_lines(found: dict[str, Any]) -> list[str]:
    """Lists of ten as they are published, with discovery and without, and what its slots found."""
    columns = {name: own for name, own in found.items() if name != "slots"}
    heads = list(next(iter(columns.values())))
    out = ["lists of ten".ljust(16) + "".join(f"{head:>17}" for head in heads)]
    out += [name.ljust(16) + "".join(f"{_told(own[head]):>17}" for head in heads) for name, own in columns.items()]
    if slots := found.get("slots"):
        against, above, loss = (slots[name] for name in ("against_random", "above_popular", "loss_of_ndcg"))
        out.append(
            f"{slots['slots']:,} discovery slots: {slots['rate']:.4f} bought, {slots['random_rate']:.4f} of random "
            f"items ({_ends(against)} times), {slots['popular_rate']:.4f} of popular ones ({_ends(above, '+')}); "
            f"loss of NDCG@10 {_ends(loss)}"
        )
    return out


def _ends(figure: dict[str, Any], sign: str = "") -> str:
    if figure["value"] is None or figure["value"] != figure["value"]:
        return "-"
    return f"{figure['value']:{sign}.4f} [{figure['low']:{sign}.4f},{figure['high']:{sign}.4f}]"


def _told(value: float | None) -> str:
    return "-" if value is None else f"{value:.4f}" if value < 1 else f"{value:.2f}"


def _rounded(value: Any) -> Any:
    """Numbers of a few digits; what is no number is null, as JSON knows none."""
    if isinstance(value, dict):
        return {name: _rounded(own) for name, own in value.items()}
    if isinstance(value, list | tuple):
        return [_rounded(own) for own in value]
    if isinstance(value, float):
        return round(value, DIGITS) if value == value else None
    return value
