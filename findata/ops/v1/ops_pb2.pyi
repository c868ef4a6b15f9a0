import datetime

from findata.annotations.v1 import annotations_pb2 as _annotations_pb2
from google.protobuf import timestamp_pb2 as _timestamp_pb2
from google.protobuf.internal import containers as _containers
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable, Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class QuarantinedRow(_message.Message):
    __slots__ = ("payload_id", "row_number", "rule", "table_name", "subject", "scope_date", "reason", "row", "ingest_time")
    PAYLOAD_ID_FIELD_NUMBER: _ClassVar[int]
    ROW_NUMBER_FIELD_NUMBER: _ClassVar[int]
    RULE_FIELD_NUMBER: _ClassVar[int]
    TABLE_NAME_FIELD_NUMBER: _ClassVar[int]
    SUBJECT_FIELD_NUMBER: _ClassVar[int]
    SCOPE_DATE_FIELD_NUMBER: _ClassVar[int]
    REASON_FIELD_NUMBER: _ClassVar[int]
    ROW_FIELD_NUMBER: _ClassVar[int]
    INGEST_TIME_FIELD_NUMBER: _ClassVar[int]
    payload_id: int
    row_number: int
    rule: str
    table_name: str
    subject: str
    scope_date: str
    reason: str
    row: str
    ingest_time: _timestamp_pb2.Timestamp
    def __init__(self, payload_id: _Optional[int] = ..., row_number: _Optional[int] = ..., rule: _Optional[str] = ..., table_name: _Optional[str] = ..., subject: _Optional[str] = ..., scope_date: _Optional[str] = ..., reason: _Optional[str] = ..., row: _Optional[str] = ..., ingest_time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ...) -> None: ...

class Arrival(_message.Message):
    __slots__ = ("dataset", "provider", "subject", "due_date", "slot", "expected_time", "arrived_time", "expected_instruments", "arrived_instruments")
    DATASET_FIELD_NUMBER: _ClassVar[int]
    PROVIDER_FIELD_NUMBER: _ClassVar[int]
    SUBJECT_FIELD_NUMBER: _ClassVar[int]
    DUE_DATE_FIELD_NUMBER: _ClassVar[int]
    SLOT_FIELD_NUMBER: _ClassVar[int]
    EXPECTED_TIME_FIELD_NUMBER: _ClassVar[int]
    ARRIVED_TIME_FIELD_NUMBER: _ClassVar[int]
    EXPECTED_INSTRUMENTS_FIELD_NUMBER: _ClassVar[int]
    ARRIVED_INSTRUMENTS_FIELD_NUMBER: _ClassVar[int]
    dataset: str
    provider: str
    subject: str
    due_date: str
    slot: str
    expected_time: _timestamp_pb2.Timestamp
    arrived_time: _timestamp_pb2.Timestamp
    expected_instruments: int
    arrived_instruments: int
    def __init__(self, dataset: _Optional[str] = ..., provider: _Optional[str] = ..., subject: _Optional[str] = ..., due_date: _Optional[str] = ..., slot: _Optional[str] = ..., expected_time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., arrived_time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., expected_instruments: _Optional[int] = ..., arrived_instruments: _Optional[int] = ...) -> None: ...

class Coverage(_message.Message):
    __slots__ = ("instrument_id", "session_date", "source", "interval", "status", "expected_bars", "present_bars", "other_bars", "missing_ranges")
    INSTRUMENT_ID_FIELD_NUMBER: _ClassVar[int]
    SESSION_DATE_FIELD_NUMBER: _ClassVar[int]
    SOURCE_FIELD_NUMBER: _ClassVar[int]
    INTERVAL_FIELD_NUMBER: _ClassVar[int]
    STATUS_FIELD_NUMBER: _ClassVar[int]
    EXPECTED_BARS_FIELD_NUMBER: _ClassVar[int]
    PRESENT_BARS_FIELD_NUMBER: _ClassVar[int]
    OTHER_BARS_FIELD_NUMBER: _ClassVar[int]
    MISSING_RANGES_FIELD_NUMBER: _ClassVar[int]
    instrument_id: str
    session_date: str
    source: str
    interval: str
    status: str
    expected_bars: int
    present_bars: int
    other_bars: int
    missing_ranges: _containers.RepeatedScalarFieldContainer[str]
    def __init__(self, instrument_id: _Optional[str] = ..., session_date: _Optional[str] = ..., source: _Optional[str] = ..., interval: _Optional[str] = ..., status: _Optional[str] = ..., expected_bars: _Optional[int] = ..., present_bars: _Optional[int] = ..., other_bars: _Optional[int] = ..., missing_ranges: _Optional[_Iterable[str]] = ...) -> None: ...

