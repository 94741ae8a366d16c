"""msgpack as notepack.io writes it, for messages between nodes."""

from __future__ import annotations

import math
import struct
from collections.abc import Mapping
from typing import Any


def _sized(short: int | None, wide: int, n: int) -> bytes:
    if short is not None and n < 0x100:
        return bytes((short, n))
    if n < 0x10000:
        return struct.pack(">BH", wide, n)
    return struct.pack(">BI", wide + 1, n)


def _whole(n: int) -> bytes:
    if 0 <= n < 0x80:
        return bytes((n,))
    if -0x20 <= n < 0:
        return struct.pack(">b", n)
    forms = (
        (("B", 0xCC), ("H", 0xCD), ("I", 0xCE), ("Q", 0xCF))
        if n >= 0
        else (("b", 0xD0), ("h", 0xD1), ("i", 0xD2), ("q", 0xD3))
    )
    for form, tag in forms:
        bits = 8 * struct.calcsize(form)
        if (n >= 0 and n < 1 << bits) or (n < 0 and n >= -(1 << (bits - 1))):
            return struct.pack(">B" + form, tag, n)
    return struct.pack(">Bd", 0xCB, float(n))


def _pack(out: bytearray, value: Any, depth: int) -> None:
    if depth > 512:
        raise ValueError("nested too deep")
    if value is None:
        out += b"\xc0"
    elif value is True:
        out += b"\xc3"
    elif value is False:
        out += b"\xc2"
    elif isinstance(value, int):
        out += _whole(value)
    elif isinstance(value, float):
        # JavaScript has one kind of number: 2.0 is 2 there.
        whole = math.isfinite(value) and value == math.floor(value) and -(2**63) <= value < 2**64
        out += _whole(int(value)) if whole else struct.pack(">Bd", 0xCB, value)
    elif isinstance(value, str):
        raw = value.encode("utf-8", "replace")
        out += bytes((0xA0 | len(raw),)) if len(raw) < 0x20 else _sized(0xD9, 0xDA, len(raw))
        out += raw
    elif isinstance(value, bytes | bytearray | memoryview):
        raw = bytes(value)
        out += _sized(0xC4, 0xC5, len(raw)) + raw
    elif isinstance(value, Mapping):
        n = len(value)
        out += bytes((0x80 | n,)) if n < 0x10 else _sized(None, 0xDE, n)
        for key, member in value.items():
            if not isinstance(key, str):
                raise TypeError(f"keys are text, not {type(key).__name__}")
            _pack(out, key, depth + 1)
            _pack(out, member, depth + 1)
    elif isinstance(value, list | tuple):
        n = len(value)
        out += bytes((0x90 | n,)) if n < 0x10 else _sized(None, 0xDC, n)
        for element in value:
            _pack(out, element, depth + 1)
    else:
        raise TypeError(f"cannot send {type(value).__name__}")


def pack(value: Any) -> bytes:
    """`["hi", 1]` becomes `92 a2 68 69 01`."""
    out = bytearray()
    _pack(out, value, 0)
    return bytes(out)
