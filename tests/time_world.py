"""A shop whose every touchpoint holds a little before an as-of, and plants of what comes after it.

Each touchpoint is planted twice over: with what happened in the as-of's own first hours, known at once and so within
the knowledge lag, and with what happened long before and was known too late.
"""

from __future__ import annotations

from datetime import date
from pathlib import Path

from worlds import Deployment, corner_shop

AS_OF = date(2025, 3, 1)
WITHIN = "2025-03-01T02:00:00Z"
"""After the as-of and within the knowledge lag of six hours."""
THEN = "2025-02-20T10:00:00Z"
LATE = "2025-03-01T06:00:00Z"
"""The first instant whose knowledge the as-of may not use."""
EARLY = "2025-01-05T08:00:00Z"

COLUMNS = {
    "orders": "order_id,line_number,ordered_at,account_id,email,product_id,quantity,unit_price,status",
    "returns": "order_id,line_number,line_type,ordered_at,account_id,product_id,quantity,unit_price,returned_at",
    "events": "event_id,happened_at,event_type,account_id,cookie_id,session_id,product_id",
    "customers": "account_id,loyalty_tier,country,updated_at",
    "identities": "left_type,left_value,right_type,right_value,seen_at",
    "products": "product_id,name,category_path,price,unit_cost,is_available,updated_at",
    "rewards": "reward_id,changed_at,account_id,change_type,points,expires_at",
    "support_tickets": "ticket_id,opened_at,account_id,resolved_at,contacts,rated_at,csat",
    "feedback": "feedback_id,answered_at,kind,account_id,score",
    "preferences": "account_id,attribute,value,weight,set_at",
    "messages": "message_id,sent_at,account_id,channel,opened_at,bounced_at,complained_at,unsubscribed_at",
    "consents": "account_id,purpose,channel,decision,decided_at",
}
"""Columns of each kind of file, without ``exported_at`` at the end of each; returns are orders of another file."""

Rows = dict[str, list[str]]
"""Kind of file: its rows, each with the instant at which it was known."""

BEFORE: Rows = {
    "orders": [
        f"{account}{n},1,2025-0{month}-1{n}T10:00:00Z,{account},{account}@example.org,P{n},1,10,placed,"
        f"2025-0{month}-1{n}T12:00:00Z"
        for account in ("A", "B", "C")
        for n, month in ((1, 1), (2, 2))
    ],
    "events": [
        f"{who}{day},2025-02-0{day}T09:00:00Z,product_view,{account},{cookie},s{who}{day},P1,2025-02-0{day}T09:00:00Z"
        for who, account, cookie in (("A", "A", ""), ("B", "B", ""), ("K", "", "k"))
        for day in (3, 4)
    ],
    "customers": [f"{account},silver,DE,{EARLY},{EARLY}" for account in ("A", "B", "C")],
    "identities": [f"account,C,household,H0,{EARLY},{EARLY}"],
    "products": [f"P{n},Tea {n},tea / green,10,4,true,{EARLY},{EARLY}" for n in (1, 2)],
    "rewards": [f"r1,{EARLY},A,earned,50,2025-03-20T00:00:00Z,{EARLY}"],
    "support_tickets": [f"t1,{EARLY},B,2025-01-07T08:00:00Z,2,2025-01-08T08:00:00Z,4,2025-01-08T08:00:00Z"],
    "feedback": [f"f1,{EARLY},nps,A,9,{EARLY}"],
    "preferences": [f"A,category,tea,1,{EARLY},{EARLY}"],
    "messages": [
        f"m1,{EARLY},A,email,2025-01-06T08:00:00Z,,,,2025-01-06T08:00:00Z",
        f"m0,{EARLY},C,email,,{EARLY},,,{EARLY}",
    ],
    "consents": [f"A,marketing,email,granted,{EARLY},{EARLY}"],
}

