import datetime

from findata.annotations.v1 import annotations_pb2 as _annotations_pb2
from google.protobuf import timestamp_pb2 as _timestamp_pb2
from google.protobuf.internal import containers as _containers
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable, Mapping as _Mapping
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
    __slots__ = ("instrument_id", "interval", "source_interval", "event_time", "open", "high", "low", "close", "volume", "session_date", "period_start_date", "period_end_date", "expected_minutes", "present_minutes", "expected_sessions", "present_sessions", "is_complete", "available_time", "settles_time", "source", "adjustment", "ingest_time")
    INSTRUMENT_ID_FIELD_NUMBER: _ClassVar[int]
    INTERVAL_FIELD_NUMBER: _ClassVar[int]
    SOURCE_INTERVAL_FIELD_NUMBER: _ClassVar[int]
    EVENT_TIME_FIELD_NUMBER: _ClassVar[int]
    OPEN_FIELD_NUMBER: _ClassVar[int]
    HIGH_FIELD_NUMBER: _ClassVar[int]
    LOW_FIELD_NUMBER: _ClassVar[int]
    CLOSE_FIELD_NUMBER: _ClassVar[int]
    VOLUME_FIELD_NUMBER: _ClassVar[int]
    SESSION_DATE_FIELD_NUMBER: _ClassVar[int]
    PERIOD_START_DATE_FIELD_NUMBER: _ClassVar[int]
    PERIOD_END_DATE_FIELD_NUMBER: _ClassVar[int]
    EXPECTED_MINUTES_FIELD_NUMBER: _ClassVar[int]
    PRESENT_MINUTES_FIELD_NUMBER: _ClassVar[int]
    EXPECTED_SESSIONS_FIELD_NUMBER: _ClassVar[int]
    PRESENT_SESSIONS_FIELD_NUMBER: _ClassVar[int]
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
    open: float
    high: float
    low: float
    close: float
    volume: int
    session_date: str
    period_start_date: str
    period_end_date: str
    expected_minutes: int
    present_minutes: int
    expected_sessions: int
    present_sessions: int
    is_complete: bool
    available_time: _timestamp_pb2.Timestamp
    settles_time: _timestamp_pb2.Timestamp
    source: str
    adjustment: str
    ingest_time: _timestamp_pb2.Timestamp
    def __init__(self, instrument_id: _Optional[str] = ..., interval: _Optional[str] = ..., source_interval: _Optional[str] = ..., event_time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., open: _Optional[float] = ..., high: _Optional[float] = ..., low: _Optional[float] = ..., close: _Optional[float] = ..., volume: _Optional[int] = ..., session_date: _Optional[str] = ..., period_start_date: _Optional[str] = ..., period_end_date: _Optional[str] = ..., expected_minutes: _Optional[int] = ..., present_minutes: _Optional[int] = ..., expected_sessions: _Optional[int] = ..., present_sessions: _Optional[int] = ..., is_complete: _Optional[bool] = ..., available_time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., settles_time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., source: _Optional[str] = ..., adjustment: _Optional[str] = ..., ingest_time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ...) -> None: ...

class Pivot(_message.Message):
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

class Signal(_message.Message):
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

