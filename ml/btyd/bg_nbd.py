"""BG/NBD: a customer may leave after any repeat purchase, so that who has bought once surely still is a customer.

Source: Fader, Hardie, Lee, "Counting your customers the easy way: an alternative to the Pareto/NBD model", Marketing
Science 24, 2005.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from ml.btyd.dropout_at_purchase import DropoutAtPurchase
from ml.evaluation import Floats


@dataclass(frozen=True)
class BgNbd(DropoutAtPurchase):
    """Beta-geometric / negative binomial."""

    name: ClassVar[str] = "bg_nbd"

    @staticmethod
    def chances_to_leave(frequency: Floats) -> Floats:
        return frequency
