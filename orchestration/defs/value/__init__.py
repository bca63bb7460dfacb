"""Snapshots become a model of value, the model becomes expected orders and spend."""
