import subprocess
import sys
from itertools import count
from time import sleep

import pytest

from ml.parallel import in_order


def test_results_come_in_the_order_of_the_pieces_however_long_each_takes():
    def slowest_first(piece):
        sleep(0.02 / (piece + 1))
        return piece * 10

    assert list(in_order(slowest_first, range(8), 3)) == [piece * 10 for piece in range(8)]


def test_no_more_pieces_are_read_than_are_worked_on():
    read = []
    results = in_order(abs, (read.append(piece) or piece for piece in count()), 2)
    for used in range(5):
        assert next(results) == used
        assert len(read) <= used + 3


def test_what_goes_wrong_with_a_piece_is_told_when_its_turn_comes():
    results = in_order(lambda piece: 1 / piece, [2, 1, 0], 2)
    assert [next(results), next(results)] == [0.5, 1.0]
    with pytest.raises(ZeroDivisionError):
        next(results)


def test_every_library_of_linear_algebra_is_held_to_one_thread_though_it_is_asked_for_later():
    held = """
import numpy, threadpoolctl
from ml.parallel import one_blas_thread
with one_blas_thread():
    import scipy.linalg
    print([one["num_threads"] for one in threadpoolctl.threadpool_info() if one["user_api"] == "blas"])
"""
    done = subprocess.run([sys.executable, "-c", held], capture_output=True, text=True, check=True)
    assert set(done.stdout.strip(" []\n").split(", ")) == {"1"}