class PayloadScope(_message.Message):
    __slots__ = ("payload_id", "table_name", "subject", "scope_date", "received_time", "content")
    PAYLOAD_ID_FIELD_NUMBER: _ClassVar[int]
    TABLE_NAME_FIELD_NUMBER: _ClassVar[int]
    SUBJECT_FIELD_NUMBER: _ClassVar[int]
    SCOPE_DATE_FIELD_NUMBER: _ClassVar[int]
    RECEIVED_TIME_FIELD_NUMBER: _ClassVar[int]
    CONTENT_FIELD_NUMBER: _ClassVar[int]
    payload_id: int
    table_name: str
    subject: str
    scope_date: str
    received_time: _timestamp_pb2.Timestamp
    content: str
    def __init__(self, payload_id: _Optional[int] = ..., table_name: _Optional[str] = ..., subject: _Optional[str] = ..., scope_date: _Optional[str] = ..., received_time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., content: _Optional[str] = ...) -> None: ...

class Digest(_message.Message):
    __slots__ = ("table_name", "subject", "scope_date", "slice", "sha256", "row_count", "ingest_time")
    TABLE_NAME_FIELD_NUMBER: _ClassVar[int]
    SUBJECT_FIELD_NUMBER: _ClassVar[int]
    SCOPE_DATE_FIELD_NUMBER: _ClassVar[int]
    SLICE_FIELD_NUMBER: _ClassVar[int]
    SHA256_FIELD_NUMBER: _ClassVar[int]
    ROW_COUNT_FIELD_NUMBER: _ClassVar[int]
    INGEST_TIME_FIELD_NUMBER: _ClassVar[int]
    table_name: str
    subject: str
    scope_date: str
    slice: str
    sha256: str
    row_count: int
    ingest_time: _timestamp_pb2.Timestamp
    def __init__(self, table_name: _Optional[str] = ..., subject: _Optional[str] = ..., scope_date: _Optional[str] = ..., slice: _Optional[str] = ..., sha256: _Optional[str] = ..., row_count: _Optional[int] = ..., ingest_time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ...) -> None: ...

class LakeMark(_message.Message):
    __slots__ = ("table_name", "partition", "mark_id")
    TABLE_NAME_FIELD_NUMBER: _ClassVar[int]
    PARTITION_FIELD_NUMBER: _ClassVar[int]
    MARK_ID_FIELD_NUMBER: _ClassVar[int]
    table_name: str
    partition: str
    mark_id: int
    def __init__(self, table_name: _Optional[str] = ..., partition: _Optional[str] = ..., mark_id: _Optional[int] = ...) -> None: ...

class DueScope(_message.Message):
    __slots__ = ("asset", "subject", "scope_date", "mark_id", "from_time")
    ASSET_FIELD_NUMBER: _ClassVar[int]
    SUBJECT_FIELD_NUMBER: _ClassVar[int]
    SCOPE_DATE_FIELD_NUMBER: _ClassVar[int]
    MARK_ID_FIELD_NUMBER: _ClassVar[int]
    FROM_TIME_FIELD_NUMBER: _ClassVar[int]
    asset: str
    subject: str
    scope_date: str
    mark_id: int
    from_time: _timestamp_pb2.Timestamp
    def __init__(self, asset: _Optional[str] = ..., subject: _Optional[str] = ..., scope_date: _Optional[str] = ..., mark_id: _Optional[int] = ..., from_time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ...) -> None: ...

