"""Scores become decisions: what to do next for whom."""
