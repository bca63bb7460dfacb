"""Pure Python over arrays and frames: models, identity, simulator. Never imports dagster or orchestration."""