class Change(_message.Message):
    __slots__ = ("transaction_id", "change_number", "table_name", "subject", "scope_date", "slice", "is_whole", "new_keys", "revised_keys", "retracted_keys", "written_time")
    TRANSACTION_ID_FIELD_NUMBER: _ClassVar[int]
    CHANGE_NUMBER_FIELD_NUMBER: _ClassVar[int]
    TABLE_NAME_FIELD_NUMBER: _ClassVar[int]
    SUBJECT_FIELD_NUMBER: _ClassVar[int]
    SCOPE_DATE_FIELD_NUMBER: _ClassVar[int]
    SLICE_FIELD_NUMBER: _ClassVar[int]
    IS_WHOLE_FIELD_NUMBER: _ClassVar[int]
    NEW_KEYS_FIELD_NUMBER: _ClassVar[int]
    REVISED_KEYS_FIELD_NUMBER: _ClassVar[int]
    RETRACTED_KEYS_FIELD_NUMBER: _ClassVar[int]
    WRITTEN_TIME_FIELD_NUMBER: _ClassVar[int]
    transaction_id: int
    change_number: int
    table_name: str
    subject: str
    scope_date: str
    slice: str
    is_whole: bool
    new_keys: _containers.RepeatedScalarFieldContainer[str]
    revised_keys: _containers.RepeatedScalarFieldContainer[str]
    retracted_keys: _containers.RepeatedScalarFieldContainer[str]
    written_time: _timestamp_pb2.Timestamp
    def __init__(self, transaction_id: _Optional[int] = ..., change_number: _Optional[int] = ..., table_name: _Optional[str] = ..., subject: _Optional[str] = ..., scope_date: _Optional[str] = ..., slice: _Optional[str] = ..., is_whole: _Optional[bool] = ..., new_keys: _Optional[_Iterable[str]] = ..., revised_keys: _Optional[_Iterable[str]] = ..., retracted_keys: _Optional[_Iterable[str]] = ..., written_time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ...) -> None: ...

class Quota(_message.Message):
    __slots__ = ("provider", "key_id", "limit_window", "request_limit", "used", "start_time", "end_time")
    PROVIDER_FIELD_NUMBER: _ClassVar[int]
    KEY_ID_FIELD_NUMBER: _ClassVar[int]
    LIMIT_WINDOW_FIELD_NUMBER: _ClassVar[int]
    REQUEST_LIMIT_FIELD_NUMBER: _ClassVar[int]
    USED_FIELD_NUMBER: _ClassVar[int]
    START_TIME_FIELD_NUMBER: _ClassVar[int]
    END_TIME_FIELD_NUMBER: _ClassVar[int]
    provider: str
    key_id: str
    limit_window: str
    request_limit: int
    used: int
    start_time: _timestamp_pb2.Timestamp
    end_time: _timestamp_pb2.Timestamp
    def __init__(self, provider: _Optional[str] = ..., key_id: _Optional[str] = ..., limit_window: _Optional[str] = ..., request_limit: _Optional[int] = ..., used: _Optional[int] = ..., start_time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., end_time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ...) -> None: ...

class Breaker(_message.Message):
    __slots__ = ("provider", "failures_in_row", "open_time", "probe_time")
    PROVIDER_FIELD_NUMBER: _ClassVar[int]
    FAILURES_IN_ROW_FIELD_NUMBER: _ClassVar[int]
    OPEN_TIME_FIELD_NUMBER: _ClassVar[int]
    PROBE_TIME_FIELD_NUMBER: _ClassVar[int]
    provider: str
    failures_in_row: int
    open_time: _timestamp_pb2.Timestamp
    probe_time: _timestamp_pb2.Timestamp
    def __init__(self, provider: _Optional[str] = ..., failures_in_row: _Optional[int] = ..., open_time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., probe_time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ...) -> None: ...

class Decision(_message.Message):
    __slots__ = ("held_payload_id", "verdict", "rule", "reason", "operator", "evidence", "ingest_time", "payload_id")
    HELD_PAYLOAD_ID_FIELD_NUMBER: _ClassVar[int]
    VERDICT_FIELD_NUMBER: _ClassVar[int]
    RULE_FIELD_NUMBER: _ClassVar[int]
    REASON_FIELD_NUMBER: _ClassVar[int]
    OPERATOR_FIELD_NUMBER: _ClassVar[int]
    EVIDENCE_FIELD_NUMBER: _ClassVar[int]
    INGEST_TIME_FIELD_NUMBER: _ClassVar[int]
    PAYLOAD_ID_FIELD_NUMBER: _ClassVar[int]
    held_payload_id: int
    verdict: str
    rule: str
    reason: str
    operator: str
    evidence: str
    ingest_time: _timestamp_pb2.Timestamp
    payload_id: int
    def __init__(self, held_payload_id: _Optional[int] = ..., verdict: _Optional[str] = ..., rule: _Optional[str] = ..., reason: _Optional[str] = ..., operator: _Optional[str] = ..., evidence: _Optional[str] = ..., ingest_time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., payload_id: _Optional[int] = ...) -> None: ...

