"""What one shop's folder says: ``shops/<shop>/shop.yml``, read once and checked to the last key.

Belongs here: the schema of shop.yml and its errors. Does not belong here: what machines differ in
(``settings``) and what every shop's columns are (the contract, ``dbt_project/models/sources/raw.yml``).
"""

from __future__ import annotations

import difflib
from collections.abc import Callable
from datetime import date
from pathlib import Path
from typing import Any, Literal, TypeVar
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError, available_timezones

import yaml
from pydantic import BaseModel, Field, ValidationError, field_validator, model_validator

from orchestration import strict_yaml
from orchestration.touchpoint import Strict, Touchpoint

TOUCHPOINTS = (
    "customers", "identities", "products", "orders", "events", "subscriptions", "rewards",
    "support_tickets", "feedback", "preferences", "messages", "consents", "erasure_requests",
)  # fmt: skip
VERSIONED = ("customers", "products", "subscriptions")
"""Their rows are versions: what one says was not known before it came."""
SUFFICIENT = ("orders", "events", "subscriptions")
PURPOSES = ("service", "marketing", "profiling", "personalised_recommendations", "ad_audiences", "special_category")

Said = TypeVar("Said")


class ShopError(ValueError):
    """The shop's folder cannot be used; the message says what, where and what to do next."""


class Churn(Strict):
    """What "gone" means in this shop."""

    mode: Literal["inactivity", "subscription"] = "inactivity"
    activity: Literal["orders", "events"] = "orders"
    active_days: int = Field(365, ge=1)
    horizon_days: int = Field(90, ge=1)
    label_delay_days: int = Field(7, ge=0)
    """Days after the horizon until its outcome counts as known."""
    training_snapshots: int = Field(16, ge=1)
    snapshot_step_days: int = Field(30, ge=1)

    @property
    def touchpoint(self) -> str:
        """What tells who is gone."""
        return "subscriptions" if self.mode == "subscription" else self.activity


class Recommendations(Strict):
    """What lists of recommendations look like in this shop."""

    list_length: int = Field(10, ge=1, le=100)
    discovery_slots: int = Field(1, ge=0)
    """Places spread over each list that are drawn among good candidates new to the customer."""
    calibration: float = Field(0.1, ge=0, le=1)
    """How much the customer's own mix of categories counts against the scores."""
    mode: Literal["auto", "mixed", "repeat", "discovery"] = "auto"
    """``repeat``: what the customer bought before, as far as it fills the list; ``discovery``: only what they did not;
    ``auto``: what the shop's own purchases say."""
    horizon_days: int = Field(30, ge=1)
    """Days after an as-of whose purchases teach and judge the recommender."""
    time_budget_seconds: float | None = Field(None, gt=0)
    """What fitting the generators may take by estimate; the least useful are left out until the others fit in."""

    @model_validator(mode="after")
    def _leaves_room(self) -> Recommendations:
        if self.discovery_slots >= self.list_length:
            raise ValueError("discovery_slots must be fewer than list_length")
        return self


class Consent(Strict):
    """On which basis a purpose stands; what has no standing grant is refused."""

    basis: Literal["consent", "assume"] = "consent"
    because: str | None = None

    @model_validator(mode="after")
    def _assumption_has_a_reason(self) -> Consent:
        if self.basis == "assume" and not self.because:
            raise ValueError("`assume` needs a `because:` that is printed in every manifest")
        return self


class IdentityRules(Strict):
    """How many accounts one identifier may join; an identifier seen with more joins none (a hub)."""

    email: int = 5
    phone: int = 5
    loyalty_card: int = 5
    device: int = 1
    cookie: int = 1


