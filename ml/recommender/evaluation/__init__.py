"""Any log of interactions, split by a protocol, ranked by our model and by named baselines on the same footing.

``files`` reads a log, ``log`` makes it a source of blocks, ``protocols`` splits it, ``baselines`` are what the model
is held against, ``compare`` judges them all, ``measures`` and ``report`` say what came of it.

Every item is ranked for every customer. Item numbers are a random permutation, and ties get their mean rank, so that no
file's order of items helps anybody.
"""
