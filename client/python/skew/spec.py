"""Job specifications as people write them, into the API's JobSpec."""

from __future__ import annotations

import math
import pathlib
import re
from typing import Any, Mapping, Union

import yaml
from google.protobuf import descriptor, duration_pb2, json_format, message

from .errors import FieldViolation, InvalidArgument
from .v1 import job_pb2

#: A dict, YAML or JSON text, the path of a file with it, or the message itself.
Spec = Union[Mapping[str, Any], str, pathlib.Path, job_pb2.JobSpec]

_Field = descriptor.FieldDescriptor
_NUMBERS = (_Field.CPPTYPE_INT32, _Field.CPPTYPE_INT64, _Field.CPPTYPE_UINT32, _Field.CPPTYPE_UINT64,
            _Field.CPPTYPE_DOUBLE, _Field.CPPTYPE_FLOAT)
_UNITS = {"h": 3600.0, "m": 60.0, "s": 1.0, "ms": 1e-3}


def to_spec(spec: Spec) -> job_pb2.JobSpec:
    """The spec as a message. Whether it makes sense is the server's to say.

    Written as for ``skewctl submit``: a family may be its bare name (``"resample"``), durations are like ``"1h30m"``,
    None is the empty message. Raises InvalidArgument, with a violation for every field that is not a JobSpec's.
    """
    if isinstance(spec, job_pb2.JobSpec):
        return spec
    if isinstance(spec, pathlib.Path):
        return to_spec(spec.read_text(encoding="utf-8"))
    tree = _parse(spec) if isinstance(spec, str) else spec
    decoder = _Decoder()
    decoded = job_pb2.JobSpec()
    decoder.fill(tree, "", decoded)
    if decoder.violations:
        lines = [f"{one.field}: {one.description}" if one.field else one.description for one in decoder.violations]
        raise InvalidArgument("; ".join(lines), decoder.violations)
    return decoded


class _TextLoader(yaml.SafeLoader):
    """YAML whose scalars are the texts that were written, but for null: what they mean is for their fields to say. A label
    1.10 is not 1.1, a name 12:30 no number of seconds, and 0100 a hundred."""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:
        seen = set()
        for key, _ in node.value:
            if isinstance(key, yaml.ScalarNode):
                if key.value in seen:
                    raise yaml.constructor.ConstructorError(None, None, f"{key.value!r} is there twice", key.start_mark)
                seen.add(key.value)
        return super().construct_mapping(node, deep)


_TextLoader.yaml_implicit_resolvers = {
    first: [(tag, pattern) for tag, pattern in resolvers if tag == "tag:yaml.org,2002:null"]
    for first, resolvers in yaml.SafeLoader.yaml_implicit_resolvers.items()
}


def _parse(text: str) -> Any:
    try:
        return yaml.load(text, Loader=_TextLoader)
    except yaml.YAMLError as error:
        raise InvalidArgument(f"the spec is not YAML: {error}") from error


