"""Read pickled numpy arrays and plain containers without running what is pickled.

A pickle is a program: the usual reader imports and calls whatever the file names. This reader never uses that
machine. It walks the listed instructions (`pickletools` only parses) and keeps names as plain labels; the few
labels that stand for "a numpy array" or "a numpy dtype" are rebuilt here from their bytes, all others are
refused before anything else is read.
"""

from __future__ import annotations

import io
import math
import pickletools
import zlib
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

_NUMPY = ("numpy.core.multiarray", "numpy._core.multiarray")
_ADMITTED = {
    *((module, name) for module in _NUMPY for name in ("_reconstruct", "scalar")),
    ("numpy", "ndarray"),
    ("numpy", "dtype"),
    ("_codecs", "encode"),
    ("collections", "OrderedDict"),
    ("collections", "defaultdict"),
    *((module, name) for module in ("builtins", "__builtin__") for name in ("dict", "list")),
    ("joblib.numpy_pickle", "NumpyArrayWrapper"),
}
MAX_BYTES = 4 << 30
_KINDS = "fiub"
_CONSTANTS = {"NONE": None, "NEWTRUE": True, "NEWFALSE": False}
_LITERALS = {
    *("BININT", "BININT1", "BININT2", "LONG1", "BINFLOAT"),
    *("BINUNICODE", "SHORT_BINUNICODE", "BINUNICODE8", "BINBYTES", "SHORT_BINBYTES", "BINBYTES8"),
}
_EMPTY: dict[str, type] = {"EMPTY_LIST": list, "EMPTY_DICT": dict, "EMPTY_TUPLE": tuple}
_IGNORED = {"PROTO", "FRAME"}
MAX_DEPTH = 20


class RefusedPickle(ValueError):
    """The data names something else than arrays, dtypes and plain containers, or is damaged."""


@dataclass(frozen=True)
class _Name:
    module: str
    name: str


@dataclass
class _Type:
    """A dtype under construction."""

    code: str
    order: str = "|"

    def dtype(self) -> np.dtype[Any]:
        kind = self.code[:1]
        if self.code in ("O", "O8"):
            return np.dtype(object)
        if kind not in _KINDS or not self.code[1:].isdigit():
            raise RefusedPickle(f"dtype {self.code!r} is not a number")
        return np.dtype(("" if self.order == "|" else self.order) + self.code)


@dataclass
class _Array:
    """An array under construction; filled by its state."""

    value: NDArray[Any] | None = None


@dataclass
class _Wrapper:
    """joblib's place-holder of an array whose bytes follow in the file."""

    value: NDArray[Any] | None = None


@dataclass
class _Machine:
    stack: list[Any] = field(default_factory=list)
    marks: list[int] = field(default_factory=list)
    memo: dict[int, Any] = field(default_factory=dict)
    states: list[Any] = field(default_factory=list)

    def since_mark(self) -> list[Any]:
        at = self.marks.pop()
        items = self.stack[at:]
        del self.stack[at:]
        return items


def loads(data: bytes) -> Any:
    """The plain value that `data` describes: numbers, text, lists, dicts, tuples, numpy arrays of these.

    Raises RefusedPickle for any other content; nothing named in the data is imported or called.
    """
    return _run(io.BytesIO(data))


def read_joblib_file(path: Path) -> Any:
    """The plain value in a file of pickle or joblib, zlib-compressed or not. Raises as `loads` does, and OSError."""
    if path.stat().st_size > MAX_BYTES:
        raise RefusedPickle(f"larger than {MAX_BYTES >> 30} GiB")
    data = path.read_bytes()
    if data[:1] == b"\x78":
        try:
            unpacker = zlib.decompressobj()
            data = unpacker.decompress(data, MAX_BYTES)
            if unpacker.unconsumed_tail:
                raise RefusedPickle(f"would unpack to more than {MAX_BYTES >> 30} GiB")
        except zlib.error as error:
            raise RefusedPickle(f"damaged data: {error}") from error
    return _run(io.BytesIO(data))


def _run(stream: io.BytesIO) -> Any:
    machine = _Machine()
    try:
        for opcode, argument, _ in pickletools.genops(stream):
            if opcode.name == "STOP":
                return _plain(machine.stack.pop(), 0)
            _step(machine, opcode.name, argument)
            if opcode.name == "BUILD" and isinstance(machine.stack[-1], _Wrapper):
                _take_bytes(machine.stack[-1], machine.states.pop(), stream)
    except (IndexError, KeyError, TypeError, ValueError, OverflowError, MemoryError, AttributeError) as error:
        if isinstance(error, RefusedPickle):
            raise
        raise RefusedPickle(f"damaged data: {error}") from error
    raise RefusedPickle("damaged data: no end")