class Shop(Strict):
    """One shop, as its folder describes it."""

    slug: str
    folder: Path
    name: str
    time_zone: str = "UTC"
    currency: str = Field("EUR", pattern="^[A-Z]{3}$")
    landing: str | None = None
    """Landing folder relative to the project; else ``data/<shop>/landing``."""
    closed_on: date | None = None
    """The data set ends here; a run without an as-of takes this day. A living shop leaves it out."""
    first_as_of: date = date(2020, 1, 1)
    """Earliest daily partition."""
    owner: str = "data-team"
    touchpoints: dict[str, Touchpoint]
    knowledge_lag_hours: int = Field(6, ge=0, le=23)
    churn: Churn = Field(default_factory=lambda: Churn.model_validate({}))
    recommendations: Recommendations = Recommendations.model_validate({})
    identity: IdentityRules = IdentityRules()
    consent: dict[str, Consent] = Field(default_factory=dict)
    simulator: dict[str, Any] | None = None
    """Settings of ``ml.simulator`` for a shop whose files are simulated."""

    @field_validator("time_zone")
    @classmethod
    def _zone_exists(cls, zone: str) -> str:
        try:
            ZoneInfo(zone)
        except (ZoneInfoNotFoundError, ValueError, OSError):
            near = difflib.get_close_matches(zone, available_timezones(), 1)
            raise ValueError(f"no such time zone: {zone}" + (f"; did you mean {near[0]}?" if near else "")) from None
        return zone

    @model_validator(mode="after")
    def _is_enough(self) -> Shop:
        for known, given, what in ((TOUCHPOINTS, self.touchpoints, "touchpoint"), (PURPOSES, self.consent, "purpose")):
            for name in given:
                if name not in known:
                    raise ValueError(_unknown(what, name, known))
        for name in VERSIONED:
            if name in self.touchpoints and self.touchpoints[name].history:
                raise ValueError(
                    f"touchpoints.{name}.history: a row of {name} is a version, and what it says was not known before "
                    "it came. Remove the line; if the files say since when each version was known, name that column: "
                    "`known_at: …`"
                )
        if not set(SUFFICIENT) & set(self.touchpoints):
            raise ValueError(f"a shop needs at least one of the touchpoints {', '.join(SUFFICIENT)}")
        for purpose, consent in self.consent.items():
            if consent.basis == "assume" and purpose not in ("service", "profiling"):
                raise ValueError(f"only service and profiling may be assumed, not {purpose}")
        return self

    @property
    def zone(self) -> ZoneInfo:
        return ZoneInfo(self.time_zone)

    def mapping_sql(self, touchpoint: str) -> str | None:
        """Text of ``<touchpoint>.sql`` in the shop's folder, where it maps by SQL."""
        path = self.folder / f"{touchpoint}.sql"
        return path.read_text(encoding="utf-8") if path.exists() else None


def load_shop(shops_dir: Path, slug: str) -> Shop:
    """Read and check one shop's folder.

    Raises
    ------
    ShopError
        No such shop, unreadable YAML, an unknown key (the likely one is named) or a value out of range.
    """
    path = shops_dir / slug / "shop.yml"
    if not path.exists():
        shops = sorted(p.parent.name for p in shops_dir.glob("*/shop.yml"))
        raise ShopError(
            f"{_unknown('shop', slug, shops)}: no {path}. Shops here: {', '.join(shops) or 'none'}. "
            f"A new one: regulars init {slug}"
        )
    return read_settings(
        path,
        lambda content: Shop(slug=slug, folder=path.parent, **content),
        _explain,
        "it needs at least name: and touchpoints:",
    )


def read_settings(
    path: Path, make: Callable[[dict[str, Any]], Said], explain: Callable[[Any], str], where_empty: str
) -> Said:
    """A YAML file of a shop's folder as its schema; all its mistakes at once, each in a line by ``explain``.

    Raises
    ------
    ShopError
        Unreadable YAML, nothing in it (``where_empty`` says what to do) or what the schema refuses.
    """
    try:
        content = strict_yaml.load(path.read_text(encoding="utf-8"))
    except yaml.YAMLError as error:
        raise ShopError(f"{path} is not valid YAML: {error}") from error
    if not isinstance(content, dict):
        raise ShopError(f"{path} is empty or no mapping; {where_empty}")
    try:
        return make(content)
    except ValidationError as error:
        lines = "\n".join(f"  {explain(detail)}" for detail in error.errors())
        raise ShopError(f"{path} has {error.error_count()} mistake(s):\n{lines}") from None


def _explain(detail: Any) -> str:
    where = ".".join(str(part) for part in detail["loc"]) or "shop.yml"
    if detail["type"] == "extra_forbidden":
        return f"{where}: {_unknown('key', str(detail['loc'][-1]), _keys_beside(detail['loc']))}"
    return f"{where}: {detail['msg'].removeprefix('Value error, ')}"


def _keys_beside(location: tuple[Any, ...]) -> list[str]:
    models: dict[str, type[BaseModel]] = {
        "touchpoints": Touchpoint, "churn": Churn, "identity": IdentityRules, "consent": Consent,
        "recommendations": Recommendations,
    }  # fmt: skip
    model = models.get(str(location[0]), Shop) if len(location) > 1 else Shop
    return [name for name in model.model_fields if name not in ("slug", "folder")]


def _unknown(what: str, name: str, known: Any) -> str:
    near = difflib.get_close_matches(name, list(known), 1)
    return f"unknown {what} {name!r}" + (f", did you mean {near[0]!r}?" if near else "")
