"""Decisions about payloads as payloads: to hold one and what becomes of it, and why one is on another scale.

What belongs here: the shape of a decision's body, both ways. What does not: deciding (steps/judging,
steps/holding), and what a decision changes.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from datetime import date, datetime
from typing import Any

import polars as pl

from findata_core.errors import MalformedPayload
from findata_resources.provider import Parsed, Received, Request, table_rows

DATASET = "decisions"
VERDICTS = ("hold", "release", "reject", "explain")
EXPLAINED_RULE = "rescaled_by_split"
# What bytes may raise that are no decision: no JSON or another shape, nested too deep, numbers beyond 64 bits.
UNREADABLE = (ValueError, KeyError, TypeError, OverflowError, RecursionError, pl.exceptions.PolarsError)
RULES_OPERATOR = "findata"  # who holds: no person


def decision(
    verdict: str,
    held: Sequence[tuple[int, str, Sequence[Mapping[str, Any]]]],
    moment: datetime,
    rule: str = "",
    operator: str = RULES_OPERATOR,
) -> Received:
    """Return a decision as it is received: about which payloads, why of each, and what shows it."""
    about = [
        {"payload_id": payload_id, "reason": reason, "evidence": list(evidence)}
        for payload_id, reason, evidence in held
    ]
    content = {"verdict": verdict, "rule": rule, "operator": operator, "payloads": about}
    body = json.dumps(content, sort_keys=True, default=str, ensure_ascii=False).encode()
    return Received(Request("findata", "findata", DATASET, ""), body, None, {}, moment)


def _rescales(content: Mapping[str, Any]) -> list[dict[str, Any]]:
    return [
        {
            "rescaled_payload_id": int(item["payload_id"]),
            "instrument_id": str(session["instrument_id"]),
            "interval": str(session["interval"]),
            "session_date": date.fromisoformat(session["session_date"]),
            "numerator": int(session["numerator"]),
            "denominator": int(session["denominator"]),
            "factor": float(session["factor"]),
            "reason": str(session["reason"]),
        }
        for item in content["payloads"]
        for session in item["evidence"]
    ]


def parse(body: bytes, request: Mapping[str, Any]) -> list[Parsed]:
    """Return the rows of ops.decisions, or of ops.rescales, that a decision holds. MalformedPayload: it is none."""
    del request
    try:
        content = json.loads(body)
        VERDICTS.index(content["verdict"])
        if content["verdict"] == "explain":
            return [Parsed("ops.rescales", table_rows("ops.rescales", _rescales(content)))]
        shared = {name: str(content[name]) for name in ("verdict", "rule", "operator")}
        rows = [
            {
                **shared,
                "held_payload_id": int(item["payload_id"]),
                "reason": str(item["reason"]),
                "evidence": json.dumps(item["evidence"], sort_keys=True),
            }
            for item in content["payloads"]
        ]
        return [Parsed("ops.decisions", table_rows("ops.decisions", rows))]
    except UNREADABLE as error:
        raise MalformedPayload(
            f"A decision can't be read: {type(error).__name__}",
            "Restore its body from a backup; findata wrote it",
        ) from error
