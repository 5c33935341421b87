"""Is a file what a model may be made of? Safetensors, ONNX, JSON and plain text, by what is in it; never a pickle."""

from __future__ import annotations

import json
import pickletools
import struct
from collections.abc import Callable
from pathlib import PurePosixPath
from typing import BinaryIO, Final

HINT: Final = (
    "A model is made of .safetensors, .onnx and .json, with plain text beside it (.txt, .md, .jinja, .jsonl). Convert "
    "weights with `safetensors.torch.save_file`, and leave out optimizers, checkpoints and code."
)

_TEXT_SUFFIXES: Final = frozenset({".txt", ".md", ".jinja", ".jsonl"})
_TEXT_NAMES: Final = frozenset({"LICENSE", "NOTICE", "README", ".gitattributes"})
_MOST_TEXT: Final = 256_000_000
_MOST_HEADER: Final = 100_000_000
_ITEM_BYTES: Final = {
    "BOOL": 1, "U8": 1, "I8": 1, "F8_E5M2": 1, "F8_E4M3": 1, "F8_E8M0": 1, "I16": 2, "U16": 2, "F16": 2, "BF16": 2,
    "I32": 4, "U32": 4, "F32": 4, "I64": 8, "U64": 8, "F64": 8, "C64": 8,
}  # fmt: skip
_MAGIC: Final = (
    (b"PK\x03\x04", "a zip archive, as torch.save writes its pickles"),
    (b"PK\x05\x06", "a zip archive"),
    (b"\x1f\x8b", "a gzip archive"),
    (b"BZh", "a bzip2 archive"),
    (b"\xfd7zXZ", "an xz archive"),
    (b"\x89HDF", "an HDF5 file, which may hold code"),
    (b"\x7fELF", "a program"),
    (b"MZ", "a program"),
)
_CALLS: Final = frozenset({"GLOBAL", "STACK_GLOBAL", "INST", "OBJ", "REDUCE", "NEWOBJ", "NEWOBJ_EX", "BUILD"})


def find_fault(name: str, file: BinaryIO, size: int) -> str | None:
    """Return why a file may be no part of a model, in words; None where it may.

    Args:
        name: Its path within the model.
        file: Its content, at its beginning; it is read and never evaluated.
        size: Its bytes.
    """
    path = PurePosixPath(name)
    suffix = path.suffix.lower()
    head = file.read(16)
    file.seek(0)
    if head[:1] == b"\x80" and head[1:2] <= b"\x05" and len(head) > 1 and suffix != ".safetensors":
        return "it is a pickle, which runs code when it is loaded"
    for magic, meaning in _MAGIC:
        # The first bytes of safetensors are a length, which may be any.
        if head.startswith(magic) and not (suffix == ".safetensors" and head[8:9] == b"{"):
            return f"it is {meaning}"
    if suffix in _TEXT_SUFFIXES or path.name in _TEXT_NAMES:
        return _find_text_fault(file, size)
    if (look := _FORMATS.get(suffix)) is not None:
        return look(file, size)
    return (
        f"files {'of the kind ' + path.suffix if path.suffix else 'without a suffix'} are none that a model is made of"
    )


def _find_safetensors_fault(file: BinaryIO, size: int) -> str | None:
    """Return what is wrong with safetensors: its header must describe every byte that follows, once."""
    length = int.from_bytes(file.read(8), "little")
    if size < 10 or length > min(size - 8, _MOST_HEADER):
        return "its header is longer than the file: it is no safetensors"
    try:
        header = json.loads(file.read(length))
        spans = sorted(
            (*entry["data_offsets"], _count_bytes(entry)) for name, entry in header.items() if name != "__metadata__"
        )
    except (ValueError, TypeError, KeyError, AttributeError, RecursionError):
        return "its header cannot be read: it is no safetensors"
    at = 0
    for start, end, expected in spans:
        if start != at or end < start or expected not in {None, end - start}:
            return "its header leaves gaps, or tensors of another size than it says"
        at = end
    if at != size - 8 - length:
        return "it holds bytes that its header does not tell of"
    return None


def _count_bytes(entry: dict[str, object]) -> int | None:
    each = _ITEM_BYTES.get(str(entry["dtype"]))
    if each is None:
        return None
    shape = entry["shape"]
    if not isinstance(shape, list) or not all(isinstance(part, int) and part >= 0 for part in shape):
        raise ValueError("no shape")
    for part in shape:
        each *= part
    return each


def _find_onnx_fault(file: BinaryIO, size: int) -> str | None:
    """Return what is wrong with ONNX: a message of protocol buffers with a version and a graph, to its last byte."""
    at, fields = 0, set()
    try:
        while at < size:
            tag, at = _read_varint(file, at)
            number, wire = tag >> 3, tag & 7
            fields.add(number)
            if wire == 0:
                _, at = _read_varint(file, at)
            elif wire == 2:
                length, at = _read_varint(file, at)
                at += length
                file.seek(at)
            elif wire in {1, 5}:
                at += 8 if wire == 1 else 4
                file.seek(at)
            else:
                return "it is no ONNX"
    except (EOFError, OverflowError, OSError):
        return "it ends within a field: it is no ONNX"
    return None if at == size and {1, 7} <= fields else "it has no graph: it is no ONNX"


def _read_varint(file: BinaryIO, at: int) -> tuple[int, int]:
    value = 0
    for place in range(10):
        (byte,) = file.read(1) or (None,)
        if byte is None:
            raise EOFError
        value |= (byte & 0x7F) << (7 * place)
        if byte < 0x80:
            return value, at + place + 1
    raise OverflowError


def _find_json_fault(file: BinaryIO, size: int) -> str | None:
    if size > _MOST_TEXT:
        return f"it has {size:,} bytes, more than the {_MOST_TEXT:,} of the largest JSON"
    try:
        json.loads(file.read().decode("utf-8-sig"))
    except (ValueError, RecursionError) as error:
        return f"it is no JSON: {str(error)[:100]}"
    return None


def _find_text_fault(file: BinaryIO, size: int) -> str | None:
    if size > _MOST_TEXT:
        return f"it has {size:,} bytes, more than the {_MOST_TEXT:,} of the largest text"
    content = file.read()
    try:
        content.decode()
    except UnicodeDecodeError:
        return "it is no text in UTF-8"
    if b"\0" in content:
        return "it holds bytes that no text has"
    return "it is a pickle, which runs code when it is loaded" if _is_pickle(content) else None


def _is_pickle(content: bytes) -> bool:
    """Return whether a text is a pickle of the oldest protocol that calls something; it is read, never loaded."""
    if not content.rstrip().endswith(b"."):
        return False
    try:
        return any(operation.name in _CALLS for operation, _, _ in pickletools.genops(content))
    except (ValueError, struct.error, IndexError, UnicodeDecodeError):
        return False


_FORMATS: Final[dict[str, Callable[[BinaryIO, int], str | None]]] = {
    ".safetensors": _find_safetensors_fault,
    ".onnx": _find_onnx_fault,
    ".json": _find_json_fault,
}