class _Decoder:
    """Walks a tree of dicts and lists guided by a message's descriptor; goes on after an error, to find them all."""

    def __init__(self) -> None:
        self.violations: list[FieldViolation] = []

    def fill(self, tree: Any, path: str, target: message.Message) -> None:
        if isinstance(tree, str) and _is_family(target.DESCRIPTOR, tree):
            tree = {tree: None}
        if tree is None and path:
            target.SetInParent()
            return
        if not isinstance(tree, Mapping):
            self._report(path, f"{tree!r} is not a map of settings")
            return
        target.SetInParent()
        known = {name: field for field in target.DESCRIPTOR.fields for name in (field.name, field.json_name)}
        for key, value in tree.items():
            place = f"{path}.{key}" if path else str(key)
            field = known.get(key)
            if field is None:
                names = ", ".join(one.name for one in target.DESCRIPTOR.fields)
                self._report(place, f"unknown field; known: {names or 'none'}")
            elif self._is_second_family(field, target):
                self._report(place, f"only one of {', '.join(one.name for one in field.containing_oneof.fields)} can be set")
            else:
                self._set(value, place, field, target)

    @staticmethod
    def _is_second_family(field: _Field, target: message.Message) -> bool:
        return field.containing_oneof is not None and target.WhichOneof(field.containing_oneof.name) is not None

    def _set(self, value: Any, path: str, field: _Field, target: message.Message) -> None:
        if field.label != _Field.LABEL_REPEATED:
            self._set_one(value, path, field, target)
        elif field.message_type is not None and field.message_type.GetOptions().map_entry:
            self._set_map(value, path, field, target)
        elif isinstance(value, (list, tuple)):
            self._set_list(value, path, field, target)
        else:
            self._report(path, f"{value!r} is not a list")

    def _set_one(self, value: Any, path: str, field: _Field, target: message.Message) -> None:
        if field.message_type is None:
            self._set_scalar(value, field.name, path, field, target)
        elif field.message_type.full_name == duration_pb2.Duration.DESCRIPTOR.full_name:
            self._set_duration(value, path, field, target)
        else:
            self.fill(value, path, getattr(target, field.name))

    def _set_scalar(self, value: Any, name: str, path: str, field: _Field, target: message.Message,
                    key: str | None = None) -> None:
        """`key`: of an entry of the map `name`, whose values are like `field`."""
        if value is None:
            self._report(path, "has no value")
            return
        if isinstance(value, str) and field.cpp_type in _NUMBERS and "_" in value:  # which Python would take
            self._report(path, f"{value!r} is not a number")
            return
        scalar = _scalar(value, field)
        if key is not None:
            scalar = {key: scalar}
        elif field.label == _Field.LABEL_REPEATED:
            scalar = [scalar]
        self._merge({name: scalar}, path, target)

    def _set_duration(self, value: Any, path: str, field: _Field, target: message.Message) -> None:
        seconds = _seconds(value)
        if seconds is None:
            self._report(path, f"{value!r} is not a duration like '90s' or '1h30m'")
        else:
            whole = math.floor(seconds)
            getattr(target, field.name).CopyFrom(
                duration_pb2.Duration(seconds=whole, nanos=round((seconds - whole) * 1e9)))

    def _set_map(self, value: Any, path: str, field: _Field, target: message.Message) -> None:
        if not isinstance(value, Mapping):
            self._report(path, f"{value!r} is not a map")
            return
        kind = field.message_type.fields_by_name["value"]
        for key, one in value.items():
            self._set_scalar(one, field.name, f"{path}[{key}]", kind, target, str(key))

    def _set_list(self, values: Any, path: str, field: _Field, target: message.Message) -> None:
        for i, one in enumerate(values):
            if field.message_type is not None:
                self.fill(one, f"{path}[{i}]", getattr(target, field.name).add())
            else:
                self._set_scalar(one, field.name, f"{path}[{i}]", field, target)

    def _merge(self, part: dict[str, Any], path: str, target: message.Message) -> None:
        """Adds one value, of whose type protobuf's JSON parser judges."""
        parsed = type(target)()  # the parser would replace lists and maps
        try:
            json_format.ParseDict(part, parsed)
        except json_format.ParseError as error:
            # "Failed to parse iterations field: ..." names the field once more.
            self._report(path, re.sub(r"^(Failed to parse \S+ field: )+", "", str(error)))
        target.MergeFrom(parsed)

    def _report(self, path: str, problem: str) -> None:
        self.violations.append(FieldViolation(path, problem))


def _is_family(kind: descriptor.Descriptor, name: str) -> bool:
    """Whether this is one of the messages of a oneof, e.g. "dcgan" of a ModelSpec."""
    field = kind.fields_by_name.get(name)
    return field is not None and field.containing_oneof is not None and field.message_type is not None


def _scalar(value: Any, field: _Field) -> Any:
    """As protobuf's JSON parser wants it, which takes numbers in texts: a job named 17 is named "17"; words of enums and
    true and false may be written in any case."""
    if field.type == _Field.TYPE_STRING and isinstance(value, (int, float)) and not isinstance(value, bool):
        return str(value)
    if field.type == _Field.TYPE_ENUM and isinstance(value, str):
        return value.upper()
    if field.type == _Field.TYPE_BOOL and isinstance(value, str):
        return {"true": True, "false": False}.get(value.lower(), value)
    return value


def _seconds(value: Any) -> float | None:
    """None when it is no duration."""
    if not isinstance(value, str) or not re.fullmatch(r"-?(\d+(\.\d+)?(h|ms|m|s))+", value):
        return None
    total = sum(float(number) * _UNITS[unit] for number, unit in re.findall(r"(\d+(?:\.\d+)?)(h|ms|m|s)", value))
    return -total if value.startswith("-") else total
