"""The message of Sparkplug B, written down from the numbered fields of the specification (3.0, chapter 6).

The libraries for Sparkplug on PyPI need paho-mqtt 1; Google's protobuf with this description needs no generated file.
"""

from __future__ import annotations

from typing import Any

from google.protobuf.descriptor_pb2 import (  # type: ignore[import-untyped]
    DescriptorProto,
    FieldDescriptorProto,
    FileDescriptorProto,
)
from google.protobuf.descriptor_pool import DescriptorPool  # type: ignore[import-untyped]
from google.protobuf.message_factory import GetMessageClass  # type: ignore[import-untyped]

# message: its fields by number; a field is `name kind`, `*` repeats, kinds in capitals are messages of this table
MESSAGES = {
    "Payload": "1 timestamp uint64,2 metrics *Metric,3 seq uint64,4 uuid string,5 body bytes",
    "Metric": "1 name string,2 alias uint64,3 timestamp uint64,4 datatype uint32,5 is_historical bool,"
    "6 is_transient bool,7 is_null bool,8 metadata MetaData,9 properties PropertySet,10 int_value uint32,"
    "11 long_value uint64,12 float_value float,13 double_value double,14 boolean_value bool,15 string_value string,"
    "16 bytes_value bytes,17 dataset_value DataSet,18 template_value Template",
    "MetaData": "1 is_multi_part bool,2 content_type string,3 size uint64,4 seq uint64,5 file_name string,"
    "6 file_type string,7 md5 string,8 description string",
    "PropertySet": "1 keys *string,2 values *PropertyValue",
    "PropertyValue": "1 type uint32,2 is_null bool,3 int_value uint32,4 long_value uint64,5 float_value float,"
    "6 double_value double,7 boolean_value bool,8 string_value string",
    "DataSet": "1 num_of_columns uint64,2 columns *string,3 types *uint32,4 rows *Row",
    "Row": "1 elements *DataSetValue",
    "DataSetValue": "1 int_value uint32,2 long_value uint64,3 float_value float,4 double_value double,"
    "5 boolean_value bool,6 string_value string",
    "Template": "1 version string,2 metrics *Metric,3 parameters *Parameter,4 template_ref string,5 is_definition bool",
    "Parameter": "1 name string,2 type uint32,3 int_value uint32,4 long_value uint64,5 float_value float,"
    "6 double_value double,7 boolean_value bool,8 string_value string",
}
_DATATYPES = (
    "Unknown Int8 Int16 Int32 Int64 UInt8 UInt16 UInt32 UInt64 Float Double Boolean String DateTime Text UUID DataSet "
    "Bytes File Template PropertySet PropertySetList Int8Array Int16Array Int32Array Int64Array UInt8Array UInt16Array "
    "UInt32Array UInt64Array FloatArray DoubleArray BooleanArray StringArray DateTimeArray"
)
DATATYPES = tuple(_DATATYPES.split())
"""Names of the data types by their number."""


def _described() -> FileDescriptorProto:
    file = FileDescriptorProto(name="sparkplug_b", package="sparkplug", syntax="proto2")
    for name, fields in MESSAGES.items():
        message: DescriptorProto = file.message_type.add(name=name)
        for line in fields.split(","):
            number, field, kind = line.split()
            repeated, kind = kind.startswith("*"), kind.removeprefix("*")
            made = message.field.add(name=field, number=int(number))
            made.label = FieldDescriptorProto.LABEL_REPEATED if repeated else FieldDescriptorProto.LABEL_OPTIONAL
            if kind in MESSAGES:
                made.type, made.type_name = FieldDescriptorProto.TYPE_MESSAGE, f".sparkplug.{kind}"
            else:
                made.type = FieldDescriptorProto.Type.Value(f"TYPE_{kind.upper()}")
    return file


_POOL = DescriptorPool()
_POOL.Add(_described())
Payload: Any = GetMessageClass(_POOL.FindMessageTypeByName("sparkplug.Payload"))
"""The class of a payload: `Payload.FromString(data)`, `Payload(…).SerializeToString()`."""
