"""Raw rows become facts, profiles and features."""
