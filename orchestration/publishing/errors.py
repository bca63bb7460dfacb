"""What can go wrong at publishing, each with the next step in its message.

Belongs here: exception classes that callers tell apart. Does not belong here: handling them.
"""

from __future__ import annotations


class PublishError(RuntimeError):
    """A generation cannot be written or published; what readers see has not changed."""


class ContractError(PublishError):
    """The crm contract, or a table handed over for publishing, breaks the rules of the contract."""


class SinkUnavailableError(PublishError):
    """Postgres does not answer or is busy. Files are not affected; the next run republishes what the sink missed."""
