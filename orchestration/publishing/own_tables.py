"""Tables of schema ``crm`` that the publisher makes itself, beside those of the contract.

Belongs here: what their columns mean. Does not belong here: their views (``postgres.views``).
"""

from __future__ import annotations

from orchestration.publishing.contract import Column, Table

OWN_TABLES = (
    Table(
        "generations",
        "Every generation published so far, the run that wrote it, and which one you read now. In Postgres.",
        ("generation_id",),
        (
            Column("generation_id", "varchar", "The published state of all tables."),
            Column("inputs_id", "varchar", "The pinned inputs that it was computed from."),
            Column("as_of", "timestamp", "The instant up to which everything was taken into account, UTC."),
            Column("as_of_date", "date", "The same as a day in the shop's time zone."),
            Column("run_id", "varchar", "The run that wrote it."),
            Column("started_at", "timestamp", "When that run began, UTC."),
            Column("contract_version", "integer", "Which additions to the contract a reader finds."),
            Column("previous", "varchar", "The generation that its *_changes are held against."),
            Column("counts", "json", "Rows by table."),
            Column("published_at", "timestamp", "When readers were first pointed to it, UTC."),
            Column("is_current", "boolean", "True for the one that readers see."),
        ),
    ),
    Table(
        "suppressions",
        "Customers who are hidden everywhere, since when and why. Live.",
        ("customer_id",),
        (
            Column("customer_id", "varchar", "Who is hidden."),
            Column("since", "timestamp", "Since when, UTC."),
            Column("reason", "varchar", "Why."),
        ),
    ),
)
"""Made by the publisher itself, beside the tables of the contract; every role may read them."""
