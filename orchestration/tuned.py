"""Settings that a search has found for a shop: ``shops/<shop>/tuned.yml``, read by every training of the shop.

Belongs here: the schema of tuned.yml, its errors, reading and writing it. Does not belong here: the search
(``orchestration.tuning``). A shop without the file trains with the defaults.

The file is part of the shop's folder and so of what a run pins (``inputs``). Settings count from the date on at which
the newest outcome that chose them was known, ``usable_from``: the models of earlier dates, in a backtest or before the
gate, could not have known them and grow by the defaults. A file of before that was kept counts from its as-of on.
"""

from __future__ import annotations

import difflib
from collections.abc import Mapping
from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Any

import yaml
from pydantic import Field

from orchestration.files import write_text_atomically
from orchestration.shop import read_settings
from orchestration.touchpoint import Strict

if TYPE_CHECKING:
    from ml.booster import Recipe

FILE = "tuned.yml"
HEAD = """\
# Written by `regulars tune`; trainings of this shop take these settings instead of the defaults (ml/booster.py).
# leaf_scale and ridge_scale multiply what the size of the data asks for.
# Delete the part of a model, or the file, to go back to the defaults.
"""


class Settings(Strict):
    """Those of one model; what is left out stays at its default."""

    as_of: date
    """At which they were found."""
    usable_from: date | None = None
    """From here on they count: when the newest outcome that they were chosen by was known. Else from the as-of on."""
    because: str
    """What they were found to be better by."""
    leaves: int | None = Field(None, ge=2, le=1024)
    rounds: int | None = Field(None, ge=1, le=10_000)
    learning_rate: float | None = Field(None, gt=0, le=1)
    feature_share: float | None = Field(None, gt=0, le=1)
    leaf_scale: float | None = Field(None, gt=0, le=100)
    ridge_scale: float | None = Field(None, ge=0, le=1000)

    @property
    def since(self) -> date:
        return self.usable_from or self.as_of

    def growth(self) -> dict[str, float]:
        """What is said about the trees."""
        return self.model_dump(exclude={"as_of", "usable_from", "because"}, exclude_none=True)


class Tuned(Strict):
    """The whole of tuned.yml."""

    churn: Settings | None = None
    value: Settings | None = None


def load_tuned(shop_folder: Path) -> Tuned:
    """The settings of a shop; none without a file.

    Raises
    ------
    ShopError
        Unreadable YAML, an unknown key (the likely one is named) or a value out of range.
    """
    path = shop_folder / FILE
    if not path.exists():
        return Tuned()
    return read_settings(path, Tuned.model_validate, _explain, "run `regulars tune` again, or delete it")


def recipe_for(shop_folder: Path, model: str, as_of: date) -> Recipe:
    """How the trees of a model grow at an as-of."""
    from ml.booster import Recipe

    found: Settings | None = getattr(load_tuned(shop_folder), model)
    if found is None or as_of < found.since:
        return Recipe()
    growth: dict[str, Any] = found.growth()
    return replace(Recipe(), **growth)


def known_since(shop_folder: Path, model: str) -> date | None:
    """From when on the settings of a model could have been known; None without any."""
    found: Settings | None = getattr(load_tuned(shop_folder), model)
    return found.since if found else None


def write_tuned(
    shop_folder: Path,
    model: str,
    growth: Mapping[str, float],
    *,
    as_of: date,
    because: str,
    usable_from: date | None = None,
) -> Path:
    """Write the settings of one model; those of the other stay."""
    told = {"as_of": as_of, "usable_from": usable_from, "because": because}
    found = load_tuned(shop_folder).model_copy(update={model: Settings.model_validate({**told, **growth})})
    text = yaml.safe_dump(found.model_dump(exclude_none=True), sort_keys=False, allow_unicode=True, width=110)
    path = shop_folder / FILE
    write_text_atomically(path, HEAD + text)
    return path


def in_force(shop_folder: Path) -> list[str]:
    """A sentence for each model that does not train with the defaults."""
    found = load_tuned(shop_folder)
    by_model: dict[str, Settings | None] = {"churn": found.churn, "value": found.value}
    return [
        f"{model} trains with settings of {FILE} from {own.since} on: {spoken(own.growth())}"
        for model, own in by_model.items()
        if own is not None
    ]


def spoken(growth: Mapping[str, float]) -> str:
    """Settings in a line."""
    return ", ".join(f"{name} {value:g}" for name, value in growth.items())


def _explain(detail: Any) -> str:
    place = ".".join(str(part) for part in detail["loc"])
    if detail["type"] == "extra_forbidden":
        known = Tuned.model_fields if len(detail["loc"]) == 1 else Settings.model_fields
        near = difflib.get_close_matches(str(detail["loc"][-1]), list(known), 1)
        return f"{place}: unknown key" + (f", did you mean {near[0]!r}?" if near else "")
    return f"{place}: {detail['msg']}"
