"""MBG/NBD: a customer may leave after any purchase, the first as well.

Source: Batislam, Denizel, Filiztekin, "Empirical validation and comparison of models for customer base analysis",
International Journal of Research in Marketing 24, 2007; Hoppe, Wagner, "Customer base analysis: the case for a central
variant of the betageometric/NBD model", Marketing - Journal of Research and Management 3, 2007.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from ml.btyd.dropout_at_purchase import DropoutAtPurchase
from ml.evaluation import Floats


@dataclass(frozen=True)
class MbgNbd(DropoutAtPurchase):
    """Modified beta-geometric / negative binomial."""

    name: ClassVar[str] = "mbg_nbd"

    @staticmethod
    def chances_to_leave(frequency: Floats) -> Floats:
        return frequency + 1
