"""Columns and types of what a decision writes.

Belongs here: Arrow schemas. Does not belong here: rows.
"""

from __future__ import annotations

import pyarrow as pa

TEXT, NUMBER, INSTANT = pa.string(), pa.float64(), pa.timestamp("us")

DECISIONS = pa.schema([
    ("action_id", TEXT), ("customer_id", TEXT), ("play", TEXT), ("channel", TEXT), ("arm", TEXT),
    ("decided_as_of", INSTANT), ("expected_margin", NUMBER), ("propensity", NUMBER), ("send_after", INSTANT),
    ("expires", INSTANT), ("contact_permission", TEXT), ("data_permission", TEXT), ("offer", TEXT),
    ("template", TEXT), ("reason", TEXT), ("trigger", TEXT),
])  # fmt: skip
"""Also those of ``standing``: the actions to carry out now, decided now or earlier."""
REJECTIONS = pa.schema([
    ("customer_id", TEXT), ("play", TEXT), ("channel", TEXT), ("rule", TEXT), ("expected_margin", NUMBER),
    ("decided_as_of", INSTANT), ("data_permission", TEXT),
])  # fmt: skip
ASSIGNMENTS = pa.schema([
    ("customer_id", TEXT), ("experiment", TEXT), ("arm", TEXT), ("share", NUMBER), ("assigned_as_of", INSTANT),
])  # fmt: skip
REDIRECTS = pa.schema([("customer_id", TEXT), ("redirects_to_customer_id", TEXT)])
CONTACTS = pa.schema([
    ("message_id", TEXT), ("customer_id", TEXT), ("action_id", TEXT), ("play", TEXT), ("channel", TEXT),
    ("sent_at", INSTANT),
])  # fmt: skip
