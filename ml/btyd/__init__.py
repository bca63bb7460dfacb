"""Buy till you die: how often a customer buys while they are one, and when they silently cease to be.

Belongs here: the classical models of repeat purchases and spend, fitted by maximum likelihood on a few numbers per
customer, and what is learned on top of them. Does not belong here: features of customers beyond those numbers
(``dbt_project/models/features``), the models that are published (``ml.churn``, ``ml.value``).

``BgNbd``, ``MbgNbd`` and ``ParetoNbd`` share one interface (``ml.btyd.model``); ``GammaGamma`` tells what a purchase
will be worth.
"""
