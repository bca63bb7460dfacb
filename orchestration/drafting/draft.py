"""The text of a new shop.yml: what is sure as it stands, guesses as comments to be confirmed.

Belongs here: the words of the draft. Does not belong here: guessing (``guess``), writing it down (``start``).
"""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import dataclass
from datetime import date, timedelta

from orchestration.checking.rhythm import Rhythm, Suggestion
from orchestration.drafting.entries import MARK, Found, scalar, touchpoint_lines
from orchestration.drafting.vocabulary import ZONES

HISTORY_DAYS = 30
"""A file that reaches further back is an old shop's history."""


@dataclass(frozen=True)
class Tempo:
    """What the accepted rows said about churn."""

    rhythm: Rhythm
    suggestion: Suggestion | None
    today: date


def shop_yml(
    slug: str, landing: str | None, found: list[Found], leftover: list[str], tempo: Tempo | None = None
) -> str:
    """The whole file."""
    lines = [
        f"# Drafted by `regulars init {slug}`. Lines that begin with `{MARK.strip()}` are guesses: remove the mark",
        f"# in front of what is right, put right what is not, then: regulars check --shop {slug}",
        f"name: {_title(slug)}",
        *_zone(found),
        *_currency(found),
        *([f"landing: {scalar(landing)}"] if landing else []),
        *_dates(tempo),
        "",
        "touchpoints:",
        *(line for one in found for line in touchpoint_lines(one)),
        *(f"  # {line}" for line in leftover),
        "",
        *_churn(found, tempo),
        "",
        *_consent(found),
    ]
    return "\n".join(lines) + "\n"


def confirmed(text: str, mark: str = MARK) -> str:
    """The same text with every guess confirmed."""
    return re.sub(rf"(?m)^(\s*){re.escape(mark)}", r"\1", text)


def _zone(found: list[Found]) -> list[str]:
    local = [content for one in found for content in one.instants() if not content.has_offset]
    votes = Counter(choice.language for one in found for choice in one.guess.choices.values() if choice.language)
    likely = next((ZONES[language] for language, _ in sorted(votes.items(), key=lambda v: (-v[1], v[0]))), None)
    why = "the files' instants carry no offset: in which zone are they?" if local else "where do the shop's days begin?"
    if likely:
        return [f"{MARK}time_zone: {likely}  # {why} (a guess from the language of the columns; else UTC)"]
    return [f"{MARK}time_zone: UTC  # {why} Such as Europe/London, America/New_York"]


def _currency(found: list[Found]) -> list[str]:
    for one in found:
        choice = one.guess.choices.get("currency")
        if choice and (words := one.guess.contents[choice.column].words):
            values = next(c.values for c in one.guess.sample.columns if c.name == choice.column)
            most = max(words, key=lambda word: (values.count(word), word))
            others = ", ".join(word for word in words if word != most)
            needs = f"; {others} need(s) a rates.csv (currency,date,rate)" if others else ""
            return [f"currency: {most}  # by the column {choice.column!r}{needs}"]
    for one in found:
        choices = [*one.guess.choices.values(), *([one.guess.line_total] if one.guess.line_total else [])]
        for choice in choices:
            if code := one.guess.contents[choice.column].currency:
                return [f"currency: {code}  # stands beside the amounts of {choice.column!r}"]
    headers = " ".join(name for one in found for name in one.guess.sample.names)
    for sign, code in (
        ("€", "EUR"),
        ("EUR", "EUR"),
        ("$", "USD"),
        ("USD", "USD"),
        ("£", "GBP"),
        ("GBP", "GBP"),
        ("CHF", "CHF"),
    ):
        if sign in headers:
            return [f"currency: {code}  # by the name of a column"]
    return [f"{MARK}currency: EUR  # no column says; ISO 4217 code of all prices"]


def _dates(tempo: Tempo | None) -> list[str]:
    if tempo is None:
        return [
            f"{MARK}first_as_of: 2020-01-01  # earliest day that a run may look from",
            "# closed_on: 2025-01-31  # of an old extract: the day on which its data end; a run looks from it",
        ]
    lines = [f"first_as_of: {tempo.rhythm.first_day}  # earliest day that a run may look from"]
    ends = tempo.rhythm.last_day + timedelta(1)
    if (tempo.today - ends).days > HISTORY_DAYS:
        lines.append(
            f"closed_on: {ends}  # the data end here: a run looks from this day. Remove it when new files come daily"
        )
    return lines


def _churn(found: list[Found], tempo: Tempo | None) -> list[str]:
    names = {one.name for one in found}
    if "subscriptions" in names and "orders" not in names:
        return [
            "# A contract that can end within horizon_days of the as-of, and ends or is not renewed, is churn.",
            "churn: {mode: subscription, activity: events, horizon_days: 90}" if "events" in names
            else "churn: {mode: subscription, horizon_days: 90}",
        ]  # fmt: skip
    activity = "orders" if "orders" in names else "events"
    lines = [f"# Churn: active in the last active_days, then no {activity} within horizon_days of the as-of."]
    if tempo and tempo.suggestion:
        seen, wise = tempo.rhythm, tempo.suggestion
        cut = "; shortened, because the history is short" if wise.is_cut else ""
        return [
            *lines,
            f"# Half of all returns come within {seen.median_gap} days, 90 % within {seen.long_gap}, 99 % within "
            f"{seen.rare_gap}{cut}.",
            f"churn: {{mode: inactivity, activity: {activity}, active_days: {wise.active_days}, "
            f"horizon_days: {wise.horizon_days}}}",
        ]
    return [*lines, f"churn: {{mode: inactivity, activity: {activity}, active_days: 365, horizon_days: 90}}"]


def _consent(found: list[Found]) -> list[str]:
    if any(one.name == "consents" for one in found):
        return [
            "consent:  # what has no standing grant in the consents is refused",
            f"  {MARK}service: {{basis: assume, because: orders are delivered under the contract of sale}}",
            *(
                f"  {purpose}: {{basis: consent}}"
                for purpose in ("marketing", "profiling", "personalised_recommendations")
            ),
        ]
    return [
        "# Without a basis for profiling everybody is published without a score. There are no consents among the",
        "# files; if the law lets you assume a basis, say why (every manifest repeats it). Never marketing or minors.",
        f"{MARK}consent:",
        f"{MARK}  service: {{basis: assume, because: orders are delivered under the contract of sale}}",
        f'{MARK}  profiling: {{basis: assume, because: "legitimate interest, assessed by NAME on DATE"}}',
    ]


def _title(slug: str) -> str:
    return slug.replace("_", " ").replace("-", " ").capitalize()
