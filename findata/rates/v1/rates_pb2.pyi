import datetime

from findata.annotations.v1 import annotations_pb2 as _annotations_pb2
from google.protobuf import timestamp_pb2 as _timestamp_pb2
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class ReferenceRate(_message.Message):
    __slots__ = ("rate", "source", "observation_date", "rate_percent", "percentile_1_percent", "percentile_25_percent", "percentile_75_percent", "percentile_99_percent", "volume_billions_usd", "target_from_percent", "target_to_percent", "revision_indicator", "footnote_id", "publish_time", "ingest_time", "payload_id", "intraday_low_percent", "intraday_high_percent", "standard_deviation_percent")
    RATE_FIELD_NUMBER: _ClassVar[int]
    SOURCE_FIELD_NUMBER: _ClassVar[int]
    OBSERVATION_DATE_FIELD_NUMBER: _ClassVar[int]
    RATE_PERCENT_FIELD_NUMBER: _ClassVar[int]
    PERCENTILE_1_PERCENT_FIELD_NUMBER: _ClassVar[int]
    PERCENTILE_25_PERCENT_FIELD_NUMBER: _ClassVar[int]
    PERCENTILE_75_PERCENT_FIELD_NUMBER: _ClassVar[int]
    PERCENTILE_99_PERCENT_FIELD_NUMBER: _ClassVar[int]
    VOLUME_BILLIONS_USD_FIELD_NUMBER: _ClassVar[int]
    TARGET_FROM_PERCENT_FIELD_NUMBER: _ClassVar[int]
    TARGET_TO_PERCENT_FIELD_NUMBER: _ClassVar[int]
    REVISION_INDICATOR_FIELD_NUMBER: _ClassVar[int]
    FOOTNOTE_ID_FIELD_NUMBER: _ClassVar[int]
    PUBLISH_TIME_FIELD_NUMBER: _ClassVar[int]
    INGEST_TIME_FIELD_NUMBER: _ClassVar[int]
    PAYLOAD_ID_FIELD_NUMBER: _ClassVar[int]
    INTRADAY_LOW_PERCENT_FIELD_NUMBER: _ClassVar[int]
    INTRADAY_HIGH_PERCENT_FIELD_NUMBER: _ClassVar[int]
    STANDARD_DEVIATION_PERCENT_FIELD_NUMBER: _ClassVar[int]
    rate: str
    source: str
    observation_date: str
    rate_percent: float
    percentile_1_percent: float
    percentile_25_percent: float
    percentile_75_percent: float
    percentile_99_percent: float
    volume_billions_usd: float
    target_from_percent: float
    target_to_percent: float
    revision_indicator: str
    footnote_id: str
    publish_time: _timestamp_pb2.Timestamp
    ingest_time: _timestamp_pb2.Timestamp
    payload_id: int
    intraday_low_percent: float
    intraday_high_percent: float
    standard_deviation_percent: float
    def __init__(self, rate: _Optional[str] = ..., source: _Optional[str] = ..., observation_date: _Optional[str] = ..., rate_percent: _Optional[float] = ..., percentile_1_percent: _Optional[float] = ..., percentile_25_percent: _Optional[float] = ..., percentile_75_percent: _Optional[float] = ..., percentile_99_percent: _Optional[float] = ..., volume_billions_usd: _Optional[float] = ..., target_from_percent: _Optional[float] = ..., target_to_percent: _Optional[float] = ..., revision_indicator: _Optional[str] = ..., footnote_id: _Optional[str] = ..., publish_time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., ingest_time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., payload_id: _Optional[int] = ..., intraday_low_percent: _Optional[float] = ..., intraday_high_percent: _Optional[float] = ..., standard_deviation_percent: _Optional[float] = ...) -> None: ...

