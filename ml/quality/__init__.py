"""What must hold of published tables, as data: rules derived from the contract, run by whoever has an engine.

Belongs here: rules and how they follow from a table's description. Does not belong here: great-expectations, SQL,
Dagster (``orchestration.resources.expectations``, ``orchestration.publishing.audit``).
"""
