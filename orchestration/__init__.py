"""What Dagster needs, and the two edges of the system: landing on one side, publishing on the other."""
