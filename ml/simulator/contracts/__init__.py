"""The other world of the simulator: people with contracts, who give notice, fail to pay, or stay.

Belongs here: the laws of contracts, their course day by day, the rows that the shop's systems make of it, the truth
and the oracle. Does not belong here: people, names, consents and files, which both worlds share (``ml.simulator``).

The shop opens on the first day, so that every contract's whole life is in its files.
"""
