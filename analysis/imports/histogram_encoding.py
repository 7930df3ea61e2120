"""The encoding V2 of an HdrHistogram: counts by value, compressed, in base 64.

A header of 40 bytes (big-endian: cookie, length of the payload, offset, significant digits, lowest and highest value,
ratio) and the counts as ZigZag LEB128 numbers: a negative one stands for so many empty intervals.
"""

import base64
import binascii
import math
import struct
import zlib
from collections.abc import Iterator

COMPRESSED_COOKIE, PLAIN_COOKIE, OLD_COOKIES = 0x1C849314, 0x1C849313, (0x1C849301, 0x1C849302, 0x1C849303, 0x1C849304)
_COOKIE_BITS = 0xFFFFFF0F  # without the size of a word
_HEADER = struct.Struct(">iiiiqqd")
MAX_BYTES = 16 * 2**20  # of the counts of one histogram
MAX_INDEX = 2**24


class EncodingError(Exception):
    """A text that is no histogram of this encoding; the message completes "a histogram that …"."""


def counts(text: str) -> Iterator[tuple[int, int]]:
    """Yield each value that occurs, the middle of its interval, with its count. Raises `EncodingError`."""
    payload, digits, lowest = _payload(text)
    half_magnitude = max(math.ceil(math.log2(2 * 10**digits)), 1) - 1
    unit_magnitude = int(math.log2(max(lowest, 1)))
    index = 0
    for number in _numbers(payload):
        if number > 0:
            yield _middle(index, half_magnitude, unit_magnitude), number
        index += 1 if number >= 0 else -number
        if index > MAX_INDEX:
            raise EncodingError("has more intervals than a histogram has")


def _payload(text: str) -> tuple[bytes, int, int]:
    """The encoded counts, the significant digits, and the lowest value of the histogram."""
    try:
        packed = base64.b64decode(text, validate=True)
        cookie, length = struct.unpack_from(">ii", packed)
        if cookie != COMPRESSED_COOKIE:
            raise EncodingError("has another encoding than V2; convert it with a current HdrHistogram")
        unpacker = zlib.decompressobj()
        plain = unpacker.decompress(packed[8 : 8 + length], MAX_BYTES)
        if not unpacker.eof:
            raise EncodingError("is cut off or damaged")
        cookie, size, _, digits, lowest, _, _ = _HEADER.unpack_from(plain)
    except (binascii.Error, struct.error, zlib.error, ValueError):
        raise EncodingError("is cut off or damaged") from None
    payload = plain[_HEADER.size : _HEADER.size + size]
    if cookie != PLAIN_COOKIE or not 0 <= digits <= 5 or len(payload) != size:
        raise EncodingError("is cut off or damaged")
    return payload, digits, lowest


def _numbers(payload: bytes) -> Iterator[int]:
    """Yield the ZigZag LEB128 numbers: seven bits a byte, the lowest first; the ninth byte has eight."""
    place = 0
    while place < len(payload):
        value = shift = 0
        while True:
            if place >= len(payload):
                raise EncodingError("is cut off or damaged")
            byte = payload[place]
            place += 1
            if shift == 56:
                value |= byte << shift
                break
            value |= (byte & 0x7F) << shift
            shift += 7
            if not byte & 0x80:
                break
        yield (value >> 1) ^ -(value & 1)


def _middle(index: int, half_magnitude: int, unit_magnitude: int) -> int:
    """The value in the middle of an interval, as HdrHistogram computes a mean from it."""
    half_count = 1 << half_magnitude
    bucket, sub_bucket = (index >> half_magnitude) - 1, (index & (half_count - 1)) + half_count
    if bucket < 0:
        bucket, sub_bucket = 0, sub_bucket - half_count
    width = 1 << (bucket + unit_magnitude)
    return (sub_bucket << (bucket + unit_magnitude)) + (width >> 1)
