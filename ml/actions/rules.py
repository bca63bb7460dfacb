"""The rules that stand between a play and a customer, each a mask over (customers, plays).

Belongs here: one function per rule, and their order. Does not belong here: choosing among what is left (``decide``).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ml.actions.policy import CHANNELS, MESSAGE_CHANNELS, Policy

Mask = NDArray[np.bool_]
DAY = np.timedelta64(1, "D")


@dataclass(frozen=True)
class Contacts:
    """Contacts of the block's customers, one entry each."""

    row: NDArray[np.int64]
    """Place of the customer in the block."""
    play: NDArray[np.int64]
    """Place of the play in the policy, -1 for a message of no play of ours."""
    channel: NDArray[np.int64]
    """Place of the channel in ``CHANNELS``, -1 for another one."""
    at: NDArray[np.datetime64]
    is_contact: Mask
    """False where somebody was withheld: it rests the play, no cap counts it."""


@dataclass(frozen=True)
class Block:
    """N candidates and what the P plays of the policy make of them."""

    customers: list[str]
    units: list[str]
    """Household, or the customer where none is known: what holdouts are drawn by."""
    eligible: Mask
    """(N, P)."""
    margin: NDArray[np.float64]
    """(N, P) expected incremental margin before cost; NaN where it cannot be said."""
    granted: dict[str, Mask]
    """(N,) by purpose."""
    days_since: dict[str, NDArray[np.float64]]
    """(N,) days since ``complaint``, ``<channel>_bounce``, ``<channel>_unsubscribe``; NaN for never."""
    open_tickets: NDArray[np.int64]
    contacts: Contacts

    @property
    def size(self) -> int:
        return len(self.customers)


def may_be_looked_at(block: Block, policy: Policy) -> Mask:
    """Whose data the choice may stand on. Of the others nothing is on record, not even that they were eligible: that
    alone would say what they are like, and no reader may see it."""
    always = np.ones(block.size, dtype=bool)
    needed = [play.data_permission for play in policy.plays]
    return np.column_stack([block.granted[need] if need else always for need in needed])


def no_grant(block: Block, policy: Policy) -> Mask:
    """The contact has no standing grant for its channel."""
    return ~np.column_stack([block.granted[play.contact_permission] for play in policy.plays])


def after_complaint(block: Block, policy: Policy) -> Mask:
    """Marketing rests on all channels after a complaint."""
    quiet = _within(block.days_since["complaint"], policy.quiet_days.get("complaint", 0))
    return np.column_stack([quiet & play.is_marketing for play in policy.plays])


def after_bounce(block: Block, policy: Policy) -> Mask:
    """A channel rests after a message came back on it."""
    return _channel_rests(block, policy, "bounce")


def after_unsubscribe(block: Block, policy: Policy) -> Mask:
    """Marketing rests on a channel after somebody left it, until their consent is on record as withdrawn."""
    is_marketing = np.array([play.is_marketing for play in policy.plays])
    return _channel_rests(block, policy, "unsubscribe") & is_marketing


def open_ticket(block: Block, policy: Policy) -> Mask:
    """Marketing rests while somebody waits for an answer."""
    waits = (block.open_tickets > 0) & policy.quiet_with_open_ticket
    return np.column_stack([waits & play.is_marketing for play in policy.plays])


def cooldown(block: Block, policy: Policy, as_of: np.datetime64) -> Mask:
    """The same play was done, or withheld, within its cooldown."""
    masks = []
    for place, play in enumerate(policy.plays):
        recent = (block.contacts.play == place) & (block.contacts.at > as_of - play.cooldown_days * DAY)
        masks.append(_count(block, recent) > 0 if play.cooldown_days else np.zeros(block.size, dtype=bool))
    return np.column_stack(masks)


def stopped(block: Block, policy: Policy, as_of: np.datetime64) -> Mask:
    """The play's stop rule: so many contacts were enough."""
    masks = []
    for place, play in enumerate(policy.plays):
        recent = (block.contacts.play == place) & (block.contacts.at > as_of - play.stop_days * DAY)
        limit = play.stop_contacts if play.stop_contacts is not None else np.inf
        masks.append(_count(block, recent & block.contacts.is_contact) >= limit)
    return np.column_stack(masks)


def channel_cap(block: Block, policy: Policy, as_of: np.datetime64) -> Mask:
    """The channel's cap is reached."""
    return _capped(block, policy, as_of, [cap.channel for cap in policy.caps if cap.channel])


def total_cap(block: Block, policy: Policy, as_of: np.datetime64) -> Mask:
    """The cap over all channels is reached."""
    return _capped(block, policy, as_of, [None])


def _capped(block: Block, policy: Policy, as_of: np.datetime64, channels: list[str | None]) -> Mask:
    reached = np.zeros((block.size, len(policy.plays)), dtype=bool)
    contacts = block.contacts
    for cap in policy.caps:
        if cap.channel not in channels:
            continue
        counted = contacts.is_contact & (contacts.at > as_of - cap.days * DAY)
        if cap.channel is not None:
            counted &= contacts.channel == CHANNELS.index(cap.channel)
        concerned = np.array([cap.channel in (None, play.channel) for play in policy.plays])
        reached |= (_count(block, counted) >= cap.contacts)[:, None] & concerned
    return reached


def _channel_rests(block: Block, policy: Policy, signal: str) -> Mask:
    days, never = policy.quiet_days.get(signal, 0), np.zeros(block.size, dtype=bool)
    return np.column_stack([
        _within(block.days_since[f"{play.channel}_{signal}"], days) if play.channel in MESSAGE_CHANNELS else never
        for play in policy.plays
    ])  # fmt: skip


def _within(days_since: NDArray[np.float64], days: int) -> Mask:
    with np.errstate(invalid="ignore"):
        return days_since <= days


def _count(block: Block, which: Mask) -> NDArray[np.int64]:
    return np.bincount(block.contacts.row[which], minlength=block.size)


OF_PERSON = (no_grant, after_complaint, after_bounce, after_unsubscribe, open_ticket)
OF_HISTORY = (cooldown, stopped, channel_cap, total_cap)
"""In this order: the first that is against a play is the one on record."""
