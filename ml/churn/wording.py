"""What each feature is called when a person reads why a score is what it is.

Belongs here: for every feature a theme, words for colleagues and words that a customer may read. Does not belong
here: putting numbers into them (``ml.churn.speaking``), computing which features mattered (``ml.churn.reasons``).

Words for colleagues state the fact with its number: ``{value}`` is the feature, ``{gap}`` the customer's usual gap
between orders. Words for customers state no number and nothing that sounds like being watched.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Theme:
    """What several features are really about; a customer is given at most one reason of each."""

    raises: str
    """Customer-safe words where it raises the risk of leaving."""
    lowers: str
    """Customer-safe words where it lowers it."""
    unknown: str = "Nothing known"
    """For colleagues, where there is nothing to measure; that, too, can move a score. Features that are not known
    at the same time say it in words of their own."""


THEMES = {
    "recency": Theme(
        "It has been a while since your last order", "You ordered with us not long ago", "No order on record"
    ),
    "rhythm": Theme(
        "You usually order a little sooner than this",
        "You have a rhythm of your own with us",
        "Too few orders for a rhythm",
    ),
    "frequency": Theme("You order with us now and then", "You order with us regularly", "Too few orders for a rhythm"),
    "spend": Theme(
        "Your orders have been on the smaller side",
        "You trust us with much of your shopping",
        "Nothing bought in 365 days",
    ),
    "trend": Theme(
        "You have ordered a little less lately", "You have been ordering more lately", "Nothing bought in 365 days"
    ),
    "season": Theme("You tend to order at other times of the year", "You tend to order at this time of the year"),
    "variety": Theme(
        "There is more of our range to discover",
        "You have found things that you like with us",
        "Nothing bought in 365 days",
    ),
    "tenure": Theme("We would like to know you better", "You have been with us for a good while", "No order on record"),
    "discount": Theme(
        "You like a good offer", "You like what we have at its usual price", "Nothing bought in 365 days"
    ),
    "returns": Theme(
        "Not everything was to your liking", "You have been happy with what you ordered", "Nothing bought in 365 days"
    ),
    "visits": Theme("We have not seen you much lately", "You have been visiting us", "No visit on record"),
    "pace": Theme(
        "You have come a little less often than before", "You come as often as ever", "Contract too young for a pace"
    ),
    "interest": Theme("There is a lot new to look at", "You have been looking around"),
    "messages": Theme(
        "We may not have written about what interests you",
        "You read what we write to you",
        "No message sent in 90 days",
    ),
    "service": Theme("You have needed our help", "You could do without our help"),
    "satisfaction": Theme("We can do better for you", "You told us that you are happy"),
    "loyalty": Theme("There is more to your membership", "You make good use of your membership"),
    "contract": Theme("Your contract is due for a look", "Your contract runs on", "No contract"),
    "payment": Theme("There has been trouble with a payment", "Your payments reach us", "No payment has failed"),
    "price": Theme("The price of your plan has changed", "The price of your plan has held", "No price rise on record"),
    "usage": Theme(
        "There is more in your plan than you have used lately", "You make good use of your plan", "No usage on record"
    ),
    "other": Theme("Your recent activity with us", "Your recent activity with us"),
}


@dataclass(frozen=True)
class Words:
    theme: str
    internal: str
    internal_zero: str | None = None
    """Where the feature says no (0), if that is said in other words."""
    internal_lowers: str | None = None
    """Where it lowers the risk, if the plain words sound as if it could not."""
    internal_unknown: str | None = None
    """Where it is not known, if that says less than the words of its theme."""


def _counted(what: str, theme: str, *windows: int) -> dict[str, Words]:
    """One entry per window of a count ``<what>_<n>d``."""
    spoken = what.replace("_", " ")
    return {f"{what}_{n}d": Words(theme, f"{{value}} {spoken} in {n} days") for n in windows}


WORDS: dict[str, Words] = {
    "days_since_last_order": Words(
        "recency",
        "No order for {value} days, usual gap {gap}",
        internal_lowers="Last order {value} days ago, usual gap {gap}",
    ),
    "days_since_first_order": Words("tenure", "First order {value} days ago"),
    "recency_over_median_gap": Words(
        "rhythm",
        "Silent for {value} times the usual gap of {gap} days",
        internal_lowers="Last order {value} usual gaps of {gap} days ago",
    ),
    "recency_over_mean_gap": Words(
        "rhythm", "Silent for {value} times the average gap", internal_lowers="Last order {value} average gaps ago"
    ),
    "order_gap_mean_days": Words("frequency", "{value} days between orders on average"),
    "order_gap_median_days": Words("frequency", "Usually {value} days between orders"),
    "order_gap_std_days": Words("rhythm", "Gaps between orders vary by {value} days"),
    "order_gap_max_days": Words("rhythm", "Longest gap between orders {value} days"),
    **_counted("orders", "frequency", 30, 90, 180, 365),
    **_counted("order_days", "frequency", 30, 90, 180, 365),
    "repeat_order_days": Words("frequency", "Came back to order on {value} days"),
    **_counted("order_months", "frequency", 365),
    **_counted("order_lines", "frequency", 90, 365),
    **_counted("units", "spend", 90, 365),
    **{f"spend_{n}d": Words("spend", f"Spent {{value}} in {n} days") for n in (30, 90, 180, 365)},
    "btyd_inactive_probability": Words("rhythm", "By the rhythm of orders alone, nothing in the horizon with {value}"),
    "btyd_alive_probability": Words("rhythm", "By the rhythm of orders alone, still a customer with {value}"),
    "btyd_expected_orders": Words(
        "frequency", "{value} days with an order to be expected by the own rhythm and the season"
    ),
    "btyd_expected_order_values": Words(
        "spend", "Spend as of {value} usual orders to be expected by the own rhythm and the season"
    ),
    "expected_orders": Words("frequency", "{value} days with an order to be expected at the usual pace"),
    "average_order_value_365d": Words("spend", "Average order {value}"),
    "largest_order_day_365d": Words("spend", "Largest day of orders {value}"),
    "order_trend": Words("trend", "Orders of the last 90 days at {value} times the earlier pace"),
    "spend_trend": Words("trend", "Spend of the last 90 days at {value} times the pace of the year"),
    "orders_same_season": Words("season", "{value} orders in these weeks last year"),
    "products_365d": Words("variety", "{value} different items in 365 days"),
    "repeat_product_share_365d": Words("variety", "Share of repeat purchases {value}"),
    "discount_share_365d": Words("discount", "Discount was {value} of the price"),
    **_counted("returns", "returns", 90, 365),
    "returned_share_365d": Words("returns", "Value sent back was {value} of what was bought"),
    "days_since_last_event": Words(
        "visits", "No visit for {value} days", internal_lowers="Last visit {value} days ago"
    ),
    **_counted("sessions", "visits", 7, 30, 90, 365),
    **_counted("event_days", "visits", 30),
    **_counted("event_weeks", "visits", 365),
    "session_trend": Words("visits", "Visits of the last 30 days at {value} times the earlier pace"),
    "session_pace_30d": Words("pace", "Visits of the last 30 days at {value} times the own pace of the year"),
    "session_pace_90d": Words("pace", "Visits of the last 90 days at {value} times the own pace of the year"),
    **_counted("product_views", "interest", 30, 90),
    **_counted("searches", "interest", 90),
    **_counted("carts", "interest", 30, 90),
    **_counted("messages_sent", "messages", 90),
    **_counted("messages_opened", "messages", 90),
    **_counted("messages_clicked", "messages", 90),
    "message_open_rate_90d": Words("messages", "Opened {value} of the messages in 90 days"),
    "message_click_rate_90d": Words("messages", "Clicked {value} of the messages in 90 days"),
    **_counted("messages_bounced", "messages", 90),
    **_counted("unsubscribes", "messages", 365),
    **_counted("complaints", "messages", 365),
    **_counted("tickets_opened", "service", 90, 365),
    "tickets_open": Words("service", "{value} tickets still open"),
    **_counted("ticket_contacts", "service", 365),
    "ticket_rating_mean_365d": Words(
        "satisfaction",
        "Rated our service {value} of 5",
        internal_unknown="No rating of our service in 365 days",
    ),
    "nps_mean_365d": Words(
        "satisfaction",
        "Recommends us with {value} of 10",
        internal_unknown="Has not said in 365 days whether we are recommended",
    ),
    "review_mean_365d": Words("satisfaction", "Reviews give {value} of 5", internal_unknown="No review in 365 days"),
    **_counted("points_earned", "loyalty", 90, 365),
    **_counted("points_spent", "loyalty", 365),
    "points_balance": Words("loyalty", "{value} points at hand", "No points at hand"),
    "points_expiring_30d": Words(
        "loyalty", "{value} points run out within 30 days", "No points run out within 30 days"
    ),
    "subscriptions_running": Words("contract", "{value} contracts running"),
    "days_to_renewal": Words(
        "contract",
        "Contract renews in {value} days",
        "Contract renews today",
        internal_unknown="No renewal ahead on record",
    ),
    "days_to_last_renewal": Words(
        "contract", "Can end for {value} days of the horizon", "No renewal ahead within the horizon"
    ),
    "contract_age_days": Words("contract", "Contract is {value} days old"),
    "contract_period_days": Words("contract", "Contract runs by periods of {value} days"),
    "has_given_notice": Words("contract", "Notice has been given", "No notice has been given"),
    **_counted("plan_changes", "contract", 365),
    "is_past_due": Words("payment", "Payment is past due", "Payments are up to date"),
    **_counted("payment_failures", "payment", 365),
    "days_past_due_365d": Words("payment", "Payments were past due on {value} of 365 days"),
    "days_since_payment_failure": Words("payment", "Payment failed {value} days ago"),
    "days_past_due": Words("payment", "Payment is {value} days past due", "No payment is past due"),
    "payment_failure_share": Words("payment", "Share of payments that failed {value}"),
    **_counted("price_rises", "price", 365),
    "days_since_price_rise": Words("price", "Price rose {value} days ago"),
    "usage_share": Words(
        "usage",
        "Has used {value} of what the plan includes in a period",
        internal_unknown="How much of the plan is used is not on record",
    ),
    "usage_30d": Words("usage", "Used {value} of the plan in 30 days"),
    "usage_90d": Words("usage", "Used {value} of the plan in 90 days"),
    "usage_trend": Words("usage", "Usage of the last 30 days at {value} times the earlier pace"),
}
GAP = "order_gap_median_days"


def words_of(feature: str) -> Words:
    """The feature's words; a shop's own feature without an entry speaks by its name."""
    return WORDS.get(feature) or Words("other", feature.replace("_", " ") + " {value}")


def theme_of(feature: str) -> str:
    return words_of(feature).theme
