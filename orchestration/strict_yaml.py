"""YAML that people write by hand, read fast and so that a key said twice is a mistake.

Belongs here: reading. Does not belong here: what the keys mean (``shop``, ``plays``).
"""

from __future__ import annotations

from typing import Any

import yaml


class _Loader(yaml.CSafeLoader):
    """YAML's own rule is silent about a key said twice: the last one wins, and nobody knows which was meant."""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:
        lines: dict[str, int] = {}
        for key, _ in node.value:
            if not isinstance(key, yaml.ScalarNode):
                continue
            line = key.start_mark.line + 1
            if key.value in lines:
                said = f"{key.value} stands twice, in lines {lines[key.value]} and {line}: keep one"
                raise yaml.constructor.ConstructorError(None, None, said, key.start_mark)
            lines[key.value] = line
        return super().construct_mapping(node, deep)


def load(text: str) -> Any:
    """The document, as ``yaml.safe_load`` would read it.

    Raises
    ------
    yaml.YAMLError
        No YAML, or a key stands twice in one mapping.
    """
    return yaml.load(text, Loader=_Loader)  # a SafeLoader at heart
