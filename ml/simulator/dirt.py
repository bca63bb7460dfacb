"""Bad rows in known numbers: what each touchpoint's source gets wrong, and the rule that must catch it.

Belongs here: the list of faults and the making of bad rows out of good ones. Does not belong here: writing
and counting (``landing_files``). A bad row is always an additional one, so that no good row is lost by it. The rules
carry the names that the landing stage gives them, derived from the contract.
"""

from __future__ import annotations

from dataclasses import dataclass

MALFORMED_CSV = "malformed: more fields than the header has"
MALFORMED_JSON = "malformed: no JSON object"


@dataclass(frozen=True)
class Fault:
    """One way in which a row is bad: the value that stands in the column instead, or a line that is no row."""

    column: str
    value: str | int | None
    rule: str

    @property
    def is_malformed(self) -> bool:
        return self.rule in (MALFORMED_CSV, MALFORMED_JSON)


_CSV_LINE = Fault("", None, MALFORMED_CSV)
_JSON_LINE = Fault("", None, MALFORMED_JSON)

FAULTS: dict[str, tuple[Fault, ...]] = {
    "customers": (
        Fault("account_id", None, "required"),
        Fault("birth_date", "unknown", "no date"),
        Fault("birth_date", "1850-01-01", "min 1900-01-01"),
        Fault("updated_at", "31.13.2024 25:00", "no timestamp"),
        _CSV_LINE,
    ),
    "identities": (
        Fault("left_type", "fax", "allowed"),
        Fault("right_value", None, "required"),
        Fault("seen_at", "yesterday", "no timestamp"),
        _JSON_LINE,
    ),
    "products": (
        Fault("product_id", None, "required"),
        Fault("price", -1, "min 0"),
    ),
    "orders": (
        Fault("unit_price", "a lot", "no decimal(18,4)"),
        Fault("order_id", None, "required"),
        Fault("status", "teleported", "allowed"),
        Fault("quantity", "-2", "min 0"),
        Fault("currency", "XAU", "currency without rate"),
        Fault("ordered_at", "2024-02-31 12:00:00", "no timestamp"),
        _CSV_LINE,
    ),
    "events_web": (
        Fault("event_type", None, "required"),
        Fault("duration_seconds", -5, "min 0"),
    ),
    "events_app": (
        Fault("happened_at", "0000-00-00 00:00:00", "no timestamp"),
        Fault("event_id", None, "required"),
        Fault("duration_seconds", "long", "no decimal(18,3)"),
        _JSON_LINE,
    ),
    "subscriptions": (
        Fault("status", "zombie", "allowed"),
        Fault("price", "-4.99", "min 0"),
        Fault("currency", "XAU", "currency without rate"),
        Fault("started_at", "soon", "no timestamp"),
    ),
    "rewards": (
        Fault("change_type", "lost", "allowed"),
        Fault("points", "many", "no decimal(18,3)"),
        Fault("changed_at", None, "required"),
    ),
    "support_tickets": (
        Fault("csat", 9, "max 5"),
        Fault("contacts", "two", "no integer"),
        Fault("ticket_id", None, "required"),
        _JSON_LINE,
    ),
    "feedback": (
        Fault("score", "11", "max 10"),
        Fault("kind", "guess", "allowed"),
        Fault("answered_at", "12/31/24 5 pm", "no timestamp"),
        _CSV_LINE,
    ),
    "preferences": (
        Fault("weight", 3, "max 1"),
        Fault("attribute", None, "required"),
        _JSON_LINE,
    ),
    "messages": (
        Fault("channel", "pigeon", "allowed"),
        Fault("sent_at", "1717-99-99T00:00:00Z", "no timestamp"),
        Fault("message_id", None, "required"),
    ),
    "consents": (
        Fault("purpose", "fun", "allowed"),
        Fault("decision", "maybe", "allowed"),
        Fault("decided_at", None, "required"),
        _CSV_LINE,
    ),
    "erasure_requests": (Fault("requested_at", None, "required"),),
}
"""By kind of file; taken in turn."""
