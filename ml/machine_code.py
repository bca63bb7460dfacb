"""Loops as machine code that numba makes, once for a machine and a release.

Belongs here: how code is compiled and where it is kept. Does not belong here: the loops, each in a ``compiled*.py``
beside the plain way that it must equal; when it pays.

Compiling takes seconds (fourteen of all that lists need), loading what another process has compiled none. An
installation compiles all (``python -m ml.machine_code``), else the process that first needs it. What is kept lies with
Python's own compiled files, in a folder named after the sources: code of another release cannot be taken for this
one's, even if a process was killed while it wrote. Each function is made for signatures that are declared, always in
one order, so that processes that compile side by side write the same. Nothing is kept where the folder cannot be
written to.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable
from functools import cache
from hashlib import sha256
from importlib import import_module
from pathlib import Path
from typing import Any, TypeVar, cast

import numba

Loop = TypeVar("Loop", bound=Callable[..., Any])
HERE = Path(__file__).parent


def machine_code(*signatures: str) -> Callable[[Loop], Loop]:
    """Compile a function for these types, in numba's words; it lets go of the interpreter while it runs."""

    def made(loop: Loop) -> Loop:
        folder = _folder()
        if folder:
            vars(numba.config)["CACHE_DIR"] = str(folder)
        return cast(Loop, numba.njit(list(signatures), nogil=True, cache=folder is not None)(loop))

    return made


@cache
def _folder() -> Path | None:
    """Where the code of these sources is kept, of others no more; None where nothing can be written."""
    digest = sha256(numba.__version__.encode())
    for source in sorted(HERE.rglob("compiled*.py")):
        digest.update(source.read_bytes())
    folder = HERE / "__pycache__" / f"machine_code_{digest.hexdigest()[:16]}"
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError:
        return None
    if not os.access(folder, os.W_OK):
        return None
    for other in folder.parent.glob("machine_code_*"):
        if other != folder:
            shutil.rmtree(other, ignore_errors=True)
    return folder


def compile_all() -> None:
    """Compile what is not yet, as an installation does."""
    for source in sorted(HERE.rglob("compiled*.py")):
        import_module(".".join((HERE.name, *source.relative_to(HERE).with_suffix("").parts)))


if __name__ == "__main__":
    compile_all()
