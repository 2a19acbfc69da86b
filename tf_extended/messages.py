"""Protocol buffer messages of other programs, declared in place: only the fields that are read."""
from google.protobuf import descriptor_pb2, descriptor_pool, message_factory
from google.protobuf.descriptor_pb2 import FieldDescriptorProto as Field


def declare(schema: dict[str, dict[str, tuple[int, str, str]]], root: str) -> type:
    """The class of the message `root`. schema: message → field → (number, type, optional | repeated).

    A type is one of protobuf's (`float`, `string`, …) or a message of the schema.
    """
    file = descriptor_pb2.FileDescriptorProto(name="schema.proto", package="schema")
    for name, fields in schema.items():
        message = file.message_type.add(name=name)
        for field, (number, kind, label) in fields.items():
            added = message.field.add(name=field, number=number, label=Field.Label.Value(f"LABEL_{label.upper()}"))
            if kind in schema:
                added.type, added.type_name = Field.TYPE_MESSAGE, f".schema.{kind}"
            else:
                added.type = Field.Type.Value(f"TYPE_{kind.upper()}")
    pool = descriptor_pool.DescriptorPool()
    pool.Add(file)
    return message_factory.GetMessageClass(pool.FindMessageTypeByName(f"schema.{root}"))
