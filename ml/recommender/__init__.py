"""What to show to whom: candidates from several generators, blended, filtered before the cut, with reasons.

``data`` reads a shop as known at one as-of, in blocks of customers. ``generators`` propose items, one file each behind
the protocol ``protocol.Generator``. ``blend`` weighs them, ``rules`` takes out what must not be shown, ``lists`` cuts
to N, fills up and explores, ``recommend`` streams the lists to a file. ``training`` finds the weights on an earlier
time split than the one it reports, ``neighbours`` says what is bought together.

**Frozen in the model**: the weights of the generators by how much a customer has bought, and the generators' parameters
(half-lives, damping). **Counted anew at each as-of**: everything that follows from interactions (co-purchases,
popularity, rhythms). Counts are whole numbers, so their order and the size of blocks change nothing.
"""
