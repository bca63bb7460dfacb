"""Whether a model that serves is still the model that was judged: drift, realised performance, when to train again.

Belongs here: figures over plain arrays and small files. Does not belong here: models, the gate, and reading outcomes
out of a warehouse (``orchestration.outcomes``).
"""
