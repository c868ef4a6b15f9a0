import datetime

from findata.annotations.v1 import annotations_pb2 as _annotations_pb2
from google.protobuf import timestamp_pb2 as _timestamp_pb2
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class Bar(_message.Message):
    __slots__ = ("instrument_id", "interval", "source", "adjustment", "event_time", "session_date", "session_phase", "open", "high", "low", "close", "volume", "vwap", "trade_count", "settles_time", "ingest_time", "payload_id")
    INSTRUMENT_ID_FIELD_NUMBER: _ClassVar[int]
    INTERVAL_FIELD_NUMBER: _ClassVar[int]
    SOURCE_FIELD_NUMBER: _ClassVar[int]
    ADJUSTMENT_FIELD_NUMBER: _ClassVar[int]
    EVENT_TIME_FIELD_NUMBER: _ClassVar[int]
    SESSION_DATE_FIELD_NUMBER: _ClassVar[int]
    SESSION_PHASE_FIELD_NUMBER: _ClassVar[int]
    OPEN_FIELD_NUMBER: _ClassVar[int]
    HIGH_FIELD_NUMBER: _ClassVar[int]
    LOW_FIELD_NUMBER: _ClassVar[int]
    CLOSE_FIELD_NUMBER: _ClassVar[int]
    VOLUME_FIELD_NUMBER: _ClassVar[int]
    VWAP_FIELD_NUMBER: _ClassVar[int]
    TRADE_COUNT_FIELD_NUMBER: _ClassVar[int]
    SETTLES_TIME_FIELD_NUMBER: _ClassVar[int]
    INGEST_TIME_FIELD_NUMBER: _ClassVar[int]
    PAYLOAD_ID_FIELD_NUMBER: _ClassVar[int]
    instrument_id: str
    interval: str
    source: str
    adjustment: str
    event_time: _timestamp_pb2.Timestamp
    session_date: str
    session_phase: str
    open: float
    high: float
    low: float
    close: float
    volume: int
    vwap: float
    trade_count: int
    settles_time: _timestamp_pb2.Timestamp
    ingest_time: _timestamp_pb2.Timestamp
    payload_id: int
    def __init__(self, instrument_id: _Optional[str] = ..., interval: _Optional[str] = ..., source: _Optional[str] = ..., adjustment: _Optional[str] = ..., event_time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., session_date: _Optional[str] = ..., session_phase: _Optional[str] = ..., open: _Optional[float] = ..., high: _Optional[float] = ..., low: _Optional[float] = ..., close: _Optional[float] = ..., volume: _Optional[int] = ..., vwap: _Optional[float] = ..., trade_count: _Optional[int] = ..., settles_time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., ingest_time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., payload_id: _Optional[int] = ...) -> None: ...

class Candle(_message.Message):
    __slots__ = ("instrument_id", "interval", "source_interval", "event_time", "session_date", "open", "high", "low", "close", "volume", "expected_minutes", "present_minutes", "is_complete", "available_time", "settles_time", "source", "adjustment", "ingest_time")
    INSTRUMENT_ID_FIELD_NUMBER: _ClassVar[int]
    INTERVAL_FIELD_NUMBER: _ClassVar[int]
    SOURCE_INTERVAL_FIELD_NUMBER: _ClassVar[int]
    EVENT_TIME_FIELD_NUMBER: _ClassVar[int]
    SESSION_DATE_FIELD_NUMBER: _ClassVar[int]
    OPEN_FIELD_NUMBER: _ClassVar[int]
    HIGH_FIELD_NUMBER: _ClassVar[int]
    LOW_FIELD_NUMBER: _ClassVar[int]
    CLOSE_FIELD_NUMBER: _ClassVar[int]
    VOLUME_FIELD_NUMBER: _ClassVar[int]
    EXPECTED_MINUTES_FIELD_NUMBER: _ClassVar[int]
    PRESENT_MINUTES_FIELD_NUMBER: _ClassVar[int]
    IS_COMPLETE_FIELD_NUMBER: _ClassVar[int]
    AVAILABLE_TIME_FIELD_NUMBER: _ClassVar[int]
    SETTLES_TIME_FIELD_NUMBER: _ClassVar[int]
    SOURCE_FIELD_NUMBER: _ClassVar[int]
    ADJUSTMENT_FIELD_NUMBER: _ClassVar[int]
    INGEST_TIME_FIELD_NUMBER: _ClassVar[int]
    instrument_id: str
    interval: str
    source_interval: str
    event_time: _timestamp_pb2.Timestamp
    session_date: str
    open: float
    high: float
    low: float
    close: float
    volume: int
    expected_minutes: int
    present_minutes: int
    is_complete: bool
    available_time: _timestamp_pb2.Timestamp
    settles_time: _timestamp_pb2.Timestamp
    source: str
    adjustment: str
    ingest_time: _timestamp_pb2.Timestamp
    def __init__(self, instrument_id: _Optional[str] = ..., interval: _Optional[str] = ..., source_interval: _Optional[str] = ..., event_time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., session_date: _Optional[str] = ..., open: _Optional[float] = ..., high: _Optional[float] = ..., low: _Optional[float] = ..., close: _Optional[float] = ..., volume: _Optional[int] = ..., expected_minutes: _Optional[int] = ..., present_minutes: _Optional[int] = ..., is_complete: _Optional[bool] = ..., available_time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., settles_time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., source: _Optional[str] = ..., adjustment: _Optional[str] = ..., ingest_time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ...) -> None: ...