class Rescale(_message.Message):
    __slots__ = ("rescaled_payload_id", "instrument_id", "interval", "session_date", "numerator", "denominator", "factor", "reason", "ingest_time", "payload_id")
    RESCALED_PAYLOAD_ID_FIELD_NUMBER: _ClassVar[int]
    INSTRUMENT_ID_FIELD_NUMBER: _ClassVar[int]
    INTERVAL_FIELD_NUMBER: _ClassVar[int]
    SESSION_DATE_FIELD_NUMBER: _ClassVar[int]
    NUMERATOR_FIELD_NUMBER: _ClassVar[int]
    DENOMINATOR_FIELD_NUMBER: _ClassVar[int]
    FACTOR_FIELD_NUMBER: _ClassVar[int]
    REASON_FIELD_NUMBER: _ClassVar[int]
    INGEST_TIME_FIELD_NUMBER: _ClassVar[int]
    PAYLOAD_ID_FIELD_NUMBER: _ClassVar[int]
    rescaled_payload_id: int
    instrument_id: str
    interval: str
    session_date: str
    numerator: int
    denominator: int
    factor: float
    reason: str
    ingest_time: _timestamp_pb2.Timestamp
    payload_id: int
    def __init__(self, rescaled_payload_id: _Optional[int] = ..., instrument_id: _Optional[str] = ..., interval: _Optional[str] = ..., session_date: _Optional[str] = ..., numerator: _Optional[int] = ..., denominator: _Optional[int] = ..., factor: _Optional[float] = ..., reason: _Optional[str] = ..., ingest_time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., payload_id: _Optional[int] = ...) -> None: ...

class Hold(_message.Message):
    __slots__ = ("payload_id", "state", "rule", "reason", "evidence", "hold_id", "held_time", "decided_time", "operator", "decided_reason", "decision_id")
    PAYLOAD_ID_FIELD_NUMBER: _ClassVar[int]
    STATE_FIELD_NUMBER: _ClassVar[int]
    RULE_FIELD_NUMBER: _ClassVar[int]
    REASON_FIELD_NUMBER: _ClassVar[int]
    EVIDENCE_FIELD_NUMBER: _ClassVar[int]
    HOLD_ID_FIELD_NUMBER: _ClassVar[int]
    HELD_TIME_FIELD_NUMBER: _ClassVar[int]
    DECIDED_TIME_FIELD_NUMBER: _ClassVar[int]
    OPERATOR_FIELD_NUMBER: _ClassVar[int]
    DECIDED_REASON_FIELD_NUMBER: _ClassVar[int]
    DECISION_ID_FIELD_NUMBER: _ClassVar[int]
    payload_id: int
    state: str
    rule: str
    reason: str
    evidence: str
    hold_id: int
    held_time: _timestamp_pb2.Timestamp
    decided_time: _timestamp_pb2.Timestamp
    operator: str
    decided_reason: str
    decision_id: int
    def __init__(self, payload_id: _Optional[int] = ..., state: _Optional[str] = ..., rule: _Optional[str] = ..., reason: _Optional[str] = ..., evidence: _Optional[str] = ..., hold_id: _Optional[int] = ..., held_time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., decided_time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., operator: _Optional[str] = ..., decided_reason: _Optional[str] = ..., decision_id: _Optional[int] = ...) -> None: ...

