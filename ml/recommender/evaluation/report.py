"""What came of a comparison, in words and as JSON.

Belongs here: tables and their keys. Does not belong here: the numbers (``measures``), MLflow (``tracked``).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

from ml.recommender.choice import MODE_WORDS
from ml.recommender.evaluation.compare import MODEL, Comparison
from ml.recommender.evaluation.measures import accuracy, by_group, gain, item_counts, kinds, shown

DIGITS = 4


def figures(comparison: Comparison, lengths: Sequence[int], *, seed: int) -> dict[str, Any]:
    """Everything, ready for JSON; rounded to what the intervals bear."""
    ours = comparison.judgements[0]
    middle = 10 if 10 in lengths else lengths[0]
    methods = {}
    for one in comparison.judgements:
        own: dict[str, Any] = {
            **{name: asdict(figure) for name, figure in accuracy(one.hits, lengths, seed=seed).items()},
            **kinds(one.hits, middle),
            **shown(one, comparison),
            "customers by what was known of them": by_group(one.hits, comparison.history, middle),
            "items by what was known of them": by_group(one.hits, item_counts(comparison), middle, of_items=True),
            "settings": dict(one.settings),
            "fit_seconds": one.fit_seconds,
            "score_seconds": one.score_seconds,
        }
        if one is not ours:
            own[f"gain of {MODEL} in recall@{middle}"] = asdict(gain(ours.hits, one.hits, middle, seed=seed))
            new = gain(ours.hits, one.hits, middle, seed=seed, new_only=True)
            own[f"gain of {MODEL} in explore_recall@{middle}"] = asdict(new)
        methods[one.name] = own
    learned = comparison.learned
    return _rounded({
        "customers": ours.hits.customers,
        "purchases": len(ours.hits.rows),
        "items": len(comparison.buyers),
        "mode": comparison.mode,
        "repeat_share": learned.repeat_share,
        "generators": list(learned.model.generators),
        "left out": {left.name: left.reason for left in learned.left},
        "candidate_recall": learned.candidate_recall,
        "has_ranker": learned.model.ranker is not None,
        "methods": methods,
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
        f"{MODE_WORDS[found['mode']]} ({found['repeat_share']:.1%} repeats)"
    )
    out = [head, "generators: " + ", ".join(found["generators"])]
    out += [f"  left out: {name}: {reason}" for name, reason in found["left out"].items()]
    out.append(
        f"candidate recall {found['candidate_recall']:.4f}"
        + ("" if found["has_ranker"] else "; too few lists for a ranker")
    )
    out.append("")
    out.append("".ljust(wide) + "".join(f"{column:>22}" for column in columns) + f"{'fit s':>9}{'score s':>9}")
    for name in names:
        own = found["methods"][name]
        told = [f"{own[c]['value']:.4f} [{own[c]['low']:.3f},{own[c]['high']:.3f}]" for c in columns]
        seconds = f"{own['fit_seconds']:>9.1f}{own['score_seconds']:>9.1f}"
        out.append(name.ljust(wide) + "".join(f"{words:>22}" for words in told) + seconds)
    out += ["", *_second(found, middle, wide), "", *_cold(found, middle, wide)]
    return [*out, "", f"peak memory {found['peak_megabytes']:,.0f} MB"]


def _second(found: dict[str, Any], middle: int, wide: int) -> list[str]:
    """Repeats and discoveries apart, what is shown, and the gain over each method."""
    columns = [f"repeat_recall@{middle}", f"explore_recall@{middle}", "coverage@10", "novelty@10", "popularity_bias@10"]
    heads = ["repeat", "explore", "coverage", "novelty", "bias"]
    out = ["".ljust(wide) + "".join(f"{head:>10}" for head in heads) + f"   our gain in recall@{middle}, in explore"]
    for name, own in found["methods"].items():
        row = name.ljust(wide) + "".join(f"{_told(own[column]):>10}" for column in columns)
        gains = [own.get(f"gain of {MODEL} in {kind}@{middle}") for kind in ("recall", "explore_recall")]
        told = [
            f"{one['value']:+.4f} [{one['low']:+.4f},{one['high']:+.4f}]"
            for one in gains
            if one and one["value"] is not None
        ]
        out.append(row + "   " + "  ".join(told))
    return out


def _cold(found: dict[str, Any], middle: int, wide: int) -> list[str]:
    """Recall by how much was known of the customer, and of the item."""
    out = []
    for title in ("customers by what was known of them", "items by what was known of them"):
        groups = list(found["methods"][MODEL][title])
        sizes = [found["methods"][MODEL][title][group][1] for group in groups]
        heads = [f"{group} ({size:,})" for group, size in zip(groups, sizes, strict=True)]
        out.append(f"recall@{middle}, {title}")
        out.append("".ljust(wide) + "".join(f"{head:>18}" for head in heads))
        for name, own in found["methods"].items():
            out.append(name.ljust(wide) + "".join(f"{_told(own[title][group][0]):>18}" for group in groups))
    return out


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
