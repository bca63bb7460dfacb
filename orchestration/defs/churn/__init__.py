"""Snapshots become a model, a model becomes scores."""
