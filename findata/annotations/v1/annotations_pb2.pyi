from google.protobuf import descriptor_pb2 as _descriptor_pb2
from google.protobuf.internal import containers as _containers
from google.protobuf.internal import enum_type_wrapper as _enum_type_wrapper
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class LakePartition(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    LAKE_PARTITION_UNSPECIFIED: _ClassVar[LakePartition]
    LAKE_PARTITION_SESSION: _ClassVar[LakePartition]
    LAKE_PARTITION_MONTH: _ClassVar[LakePartition]
    LAKE_PARTITION_WHOLE: _ClassVar[LakePartition]

class ColumnType(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    COLUMN_TYPE_UNSPECIFIED: _ClassVar[ColumnType]
    COLUMN_TYPE_DATE: _ClassVar[ColumnType]
    COLUMN_TYPE_DECIMAL: _ClassVar[ColumnType]
    COLUMN_TYPE_JSON: _ClassVar[ColumnType]
LAKE_PARTITION_UNSPECIFIED: LakePartition
LAKE_PARTITION_SESSION: LakePartition
LAKE_PARTITION_MONTH: LakePartition
LAKE_PARTITION_WHOLE: LakePartition
COLUMN_TYPE_UNSPECIFIED: ColumnType
COLUMN_TYPE_DATE: ColumnType
COLUMN_TYPE_DECIMAL: ColumnType
COLUMN_TYPE_JSON: ColumnType
TABLES_FIELD_NUMBER: _ClassVar[int]
tables: _descriptor.FieldDescriptor
VIEWS_FIELD_NUMBER: _ClassVar[int]
views: _descriptor.FieldDescriptor
COLUMN_FIELD_NUMBER: _ClassVar[int]
column: _descriptor.FieldDescriptor

class Table(_message.Message):
    __slots__ = ("schema", "name", "business_key", "time_column", "chunk_days", "has_history", "digest_subject", "digest_date", "digest_slice", "lake_partition", "purpose", "snapshot_date")
    SCHEMA_FIELD_NUMBER: _ClassVar[int]
    NAME_FIELD_NUMBER: _ClassVar[int]
    BUSINESS_KEY_FIELD_NUMBER: _ClassVar[int]
    TIME_COLUMN_FIELD_NUMBER: _ClassVar[int]
    CHUNK_DAYS_FIELD_NUMBER: _ClassVar[int]
    HAS_HISTORY_FIELD_NUMBER: _ClassVar[int]
    DIGEST_SUBJECT_FIELD_NUMBER: _ClassVar[int]
    DIGEST_DATE_FIELD_NUMBER: _ClassVar[int]
    DIGEST_SLICE_FIELD_NUMBER: _ClassVar[int]
    LAKE_PARTITION_FIELD_NUMBER: _ClassVar[int]
    PURPOSE_FIELD_NUMBER: _ClassVar[int]
    SNAPSHOT_DATE_FIELD_NUMBER: _ClassVar[int]
    schema: str
    name: str
    business_key: _containers.RepeatedScalarFieldContainer[str]
    time_column: str
    chunk_days: int
    has_history: bool
    digest_subject: str
    digest_date: str
    digest_slice: _containers.RepeatedScalarFieldContainer[str]
    lake_partition: LakePartition
    purpose: str
    snapshot_date: str
    def __init__(self, schema: _Optional[str] = ..., name: _Optional[str] = ..., business_key: _Optional[_Iterable[str]] = ..., time_column: _Optional[str] = ..., chunk_days: _Optional[int] = ..., has_history: _Optional[bool] = ..., digest_subject: _Optional[str] = ..., digest_date: _Optional[str] = ..., digest_slice: _Optional[_Iterable[str]] = ..., lake_partition: _Optional[_Union[LakePartition, str]] = ..., purpose: _Optional[str] = ..., snapshot_date: _Optional[str] = ...) -> None: ...

class View(_message.Message):
    __slots__ = ("schema", "name", "business_key", "has_as_of", "purpose")
    SCHEMA_FIELD_NUMBER: _ClassVar[int]
    NAME_FIELD_NUMBER: _ClassVar[int]
    BUSINESS_KEY_FIELD_NUMBER: _ClassVar[int]
    HAS_AS_OF_FIELD_NUMBER: _ClassVar[int]
    PURPOSE_FIELD_NUMBER: _ClassVar[int]
    schema: str
    name: str
    business_key: _containers.RepeatedScalarFieldContainer[str]
    has_as_of: bool
    purpose: str
    def __init__(self, schema: _Optional[str] = ..., name: _Optional[str] = ..., business_key: _Optional[_Iterable[str]] = ..., has_as_of: _Optional[bool] = ..., purpose: _Optional[str] = ...) -> None: ...

class Column(_message.Message):
    __slots__ = ("unit", "minimum", "maximum", "type", "allowed", "is_knowledge", "pattern", "deprecated_until")
    UNIT_FIELD_NUMBER: _ClassVar[int]
    MINIMUM_FIELD_NUMBER: _ClassVar[int]
    MAXIMUM_FIELD_NUMBER: _ClassVar[int]
    TYPE_FIELD_NUMBER: _ClassVar[int]
    ALLOWED_FIELD_NUMBER: _ClassVar[int]
    IS_KNOWLEDGE_FIELD_NUMBER: _ClassVar[int]
    PATTERN_FIELD_NUMBER: _ClassVar[int]
    DEPRECATED_UNTIL_FIELD_NUMBER: _ClassVar[int]
    unit: str
    minimum: float
    maximum: float
    type: ColumnType
    allowed: _containers.RepeatedScalarFieldContainer[str]
    is_knowledge: bool
    pattern: str
    deprecated_until: str
    def __init__(self, unit: _Optional[str] = ..., minimum: _Optional[float] = ..., maximum: _Optional[float] = ..., type: _Optional[_Union[ColumnType, str]] = ..., allowed: _Optional[_Iterable[str]] = ..., is_knowledge: _Optional[bool] = ..., pattern: _Optional[str] = ..., deprecated_until: _Optional[str] = ...) -> None: ...
