"""Which settings of the trees suit a shop: a search of bounded length over a backtest of its past.

Belongs here: what is searched (``space``), what judges it (``task``), the search itself (``study``, the only module
that knows Optuna, within a ``timebox``), its word (``verdict``), its pictures and runs. Does not belong here: where a
shop keeps what was found (``orchestration.tuned``).
"""