AFTER: dict[str, Rows] = {
    "an order placed at the as-of": {"orders": ["A9,1,2025-03-01T00:00:00Z,A,,P9,9,99,placed,2025-03-01T00:00:00Z"]},
    "an order known too late": {"orders": [f"A8,1,{THEN},A,,P8,9,99,placed,{LATE}"]},
    "an order corrected and cancelled after the as-of": {
        "orders": [
            "A1,1,2025-01-11T10:00:00Z,A,A@example.org,P1,7,10,placed,2025-03-02T00:00:00Z",
            "B1,1,2025-01-11T10:00:00Z,B,B@example.org,P1,1,10,cancelled,2025-03-02T00:00:00Z",
        ]
    },
    "a return after the as-of, and two known too late": {
        "returns": [
            f"R1,1,return,{WITHIN},A,P1,1,10,,{WITHIN}",
            f"R2,1,return,{THEN},A,P2,1,10,,{LATE}",
            f"B2,1,sale,2025-02-12T10:00:00Z,B,P2,1,10,{THEN},{LATE}",
        ]
    },
    "visits and a basket after the as-of, and known too late": {
        "events": [
            f"x1,{THEN},search,A,,s9,,2025-03-01T06:00:01Z",
            f"x4,{WITHIN},add_to_cart,A,,s12,P2,{WITHIN}",
            f"x5,{THEN},add_to_cart,B,,s13,P2,{LATE}",
        ]
    },
    "a tier and a country of another day": {
        "customers": [
            "A,gold,FR,2025-03-05T00:00:00Z,2025-03-05T00:00:00Z",
            f"B,gold,FR,{WITHIN},{WITHIN}",
            f"C,gold,FR,{THEN},{LATE}",
        ]
    },
    "a household of the as-of's first hours, and one known too late": {
        "identities": [f"account,A,household,H1,{WITHIN},{WITHIN}", f"account,B,household,H2,{THEN},{LATE}"]
    },
    "an item that changed after the as-of, one known too late, and a new one": {
        "products": [
            f"P1,Tea 1,coffee,99,98,false,{WITHIN},{WITHIN}",
            f"P2,Tea 2,coffee,99,98,false,{THEN},{LATE}",
            f"P7,Tea 7,tea / black,5,1,true,{WITHIN},{WITHIN}",
        ]
    },
    "points spent after the as-of, and earned and corrected too late": {
        "rewards": [
            f"r2,{WITHIN},A,spent,20,,{WITHIN}",
            f"r3,{THEN},A,earned,70,2025-03-20T00:00:00Z,{LATE}",
            f"r1,{EARLY},A,earned,90,2025-03-20T00:00:00Z,{LATE}",
        ]
    },
    "a ticket of the as-of's first hours, one known too late, and another rating of an old one": {
        "support_tickets": [
            f"t2,{WITHIN},A,,1,,,{WITHIN}",
            f"t3,{THEN},A,2025-02-21T08:00:00Z,5,2025-02-22T08:00:00Z,1,{LATE}",
            f"t1,{EARLY},B,2025-02-07T08:00:00Z,9,2025-02-08T08:00:00Z,1,{LATE}",
        ]
    },
    "an answer after the as-of, one known too late, and an old one changed": {
        "feedback": [f"f2,{WITHIN},nps,A,2,{WITHIN}", f"f3,{THEN},nps,A,1,{LATE}", f"f1,{EARLY},nps,A,3,{LATE}"]
    },
    "a refusal after the as-of, and one known too late": {
        "preferences": [f"A,category,tea,-1,{WITHIN},{WITHIN}", f"B,category,tea,-1,{THEN},{LATE}"]
    },
    "a complaint after the as-of, a message known too late, and a bounce of an old one": {
        "messages": [
            f"m2,{WITHIN},A,email,,,{WITHIN},,{WITHIN}",
            f"m3,{THEN},B,email,,,,{THEN},{LATE}",
            f"m1,{EARLY},A,email,2025-01-06T08:00:00Z,{THEN},,,{LATE}",
        ]
    },
    "a consent withdrawn after the as-of, and others known too late": {
        "consents": [
            f"A,marketing,email,withdrawn,{WITHIN},{WITHIN}",
            f"B,profiling,,withdrawn,{THEN},{LATE}",
            f"C,marketing,email,granted,{THEN},{LATE}",
        ]
    },
    "two accounts found after the as-of to be one person": {
        "orders": ["B9,1,2025-03-04T00:00:00Z,B,A@example.org,P9,1,1,placed,2025-03-04T00:00:00Z"]
    },
    "two accounts that an order of the as-of's own first hours shows to be one person": {
        "orders": [f"B8,1,{WITHIN},B,A@example.org,P8,1,1,placed,{WITHIN}"]
    },
    "two accounts that an order shows to be one person that was known too late": {
        "orders": [f"C8,1,{THEN},C,B@example.org,P8,1,1,placed,{LATE}"]
    },
    "an anonymous cookie that logged in within the knowledge lag": {
        "events": [f"x3,{WITHIN},login,C,k,s11,,{WITHIN}"]
    },
    "an anonymous cookie that logged in after the as-of": {
        "events": ["x2,2025-03-03T09:00:00Z,login,C,k,s10,,2025-03-03T09:00:00Z"]
    },
}  # fmt: skip


def joined(*several: Rows) -> Rows:
    """All rows of each kind in one delivery."""
    return {kind: rows for kind in COLUMNS if (rows := [row for one in several for row in one.get(kind, [])])}


def shop(folder: Path, *deliveries: Rows) -> Deployment:
    """The shop with a file of each kind for each delivery."""
    touchpoints = {kind: {"files": f"{kind}-*.csv", "known_at": "exported_at"} for kind in COLUMNS if kind != "returns"}
    deployment = corner_shop(folder, "", touchpoints=touchpoints)
    for number, delivery in enumerate(deliveries):
        for kind, rows in delivery.items():
            name = f"orders-returns-{number}.csv" if kind == "returns" else f"{kind}-{number}.csv"
            text = "\n".join([f"{COLUMNS[kind]},exported_at", *rows]) + "\n"
            (deployment.workspace.landing_folder / name).write_text(text)
    return deployment
