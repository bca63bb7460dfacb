"""Where one touchpoint's files are and how they are written: an entry of ``touchpoints:`` in shop.yml.

Belongs here: the keys of such an entry and their errors. Does not belong here: the shop's other keys (``shop``),
what is done with them (``landing``).
"""

from __future__ import annotations

import re
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field, field_validator

DIRECTIVES = "dmYyHIMSfpbB"
"""Letters that may follow % in a ``date_format``."""


class Strict(BaseModel):
    """A part of shop.yml: an unknown key is a mistake."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class Touchpoint(Strict):
    """Where one touchpoint's files are, how they are written, how their columns are called."""

    files: str
    """Glob within the landing folder, such as ``orders*.csv.gz``."""
    columns: dict[str, str] = Field(default_factory=dict)
    """Canonical name: name in the file. Columns that already have their canonical name need no line."""
    known_at: str | None = None
    """Column of the file that says when the row was learned; else the landing instant."""
    history: bool = False
    """First load of an old shop: an append-only row counts as known when it happened."""
    time_zone: str | None = None
    """Zone of instants without an offset; else the shop's."""
    date_format: tuple[str, ...] = ()
    """How days and instants are written beside ISO 8601, one or several: ``%d.%m.%Y %H:%M``."""
    decimal: Literal[".", ","] = "."
    """Sign before the decimals of numbers in text; with a comma, a point or a space parts thousands."""
    thousands: Literal["", ",", "'"] = ""
    """Sign that parts thousands where the decimals follow a point: with a comma, ``1,234`` is more than a thousand."""
    encoding: Literal["utf-8", "windows-1252", "iso-8859-15"] = "utf-8"
    """Of text files."""

    @field_validator("columns", mode="before")
    @classmethod
    def _none_is_none(cls, given: object) -> object:
        return {} if given is None else given  # every line below is a comment

    @field_validator("date_format", mode="before")
    @classmethod
    def _one_is_enough(cls, given: object) -> object:
        return (given,) if isinstance(given, str) else given

    @field_validator("date_format")
    @classmethod
    def _formats_name_a_day(cls, formats: tuple[str, ...]) -> tuple[str, ...]:
        for written in formats:
            letters = re.findall("%(.)", written)
            if "z" in letters or "Z" in letters:
                raise ValueError(f"{written!r}: an instant with an offset is read as ISO 8601, without a date_format")
            if unknown := [letter for letter in letters if letter not in DIRECTIVES]:
                raise ValueError(f"{written!r}: %{unknown[0]} is none of {', '.join('%' + one for one in DIRECTIVES)}")
            if not ({"d"} <= set(letters) and {"m", "b", "B"} & set(letters) and {"Y", "y"} & set(letters)):
                raise ValueError(f"{written!r} has to name day, month and year, such as %d.%m.%Y")
            if written.startswith("%Y-%d"):
                raise ValueError(f"{written!r} would be taken for ISO 8601; write such days differently")
        return formats
