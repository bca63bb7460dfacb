"""Who is who, as known at any instant: identifiers into persons, persons into lasting customer ids.

Belongs here: the identity graph, its components over known time, the ids they bear, and how good they are
against a truth. Does not belong here: where identifiers and their edges come from (dbt), normalising and
tokenising their values (landing), reading and writing files (orchestration).
"""

from ml.identity.graph import DEFAULT_CAPS, TYPES, IdentityError
from ml.identity.ledger import customer_id_of
from ml.identity.resolve import Resolution, Summary, resolve

__all__ = ["DEFAULT_CAPS", "TYPES", "IdentityError", "Resolution", "Summary", "customer_id_of", "resolve"]
