"""How long customers remain: expected days until they cease to be customers, however far away that is.

Belongs here: lifetimes from models of repeat purchase, and from hazards of contracts. Does not belong here: whether a
customer is gone at the end of the horizon (``ml.churn``), fitting models of repeat purchase (``ml.btyd``).

Where churn is told from orders nobody says good-bye: a lifetime is the model's, which needs no outcome. Where it is
told from contracts, their ends are on record, and hazards are learned from them. Where it is told from other events, or
too few contracts have ended, nothing is said.
"""
