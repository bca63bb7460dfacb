"""Wiring only: one folder per stage, in the order the data flows; the logic is in the packages beside and in ``ml``."""
