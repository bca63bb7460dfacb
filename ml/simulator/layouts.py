"""What the demo shop's files look like: format, period, names of columns, notation of instants.

Belongs here: one entry per kind of file. Does not belong here: how a format is written (``formats``).
``shops/demo/shop.yml`` says the same to the landing stage; a test compares the two.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Literal

Period = Literal["month", "quarter", "whole"]
Instants = Literal["local", "offset", "zulu", "typed local", "typed utc"]


@dataclass(frozen=True)
class Layout:
    """One kind of file."""

    touchpoint: str
    suffix: str
    """``csv``, ``csv.gz``, ``jsonl``, ``jsonl.gz`` or ``parquet``."""
    period: Period
    instants: Instants
    export_second: int
    """Second of the night at which the export runs; between 03:00 and 05:00."""
    columns: tuple[str, ...]
    """Canonical names, in the file's order."""
    known_at: str = "exported_at"
    """Name of the column that says when the row was exported."""
    names: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}))
    """Canonical name: name in the file, where they differ."""
    prefix: str = ""
    """Begin of the file name; the touchpoint where empty."""
    overlaps: bool = False
    """The last night of a period is delivered again with the next one."""

    def name(self, column: str) -> str:
        return self.known_at if column == "known_at" else self.names.get(column, column)

    def file_name(self, period: str) -> str:
        return f"{self.prefix or self.touchpoint}{'_' + period if period else ''}.{self.suffix}"


_EVENTS = (
    "event_id", "happened_at", "event_type", "account_id", "device_id", "cookie_id", "session_id", "product_id",
    "duration_seconds", "channel", "properties",
)  # fmt: skip

LAYOUTS: dict[str, Layout] = {
    "customers": Layout(
        "customers", "csv", "quarter", "local", 11_000,
        ("account_id", "email", "phone", "first_name", "last_name", "birth_date", "gender", "street",
         "postal_code", "city", "region", "country", "language", "time_zone", "signed_up_at", "acquisition_channel",
         "loyalty_card_id", "loyalty_tier", "updated_at"),
    ),
    "identities": Layout(
        "identities", "jsonl.gz", "quarter", "zulu", 11_100,
        ("left_type", "left_value", "right_type", "right_value", "seen_at"),
    ),
    "products": Layout(
        "products", "parquet", "whole", "typed local", 11_200,
        ("product_id", "name", "category_path", "brand", "price", "unit_cost", "url", "image_url", "attributes",
         "is_available", "is_sensitive", "launched_date", "updated_at"),
    ),
    "orders": Layout(
        "orders", "csv.gz", "month", "local", 11_300,
        ("order_id", "line_number", "line_type", "ordered_at", "account_id", "email", "phone", "loyalty_card_id",
         "cookie_id", "product_id", "quantity", "unit_price", "discount", "currency", "channel", "status",
         "returned_at", "returned_quantity"),
        known_at="exportiert_am",
        names=MappingProxyType({
            "order_id": "Belegnummer", "line_number": "Position", "line_type": "Belegart", "ordered_at": "Bestellt am",
            "account_id": "Kundennummer", "email": "E-Mail", "phone": "Telefon", "loyalty_card_id": "Kundenkarte",
            "product_id": "Artikelnummer", "quantity": "Menge", "unit_price": "Einzelpreis", "discount": "Rabatt",
            "currency": "Währung", "channel": "Kanal", "status": "Status", "returned_at": "Retoure am",
            "returned_quantity": "Retoure Menge",
        }),
        overlaps=True,
    ),
    "events_web": Layout("events", "parquet", "quarter", "typed utc", 11_400, _EVENTS, prefix="events_web"),
    "events_app": Layout("events", "jsonl.gz", "quarter", "offset", 11_500, _EVENTS, prefix="events_app"),
    "subscriptions": Layout(
        "subscriptions", "csv", "whole", "local", 11_600,
        ("subscription_id", "account_id", "plan", "price", "currency", "billing_period", "started_at", "renews_at",
         "notice_given_at", "ended_at", "end_reason", "usage", "usage_limit", "status", "updated_at"),
    ),
    "rewards": Layout(
        "rewards", "csv.gz", "quarter", "offset", 11_700,
        ("reward_id", "changed_at", "loyalty_card_id", "programme", "change_type", "points", "expires_at"),
    ),
    "support_tickets": Layout(
        "support_tickets", "jsonl", "quarter", "zulu", 11_800,
        ("ticket_id", "opened_at", "account_id", "email", "category", "resolved_at", "contacts", "csat", "rated_at",
         "text"),
        known_at="exportedAt",
        names=MappingProxyType({
            "ticket_id": "ticketId", "opened_at": "openedAt", "account_id": "requesterId", "email": "requesterMail",
            "category": "topic", "resolved_at": "solvedAt", "contacts": "touches", "csat": "satisfaction",
            "rated_at": "satisfactionAt", "text": "body",
        }),
    ),
    "feedback": Layout(
        "feedback", "csv", "whole", "local", 11_900,
        ("feedback_id", "answered_at", "kind", "account_id", "email", "score", "product_id", "text"),
        names=MappingProxyType({"kind": "survey", "score": "answer", "account_id": "customer"}),
    ),
    "preferences": Layout(
        "preferences", "jsonl", "whole", "local", 12_000, ("account_id", "attribute", "value", "weight", "set_at"),
    ),
    "messages": Layout(
        "messages", "csv.gz", "quarter", "zulu", 12_100,
        ("message_id", "sent_at", "account_id", "email", "phone", "campaign", "play", "channel", "arm", "delivered_at",
         "opened_at", "clicked_at", "bounced_at", "complained_at", "unsubscribed_at"),
    ),
    "consents": Layout(
        "consents", "csv", "quarter", "offset", 12_200,
        ("account_id", "email", "purpose", "channel", "decision", "decided_at", "source"),
    ),
    "erasure_requests": Layout(
        "erasure_requests", "jsonl", "whole", "zulu", 12_300, ("request_id", "account_id", "email", "requested_at"),
    ),
}  # fmt: skip
