"""What shops call things: words for each canonical column and each touchpoint, by language.

Belongs here: how a name is made plain, how alike two names are. The words stand in ``vocabulary.yml``. Does not belong
here: what stands in a column (``content``), which column becomes which (``guess``).
"""

from __future__ import annotations

import difflib
import re
import unicodedata
from functools import cache
from pathlib import Path

from orchestration import strict_yaml

ZONES = {
    "de": "Europe/Berlin", "fr": "Europe/Paris", "es": "Europe/Madrid", "it": "Europe/Rome", "nl": "Europe/Amsterdam",
}  # fmt: skip
"""Where a language is mostly spoken, as a first guess at a time zone."""

PATH = Path(__file__).with_name("vocabulary.yml")
_UNITS = {
    "eur", "euro", "usd", "gbp", "chf", "in", "netto", "brutto", "net", "gross", "ttc", "ht", "utc", "de", "du", "of",
    "the", "la", "le",
}  # fmt: skip
_LETTERS = {
    "ß": "ss",
    "ä": "ae",
    "ö": "oe",
    "ü": "ue",
    "ø": "oe",
    "å": "aa",
    "æ": "ae",
    "ł": "l",
    "€": " eur ",
    "#": " nr ",
}


@cache
def _vocabulary() -> tuple[dict[str, str], dict[str, dict[str, str]]]:
    """Words by touchpoint; words by column and language, parted by commas."""
    content = strict_yaml.load(PATH.read_text(encoding="utf-8"))
    return content["touchpoints"], content["columns"]


@cache
def plain(name: str) -> tuple[str, ...]:
    """The words of a name: ``"KundenNr."`` is ("kunden", "nr"); units and small words fall away."""
    parted = re.sub(r"(?<=[a-zäöüß0-9])(?=[A-ZÄÖÜ])", " ", name).lower()
    spelled = "".join(_LETTERS.get(letter, letter) for letter in parted)
    ascii_only = unicodedata.normalize("NFKD", spelled).encode("ascii", "ignore").decode()
    words = tuple(re.findall("[a-z]+|[0-9]+", ascii_only))
    return tuple(word for word in words if word not in _UNITS) or words


@cache
def likeness(name: str, column: str) -> tuple[float, str]:
    """How alike a file's name and a canonical column are, 0 to 1, and the language that says so (``""``: none)."""
    words = plain(name)
    known = [(plain(column), "")]
    for language, spoken in _vocabulary()[1].get(column, {}).items():
        known += [(plain(word), "" if language == "en" else language) for word in spoken.split(",")]
    return max(
        ((_alike(words, one), language) for one, language in known), key=lambda found: (found[0], found[1] == "")
    )


def is_bare_id(name: str) -> bool:
    """Whether a name is ``id`` and nothing else: of whatever the file is about."""
    return plain(name) == ("id",)


def file_likeness(name: str, touchpoint: str) -> float:
    """1 where a word of the file's name is one of the touchpoint's, .7 where it begins with one, else 0."""
    words, known = plain(name), set(plain(_vocabulary()[0][touchpoint])) | set(plain(touchpoint))
    if any(word in known for word in words):
        return 1.0
    return 0.7 if any(word.startswith(one) for word in words for one in known if len(one) > 4) else 0.0


def _alike(words: tuple[str, ...], known: tuple[str, ...]) -> float:
    ours, theirs = "".join(words), "".join(known)
    if ours == theirs:
        return 1.0
    if set(words) == set(known):
        return 0.95
    if len(words) == len(known) > 1 and all(_begins(a, b) for a, b in zip(words, known, strict=True)):
        return 0.75
    if len(theirs) >= 4 and theirs in ours:
        return 0.5 + 0.35 * len(theirs) / len(ours)
    if abs(len(ours) - len(theirs)) > 4 or min(len(ours), len(theirs)) < 4:
        return 0.0
    ratio = difflib.SequenceMatcher(None, ours, theirs).ratio()
    return 0.85 * ratio if ratio > 0.8 else 0.0


def _begins(one: str, other: str) -> bool:
    return min(len(one), len(other)) >= 2 and (one.startswith(other) or other.startswith(one))
