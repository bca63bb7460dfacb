"""The committed pages say what the contracts say."""

from orchestration.dictionary import COMMAND, pages


def test_the_dictionary_is_the_one_of_the_contracts() -> None:
    for path, text in pages().items():
        assert path.read_text(encoding="utf-8") == text, f"{path.name} is out of date: {COMMAND}"


def test_every_published_column_and_every_incoming_column_is_described() -> None:
    for path, text in pages().items():
        silent = [line for line in text.splitlines() if line.startswith("| `") and line.split(" | ")[2].strip() == ""]
        assert silent == [], path.name
