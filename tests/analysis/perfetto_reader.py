"""Reads a Perfetto trace by the rules of its format: the wire format of Protocol Buffers, names that are interned,
tracks by their ids, and slices that nest in the order of their time stamps.
"""

import struct
from collections import defaultdict
from dataclasses import dataclass, field
from pathlib import Path

BEGIN, END, COUNTER = 1, 2, 4


def fields(message: bytes) -> dict[int, list]:
    """The values of a message by the number of their field."""
    found, place = defaultdict(list), 0
    while place < len(message):
        key, place = varint(message, place)
        match key & 7:
            case 0:
                value, place = varint(message, place)
            case 1:
                value, place = message[place : place + 8], place + 8
            case 2:
                length, place = varint(message, place)
                value, place = message[place : place + length], place + length
                assert len(value) == length
            case other:
                raise AssertionError(f"wire type {other}")
        found[key >> 3].append(value)
    return found


def varint(message: bytes, place: int) -> tuple[int, int]:
    number = shift = 0
    while True:
        byte = message[place]
        number |= (byte & 127) << shift
        place, shift = place + 1, shift + 7
        if byte < 128:
            return number, place


@dataclass
class Slice:
    """A slice, in µs; `track` is the path of names from the root."""

    track: tuple[str, ...]
    name: str
    begin_us: float
    arguments: dict
    end_us: float = 0.0
    depth: int = 0
    flows: list = field(default_factory=list)


class TraceFile:
    """A trace: its `slices`, and `counters` by the path of their track, lists of (instant in µs, value)."""

    def __init__(self, path: Path):
        self._tracks: dict[int, dict] = {}
        self._names: dict[tuple[int, int], str] = {}
        self.slices: list[Slice] = []
        self.counters = defaultdict(list)
        self.units: dict[tuple[str, ...], str] = {}
        events = []
        packets = [fields(packet) for packet in fields(path.read_bytes())[1]]
        assert packets[0][13] == [1]  # the state of the sequence is cleared at its beginning
        for packet in packets:
            assert packet[10] == [1]
            for names in packet[12]:
                self._intern(fields(names))
            for descriptor in packet[60]:
                self._add_track(fields(descriptor))
            for event in packet[11]:
                assert packet[13] == [2]  # it needs the state: names are interned
                events.append((packet[8][0] / 1000, self._resolved(fields(event))))
        self._play(sorted(events, key=lambda event: event[0]))

    def _intern(self, names: dict[int, list]) -> None:
        for kind in (2, 3):
            for entry in map(fields, names[kind]):
                self._names[kind, entry[1][0]] = entry[2][0].decode()

    def _add_track(self, descriptor: dict[int, list]) -> None:
        uuid = descriptor[1][0]
        assert uuid not in self._tracks
        assert not descriptor[5] or descriptor[5][0] in self._tracks  # the parent was written before
        self._tracks[uuid] = descriptor
        if descriptor[8]:
            self.units[self._path(uuid)] = fields(descriptor[8][0])[6][0].decode()

    def _path(self, uuid: int) -> tuple[str, ...]:
        descriptor = self._tracks[uuid]
        above = self._path(descriptor[5][0]) if descriptor[5] else ()
        return (*above, descriptor[2][0].decode())

    def _resolved(self, event: dict[int, list]) -> dict:
        """The event with its names, which are known by now."""
        arguments = {}
        for annotation in map(fields, event[4]):
            name = self._names[3, annotation[1][0]]
            (value,) = (annotation[number][0] for number in (2, 4, 6) if annotation[number])
            arguments[name] = value.decode() if isinstance(value, bytes) else value
        name = self._names[2, event[10][0]] if event[10] else ""
        flows = [struct.unpack("<Q", flow)[0] for number in (47, 48) for flow in event[number]]
        counted = struct.unpack("<d", event[44][0])[0] if event[44] else None
        kind, track = event[9][0], event[11][0]
        assert track in self._tracks
        return {"kind": kind, "track": track, "name": name, "arguments": arguments, "flows": flows, "value": counted}

    def _play(self, events: list[tuple[float, dict]]) -> None:
        """Open and close slices as a viewer does: an end closes the innermost open slice of its track."""
        stacks = defaultdict(list)
        for at_us, event in events:
            path, stack = self._path(event["track"]), stacks[event["track"]]
            if event["kind"] == COUNTER:
                self.counters[path].append((at_us, event["value"]))
            elif event["kind"] == BEGIN:
                slice_ = Slice(path, event["name"], at_us, event["arguments"], depth=len(stack), flows=event["flows"])
                stack.append(slice_)
                self.slices.append(slice_)
            else:
                assert event["kind"] == END
                stack.pop().end_us = at_us
        assert not any(stacks.values())

    def on(self, *path: str) -> list[Slice]:
        """The slices below a path of tracks."""
        return [each for each in self.slices if each.track[: len(path)] == path]
