import datetime

from findata.annotations.v1 import annotations_pb2 as _annotations_pb2
from google.protobuf import timestamp_pb2 as _timestamp_pb2
from google.protobuf.internal import containers as _containers
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable, Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class PivotLevels(_message.Message):
    __slots__ = ("instrument_id", "variant", "source_interval", "window_start_date", "window_end_date", "valid_from_time", "valid_until_time", "pp", "r1", "r2", "r3", "r4", "r5", "s1", "s2", "s3", "s4", "s5", "window_open", "window_high", "window_low", "window_close", "current_open", "source_candles", "settles_time", "source", "adjustment", "ingest_time")
    INSTRUMENT_ID_FIELD_NUMBER: _ClassVar[int]
    VARIANT_FIELD_NUMBER: _ClassVar[int]
    SOURCE_INTERVAL_FIELD_NUMBER: _ClassVar[int]
    WINDOW_START_DATE_FIELD_NUMBER: _ClassVar[int]
    WINDOW_END_DATE_FIELD_NUMBER: _ClassVar[int]
    VALID_FROM_TIME_FIELD_NUMBER: _ClassVar[int]
    VALID_UNTIL_TIME_FIELD_NUMBER: _ClassVar[int]
    PP_FIELD_NUMBER: _ClassVar[int]
    R1_FIELD_NUMBER: _ClassVar[int]
    R2_FIELD_NUMBER: _ClassVar[int]
    R3_FIELD_NUMBER: _ClassVar[int]
    R4_FIELD_NUMBER: _ClassVar[int]
    R5_FIELD_NUMBER: _ClassVar[int]
    S1_FIELD_NUMBER: _ClassVar[int]
    S2_FIELD_NUMBER: _ClassVar[int]
    S3_FIELD_NUMBER: _ClassVar[int]
    S4_FIELD_NUMBER: _ClassVar[int]
    S5_FIELD_NUMBER: _ClassVar[int]
    WINDOW_OPEN_FIELD_NUMBER: _ClassVar[int]
    WINDOW_HIGH_FIELD_NUMBER: _ClassVar[int]
    WINDOW_LOW_FIELD_NUMBER: _ClassVar[int]
    WINDOW_CLOSE_FIELD_NUMBER: _ClassVar[int]
    CURRENT_OPEN_FIELD_NUMBER: _ClassVar[int]
    SOURCE_CANDLES_FIELD_NUMBER: _ClassVar[int]
    SETTLES_TIME_FIELD_NUMBER: _ClassVar[int]
    SOURCE_FIELD_NUMBER: _ClassVar[int]
    ADJUSTMENT_FIELD_NUMBER: _ClassVar[int]
    INGEST_TIME_FIELD_NUMBER: _ClassVar[int]
    instrument_id: str
    variant: str
    source_interval: str
    window_start_date: str
    window_end_date: str
    valid_from_time: _timestamp_pb2.Timestamp
    valid_until_time: _timestamp_pb2.Timestamp
    pp: float
    r1: float
    r2: float
    r3: float
    r4: float
    r5: float
    s1: float
    s2: float
    s3: float
    s4: float
    s5: float
    window_open: float
    window_high: float
    window_low: float
    window_close: float
    current_open: float
    source_candles: _containers.RepeatedScalarFieldContainer[str]
    settles_time: _timestamp_pb2.Timestamp
    source: str
    adjustment: str
    ingest_time: _timestamp_pb2.Timestamp
    def __init__(self, instrument_id: _Optional[str] = ..., variant: _Optional[str] = ..., source_interval: _Optional[str] = ..., window_start_date: _Optional[str] = ..., window_end_date: _Optional[str] = ..., valid_from_time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., valid_until_time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., pp: _Optional[float] = ..., r1: _Optional[float] = ..., r2: _Optional[float] = ..., r3: _Optional[float] = ..., r4: _Optional[float] = ..., r5: _Optional[float] = ..., s1: _Optional[float] = ..., s2: _Optional[float] = ..., s3: _Optional[float] = ..., s4: _Optional[float] = ..., s5: _Optional[float] = ..., window_open: _Optional[float] = ..., window_high: _Optional[float] = ..., window_low: _Optional[float] = ..., window_close: _Optional[float] = ..., current_open: _Optional[float] = ..., source_candles: _Optional[_Iterable[str]] = ..., settles_time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., source: _Optional[str] = ..., adjustment: _Optional[str] = ..., ingest_time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ...) -> None: ...

class PivotSignal(_message.Message):
    __slots__ = ("instrument_id", "variant", "level", "kind", "event_time", "session_date", "available_time", "direction", "level_price", "price", "window_start_date", "source_interval", "evidence", "settles_time", "ingest_time")
    INSTRUMENT_ID_FIELD_NUMBER: _ClassVar[int]
    VARIANT_FIELD_NUMBER: _ClassVar[int]
    LEVEL_FIELD_NUMBER: _ClassVar[int]
    KIND_FIELD_NUMBER: _ClassVar[int]
    EVENT_TIME_FIELD_NUMBER: _ClassVar[int]
    SESSION_DATE_FIELD_NUMBER: _ClassVar[int]
    AVAILABLE_TIME_FIELD_NUMBER: _ClassVar[int]
    DIRECTION_FIELD_NUMBER: _ClassVar[int]
    LEVEL_PRICE_FIELD_NUMBER: _ClassVar[int]
    PRICE_FIELD_NUMBER: _ClassVar[int]
    WINDOW_START_DATE_FIELD_NUMBER: _ClassVar[int]
    SOURCE_INTERVAL_FIELD_NUMBER: _ClassVar[int]
    EVIDENCE_FIELD_NUMBER: _ClassVar[int]
    SETTLES_TIME_FIELD_NUMBER: _ClassVar[int]
    INGEST_TIME_FIELD_NUMBER: _ClassVar[int]
    instrument_id: str
    variant: str
    level: str
    kind: str
    event_time: _timestamp_pb2.Timestamp
    session_date: str
    available_time: _timestamp_pb2.Timestamp
    direction: str
    level_price: float
    price: float
    window_start_date: str
    source_interval: str
    evidence: _containers.RepeatedScalarFieldContainer[str]
    settles_time: _timestamp_pb2.Timestamp
    ingest_time: _timestamp_pb2.Timestamp
    def __init__(self, instrument_id: _Optional[str] = ..., variant: _Optional[str] = ..., level: _Optional[str] = ..., kind: _Optional[str] = ..., event_time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., session_date: _Optional[str] = ..., available_time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., direction: _Optional[str] = ..., level_price: _Optional[float] = ..., price: _Optional[float] = ..., window_start_date: _Optional[str] = ..., source_interval: _Optional[str] = ..., evidence: _Optional[_Iterable[str]] = ..., settles_time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., ingest_time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ...) -> None: ...
