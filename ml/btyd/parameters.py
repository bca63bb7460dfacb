"""What is kept of a fitted model: its parameters, under its name.

Belongs here: to JSON and back. Does not belong here: what the parameters mean (the models).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from typing import Any, ClassVar, Self


@dataclass(frozen=True)
class Parameters:
    """All fields of a model are numbers."""

    name: ClassVar[str]

    def to_json(self) -> dict[str, Any]:
        return {"model": self.name, **asdict(self)}

    @classmethod
    def from_json(cls, content: Mapping[str, Any]) -> Self:
        """What ``to_json`` gave, bit by bit.

        Raises
        ------
        ValueError
            It is the content of another model.
        """
        if content.get("model") != cls.name:
            raise ValueError(f"{content.get('model')} is not {cls.name}")
        return cls(**{field.name: float(content[field.name]) for field in fields(cls)})