class Rate(_message.Message):
    __slots__ = ("rate", "source", "observation_date", "rate_percent", "percentile_1_percent", "percentile_25_percent", "percentile_75_percent", "percentile_99_percent", "intraday_low_percent", "intraday_high_percent", "standard_deviation_percent", "volume_billions_usd", "target_from_percent", "target_to_percent", "revision_indicator", "footnote_id", "publish_time", "ingest_time", "payload_id")
    RATE_FIELD_NUMBER: _ClassVar[int]
    SOURCE_FIELD_NUMBER: _ClassVar[int]
    OBSERVATION_DATE_FIELD_NUMBER: _ClassVar[int]
    RATE_PERCENT_FIELD_NUMBER: _ClassVar[int]
    PERCENTILE_1_PERCENT_FIELD_NUMBER: _ClassVar[int]
    PERCENTILE_25_PERCENT_FIELD_NUMBER: _ClassVar[int]
    PERCENTILE_75_PERCENT_FIELD_NUMBER: _ClassVar[int]
    PERCENTILE_99_PERCENT_FIELD_NUMBER: _ClassVar[int]
    INTRADAY_LOW_PERCENT_FIELD_NUMBER: _ClassVar[int]
    INTRADAY_HIGH_PERCENT_FIELD_NUMBER: _ClassVar[int]
    STANDARD_DEVIATION_PERCENT_FIELD_NUMBER: _ClassVar[int]
    VOLUME_BILLIONS_USD_FIELD_NUMBER: _ClassVar[int]
    TARGET_FROM_PERCENT_FIELD_NUMBER: _ClassVar[int]
    TARGET_TO_PERCENT_FIELD_NUMBER: _ClassVar[int]
    REVISION_INDICATOR_FIELD_NUMBER: _ClassVar[int]
    FOOTNOTE_ID_FIELD_NUMBER: _ClassVar[int]
    PUBLISH_TIME_FIELD_NUMBER: _ClassVar[int]
    INGEST_TIME_FIELD_NUMBER: _ClassVar[int]
    PAYLOAD_ID_FIELD_NUMBER: _ClassVar[int]
    rate: str
    source: str
    observation_date: str
    rate_percent: float
    percentile_1_percent: float
    percentile_25_percent: float
    percentile_75_percent: float
    percentile_99_percent: float
    intraday_low_percent: float
    intraday_high_percent: float
    standard_deviation_percent: float
    volume_billions_usd: float
    target_from_percent: float
    target_to_percent: float
    revision_indicator: str
    footnote_id: str
    publish_time: _timestamp_pb2.Timestamp
    ingest_time: _timestamp_pb2.Timestamp
    payload_id: int
    def __init__(self, rate: _Optional[str] = ..., source: _Optional[str] = ..., observation_date: _Optional[str] = ..., rate_percent: _Optional[float] = ..., percentile_1_percent: _Optional[float] = ..., percentile_25_percent: _Optional[float] = ..., percentile_75_percent: _Optional[float] = ..., percentile_99_percent: _Optional[float] = ..., intraday_low_percent: _Optional[float] = ..., intraday_high_percent: _Optional[float] = ..., standard_deviation_percent: _Optional[float] = ..., volume_billions_usd: _Optional[float] = ..., target_from_percent: _Optional[float] = ..., target_to_percent: _Optional[float] = ..., revision_indicator: _Optional[str] = ..., footnote_id: _Optional[str] = ..., publish_time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., ingest_time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., payload_id: _Optional[int] = ...) -> None: ...

class Average(_message.Message):
    __slots__ = ("rate", "measure", "observation_date", "window_start_date", "recomputed", "published", "difference", "fixing_count", "reason", "published_source", "ingest_time")
    RATE_FIELD_NUMBER: _ClassVar[int]
    MEASURE_FIELD_NUMBER: _ClassVar[int]
    OBSERVATION_DATE_FIELD_NUMBER: _ClassVar[int]
    WINDOW_START_DATE_FIELD_NUMBER: _ClassVar[int]
    RECOMPUTED_FIELD_NUMBER: _ClassVar[int]
    PUBLISHED_FIELD_NUMBER: _ClassVar[int]
    DIFFERENCE_FIELD_NUMBER: _ClassVar[int]
    FIXING_COUNT_FIELD_NUMBER: _ClassVar[int]
    REASON_FIELD_NUMBER: _ClassVar[int]
    PUBLISHED_SOURCE_FIELD_NUMBER: _ClassVar[int]
    INGEST_TIME_FIELD_NUMBER: _ClassVar[int]
    rate: str
    measure: str
    observation_date: str
    window_start_date: str
    recomputed: float
    published: float
    difference: float
    fixing_count: int
    reason: str
    published_source: str
    ingest_time: _timestamp_pb2.Timestamp
    def __init__(self, rate: _Optional[str] = ..., measure: _Optional[str] = ..., observation_date: _Optional[str] = ..., window_start_date: _Optional[str] = ..., recomputed: _Optional[float] = ..., published: _Optional[float] = ..., difference: _Optional[float] = ..., fixing_count: _Optional[int] = ..., reason: _Optional[str] = ..., published_source: _Optional[str] = ..., ingest_time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ...) -> None: ...

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

