"""What to show to whom, and what goes with what."""