class PeriodCandle(_message.Message):
    __slots__ = ("instrument_id", "interval", "source_interval", "period_start_date", "period_end_date", "event_time", "open", "high", "low", "close", "volume", "expected_sessions", "present_sessions", "expected_minutes", "present_minutes", "is_complete", "available_time", "settles_time", "source", "adjustment", "ingest_time")
    INSTRUMENT_ID_FIELD_NUMBER: _ClassVar[int]
    INTERVAL_FIELD_NUMBER: _ClassVar[int]
    SOURCE_INTERVAL_FIELD_NUMBER: _ClassVar[int]
    PERIOD_START_DATE_FIELD_NUMBER: _ClassVar[int]
    PERIOD_END_DATE_FIELD_NUMBER: _ClassVar[int]
    EVENT_TIME_FIELD_NUMBER: _ClassVar[int]
    OPEN_FIELD_NUMBER: _ClassVar[int]
    HIGH_FIELD_NUMBER: _ClassVar[int]
    LOW_FIELD_NUMBER: _ClassVar[int]
    CLOSE_FIELD_NUMBER: _ClassVar[int]
    VOLUME_FIELD_NUMBER: _ClassVar[int]
    EXPECTED_SESSIONS_FIELD_NUMBER: _ClassVar[int]
    PRESENT_SESSIONS_FIELD_NUMBER: _ClassVar[int]
    EXPECTED_MINUTES_FIELD_NUMBER: _ClassVar[int]
    PRESENT_MINUTES_FIELD_NUMBER: _ClassVar[int]
    IS_COMPLETE_FIELD_NUMBER: _ClassVar[int]
    AVAILABLE_TIME_FIELD_NUMBER: _ClassVar[int]
    SETTLES_TIME_FIELD_NUMBER: _ClassVar[int]
    SOURCE_FIELD_NUMBER: _ClassVar[int]
    ADJUSTMENT_FIELD_NUMBER: _ClassVar[int]
    INGEST_TIME_FIELD_NUMBER: _ClassVar[int]
    instrument_id: str
    interval: str
    source_interval: str
    period_start_date: str
    period_end_date: str
    event_time: _timestamp_pb2.Timestamp
    open: float
    high: float
    low: float
    close: float
    volume: int
    expected_sessions: int
    present_sessions: int
    expected_minutes: int
    present_minutes: int
    is_complete: bool
    available_time: _timestamp_pb2.Timestamp
    settles_time: _timestamp_pb2.Timestamp
    source: str
    adjustment: str
    ingest_time: _timestamp_pb2.Timestamp
    def __init__(self, instrument_id: _Optional[str] = ..., interval: _Optional[str] = ..., source_interval: _Optional[str] = ..., period_start_date: _Optional[str] = ..., period_end_date: _Optional[str] = ..., event_time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., open: _Optional[float] = ..., high: _Optional[float] = ..., low: _Optional[float] = ..., close: _Optional[float] = ..., volume: _Optional[int] = ..., expected_sessions: _Optional[int] = ..., present_sessions: _Optional[int] = ..., expected_minutes: _Optional[int] = ..., present_minutes: _Optional[int] = ..., is_complete: _Optional[bool] = ..., available_time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., settles_time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., source: _Optional[str] = ..., adjustment: _Optional[str] = ..., ingest_time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ...) -> None: ...
