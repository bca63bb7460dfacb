"""One piece of work after the other on several threads, results in the order of the pieces.

Belongs here: this. Does not belong here: what is worked on. It pays where the work holds no lock of Python's: numpy,
Arrow, compiled code.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from typing import TypeVar

Piece = TypeVar("Piece")
Result = TypeVar("Result")


def in_order(work: Callable[[Piece], Result], pieces: Iterable[Piece], threads: int) -> Iterator[Result]:
    """Results of ``work``; ``threads`` pieces are worked on while the next is read and the one before is used.

    >>> list(in_order(abs, [-3, 2, -1], 2))
    [3, 2, 1]
    """
    ahead: deque[Future[Result]] = deque()
    with ThreadPoolExecutor(threads) as pool:
        for piece in pieces:
            ahead.append(pool.submit(work, piece))
            if len(ahead) > threads:
                yield ahead.popleft().result()
        while ahead:
            yield ahead.popleft().result()
