"""What the shop allows itself: plays, caps, quiet days, holdouts. Plain values, nothing of YAML.

Belongs here: the vocabulary of a decision. Does not belong here: reading plays.yml, deciding.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

CHANNELS = ("email", "push", "sms", "agent_task")
MESSAGE_CHANNELS = ("email", "push", "sms")
"""Where a message can come back or be unsubscribed from."""
FLAGS = {
    "service": "may_serve",
    "marketing/email": "may_email",
    "marketing/push": "may_push",
    "marketing/sms": "may_sms",
    "marketing/phone": "may_call",
    "profiling": "may_profile",
}
"""Purpose: column of the candidates that says whether it stands granted."""


@dataclass(frozen=True)
class Play:
    """One play; ``eligible`` and ``margin`` are SQL over the candidates, already checked."""

    name: str
    channel: str
    eligible: str
    margin: str
    """Expected incremental margin of one contact before its cost, in the shop's currency."""
    contact_permission: str
    """Purpose that the contact stands on, a key of ``FLAGS``."""
    data_permission: str | None
    """Purpose that the choice stands on; None where no column tells what a person is like."""
    cost: float = 0.0
    cooldown_days: int = 0
    control_share: float = 0.0
    stop_contacts: int | None = None
    """No further contact after so many within ``stop_days``."""
    stop_days: int = 365
    send_after_hours: int = 0
    """After the as-of."""
    expires_hours: int = 48
    """After ``send_after_hours``."""
    offer: str | None = None
    template: str = ""
    reason: str | None = None
    trigger: str = "daily"

    @property
    def experiment(self) -> str:
        return f"play:{self.name}"

    @property
    def is_marketing(self) -> bool:
        return self.contact_permission != "service"


@dataclass(frozen=True)
class Cap:
    """At most ``contacts`` within any ``days`` days, on one channel or (None) on all together."""

    contacts: int
    days: int
    channel: str | None = None


@dataclass(frozen=True)
class Policy:
    """Everything that a decision follows beside the candidates."""

    plays: tuple[Play, ...] = ()
    """All of the shop, sorted by name: of equal margins the first wins."""
    trigger: str = "daily"
    """The kind of run: which plays it decides. Actions of the others, decided earlier, may still stand."""
    caps: tuple[Cap, ...] = ()
    quiet_days: Mapping[str, int] = field(default_factory=dict)
    """Days without marketing after a ``complaint``; on the channel after a ``bounce`` or ``unsubscribe``."""
    quiet_with_open_ticket: bool = True
    global_holdout: float = 0.0
    send_log_days: int = 3
    """The sending system's log is complete after so many days."""
    live_hours: int = 24
    """How old an event may be to set a live play off."""

    @property
    def deciding(self) -> tuple[Play, ...]:
        """The plays that this kind of run decides."""
        return tuple(play for play in self.plays if play.trigger == self.trigger)

    @property
    def history_days(self) -> int:
        """How far back contacts matter."""
        windows = [cap.days for cap in self.caps]
        windows += [days for play in self.plays for days in (play.cooldown_days, play.stop_days)]
        return max(windows, default=0)
