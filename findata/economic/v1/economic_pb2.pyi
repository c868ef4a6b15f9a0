import datetime

from findata.annotations.v1 import annotations_pb2 as _annotations_pb2
from google.protobuf import timestamp_pb2 as _timestamp_pb2
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class Series(_message.Message):
    __slots__ = ("series_id", "source", "name", "unit", "frequency", "seasonal_adjustment", "release", "topic", "observation_start_date", "observation_end_date", "updated_time", "ingest_time", "payload_id")
    SERIES_ID_FIELD_NUMBER: _ClassVar[int]
    SOURCE_FIELD_NUMBER: _ClassVar[int]
    NAME_FIELD_NUMBER: _ClassVar[int]
    UNIT_FIELD_NUMBER: _ClassVar[int]
    FREQUENCY_FIELD_NUMBER: _ClassVar[int]
    SEASONAL_ADJUSTMENT_FIELD_NUMBER: _ClassVar[int]
    RELEASE_FIELD_NUMBER: _ClassVar[int]
    TOPIC_FIELD_NUMBER: _ClassVar[int]
    OBSERVATION_START_DATE_FIELD_NUMBER: _ClassVar[int]
    OBSERVATION_END_DATE_FIELD_NUMBER: _ClassVar[int]
    UPDATED_TIME_FIELD_NUMBER: _ClassVar[int]
    INGEST_TIME_FIELD_NUMBER: _ClassVar[int]
    PAYLOAD_ID_FIELD_NUMBER: _ClassVar[int]
    series_id: str
    source: str
    name: str
    unit: str
    frequency: str
    seasonal_adjustment: str
    release: str
    topic: str
    observation_start_date: str
    observation_end_date: str
    updated_time: _timestamp_pb2.Timestamp
    ingest_time: _timestamp_pb2.Timestamp
    payload_id: int
    def __init__(self, series_id: _Optional[str] = ..., source: _Optional[str] = ..., name: _Optional[str] = ..., unit: _Optional[str] = ..., frequency: _Optional[str] = ..., seasonal_adjustment: _Optional[str] = ..., release: _Optional[str] = ..., topic: _Optional[str] = ..., observation_start_date: _Optional[str] = ..., observation_end_date: _Optional[str] = ..., updated_time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., ingest_time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., payload_id: _Optional[int] = ...) -> None: ...

class Vintage(_message.Message):
    __slots__ = ("series_id", "source", "vintage_date", "ingest_time", "payload_id")
    SERIES_ID_FIELD_NUMBER: _ClassVar[int]
    SOURCE_FIELD_NUMBER: _ClassVar[int]
    VINTAGE_DATE_FIELD_NUMBER: _ClassVar[int]
    INGEST_TIME_FIELD_NUMBER: _ClassVar[int]
    PAYLOAD_ID_FIELD_NUMBER: _ClassVar[int]
    series_id: str
    source: str
    vintage_date: str
    ingest_time: _timestamp_pb2.Timestamp
    payload_id: int
    def __init__(self, series_id: _Optional[str] = ..., source: _Optional[str] = ..., vintage_date: _Optional[str] = ..., ingest_time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., payload_id: _Optional[int] = ...) -> None: ...

class Observation(_message.Message):
    __slots__ = ("series_id", "source", "observation_date", "vintage_date", "vintage_kind", "state", "value", "release_time", "ingest_time", "payload_id")
    SERIES_ID_FIELD_NUMBER: _ClassVar[int]
    SOURCE_FIELD_NUMBER: _ClassVar[int]
    OBSERVATION_DATE_FIELD_NUMBER: _ClassVar[int]
    VINTAGE_DATE_FIELD_NUMBER: _ClassVar[int]
    VINTAGE_KIND_FIELD_NUMBER: _ClassVar[int]
    STATE_FIELD_NUMBER: _ClassVar[int]
    VALUE_FIELD_NUMBER: _ClassVar[int]
    RELEASE_TIME_FIELD_NUMBER: _ClassVar[int]
    INGEST_TIME_FIELD_NUMBER: _ClassVar[int]
    PAYLOAD_ID_FIELD_NUMBER: _ClassVar[int]
    series_id: str
    source: str
    observation_date: str
    vintage_date: str
    vintage_kind: str
    state: str
    value: float
    release_time: _timestamp_pb2.Timestamp
    ingest_time: _timestamp_pb2.Timestamp
    payload_id: int
    def __init__(self, series_id: _Optional[str] = ..., source: _Optional[str] = ..., observation_date: _Optional[str] = ..., vintage_date: _Optional[str] = ..., vintage_kind: _Optional[str] = ..., state: _Optional[str] = ..., value: _Optional[float] = ..., release_time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., ingest_time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., payload_id: _Optional[int] = ...) -> None: ...

