"""The description of the API: record schemas from the contract's descriptors, problems, headers.

What belongs here: one function from columns to JSON Schema, and what all routes declare. What does not: routes.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any

from findata_core.schema.tables import Column, ColumnKind
from findata_serving.formats import MEDIA_TYPES, camel, is_identifier
from findata_serving.records import Record

Schema = dict[str, Any]

# protobuf's JSON mapping: https://protobuf.dev/programming-guides/json/
_KINDS: Mapping[ColumnKind, Schema] = {
    ColumnKind.TEXT: {"type": "string"},
    ColumnKind.TEXT_LIST: {"type": "array", "items": {"type": "string"}},
    ColumnKind.FLOAT64: {"type": "number"},
    ColumnKind.INT32: {"type": "integer", "format": "int32"},
    ColumnKind.INT64: {"type": "string", "format": "int64", "pattern": "^-?[0-9]+$"},
    ColumnKind.BOOLEAN: {"type": "boolean"},
    ColumnKind.TIMESTAMP: {"type": "string", "format": "date-time"},
    ColumnKind.DATE: {"type": "string", "format": "date"},
    ColumnKind.DECIMAL: {"type": "string", "pattern": "^-?[0-9]+(\\.[0-9]+)?$"},
    ColumnKind.JSON: {"type": "string"},
}
_IN_COLUMNS: Mapping[ColumnKind, Schema] = {
    ColumnKind.INT64: {"type": "integer"},
    ColumnKind.TIMESTAMP: {"type": "integer", "description": "Microseconds since 1970-01-01 UTC."},
}
PROBLEM: Schema = {
    "type": "object",
    "title": "Problem",
    "description": "RFC 9457, with the next step for the caller.",
    "properties": {
        "type": {"type": "string"},
        "title": {"type": "string"},
        "status": {"type": "integer"},
        "detail": {"type": "string"},
        "next_step": {"type": "string"},
    },
    "required": ["type", "title", "status", "detail", "next_step"],
}
_PROBLEMS: Mapping[int, str] = {
    400: "A parameter can't be used; the problem says which and what to do.",
    401: "Nobody knows who asks.",
    403: "The caller may not read this.",
    404: "There is no such thing; near ones are named.",
    406: "None of the accepted forms is written here.",
    414: "The query is too long.",
    422: "A parameter is missing or not of its type, or the rows can't be computed.",
    429: "Too many requests; Retry-After says when to ask again.",
    503: "A store does not answer, or not in time.",
}


def record_schema(record: Record, optional: Collection[str] = (), *, is_filled: bool = False) -> Schema:
    """Return the JSON Schema of a row by protobuf's mapping: lowerCamelCase, 64-bit integers as text.

    `optional`: columns that are there when they are asked for. `is_filled`: rows of a grid have the key alone.
    """
    properties = {camel(column.name): _property(column, _KINDS[column.kind]) for column in record.columns}
    required = [
        camel(column.name)
        for column in record.columns
        if not column.is_nullable and column.name not in optional
    ]
    if is_filled:
        required = [name for name in required if name in _GRID_KEY]
    return {
        "type": "object",
        "title": record.name,
        "description": record.comment,
        "properties": properties,
        "required": required,
        "additionalProperties": False,
    }


_GRID_KEY = ("instrumentId", "interval", "sourceInterval", "eventTime")


def columns_schema(record: Record, optional: Collection[str] = ()) -> Schema:
    """Return the JSON Schema of rows column by column."""
    properties = {}
    for column in record.columns:
        kind = _IN_COLUMNS.get(column.kind, _KINDS[column.kind])
        if is_identifier(column):
            kind = _KINDS[column.kind]
        item = _property(column, {key: value for key, value in kind.items() if key != "description"})
        item.pop("description", None)
        if "type" in item:
            item["type"] = [item["type"], "null"]
        if "enum" in item:
            item["enum"] = [*item["enum"], None]
        about = " ".join(part for part in (column.comment, kind.get("description", "")) if part)
        properties[column.name] = {"type": "array", "items": item, "description": about}
    required = [column.name for column in record.columns if column.name not in optional]
    return {
        "type": "object",
        "properties": properties,
        "required": required,
        "additionalProperties": False,
    }


def _property(column: Column, kind: Schema) -> Schema:
    schema = {**kind, "description": column.comment + (f" Unit: {column.unit}." if column.unit else "")}
    if column.allowed and column.kind is ColumnKind.TEXT:
        schema["enum"] = list(column.allowed)
    if column.kind in (ColumnKind.INT32, ColumnKind.FLOAT64):
        bounds = {"minimum": column.minimum, "maximum": column.maximum}
        schema |= {name: bound for name, bound in bounds.items() if bound is not None}
    return schema


_ANY_OBJECT: Schema = {"type": "object"}
EXPLANATION: Schema = {
    "type": "object",
    "title": "Explanations",
    "properties": {
        "explanations": {
            "type": "array",
            "items": {
                "type": "object",
                "description": "The chain of one stored row; names are those of SQL with format=columns.",
                "properties": {
                    "table": {"type": "string"},
                    "differences": {"type": "array", "items": {"type": "string"}},
                    "stored": _ANY_OBJECT,
                    "refolded": {"type": ["object", "null"]},
                    "bars": _ANY_OBJECT,
                    "payloads": {"type": "array", "items": _ANY_OBJECT},
                },
                "required": ["table", "differences", "stored", "refolded", "bars", "payloads"],
            },
        }
    },
    "required": ["explanations"],
}


def problem_answers(*statuses: int) -> dict[int | str, Schema]:
    """Return what a route declares of problems: these, and those that every route may answer."""
    told = sorted({*statuses, 401, 403, 414, 422, 429, 503})
    return {
        status: {
            "description": _PROBLEMS[status],
            "content": {"application/problem+json": {"schema": PROBLEM}},
        }
        for status in told
    }


def rows_answers(
    record: Record,
    optional: Collection[str] = (),
    facts: Mapping[str, Schema] | None = None,
    *,
    is_filled: bool = False,
) -> dict[int | str, dict[str, Any]]:
    """Return what a route of rows declares: its forms, 304, and its problems. `facts`: further members of JSON."""
    facts = facts or {}
    about = {"as_of": _text_or_null(), "notes": {"type": "array", "items": {"type": "string"}}}
    rows = {
        "rows": {"type": "array", "items": record_schema(record, optional, is_filled=is_filled)},
        "nextCursor": _text_or_null(),
        **{camel(name): schema for name, schema in {**about, **facts}.items()},
    }
    columns = {"columns": columns_schema(record, optional), "next_cursor": _text_or_null(), **about, **facts}
    answer = {
        "description": f"Rows: {record.comment}",
        "headers": _HEADERS,
        "content": {
            MEDIA_TYPES["rows"]: {"schema": _closed(rows)},
            MEDIA_TYPES["columns"]: {"schema": _closed(columns)},
            MEDIA_TYPES["csv"]: {"schema": {"type": "string"}},
            MEDIA_TYPES["arrow"]: {"schema": {"type": "string", "format": "binary"}},
            MEDIA_TYPES["two-streams"]: {"schema": {"type": "string", "format": "binary"}},
        },
    }
    return {
        200: answer,
        304: {"description": "As it was: If-None-Match names it."},
        **problem_answers(400, 404, 406),
    }


def document_answers(schema: Schema, *statuses: int) -> dict[int | str, dict[str, Any]]:
    """Return what a route of one JSON document declares."""
    content = {"application/json": {"schema": schema}}
    answer = {"description": "The document.", "headers": _HEADERS, "content": content}
    return {
        200: answer,
        304: {"description": "As it was: If-None-Match names it."},
        **problem_answers(400, *statuses),
    }


def _closed(properties: Mapping[str, Schema]) -> Schema:
    return {
        "type": "object",
        "properties": dict(properties),
        "required": list(properties),
        "additionalProperties": False,
    }


def _text_or_null() -> Schema:
    return {"type": ["string", "null"]}


_HEADERS: Mapping[str, Schema] = {
    "ETag": {"description": "Strong, from the content.", "schema": {"type": "string"}},
    "Cache-Control": {
        "description": "immutable where nothing of it may change.",
        "schema": {"type": "string"},
    },
}
