"""Seeded worlds, retail or of contracts, with hidden truth, and the oracle that knows their laws."""

from ml.simulator.config import WorldConfig, WorldError
from ml.simulator.oracle import oracle_churn_probability, outcomes, who_is_who
from ml.simulator.world import simulate

__all__ = ["WorldConfig", "WorldError", "oracle_churn_probability", "outcomes", "simulate", "who_is_who"]