class Instrument(_message.Message):
    __slots__ = ("instrument_id", "symbol", "mic", "currency", "price_units", "from_date", "to_date", "region", "category", "quality_flags", "tags", "ingest_time", "payload_id")
    INSTRUMENT_ID_FIELD_NUMBER: _ClassVar[int]
    SYMBOL_FIELD_NUMBER: _ClassVar[int]
    MIC_FIELD_NUMBER: _ClassVar[int]
    CURRENCY_FIELD_NUMBER: _ClassVar[int]
    PRICE_UNITS_FIELD_NUMBER: _ClassVar[int]
    FROM_DATE_FIELD_NUMBER: _ClassVar[int]
    TO_DATE_FIELD_NUMBER: _ClassVar[int]
    REGION_FIELD_NUMBER: _ClassVar[int]
    CATEGORY_FIELD_NUMBER: _ClassVar[int]
    QUALITY_FLAGS_FIELD_NUMBER: _ClassVar[int]
    TAGS_FIELD_NUMBER: _ClassVar[int]
    INGEST_TIME_FIELD_NUMBER: _ClassVar[int]
    PAYLOAD_ID_FIELD_NUMBER: _ClassVar[int]
    instrument_id: str
    symbol: str
    mic: str
    currency: str
    price_units: int
    from_date: str
    to_date: str
    region: str
    category: str
    quality_flags: _containers.RepeatedScalarFieldContainer[str]
    tags: _containers.RepeatedScalarFieldContainer[str]
    ingest_time: _timestamp_pb2.Timestamp
    payload_id: int
    def __init__(self, instrument_id: _Optional[str] = ..., symbol: _Optional[str] = ..., mic: _Optional[str] = ..., currency: _Optional[str] = ..., price_units: _Optional[int] = ..., from_date: _Optional[str] = ..., to_date: _Optional[str] = ..., region: _Optional[str] = ..., category: _Optional[str] = ..., quality_flags: _Optional[_Iterable[str]] = ..., tags: _Optional[_Iterable[str]] = ..., ingest_time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., payload_id: _Optional[int] = ...) -> None: ...

class Session(_message.Message):
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

class Split(_message.Message):
    __slots__ = ("instrument_id", "source", "ex_date", "numerator", "denominator", "ratio_said", "ingest_time", "payload_id")
    INSTRUMENT_ID_FIELD_NUMBER: _ClassVar[int]
    SOURCE_FIELD_NUMBER: _ClassVar[int]
    EX_DATE_FIELD_NUMBER: _ClassVar[int]
    NUMERATOR_FIELD_NUMBER: _ClassVar[int]
    DENOMINATOR_FIELD_NUMBER: _ClassVar[int]
    RATIO_SAID_FIELD_NUMBER: _ClassVar[int]
    INGEST_TIME_FIELD_NUMBER: _ClassVar[int]
    PAYLOAD_ID_FIELD_NUMBER: _ClassVar[int]
    instrument_id: str
    source: str
    ex_date: str
    numerator: int
    denominator: int
    ratio_said: str
    ingest_time: _timestamp_pb2.Timestamp
    payload_id: int
    def __init__(self, instrument_id: _Optional[str] = ..., source: _Optional[str] = ..., ex_date: _Optional[str] = ..., numerator: _Optional[int] = ..., denominator: _Optional[int] = ..., ratio_said: _Optional[str] = ..., ingest_time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., payload_id: _Optional[int] = ...) -> None: ...

class Dividend(_message.Message):
    __slots__ = ("instrument_id", "source", "ex_date", "kind", "adjustment", "amount", "currency", "amount_uncertainty", "ingest_time", "payload_id")
    INSTRUMENT_ID_FIELD_NUMBER: _ClassVar[int]
    SOURCE_FIELD_NUMBER: _ClassVar[int]
    EX_DATE_FIELD_NUMBER: _ClassVar[int]
    KIND_FIELD_NUMBER: _ClassVar[int]
    ADJUSTMENT_FIELD_NUMBER: _ClassVar[int]
    AMOUNT_FIELD_NUMBER: _ClassVar[int]
    CURRENCY_FIELD_NUMBER: _ClassVar[int]
    AMOUNT_UNCERTAINTY_FIELD_NUMBER: _ClassVar[int]
    INGEST_TIME_FIELD_NUMBER: _ClassVar[int]
    PAYLOAD_ID_FIELD_NUMBER: _ClassVar[int]
    instrument_id: str
    source: str
    ex_date: str
    kind: str
    adjustment: str
    amount: str
    currency: str
    amount_uncertainty: str
    ingest_time: _timestamp_pb2.Timestamp
    payload_id: int
    def __init__(self, instrument_id: _Optional[str] = ..., source: _Optional[str] = ..., ex_date: _Optional[str] = ..., kind: _Optional[str] = ..., adjustment: _Optional[str] = ..., amount: _Optional[str] = ..., currency: _Optional[str] = ..., amount_uncertainty: _Optional[str] = ..., ingest_time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., payload_id: _Optional[int] = ...) -> None: ...
