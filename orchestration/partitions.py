"""The one partitioning: the daily as-of. Partition D means D 00:00 in the shop's time zone."""

import dagster as dg

from orchestration.shop import Shop


def daily_as_ofs(shop: Shop) -> dg.DailyPartitionsDefinition:
    """One partition per day, today's included: what happened before today began is complete when it begins."""
    return dg.DailyPartitionsDefinition(
        start_date=shop.first_as_of.isoformat(), timezone=shop.time_zone, end_offset=1
    )