class PublishedAverage(_message.Message):
    __slots__ = ("rate", "source", "observation_date", "average_30day_percent", "average_90day_percent", "average_180day_percent", "index_value", "revision_indicator", "ingest_time", "payload_id")
    RATE_FIELD_NUMBER: _ClassVar[int]
    SOURCE_FIELD_NUMBER: _ClassVar[int]
    OBSERVATION_DATE_FIELD_NUMBER: _ClassVar[int]
    AVERAGE_30DAY_PERCENT_FIELD_NUMBER: _ClassVar[int]
    AVERAGE_90DAY_PERCENT_FIELD_NUMBER: _ClassVar[int]
    AVERAGE_180DAY_PERCENT_FIELD_NUMBER: _ClassVar[int]
    INDEX_VALUE_FIELD_NUMBER: _ClassVar[int]
    REVISION_INDICATOR_FIELD_NUMBER: _ClassVar[int]
    INGEST_TIME_FIELD_NUMBER: _ClassVar[int]
    PAYLOAD_ID_FIELD_NUMBER: _ClassVar[int]
    rate: str
    source: str
    observation_date: str
    average_30day_percent: float
    average_90day_percent: float
    average_180day_percent: float
    index_value: float
    revision_indicator: str
    ingest_time: _timestamp_pb2.Timestamp
    payload_id: int
    def __init__(self, rate: _Optional[str] = ..., source: _Optional[str] = ..., observation_date: _Optional[str] = ..., average_30day_percent: _Optional[float] = ..., average_90day_percent: _Optional[float] = ..., average_180day_percent: _Optional[float] = ..., index_value: _Optional[float] = ..., revision_indicator: _Optional[str] = ..., ingest_time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., payload_id: _Optional[int] = ...) -> None: ...

class RateAverage(_message.Message):
    __slots__ = ("rate", "measure", "observation_date", "window_start_date", "recomputed", "published", "difference", "fixing_count", "reason", "ingest_time", "published_source")
    RATE_FIELD_NUMBER: _ClassVar[int]
    MEASURE_FIELD_NUMBER: _ClassVar[int]
    OBSERVATION_DATE_FIELD_NUMBER: _ClassVar[int]
    WINDOW_START_DATE_FIELD_NUMBER: _ClassVar[int]
    RECOMPUTED_FIELD_NUMBER: _ClassVar[int]
    PUBLISHED_FIELD_NUMBER: _ClassVar[int]
    DIFFERENCE_FIELD_NUMBER: _ClassVar[int]
    FIXING_COUNT_FIELD_NUMBER: _ClassVar[int]
    REASON_FIELD_NUMBER: _ClassVar[int]
    INGEST_TIME_FIELD_NUMBER: _ClassVar[int]
    PUBLISHED_SOURCE_FIELD_NUMBER: _ClassVar[int]
    rate: str
    measure: str
    observation_date: str
    window_start_date: str
    recomputed: float
    published: float
    difference: float
    fixing_count: int
    reason: str
    ingest_time: _timestamp_pb2.Timestamp
    published_source: str
    def __init__(self, rate: _Optional[str] = ..., measure: _Optional[str] = ..., observation_date: _Optional[str] = ..., window_start_date: _Optional[str] = ..., recomputed: _Optional[float] = ..., published: _Optional[float] = ..., difference: _Optional[float] = ..., fixing_count: _Optional[int] = ..., reason: _Optional[str] = ..., ingest_time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., published_source: _Optional[str] = ...) -> None: ...

class CalendarDisagreement(_message.Message):
    __slots__ = ("rate", "calendar", "observation_date", "calendar_version", "is_business_day", "is_published", "reason", "ingest_time")
    RATE_FIELD_NUMBER: _ClassVar[int]
    CALENDAR_FIELD_NUMBER: _ClassVar[int]
    OBSERVATION_DATE_FIELD_NUMBER: _ClassVar[int]
    CALENDAR_VERSION_FIELD_NUMBER: _ClassVar[int]
    IS_BUSINESS_DAY_FIELD_NUMBER: _ClassVar[int]
    IS_PUBLISHED_FIELD_NUMBER: _ClassVar[int]
    REASON_FIELD_NUMBER: _ClassVar[int]
    INGEST_TIME_FIELD_NUMBER: _ClassVar[int]
    rate: str
    calendar: str
    observation_date: str
    calendar_version: str
    is_business_day: bool
    is_published: bool
    reason: str
    ingest_time: _timestamp_pb2.Timestamp
    def __init__(self, rate: _Optional[str] = ..., calendar: _Optional[str] = ..., observation_date: _Optional[str] = ..., calendar_version: _Optional[str] = ..., is_business_day: _Optional[bool] = ..., is_published: _Optional[bool] = ..., reason: _Optional[str] = ..., ingest_time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ...) -> None: ...
