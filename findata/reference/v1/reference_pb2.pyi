import datetime

from findata.annotations.v1 import annotations_pb2 as _annotations_pb2
from findata.provenance.v1 import provenance_pb2 as _provenance_pb2
from google.protobuf import timestamp_pb2 as _timestamp_pb2
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class Instrument(_message.Message):
    __slots__ = ("instrument_id", "symbol", "mic", "currency", "price_units", "from_date", "to_date", "metadata", "ingest_time", "payload_id")
    INSTRUMENT_ID_FIELD_NUMBER: _ClassVar[int]
    SYMBOL_FIELD_NUMBER: _ClassVar[int]
    MIC_FIELD_NUMBER: _ClassVar[int]
    CURRENCY_FIELD_NUMBER: _ClassVar[int]
    PRICE_UNITS_FIELD_NUMBER: _ClassVar[int]
    FROM_DATE_FIELD_NUMBER: _ClassVar[int]
    TO_DATE_FIELD_NUMBER: _ClassVar[int]
    METADATA_FIELD_NUMBER: _ClassVar[int]
    INGEST_TIME_FIELD_NUMBER: _ClassVar[int]
    PAYLOAD_ID_FIELD_NUMBER: _ClassVar[int]
    instrument_id: str
    symbol: str
    mic: str
    currency: str
    price_units: int
    from_date: str
    to_date: str
    metadata: _provenance_pb2.Metadata
    ingest_time: _timestamp_pb2.Timestamp
    payload_id: int
    def __init__(self, instrument_id: _Optional[str] = ..., symbol: _Optional[str] = ..., mic: _Optional[str] = ..., currency: _Optional[str] = ..., price_units: _Optional[int] = ..., from_date: _Optional[str] = ..., to_date: _Optional[str] = ..., metadata: _Optional[_Union[_provenance_pb2.Metadata, _Mapping]] = ..., ingest_time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., payload_id: _Optional[int] = ...) -> None: ...

class SymbolMapping(_message.Message):
    __slots__ = ("source", "symbol", "from_date", "to_date", "instrument_id", "ingest_time", "payload_id")
    SOURCE_FIELD_NUMBER: _ClassVar[int]
    SYMBOL_FIELD_NUMBER: _ClassVar[int]
    FROM_DATE_FIELD_NUMBER: _ClassVar[int]
    TO_DATE_FIELD_NUMBER: _ClassVar[int]
    INSTRUMENT_ID_FIELD_NUMBER: _ClassVar[int]
    INGEST_TIME_FIELD_NUMBER: _ClassVar[int]
    PAYLOAD_ID_FIELD_NUMBER: _ClassVar[int]
    source: str
    symbol: str
    from_date: str
    to_date: str
    instrument_id: str
    ingest_time: _timestamp_pb2.Timestamp
    payload_id: int
    def __init__(self, source: _Optional[str] = ..., symbol: _Optional[str] = ..., from_date: _Optional[str] = ..., to_date: _Optional[str] = ..., instrument_id: _Optional[str] = ..., ingest_time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., payload_id: _Optional[int] = ...) -> None: ...

class ExchangeSession(_message.Message):
    __slots__ = ("mic", "session_date", "open_time", "break_start_time", "break_end_time", "close_time", "trading_minutes", "time_zone", "calendar_version", "ingest_time", "payload_id")
    MIC_FIELD_NUMBER: _ClassVar[int]
    SESSION_DATE_FIELD_NUMBER: _ClassVar[int]
    OPEN_TIME_FIELD_NUMBER: _ClassVar[int]
    BREAK_START_TIME_FIELD_NUMBER: _ClassVar[int]
    BREAK_END_TIME_FIELD_NUMBER: _ClassVar[int]
    CLOSE_TIME_FIELD_NUMBER: _ClassVar[int]
    TRADING_MINUTES_FIELD_NUMBER: _ClassVar[int]
    TIME_ZONE_FIELD_NUMBER: _ClassVar[int]
    CALENDAR_VERSION_FIELD_NUMBER: _ClassVar[int]
    INGEST_TIME_FIELD_NUMBER: _ClassVar[int]
    PAYLOAD_ID_FIELD_NUMBER: _ClassVar[int]
    mic: str
    session_date: str
    open_time: _timestamp_pb2.Timestamp
    break_start_time: _timestamp_pb2.Timestamp
    break_end_time: _timestamp_pb2.Timestamp
    close_time: _timestamp_pb2.Timestamp
    trading_minutes: int
    time_zone: str
    calendar_version: str
    ingest_time: _timestamp_pb2.Timestamp
    payload_id: int
    def __init__(self, mic: _Optional[str] = ..., session_date: _Optional[str] = ..., open_time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., break_start_time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., break_end_time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., close_time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., trading_minutes: _Optional[int] = ..., time_zone: _Optional[str] = ..., calendar_version: _Optional[str] = ..., ingest_time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., payload_id: _Optional[int] = ...) -> None: ...

class SessionChange(_message.Message):
    __slots__ = ("mic", "session_date", "changed_time", "kind", "open_time_before", "close_time_before", "trading_minutes_before", "open_time", "close_time", "trading_minutes", "ingest_time")
    MIC_FIELD_NUMBER: _ClassVar[int]
    SESSION_DATE_FIELD_NUMBER: _ClassVar[int]
    CHANGED_TIME_FIELD_NUMBER: _ClassVar[int]
    KIND_FIELD_NUMBER: _ClassVar[int]
    OPEN_TIME_BEFORE_FIELD_NUMBER: _ClassVar[int]
    CLOSE_TIME_BEFORE_FIELD_NUMBER: _ClassVar[int]
    TRADING_MINUTES_BEFORE_FIELD_NUMBER: _ClassVar[int]
    OPEN_TIME_FIELD_NUMBER: _ClassVar[int]
    CLOSE_TIME_FIELD_NUMBER: _ClassVar[int]
    TRADING_MINUTES_FIELD_NUMBER: _ClassVar[int]
    INGEST_TIME_FIELD_NUMBER: _ClassVar[int]
    mic: str
    session_date: str
    changed_time: _timestamp_pb2.Timestamp
    kind: str
    open_time_before: _timestamp_pb2.Timestamp
    close_time_before: _timestamp_pb2.Timestamp
    trading_minutes_before: int
    open_time: _timestamp_pb2.Timestamp
    close_time: _timestamp_pb2.Timestamp
    trading_minutes: int
    ingest_time: _timestamp_pb2.Timestamp
    def __init__(self, mic: _Optional[str] = ..., session_date: _Optional[str] = ..., changed_time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., kind: _Optional[str] = ..., open_time_before: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., close_time_before: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., trading_minutes_before: _Optional[int] = ..., open_time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., close_time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., trading_minutes: _Optional[int] = ..., ingest_time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ...) -> None: ...