def _step(m: _Machine, name: str, argument: Any) -> None:
    stack = m.stack
    if name in _IGNORED:
        return
    if name in _LITERALS:
        stack.append(argument)
    elif name in _CONSTANTS:
        stack.append(_CONSTANTS[name])
    elif name == "MARK":
        m.marks.append(len(stack))
    elif name.startswith("TUPLE"):
        count = {"TUPLE1": 1, "TUPLE2": 2, "TUPLE3": 3}.get(name)
        items = m.since_mark() if count is None else [stack.pop() for _ in range(count)][::-1]
        stack.append(tuple(items))
    elif name in _EMPTY:
        stack.append(_EMPTY[name]())
    elif name in ("APPEND", "APPENDS"):
        items = [stack.pop()] if name == "APPEND" else m.since_mark()
        _expect(stack[-1], list).extend(items)
    elif name in ("SETITEM", "SETITEMS"):
        items = [stack.pop(), stack.pop()][::-1] if name == "SETITEM" else m.since_mark()
        _expect(stack[-1], dict).update(zip(items[::2], items[1::2], strict=True))
    elif name in ("MEMOIZE", "BINPUT", "LONG_BINPUT"):
        m.memo[len(m.memo) if name == "MEMOIZE" else argument] = stack[-1]
    elif name in ("BINGET", "LONG_BINGET"):
        stack.append(m.memo[argument])
    elif name == "GLOBAL":
        stack.append(_named(*argument.split(" ", 1)))
    elif name == "STACK_GLOBAL":
        attribute, module = stack.pop(), stack.pop()
        stack.append(_named(module, attribute))
    elif name == "REDUCE":
        arguments, function = stack.pop(), stack.pop()
        stack.append(_rebuild(_expect(function, _Name), _expect(arguments, tuple)))
    elif name == "NEWOBJ":
        arguments, kind = stack.pop(), stack.pop()
        stack.append(_new(_expect(kind, _Name), _expect(arguments, tuple)))
    elif name == "BUILD":
        state = stack.pop()
        if isinstance(stack[-1], _Wrapper):
            m.states.append(_expect(state, dict))
        else:
            _fill(stack[-1], state)
    else:
        raise RefusedPickle(f"instruction {name} is not needed for arrays")


def _named(module: Any, name: Any) -> _Name:
    if (module, name) not in _ADMITTED:
        raise RefusedPickle(f"names {module}.{name}, which is neither an array nor a dtype")
    return _Name(module, name)


def _expect(value: Any, kind: type) -> Any:
    if not isinstance(value, kind):
        raise RefusedPickle(f"found {type(value).__name__} where {kind.__name__} is needed")
    return value


def _new(kind: _Name, arguments: tuple[Any, ...]) -> Any:
    if kind.name == "NumpyArrayWrapper" and not arguments:
        return _Wrapper()
    raise RefusedPickle(f"makes a {kind.module}.{kind.name}")


def _take_bytes(wrapper: _Wrapper, state: dict[str, Any], stream: io.BytesIO) -> None:
    """Fill joblib's place-holder from the bytes that follow it: an optional padding, then the array."""
    dtype = _expect(state["dtype"], _Type).dtype()
    shape = tuple(int(n) for n in _expect(state["shape"], tuple))
    if dtype.hasobject:
        raise RefusedPickle("an array of Python objects inside a joblib file")
    if state.get("numpy_array_alignment_bytes"):
        padding = stream.read(1)
        stream.read(padding[0] if padding else 0)
    count = math.prod(shape)
    content = stream.read(count * dtype.itemsize) if count >= 0 else b""
    if len(content) != count * dtype.itemsize:
        raise RefusedPickle("damaged data: an array is cut")
    order: Literal["F", "C"] = "F" if state.get("order") == "F" else "C"
    wrapper.value = np.frombuffer(content, dtype).astype(dtype.newbyteorder("=")).reshape(shape, order=order)


def _rebuild(function: _Name, arguments: tuple[Any, ...]) -> Any:
    if function.name == "_reconstruct" and arguments[0] == _Name("numpy", "ndarray"):
        return _Array()
    if function.name == "dtype":
        return _Type(_expect(arguments[0], str))
    if function.name == "scalar":
        kind = _expect(arguments[0], _Type).dtype()
        if kind.hasobject:
            raise RefusedPickle("a scalar of Python objects")
        return np.frombuffer(_expect(arguments[1], bytes), kind, 1)[0]
    if function.module == "collections" and function.name in ("OrderedDict", "defaultdict"):
        return {}
    if function.name in ("dict", "list") and not arguments:
        return {} if function.name == "dict" else []
    if function.name == "encode" and arguments[1] == "latin1":
        return _expect(arguments[0], str).encode("latin1")
    raise RefusedPickle(f"{function.module}.{function.name} called in an unknown way")


def _fill(target: Any, state: Any) -> None:
    state = _expect(state, tuple)
    if isinstance(target, _Type):
        target.order = _expect(state[1], str)
        return
    shell: _Array = _expect(target, _Array)
    _, shape, kind, fortran, content = state
    dtype = _expect(kind, _Type).dtype()
    order: Literal["F", "C"] = "F" if fortran else "C"
    if dtype.hasobject:
        values = np.empty(len(_expect(content, list)), dtype=object)
        values[:] = content
        shell.value = values.reshape(shape, order=order)
    else:
        values = np.frombuffer(_expect(content, bytes), dtype).astype(dtype.newbyteorder("="))
        shell.value = values.reshape(shape, order=order)


def _plain(value: Any, depth: int, done: dict[int, Any] | None = None) -> Any:
    """Replace the shells by what they hold; refuses leftovers, loops and deep nesting."""
    if depth > MAX_DEPTH:
        raise RefusedPickle("nested too deeply")
    if isinstance(value, (_Name, _Type)):
        raise RefusedPickle("a function or a dtype stands where a value is needed")
    if not isinstance(value, (_Array, _Wrapper, list, tuple, dict)):
        return value
    done = {} if done is None else done
    # Each object once: a few lists that refer to each other must not unfold into billions.
    if id(value) not in done:
        done[id(value)] = _container(value, depth + 1, done)
    return done[id(value)]


def _container(value: Any, depth: int, done: dict[int, Any]) -> Any:
    if isinstance(value, dict):
        return {_plain(key, depth, done): _plain(item, depth, done) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return type(value)(_plain(item, depth, done) for item in value)
    if value.value is None:
        raise RefusedPickle("an array without content")
    if value.value.dtype != object:
        return value.value
    inner = np.empty(value.value.shape, dtype=object)
    for index, item in np.ndenumerate(value.value):
        inner[index] = _plain(item, depth, done)
    return inner
