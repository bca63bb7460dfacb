"""Identifiers become persons."""
