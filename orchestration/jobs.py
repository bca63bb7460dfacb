"""Names of jobs and run tags, shared by definitions and command line."""

DAILY = "daily"
WEEKLY = "weekly"
LANDING = "landing"
TRAINING_TAG = "regulars/train"
"""Set where the run trains; decides which snapshots are computed beside the scored one."""
PUBLISH_TAG = "regulars/publish"
"""``false`` where the run writes a generation and leaves the pointers alone, as a backfill does."""
