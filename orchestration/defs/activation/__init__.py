"""Scores become a generation that readers see."""