class Revision(_message.Message):
    __slots__ = ("series_id", "source", "observation_date", "revision_number", "realtime_start_date", "realtime_end_date", "is_start_exact", "state", "value", "change", "is_latest", "available_time", "ingest_time")
    SERIES_ID_FIELD_NUMBER: _ClassVar[int]
    SOURCE_FIELD_NUMBER: _ClassVar[int]
    OBSERVATION_DATE_FIELD_NUMBER: _ClassVar[int]
    REVISION_NUMBER_FIELD_NUMBER: _ClassVar[int]
    REALTIME_START_DATE_FIELD_NUMBER: _ClassVar[int]
    REALTIME_END_DATE_FIELD_NUMBER: _ClassVar[int]
    IS_START_EXACT_FIELD_NUMBER: _ClassVar[int]
    STATE_FIELD_NUMBER: _ClassVar[int]
    VALUE_FIELD_NUMBER: _ClassVar[int]
    CHANGE_FIELD_NUMBER: _ClassVar[int]
    IS_LATEST_FIELD_NUMBER: _ClassVar[int]
    AVAILABLE_TIME_FIELD_NUMBER: _ClassVar[int]
    INGEST_TIME_FIELD_NUMBER: _ClassVar[int]
    series_id: str
    source: str
    observation_date: str
    revision_number: int
    realtime_start_date: str
    realtime_end_date: str
    is_start_exact: bool
    state: str
    value: float
    change: float
    is_latest: bool
    available_time: _timestamp_pb2.Timestamp
    ingest_time: _timestamp_pb2.Timestamp
    def __init__(self, series_id: _Optional[str] = ..., source: _Optional[str] = ..., observation_date: _Optional[str] = ..., revision_number: _Optional[int] = ..., realtime_start_date: _Optional[str] = ..., realtime_end_date: _Optional[str] = ..., is_start_exact: _Optional[bool] = ..., state: _Optional[str] = ..., value: _Optional[float] = ..., change: _Optional[float] = ..., is_latest: _Optional[bool] = ..., available_time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., ingest_time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ...) -> None: ...

class FxRate(_message.Message):
    __slots__ = ("base", "quote", "source", "observation_date", "rate", "ingest_time", "payload_id")
    BASE_FIELD_NUMBER: _ClassVar[int]
    QUOTE_FIELD_NUMBER: _ClassVar[int]
    SOURCE_FIELD_NUMBER: _ClassVar[int]
    OBSERVATION_DATE_FIELD_NUMBER: _ClassVar[int]
    RATE_FIELD_NUMBER: _ClassVar[int]
    INGEST_TIME_FIELD_NUMBER: _ClassVar[int]
    PAYLOAD_ID_FIELD_NUMBER: _ClassVar[int]
    base: str
    quote: str
    source: str
    observation_date: str
    rate: float
    ingest_time: _timestamp_pb2.Timestamp
    payload_id: int
    def __init__(self, base: _Optional[str] = ..., quote: _Optional[str] = ..., source: _Optional[str] = ..., observation_date: _Optional[str] = ..., rate: _Optional[float] = ..., ingest_time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., payload_id: _Optional[int] = ...) -> None: ...

class IndexLevel(_message.Message):
    __slots__ = ("index_id", "source", "observation_date", "level", "open_level", "high_level", "low_level", "ingest_time", "payload_id")
    INDEX_ID_FIELD_NUMBER: _ClassVar[int]
    SOURCE_FIELD_NUMBER: _ClassVar[int]
    OBSERVATION_DATE_FIELD_NUMBER: _ClassVar[int]
    LEVEL_FIELD_NUMBER: _ClassVar[int]
    OPEN_LEVEL_FIELD_NUMBER: _ClassVar[int]
    HIGH_LEVEL_FIELD_NUMBER: _ClassVar[int]
    LOW_LEVEL_FIELD_NUMBER: _ClassVar[int]
    INGEST_TIME_FIELD_NUMBER: _ClassVar[int]
    PAYLOAD_ID_FIELD_NUMBER: _ClassVar[int]
    index_id: str
    source: str
    observation_date: str
    level: float
    open_level: float
    high_level: float
    low_level: float
    ingest_time: _timestamp_pb2.Timestamp
    payload_id: int
    def __init__(self, index_id: _Optional[str] = ..., source: _Optional[str] = ..., observation_date: _Optional[str] = ..., level: _Optional[float] = ..., open_level: _Optional[float] = ..., high_level: _Optional[float] = ..., low_level: _Optional[float] = ..., ingest_time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., payload_id: _Optional[int] = ...) -> None: ...

class IndexMember(_message.Message):
    __slots__ = ("index_id", "source", "symbol", "from_date", "to_date", "ingest_time", "payload_id")
    INDEX_ID_FIELD_NUMBER: _ClassVar[int]
    SOURCE_FIELD_NUMBER: _ClassVar[int]
    SYMBOL_FIELD_NUMBER: _ClassVar[int]
    FROM_DATE_FIELD_NUMBER: _ClassVar[int]
    TO_DATE_FIELD_NUMBER: _ClassVar[int]
    INGEST_TIME_FIELD_NUMBER: _ClassVar[int]
    PAYLOAD_ID_FIELD_NUMBER: _ClassVar[int]
    index_id: str
    source: str
    symbol: str
    from_date: str
    to_date: str
    ingest_time: _timestamp_pb2.Timestamp
    payload_id: int
    def __init__(self, index_id: _Optional[str] = ..., source: _Optional[str] = ..., symbol: _Optional[str] = ..., from_date: _Optional[str] = ..., to_date: _Optional[str] = ..., ingest_time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., payload_id: _Optional[int] = ...) -> None: ...
