"""What a shop does with its scores: ``shops/<shop>/plays.yml``, read once and checked to the last key.

Belongs here: the schema of plays.yml and its errors. Does not belong here: the SQL inside it (``play_sql``), deciding
(``ml.actions``). A shop without the file has no plays.
"""

from __future__ import annotations

import difflib
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field

from ml.actions.policy import CHANNELS, Cap, Play, Policy
from orchestration.play_sql import candidate_columns, checked
from orchestration.shop import ShopError, read_settings

FILE = "plays.yml"
CONSENT_CHANNELS = {"email": "email", "push": "push", "sms": "sms", "agent_task": "phone"}
"""The channel whose consent a marketing play stands on."""


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class StopRule(_Strict):
    """When a play has asked often enough."""

    contacts: int = Field(ge=1)
    within_days: int = Field(365, ge=1)


class Success(_Strict):
    """What the play is there for, written down before it begins; nothing here reads it."""

    metric: Literal["order", "visit", "points_spent", "good_rating", "renewal"]
    within_days: int = Field(ge=1)


class PlayEntry(_Strict):
    """One play as written down."""

    eligible: str
    """SQL predicate over the columns of ``actions.action_candidates``; null counts as no."""
    channel: Literal["email", "push", "sms", "agent_task"]
    purpose: Literal["service", "marketing"] = "marketing"
    """``marketing`` needs the customer's grant for the channel, a task for an agent that for the phone, and rests
    after a complaint and while a ticket is open; ``service`` is for what they ordered, asked or owe, nothing more."""
    cost: float = Field(ge=0)
    """Of one contact, offer included, in the shop's currency."""
    margin: Annotated[str, BeforeValidator(str)]
    """SQL expression: margin that one contact is expected to add, before its cost."""
    template: str
    """Template to send, or what the agent's task is."""
    reason: str
    """Why, in words that the customer may read."""
    offer: str | None = None
    cooldown_days: int = Field(ge=1)
    """Days before the same person is asked the same again."""
    success: Success | None = None
    stop: StopRule
    control_share: float = Field(0.1, ge=0, le=0.5)
    """Share of those it is meant for who are left out, so that its effect can be told."""
    trigger: Literal["daily", "live"] = "daily"
    """``live``: decided when the events arrive, by a triggered run, and by no daily one."""
    send_after_hours: int = Field(9, ge=0, le=48)
    """After the as-of, which is midnight or the instant of the events."""
    expires_hours: int = Field(48, ge=1, le=336)
    """After that; from then on it is not to be sent any more."""


class CapEntry(_Strict):
    """At most so many contacts in any so many days."""

    contacts: int = Field(ge=1)
    days: int = Field(ge=1)
    channel: Literal["email", "push", "sms", "agent_task"] | None = None
    """Without one: all channels together."""


class QuietDays(_Strict):
    """Days without marketing: everywhere after a complaint, on the channel after a bounce or an unsubscription."""

    complaint: int = Field(60, ge=0)
    bounce: int = Field(30, ge=0)
    unsubscribe: int = Field(60, ge=0)


class Plays(_Strict):
    """The whole of plays.yml."""

    global_holdout: float = Field(0.05, ge=0, le=0.5)
    """Share of persons whom no play ever contacts, so that the effect of all together can be told."""
    caps: tuple[CapEntry, ...] = ()
    quiet_days: QuietDays = QuietDays.model_validate({})
    quiet_with_open_ticket: bool = True
    live_hours: int = Field(24, ge=1)
    """Events older than this set no live play off: a late file is history."""
    send_log_days: int = Field(3, ge=0)
    """The sending system's log is complete after so many days: what it then does not hold was not sent."""
    plays: dict[str, PlayEntry]


def load_policy(shop_folder: Path, trigger: Literal["daily", "live"] = "daily") -> Policy:
    """The plays of a shop and the rules for all of them, for one kind of run; no plays without a file.

    Raises
    ------
    ShopError
        Unreadable YAML, an unknown key or channel, a value out of range, SQL that cannot be used.
    """
    path = shop_folder / FILE
    if not path.exists():
        return Policy(trigger=trigger)
    written = _read(path)
    plays = {name: _play(path, name, entry) for name, entry in sorted(written.plays.items())}
    return Policy(
        plays=tuple(plays.values()),
        trigger=trigger,
        caps=tuple(Cap(cap.contacts, cap.days, cap.channel) for cap in written.caps),
        quiet_days=written.quiet_days.model_dump(),
        quiet_with_open_ticket=written.quiet_with_open_ticket,
        global_holdout=written.global_holdout,
        send_log_days=written.send_log_days,
        live_hours=written.live_hours,
    )


def _read(path: Path) -> Plays:
    hint = "write `plays:` and under it one entry per play, or delete it"
    return read_settings(path, Plays.model_validate, _explain, hint)


def _play(path: Path, name: str, entry: PlayEntry) -> Play:
    columns: set[str] = set()
    for field, result in (("eligible", "boolean"), ("margin", "double")):
        try:
            columns |= checked(getattr(entry, field), result)
        except ShopError as error:
            raise ShopError(f"{path}: play {name}: {field} {error}. Correct it and run again") from None
    known = candidate_columns()
    if entry.trigger == "daily" and (live := sorted(column for column in columns if known[column].is_live)):
        raise ShopError(f"{path}: play {name}: {live[0]} is filled in triggered runs only; write `trigger: live`")
    return Play(
        name=name,
        contact_permission="service" if entry.purpose == "service" else f"marketing/{CONSENT_CHANNELS[entry.channel]}",
        data_permission="profiling" if any(known[column].needs_profiling for column in columns) else None,
        stop_contacts=entry.stop.contacts,
        stop_days=entry.stop.within_days,
        **entry.model_dump(exclude={"purpose", "success", "stop"}),
    )


def _explain(detail: Any) -> str:
    *where, last = detail["loc"]
    place = ".".join(str(part) for part in detail["loc"])
    if detail["type"] == "extra_forbidden":
        return f"{place}: unknown key{_meant(str(last), _keys_beside(where))}"
    if detail["type"] == "literal_error":
        known = CHANNELS if last == "channel" else [part.strip(" '") for part in detail["ctx"]["expected"].split(",")]
        return f"{place}: {detail['input']!r} is none of {', '.join(known)}{_meant(str(detail['input']), known)}"
    if detail["type"] == "missing":
        return f"{place}: is missing; every play says it"
    return f"{place}: {detail['msg']}"


def _keys_beside(where: list[Any]) -> list[str]:
    models: dict[str, type[BaseModel]] = {
        "plays": PlayEntry, "caps": CapEntry, "quiet_days": QuietDays, "stop": StopRule, "success": Success,
    }  # fmt: skip
    named = [models[part] for part in where if part in models]
    return list((named[-1] if named else Plays).model_fields)


def _meant(name: str, known: Any) -> str:
    near = difflib.get_close_matches(name, list(known), 1)
    return f", did you mean {near[0]!r}?" if near else ""
