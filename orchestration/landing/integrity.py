"""One streaming pass over a file's bytes before anything is believed about them.

Belongs here: format by name, hash, completeness of gzip, encoding, line endings. Does not belong here: columns
and rows (``reader``).
"""

from __future__ import annotations

import codecs
import gzip
import hashlib
import io
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO, BinaryIO

from orchestration.landing.errors import FileRefusedError

FORMATS = {".csv": "csv", ".tsv": "csv", ".txt": "csv", ".jsonl": "jsonl", ".ndjson": "jsonl", ".json": "jsonl"}
CHUNK = 1 << 20  # bytes read at a time


@dataclass(frozen=True)
class Fingerprint:
    """What the bytes of a file say about it."""

    format: str
    """csv, jsonl or parquet."""
    sha256: str
    has_mixed_line_endings: bool = False
    has_a_row_a_line: bool = False
    """A text file without quotes and blank lines."""


def fingerprint(path: Path, encoding: str = "utf-8") -> Fingerprint:
    """Hash a file and make sure that it is whole, memory constant.

    Raises
    ------
    FileRefusedError
        Empty, of an unknown format, a damaged or truncated gzip file, or not in the encoding (the line is
        named).
    """
    kind = format_of(path)
    if path.stat().st_size == 0:
        raise FileRefusedError("the file is empty (0 bytes); was its export cut short?")
    with path.open("rb") as file:
        hashing = _Hashing(file)
        lines = _Lines() if kind == "parquet" else _read_text(hashing, encoding, compressed=is_compressed(path))
        while hashing.read(CHUNK):
            pass
    return Fingerprint(kind, hashing.sha256.hexdigest(), 0 < lines.returns < lines.feeds, lines.are_rows)


def format_of(path: Path) -> str:
    """csv, jsonl or parquet, by the name."""
    suffix = _plain(path).suffix.lower()
    if path.name.lower().endswith(".parquet"):
        return "parquet"
    if suffix not in FORMATS:
        raise FileRefusedError(
            f"unknown format {suffix or 'without a suffix'}; name it .csv, .jsonl (each also with .gz) or .parquet"
        )
    return FORMATS[suffix]


def is_compressed(path: Path) -> bool:
    """Whether it is a gzip file, by the name."""
    return path.suffix.lower() == ".gz"


def _plain(path: Path) -> Path:
    return path.with_suffix("") if is_compressed(path) else path


@contextmanager
def opened(path: Path) -> Iterator[IO[bytes]]:
    """The plain bytes of a text file, compressed or not."""
    file: IO[bytes] = gzip.GzipFile(path) if is_compressed(path) else path.open("rb")  # type: ignore[assignment]
    with file:
        yield file


def plain_copy(path: Path, folder: Path, encoding: str) -> Path:
    """A copy in UTF-8 with every CR LF made LF: DuckDB reads no other encoding, and refuses a mixture of line ends, as
    Excel writes it around line breaks in cells. Lines keep their numbers."""
    copy = folder / ("normalised" + _plain(path).suffix)
    decoder = codecs.getincrementaldecoder(encoding)()
    with opened(path) as source, copy.open("wb") as target:
        held = b""
        while chunk := source.read(CHUNK):
            chunk = held + chunk
            held = b"\r" if chunk.endswith(b"\r") else b""
            target.write(decoder.decode(chunk.removesuffix(held).replace(b"\r\n", b"\n")).encode())
        target.write(held)
    return copy


class _Hashing(io.RawIOBase):
    """A file that hashes whatever is read from it."""

    def __init__(self, file: BinaryIO) -> None:
        self._file = file
        self.sha256 = hashlib.sha256()

    def readable(self) -> bool:
        return True

    def read(self, size: int = -1) -> bytes:
        data = self._file.read(size)
        self.sha256.update(data)
        return data


@dataclass
class _Lines:
    """What the line ends of a text are, fed chunk by chunk."""

    feeds: int = 0
    returns: int = 0
    are_rows: bool = True
    tail: bytes = b"\n"
    """The last bytes before the chunk; a text begins after a line."""

    def feed(self, chunk: bytes) -> None:
        seam = self.tail + chunk[:2]
        self.feeds += chunk.count(b"\n")
        self.returns += chunk.count(b"\r\n") + (self.tail.endswith(b"\r") and chunk.startswith(b"\n"))
        breaks = (b'"', b"\n\n", b"\n\r\n")
        self.are_rows = self.are_rows and not any(mark in chunk or mark in seam for mark in breaks)
        self.tail = (self.tail + chunk)[-2:]


def _read_text(hashing: _Hashing, encoding: str, *, compressed: bool) -> _Lines:
    source: IO[bytes] = gzip.GzipFile(fileobj=hashing) if compressed else hashing  # type: ignore[assignment]
    decoder = codecs.getincrementaldecoder(encoding)()
    lines = _Lines()
    try:
        while chunk := source.read(CHUNK):
            if not lines.feeds and chunk.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
                raise FileRefusedError("the file is UTF-16; export it as UTF-8")
            decoder.decode(chunk)
            lines.feed(chunk)
        decoder.decode(b"", final=True)
    except UnicodeDecodeError as error:
        line = lines.feeds + error.object[: error.start].count(b"\n") + 1
        raise FileRefusedError(
            f"line {line} is not {encoding.upper()}; is the file in another encoding? Export it as UTF-8, or say "
            "`encoding: windows-1252` at the touchpoint"
        ) from None
    except (EOFError, gzip.BadGzipFile, zlib.error):
        raise FileRefusedError("the gzip file is truncated or damaged; copy it again") from None
    return lines
