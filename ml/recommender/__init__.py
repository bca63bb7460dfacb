"""What to show to whom: candidates from several generators, ordered, filtered before the cut, with reasons.

``data`` reads a shop as known at one as-of, in blocks of customers (``block``). ``generators`` propose items, one file
each behind the protocol ``protocol.Generator``; ``choice`` says which of them a shop gets, and in which mode. ``blend``
weighs them, ``ranker`` orders the best of the blend by what ``candidates`` knows of each, with trees and a sum
(``linear``), ``rules`` takes out what must not be shown, ``lists`` cuts to N, mixes categories (``calibration``), fills
up and explores, ``recommend`` streams the lists to a file. ``lessons`` learns from windows whose outcome is known,
``training`` does so for a shop and judges the model on a later one (``backtest``), ``offpolicy`` by what people did
with lists that they were shown. ``neighbours`` says what goes with an item. ``evaluation`` judges the same model on any
log of interactions. Matrices are built and looked up in ``sparse``, cut and ranked in ``cuts``, compiled for many
customers (``compiled_best``, ``compiled_cells``).

**Frozen in the model**: which generators and their parameters, their weights by how much a customer has bought, the
ranker. **Counted anew at each as-of**: everything that follows from interactions. Counts are whole numbers, and what is
computed from them is computed with one thread of BLAS, so that neither the size of blocks nor the number of threads
changes a list.
"""
