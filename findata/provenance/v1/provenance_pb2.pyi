import datetime

from findata.annotations.v1 import annotations_pb2 as _annotations_pb2
from google.protobuf import timestamp_pb2 as _timestamp_pb2
from google.protobuf.internal import containers as _containers
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable, Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class Metadata(_message.Message):
    __slots__ = ("source_system", "region", "category", "quality_flags", "tags")
    SOURCE_SYSTEM_FIELD_NUMBER: _ClassVar[int]
    REGION_FIELD_NUMBER: _ClassVar[int]
    CATEGORY_FIELD_NUMBER: _ClassVar[int]
    QUALITY_FLAGS_FIELD_NUMBER: _ClassVar[int]
    TAGS_FIELD_NUMBER: _ClassVar[int]
    source_system: str
    region: str
    category: str
    quality_flags: _containers.RepeatedScalarFieldContainer[str]
    tags: _containers.RepeatedScalarFieldContainer[str]
    def __init__(self, source_system: _Optional[str] = ..., region: _Optional[str] = ..., category: _Optional[str] = ..., quality_flags: _Optional[_Iterable[str]] = ..., tags: _Optional[_Iterable[str]] = ...) -> None: ...

class Payload(_message.Message):
    __slots__ = ("payload_id", "sha256", "source", "dataset", "request", "http_status", "headers", "received_time", "size_bytes", "object_key", "metadata")
    PAYLOAD_ID_FIELD_NUMBER: _ClassVar[int]
    SHA256_FIELD_NUMBER: _ClassVar[int]
    SOURCE_FIELD_NUMBER: _ClassVar[int]
    DATASET_FIELD_NUMBER: _ClassVar[int]
    REQUEST_FIELD_NUMBER: _ClassVar[int]
    HTTP_STATUS_FIELD_NUMBER: _ClassVar[int]
    HEADERS_FIELD_NUMBER: _ClassVar[int]
    RECEIVED_TIME_FIELD_NUMBER: _ClassVar[int]
    SIZE_BYTES_FIELD_NUMBER: _ClassVar[int]
    OBJECT_KEY_FIELD_NUMBER: _ClassVar[int]
    METADATA_FIELD_NUMBER: _ClassVar[int]
    payload_id: int
    sha256: str
    source: str
    dataset: str
    request: str
    http_status: int
    headers: str
    received_time: _timestamp_pb2.Timestamp
    size_bytes: int
    object_key: str
    metadata: Metadata
    def __init__(self, payload_id: _Optional[int] = ..., sha256: _Optional[str] = ..., source: _Optional[str] = ..., dataset: _Optional[str] = ..., request: _Optional[str] = ..., http_status: _Optional[int] = ..., headers: _Optional[str] = ..., received_time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., size_bytes: _Optional[int] = ..., object_key: _Optional[str] = ..., metadata: _Optional[_Union[Metadata, _Mapping]] = ...) -> None: ...

class Fetch(_message.Message):
    __slots__ = ("fetch_id", "source", "dataset", "subject", "window_start_time", "window_end_time", "started_time", "duration_seconds", "http_status", "size_bytes", "rows_answered", "payload_id", "error", "interval", "rows_duplicate", "rows_quarantined", "is_refused", "rows_revised")
    FETCH_ID_FIELD_NUMBER: _ClassVar[int]
    SOURCE_FIELD_NUMBER: _ClassVar[int]
    DATASET_FIELD_NUMBER: _ClassVar[int]
    SUBJECT_FIELD_NUMBER: _ClassVar[int]
    WINDOW_START_TIME_FIELD_NUMBER: _ClassVar[int]
    WINDOW_END_TIME_FIELD_NUMBER: _ClassVar[int]
    STARTED_TIME_FIELD_NUMBER: _ClassVar[int]
    DURATION_SECONDS_FIELD_NUMBER: _ClassVar[int]
    HTTP_STATUS_FIELD_NUMBER: _ClassVar[int]
    SIZE_BYTES_FIELD_NUMBER: _ClassVar[int]
    ROWS_ANSWERED_FIELD_NUMBER: _ClassVar[int]
    PAYLOAD_ID_FIELD_NUMBER: _ClassVar[int]
    ERROR_FIELD_NUMBER: _ClassVar[int]
    INTERVAL_FIELD_NUMBER: _ClassVar[int]
    ROWS_DUPLICATE_FIELD_NUMBER: _ClassVar[int]
    ROWS_QUARANTINED_FIELD_NUMBER: _ClassVar[int]
    IS_REFUSED_FIELD_NUMBER: _ClassVar[int]
    ROWS_REVISED_FIELD_NUMBER: _ClassVar[int]
    fetch_id: str
    source: str
    dataset: str
    subject: str
    window_start_time: _timestamp_pb2.Timestamp
    window_end_time: _timestamp_pb2.Timestamp
    started_time: _timestamp_pb2.Timestamp
    duration_seconds: float
    http_status: int
    size_bytes: int
    rows_answered: int
    payload_id: int
    error: str
    interval: str
    rows_duplicate: int
    rows_quarantined: int
    is_refused: bool
    rows_revised: int
    def __init__(self, fetch_id: _Optional[str] = ..., source: _Optional[str] = ..., dataset: _Optional[str] = ..., subject: _Optional[str] = ..., window_start_time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., window_end_time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., started_time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., duration_seconds: _Optional[float] = ..., http_status: _Optional[int] = ..., size_bytes: _Optional[int] = ..., rows_answered: _Optional[int] = ..., payload_id: _Optional[int] = ..., error: _Optional[str] = ..., interval: _Optional[str] = ..., rows_duplicate: _Optional[int] = ..., rows_quarantined: _Optional[int] = ..., is_refused: _Optional[bool] = ..., rows_revised: _Optional[int] = ...) -> None: ...

class AnsweredWindow(_message.Message):
    __slots__ = ("instrument_id", "source", "interval", "payload_id", "start_time", "end_time", "received_time")
    INSTRUMENT_ID_FIELD_NUMBER: _ClassVar[int]
    SOURCE_FIELD_NUMBER: _ClassVar[int]
    INTERVAL_FIELD_NUMBER: _ClassVar[int]
    PAYLOAD_ID_FIELD_NUMBER: _ClassVar[int]
    START_TIME_FIELD_NUMBER: _ClassVar[int]
    END_TIME_FIELD_NUMBER: _ClassVar[int]
    RECEIVED_TIME_FIELD_NUMBER: _ClassVar[int]
    instrument_id: str
    source: str
    interval: str
    payload_id: int
    start_time: _timestamp_pb2.Timestamp
    end_time: _timestamp_pb2.Timestamp
    received_time: _timestamp_pb2.Timestamp
    def __init__(self, instrument_id: _Optional[str] = ..., source: _Optional[str] = ..., interval: _Optional[str] = ..., payload_id: _Optional[int] = ..., start_time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., end_time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., received_time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ...) -> None: ...
