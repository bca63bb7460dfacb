"""Names of jobs, run tags and the pool, shared by definitions and command line."""

DAILY = "daily"
WEEKLY = "weekly"
LANDING = "landing"
BETWEEN_RUNS = (("published", "withdrawals"), ("published", "triggered"))
"""Assets of the landing job beside the raw batches: what cannot wait for the next day, and no part of a daily run."""
TRAINING_TAG = "regulars/train"
"""Set where the run trains; decides which snapshots are computed beside the scored one."""
PUBLISH_TAG = "regulars/publish"
"""``false`` where the run writes a generation and leaves the pointers alone, as a backfill does."""
POOL = "warehouse"
"""Where one step at a time may write, or read what another one writes."""
