"""Packets of a Perfetto trace: tracks, slices and counters, written one after the other.

A trace is a sequence of `TracePacket` messages in the wire format of Protocol Buffers. Events are of the type
`TrackEvent`; their names, and those of their arguments, are written once and referred to by a number (interned).
The numbers of fields are those of Perfetto's `trace_packet.proto`, `track_event.proto`, `track_descriptor.proto`,
`counter_descriptor.proto`, `debug_annotation.proto` and `interned_data.proto`.
"""

import struct
from collections.abc import Mapping
from itertools import count
from typing import BinaryIO

PACKET = 1  # of Trace
TIMESTAMP, SEQUENCE_ID, TRACK_EVENT, INTERNED_DATA, SEQUENCE_FLAGS, TRACK_DESCRIPTOR = 8, 10, 11, 12, 13, 60
UUID, NAME, PARENT_UUID, COUNTER, CHILD_ORDERING, SIBLING_RANK = 1, 2, 5, 8, 11, 12  # of TrackDescriptor
EXPLICIT_ORDER = 3  # of ChildTracksOrdering
UNIT_NAME = 6  # of CounterDescriptor
ANNOTATION, TYPE, NAME_IID, TRACK_UUID, DOUBLE_VALUE, FLOW, LAST_FLOW = 4, 9, 10, 11, 44, 47, 48  # of TrackEvent
BEGIN, END, COUNT = 1, 2, 4  # its types
ARGUMENT_NAME_IID, BOOL_VALUE, INT_VALUE, TEXT_VALUE = 1, 2, 4, 6  # of DebugAnnotation
EVENT_NAMES, ARGUMENT_NAMES = 2, 3  # of InternedData
STATE_CLEARED, NEEDS_STATE = 1, 2  # of SequenceFlags
SEQUENCE = 1

Value = int | str | bool | None
Arguments = Mapping[str, Value]


class PerfettoWriter:
    """Writes packets to a file. Instants are in µs; the trace has them in ns since `origin_us`, none before."""

    def __init__(self, file: BinaryIO, origin_us: int = 0):
        self._file = file
        self._origin_us = origin_us
        self._uuids = count(1)
        self._iids: dict[tuple[int, str], bytes] = {}
        self._new_names = b""
        self._write(_number(SEQUENCE_ID, SEQUENCE) + _number(SEQUENCE_FLAGS, STATE_CLEARED))

    def track(self, name: str, parent: int = 0, unit: str = "") -> int:
        """Write a track below `parent`, and return its id; with a unit it is a counter.

        The children of a track are shown in the order in which they are written.
        """
        uuid = next(self._uuids)
        descriptor = _number(UUID, uuid) + _text(NAME, name) + _number(SIBLING_RANK, uuid)
        descriptor += _number(CHILD_ORDERING, EXPLICIT_ORDER)
        descriptor += _number(PARENT_UUID, parent) if parent else b""
        descriptor += _bytes(COUNTER, _text(UNIT_NAME, unit)) if unit else b""
        self._write(_number(SEQUENCE_ID, SEQUENCE) + _bytes(TRACK_DESCRIPTOR, descriptor))
        return uuid

    def slice(
        self,
        track: int,
        begin_us: int,
        end_us: int,
        name: str,
        arguments: Arguments | None = None,
        *,
        flow: int = 0,
        ends_flow: bool = False,
    ) -> None:
        """Write a slice; on one track slices must not overlap. Slices with the same `flow` are joined by an arrow."""
        event = self._begin(track, name, arguments or {})
        if flow:
            event += _tag(LAST_FLOW if ends_flow else FLOW, 1) + struct.pack("<Q", flow)
        self._write_event(begin_us, event)
        self._write_event(end_us, _number(TYPE, END) + _number(TRACK_UUID, track))

    def count(self, track: int, at_us: int, value: float) -> None:
        """Write a new value of a counter."""
        event = _number(TYPE, COUNT) + _number(TRACK_UUID, track)
        self._write_event(at_us, event + _tag(DOUBLE_VALUE, 1) + struct.pack("<d", value))

    def _begin(self, track: int, name: str, arguments: Arguments) -> bytes:
        annotations = [
            _bytes(ANNOTATION, self._iid(ARGUMENT_NAMES, key) + _value(value))
            for key, value in arguments.items()
            if value is not None
        ]
        parts = (_number(TYPE, BEGIN), _number(TRACK_UUID, track), self._iid(EVENT_NAMES, name), *annotations)
        return b"".join(parts)

    def _iid(self, kind: int, name: str) -> bytes:
        """The field that refers to a name; a new name goes into the next packet."""
        field = self._iids.get((kind, name))
        if field is None:
            iid = len(self._iids) + 1
            field = self._iids[kind, name] = _number(NAME_IID if kind == EVENT_NAMES else ARGUMENT_NAME_IID, iid)
            self._new_names += _bytes(kind, _number(1, iid) + _text(2, name))
        return field

    def _write_event(self, at_us: int, event: bytes) -> None:
        names = _bytes(INTERNED_DATA, self._new_names) if self._new_names else b""
        self._new_names = b""
        time = _number(TIMESTAMP, 1000 * max(0, at_us - self._origin_us))
        self._write(time + _OF_EVENTS + names + _bytes(TRACK_EVENT, event))

    def _write(self, packet: bytes) -> None:
        self._file.write(_bytes(PACKET, packet))


def _varint(number: int) -> bytes:
    """A number from 0 to 2^64 − 1, 7 bits in a byte, the lowest first."""
    if number < 128:
        return _SMALL[number]
    encoded = bytearray()
    while number > 127:
        encoded.append(number & 127 | 128)
        number >>= 7
    encoded.append(number)
    return bytes(encoded)


def _tag(field: int, wire_type: int) -> bytes:
    return _varint(field << 3 | wire_type)


def _number(field: int, number: int) -> bytes:
    return _varint(field << 3) + _varint(number & 0xFFFF_FFFF_FFFF_FFFF)


def _bytes(field: int, content: bytes) -> bytes:
    return _varint(field << 3 | 2) + _varint(len(content)) + content


def _text(field: int, text: str) -> bytes:
    return _bytes(field, text.encode())


def _value(value: Value) -> bytes:
    if isinstance(value, bool):
        return _number(BOOL_VALUE, value)
    return _number(INT_VALUE, value) if isinstance(value, int) else _text(TEXT_VALUE, str(value))


_SMALL = [bytes([number]) for number in range(128)]
_OF_EVENTS = _number(SEQUENCE_ID, SEQUENCE) + _number(SEQUENCE_FLAGS, NEEDS_STATE)
