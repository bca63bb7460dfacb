"""Work on several threads whose results are those of one.

Belongs here: pieces of work in their order, linear algebra whose bits do not depend on the machine. Does not belong
here: what is worked on.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from typing import TypeVar

Piece = TypeVar("Piece")
Result = TypeVar("Result")


def in_order(work: Callable[[Piece], Result], pieces: Iterable[Piece], threads: int) -> Iterator[Result]:
    """Results of ``work``; ``threads`` pieces are worked on while the next is read and the one before is used.

    It pays where the work holds no lock of Python's: numpy, Arrow, compiled code.

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


@contextmanager
def one_blas_thread() -> Iterator[None]:
    """Linear algebra on one thread: with more, the last bits of a result depend on how many there are.

    Only libraries that are loaded already are held: scipy brings one of its own beside numpy's.
    """
    import scipy.linalg  # noqa: F401
    import threadpoolctl

    with threadpoolctl.threadpool_limits(1, user_api="blas"):
        yield