class Break(_message.Message):
    __slots__ = ("kind", "instrument_id", "session_date", "interval", "adjustment", "field", "left_source", "right_source", "event_time", "left_value", "right_value", "difference", "tolerance", "compared_bars", "broken_bars", "state", "explanation", "first_seen_time", "opened_time", "last_seen_time", "closed_time", "times_opened")
    KIND_FIELD_NUMBER: _ClassVar[int]
    INSTRUMENT_ID_FIELD_NUMBER: _ClassVar[int]
    SESSION_DATE_FIELD_NUMBER: _ClassVar[int]
    INTERVAL_FIELD_NUMBER: _ClassVar[int]
    ADJUSTMENT_FIELD_NUMBER: _ClassVar[int]
    FIELD_FIELD_NUMBER: _ClassVar[int]
    LEFT_SOURCE_FIELD_NUMBER: _ClassVar[int]
    RIGHT_SOURCE_FIELD_NUMBER: _ClassVar[int]
    EVENT_TIME_FIELD_NUMBER: _ClassVar[int]
    LEFT_VALUE_FIELD_NUMBER: _ClassVar[int]
    RIGHT_VALUE_FIELD_NUMBER: _ClassVar[int]
    DIFFERENCE_FIELD_NUMBER: _ClassVar[int]
    TOLERANCE_FIELD_NUMBER: _ClassVar[int]
    COMPARED_BARS_FIELD_NUMBER: _ClassVar[int]
    BROKEN_BARS_FIELD_NUMBER: _ClassVar[int]
    STATE_FIELD_NUMBER: _ClassVar[int]
    EXPLANATION_FIELD_NUMBER: _ClassVar[int]
    FIRST_SEEN_TIME_FIELD_NUMBER: _ClassVar[int]
    OPENED_TIME_FIELD_NUMBER: _ClassVar[int]
    LAST_SEEN_TIME_FIELD_NUMBER: _ClassVar[int]
    CLOSED_TIME_FIELD_NUMBER: _ClassVar[int]
    TIMES_OPENED_FIELD_NUMBER: _ClassVar[int]
    kind: str
    instrument_id: str
    session_date: str
    interval: str
    adjustment: str
    field: str
    left_source: str
    right_source: str
    event_time: _timestamp_pb2.Timestamp
    left_value: float
    right_value: float
    difference: float
    tolerance: float
    compared_bars: int
    broken_bars: int
    state: str
    explanation: str
    first_seen_time: _timestamp_pb2.Timestamp
    opened_time: _timestamp_pb2.Timestamp
    last_seen_time: _timestamp_pb2.Timestamp
    closed_time: _timestamp_pb2.Timestamp
    times_opened: int
    def __init__(self, kind: _Optional[str] = ..., instrument_id: _Optional[str] = ..., session_date: _Optional[str] = ..., interval: _Optional[str] = ..., adjustment: _Optional[str] = ..., field: _Optional[str] = ..., left_source: _Optional[str] = ..., right_source: _Optional[str] = ..., event_time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., left_value: _Optional[float] = ..., right_value: _Optional[float] = ..., difference: _Optional[float] = ..., tolerance: _Optional[float] = ..., compared_bars: _Optional[int] = ..., broken_bars: _Optional[int] = ..., state: _Optional[str] = ..., explanation: _Optional[str] = ..., first_seen_time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., opened_time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., last_seen_time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., closed_time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., times_opened: _Optional[int] = ...) -> None: ...

class VolumeProfile(_message.Message):
    __slots__ = ("instrument_id", "session_date", "source", "adjustment", "known_time", "bars", "zero_bars", "total_volume", "median_volume", "high_volume", "before_zero_volume", "before_zero_excess", "before_zero_deviations")
    INSTRUMENT_ID_FIELD_NUMBER: _ClassVar[int]
    SESSION_DATE_FIELD_NUMBER: _ClassVar[int]
    SOURCE_FIELD_NUMBER: _ClassVar[int]
    ADJUSTMENT_FIELD_NUMBER: _ClassVar[int]
    KNOWN_TIME_FIELD_NUMBER: _ClassVar[int]
    BARS_FIELD_NUMBER: _ClassVar[int]
    ZERO_BARS_FIELD_NUMBER: _ClassVar[int]
    TOTAL_VOLUME_FIELD_NUMBER: _ClassVar[int]
    MEDIAN_VOLUME_FIELD_NUMBER: _ClassVar[int]
    HIGH_VOLUME_FIELD_NUMBER: _ClassVar[int]
    BEFORE_ZERO_VOLUME_FIELD_NUMBER: _ClassVar[int]
    BEFORE_ZERO_EXCESS_FIELD_NUMBER: _ClassVar[int]
    BEFORE_ZERO_DEVIATIONS_FIELD_NUMBER: _ClassVar[int]
    instrument_id: str
    session_date: str
    source: str
    adjustment: str
    known_time: _timestamp_pb2.Timestamp
    bars: int
    zero_bars: int
    total_volume: int
    median_volume: float
    high_volume: float
    before_zero_volume: int
    before_zero_excess: float
    before_zero_deviations: float
    def __init__(self, instrument_id: _Optional[str] = ..., session_date: _Optional[str] = ..., source: _Optional[str] = ..., adjustment: _Optional[str] = ..., known_time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., bars: _Optional[int] = ..., zero_bars: _Optional[int] = ..., total_volume: _Optional[int] = ..., median_volume: _Optional[float] = ..., high_volume: _Optional[float] = ..., before_zero_volume: _Optional[int] = ..., before_zero_excess: _Optional[float] = ..., before_zero_deviations: _Optional[float] = ...) -> None: ...

