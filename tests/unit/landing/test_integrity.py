"""What the bytes of a file say, wherever the chunks are cut."""

from __future__ import annotations

from pathlib import Path

import pytest

from orchestration.landing import integrity
from orchestration.landing.errors import FileRefusedError
from orchestration.landing.integrity import fingerprint, plain_copy


@pytest.fixture(params=[1, 2, 3, 1 << 20])
def _chunk(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(integrity, "CHUNK", request.param)


@pytest.mark.usefixtures("_chunk")
@pytest.mark.parametrize(
    ("content", "is_mixed", "has_a_row_a_line"),
    [
        (b"a,b\n1,2\n", False, True),
        (b"a,b\r\n1,2\r\n", False, True),
        (b"a,b\r\n1,2\n", True, True),
        (b"a,b\n\n1,2\n", False, False),
        (b"a,b\r\n\r\n1,2\r\n", False, False),
        (b"\na,b\n1,2\n", False, False),
        (b'a,b\n1,"2"', False, False),
        ("ä,ö\nü,€\n".encode(), False, True),
    ],
)
def test_line_ends_are_seen_across_chunks(
    tmp_path: Path, content: bytes, is_mixed: bool, has_a_row_a_line: bool
) -> None:
    path = tmp_path / "a.csv"
    path.write_bytes(content)
    seen = fingerprint(path)
    assert (seen.has_mixed_line_endings, seen.has_a_row_a_line) == (is_mixed, has_a_row_a_line)


@pytest.mark.usefixtures("_chunk")
def test_the_line_that_is_not_utf_8_is_counted_across_chunks(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    path.write_bytes(b"a\n\xc3\xa4\nc\nM\xfcller\n")
    with pytest.raises(FileRefusedError, match="line 4 is not UTF-8"):
        fingerprint(path)


@pytest.mark.usefixtures("_chunk")
def test_one_line_ending_is_made_of_several_and_lone_returns_stay(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    path.write_bytes(b"a\r\nb\nc\rd\r\r\ne\r")
    assert plain_copy(path, tmp_path, "utf-8").read_bytes() == b"a\nb\nc\rd\r\ne\r"
