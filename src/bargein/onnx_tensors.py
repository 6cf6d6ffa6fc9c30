"""Reads the constants out of an ONNX file: as much of Protocol Buffers as that takes.

The `onnx` package would bring its own Protobuf and a compiler's worth of code for this. Field
numbers are those of `onnx.proto` (ONNX 1.18). Only float32 tensors in `raw_data` are read.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

VARINT, FIXED_64, BYTES, FIXED_32 = 0, 1, 2, 5
FIXED_BYTES = {FIXED_64: 8, FIXED_32: 4}
FLOAT = 1
"""TensorProto.DataType of float32."""

MODEL_GRAPH = 7
GRAPH_NODE = 1
NODE_OUTPUT, NODE_OP_TYPE, NODE_ATTRIBUTE = 2, 4, 5
ATTRIBUTE_NAME, ATTRIBUTE_TENSOR, ATTRIBUTE_GRAPH = 1, 5, 6
TENSOR_DIMS, TENSOR_DATA_TYPE, TENSOR_RAW_DATA = 1, 2, 9

Field = tuple[int, int | bytes]
Tensors = dict[str, NDArray[np.float32]]


def constants(model: bytes, *, branch: str) -> Tensors:
    """Name and value of each float constant in this branch of the model's one outer `If`.

    A ValueError if the bytes are no ONNX model of that shape.
    """
    try:
        (graph,) = _messages(model, MODEL_GRAPH)
        (choice,) = (node for node in _messages(graph, GRAPH_NODE) if _op_type(node) == "If")
        (inner,) = (
            graph
            for attribute in _messages(choice, NODE_ATTRIBUTE)
            if _text(attribute, ATTRIBUTE_NAME) == branch
            for graph in _messages(attribute, ATTRIBUTE_GRAPH)
        )
        return dict(_constants(inner))
    except (IndexError, UnicodeDecodeError) as error:
        raise ValueError(f"these {len(model)} bytes are no ONNX model: {error}") from error


def _constants(graph: bytes) -> Iterator[tuple[str, NDArray[np.float32]]]:
    for node in _messages(graph, GRAPH_NODE):
        if _op_type(node) != "Constant":
            continue
        for attribute in _messages(node, NODE_ATTRIBUTE):
            for tensor in _messages(attribute, ATTRIBUTE_TENSOR):
                values = _floats(tensor)
                if values is not None:
                    yield _text(node, NODE_OUTPUT), values


def _floats(tensor: bytes) -> NDArray[np.float32] | None:
    fields = list(_fields(tensor))
    raw = b"".join(v for n, v in fields if n == TENSOR_RAW_DATA and isinstance(v, bytes))
    if (TENSOR_DATA_TYPE, FLOAT) not in fields or not raw:
        return None
    shape: list[int] = []
    for number, value in fields:
        if number == TENSOR_DIMS:
            shape += [value] if isinstance(value, int) else _packed(value)
    return np.frombuffer(raw, dtype="<f4").astype(np.float32).reshape(shape)


def _op_type(node: bytes) -> str:
    return _text(node, NODE_OP_TYPE)


def _text(message: bytes, number: int) -> str:
    return next(iter(_messages(message, number)), b"").decode()


def _messages(message: bytes, number: int) -> list[bytes]:
    """All values of a field that holds text, bytes or messages."""
    return [v for n, v in _fields(message) if n == number and isinstance(v, bytes)]


def _fields(message: bytes) -> Iterator[Field]:
    at = 0
    while at < len(message):
        key, at = _varint(message, at)
        number, wire_type = key >> 3, key & 7
        if wire_type == VARINT:
            value, at = _varint(message, at)
            yield number, value
            continue
        if wire_type == BYTES:
            size, at = _varint(message, at)
        elif wire_type in FIXED_BYTES:
            size = FIXED_BYTES[wire_type]
        else:
            raise IndexError(f"wire type {wire_type} at byte {at}")
        if at + size > len(message):
            raise IndexError(f"a field ends behind the last byte, at {at + size}")
        yield number, message[at : at + size]
        at += size


def _packed(data: bytes) -> list[int]:
    values, at = [], 0
    while at < len(data):
        value, at = _varint(data, at)
        values.append(value)
    return values


def _varint(data: bytes, at: int) -> tuple[int, int]:
    """Read a number of 7 bits a byte, the lowest first; gives it and where it ends."""
    value = shift = 0
    while True:
        byte = data[at]
        value |= (byte & 0x7F) << shift
        at, shift = at + 1, shift + 7
        if byte < 0x80:
            return value, at
