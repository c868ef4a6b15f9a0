"""The arguments of a route, read from a request without FastAPI's general machinery where they are plain.

What belongs here: texts, whole numbers and truth values that fit. What does not: anything else; FastAPI reads that, and
says what is wrong. Of a hot answer its machinery takes a third of the time: decision 18 in docs/adr.
"""

from __future__ import annotations

import types
from collections.abc import Callable, Sequence
from typing import Any, Union, get_args, get_origin

from annotated_types import Ge, Le, MaxLen, MinLen
from fastapi import Request

MOST_DIGITS = 12
TRUTHS = {"true": True, "false": False, "1": True, "0": False}
_NO = object()

Reader = Callable[[str], Any]


class PlainArguments:
    """Reads the arguments of one route; `dependant` is what FastAPI has found of its signature."""

    def __init__(self, dependant: Any) -> None:
        self._request_name = dependant.request_param_name
        self._path = [(field.name, field.alias, _reader(field)) for field in dependant.path_params]
        self._query = {
            field.alias: (field.name, _reader(field), field.field_info) for field in dependant.query_params
        }
        readers = [reader for _, _, reader in self._path]
        readers += [reader for _, reader, _ in self._query.values()]
        others = (dependant.header_params, dependant.cookie_params, dependant.body_params)
        self.is_usable = all(reader is not None for reader in readers) and not any(others)
        self._defaults = {
            name: info.default for name, _, info in self._query.values() if not info.is_required()
        }
        self._required = {name for name, _, info in self._query.values() if info.is_required()}

    def of(self, request: Request) -> dict[str, Any] | None:
        """Return the arguments; None where FastAPI must read them."""
        arguments = dict(self._defaults)
        for name, alias, reader in self._path:
            value = reader(request.path_params[alias])  # type: ignore[misc]
            if value is _NO:
                return None
            arguments[name] = value
        missing = set(self._required)
        for alias, text in request.query_params.multi_items():
            if alias not in self._query:
                continue
            name, reader, _ = self._query[alias]
            value = reader(text)  # type: ignore[misc]
            if value is _NO:
                return None
            arguments[name] = value
            missing.discard(name)
        if missing:
            return None
        if self._request_name:
            arguments[self._request_name] = request
        return arguments


def _reader(field: Any) -> Reader | None:
    """Return what reads a text as a value of the field's type, or says that it can't; None for other types."""
    info = field.field_info
    kind = _plain_type(info.annotation)
    if kind is str:
        least = next((item.min_length for item in info.metadata if isinstance(item, MinLen)), 0)
        most = next((item.max_length for item in info.metadata if isinstance(item, MaxLen)), None)
        return lambda text: text if len(text) >= least and (most is None or len(text) <= most) else _NO
    if kind is int:
        return _whole_number(info.metadata)
    if kind is bool:
        return lambda text: TRUTHS.get(text, _NO)
    return None


def _whole_number(metadata: Sequence[Any]) -> Reader:
    least: Any = next((item.ge for item in metadata if isinstance(item, Ge)), None)
    most: Any = next((item.le for item in metadata if isinstance(item, Le)), None)

    def read(text: str) -> Any:
        if not (text.isascii() and text.isdigit() and len(text) <= MOST_DIGITS):
            return _NO
        value = int(text)
        is_within = (least is None or value >= least) and (most is None or value <= most)
        return value if is_within else _NO

    return read


def _plain_type(annotation: Any) -> Any:
    """Return the type of a parameter that may also be left out."""
    if get_origin(annotation) in (Union, types.UnionType):
        kinds = [kind for kind in get_args(annotation) if kind is not type(None)]
        return kinds[0] if len(kinds) == 1 else None
    return annotation