class Alert(_message.Message):
    __slots__ = ("alert_id", "sink", "kind", "severity", "cause", "next_step", "cure", "state", "scopes", "run_ids", "first_time", "last_time", "occurrences", "told_occurrences", "told_state", "told_times", "failures_in_row", "next_try_time", "last_error")
    ALERT_ID_FIELD_NUMBER: _ClassVar[int]
    SINK_FIELD_NUMBER: _ClassVar[int]
    KIND_FIELD_NUMBER: _ClassVar[int]
    SEVERITY_FIELD_NUMBER: _ClassVar[int]
    CAUSE_FIELD_NUMBER: _ClassVar[int]
    NEXT_STEP_FIELD_NUMBER: _ClassVar[int]
    CURE_FIELD_NUMBER: _ClassVar[int]
    STATE_FIELD_NUMBER: _ClassVar[int]
    SCOPES_FIELD_NUMBER: _ClassVar[int]
    RUN_IDS_FIELD_NUMBER: _ClassVar[int]
    FIRST_TIME_FIELD_NUMBER: _ClassVar[int]
    LAST_TIME_FIELD_NUMBER: _ClassVar[int]
    OCCURRENCES_FIELD_NUMBER: _ClassVar[int]
    TOLD_OCCURRENCES_FIELD_NUMBER: _ClassVar[int]
    TOLD_STATE_FIELD_NUMBER: _ClassVar[int]
    TOLD_TIMES_FIELD_NUMBER: _ClassVar[int]
    FAILURES_IN_ROW_FIELD_NUMBER: _ClassVar[int]
    NEXT_TRY_TIME_FIELD_NUMBER: _ClassVar[int]
    LAST_ERROR_FIELD_NUMBER: _ClassVar[int]
    alert_id: str
    sink: str
    kind: str
    severity: str
    cause: str
    next_step: str
    cure: str
    state: str
    scopes: _containers.RepeatedScalarFieldContainer[str]
    run_ids: _containers.RepeatedScalarFieldContainer[str]
    first_time: _timestamp_pb2.Timestamp
    last_time: _timestamp_pb2.Timestamp
    occurrences: int
    told_occurrences: int
    told_state: str
    told_times: _containers.RepeatedScalarFieldContainer[str]
    failures_in_row: int
    next_try_time: _timestamp_pb2.Timestamp
    last_error: str
    def __init__(self, alert_id: _Optional[str] = ..., sink: _Optional[str] = ..., kind: _Optional[str] = ..., severity: _Optional[str] = ..., cause: _Optional[str] = ..., next_step: _Optional[str] = ..., cure: _Optional[str] = ..., state: _Optional[str] = ..., scopes: _Optional[_Iterable[str]] = ..., run_ids: _Optional[_Iterable[str]] = ..., first_time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., last_time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., occurrences: _Optional[int] = ..., told_occurrences: _Optional[int] = ..., told_state: _Optional[str] = ..., told_times: _Optional[_Iterable[str]] = ..., failures_in_row: _Optional[int] = ..., next_try_time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., last_error: _Optional[str] = ...) -> None: ...

class ApiKey(_message.Message):
    __slots__ = ("key_id", "name", "secret_sha256", "scopes", "created_time", "created_by", "expires_time", "revoked_time", "revoked_by", "last_used_date")
    KEY_ID_FIELD_NUMBER: _ClassVar[int]
    NAME_FIELD_NUMBER: _ClassVar[int]
    SECRET_SHA256_FIELD_NUMBER: _ClassVar[int]
    SCOPES_FIELD_NUMBER: _ClassVar[int]
    CREATED_TIME_FIELD_NUMBER: _ClassVar[int]
    CREATED_BY_FIELD_NUMBER: _ClassVar[int]
    EXPIRES_TIME_FIELD_NUMBER: _ClassVar[int]
    REVOKED_TIME_FIELD_NUMBER: _ClassVar[int]
    REVOKED_BY_FIELD_NUMBER: _ClassVar[int]
    LAST_USED_DATE_FIELD_NUMBER: _ClassVar[int]
    key_id: str
    name: str
    secret_sha256: str
    scopes: _containers.RepeatedScalarFieldContainer[str]
    created_time: _timestamp_pb2.Timestamp
    created_by: str
    expires_time: _timestamp_pb2.Timestamp
    revoked_time: _timestamp_pb2.Timestamp
    revoked_by: str
    last_used_date: str
    def __init__(self, key_id: _Optional[str] = ..., name: _Optional[str] = ..., secret_sha256: _Optional[str] = ..., scopes: _Optional[_Iterable[str]] = ..., created_time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., created_by: _Optional[str] = ..., expires_time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., revoked_time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., revoked_by: _Optional[str] = ..., last_used_date: _Optional[str] = ...) -> None: ...
