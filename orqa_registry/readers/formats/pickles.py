"""A pickle machine that can only build values: it reads the pickles that numpy and torch write and calls nothing.

Why not pickle.Unpickler with find_class: what it admits, it still obeys. BUILD sets attributes of whatever is on the
stack, a memo index or a length of 2**40 is allocated before it is checked, tuples inside tuples take for ever to
hash as a key, and a dtype's state can make numpy believe that bytes are object pointers. Here a global is a name and
no more, REDUCE looks that name up in a table of our own functions, BUILD works on our own stand-ins alone, and every
opcode that is not needed is refused. pickletools.genops, which parses and never executes, gives the opcodes.
"""

from __future__ import annotations

import pickletools
from collections.abc import Callable, Mapping
from typing import Any

from attrs import define, field, frozen

from orqa_registry.readers.formats.bounded_file import DamageError

MAX_STEPS = 1_000_000
"""Opcodes of a pickle, and values of what it describes; the largest known has 9,000."""

MAX_DEPTH = 32
"""Containers inside containers; one that holds itself has no depth at all."""

_CONSTANTS: Mapping[str, Any] = {"NONE": None, "NEWTRUE": True, "NEWFALSE": False, "EMPTY_TUPLE": ()}
_NUMBERS = frozenset({"BININT", "BININT1", "BININT2", "LONG1", "BINFLOAT"})
_STRINGS = frozenset({"SHORT_BINBYTES", "BINBYTES", "BINBYTES8", "SHORT_BINUNICODE", "BINUNICODE"})


@frozen
class Global:
    """The name of something that a pickle asks for, `module.name`. Only a name: nothing is imported."""

    name: str


class PickleStub:
    """What a pickle makes in two steps: a call gives it, BUILD its state."""

    def build(self, state: Any) -> None:
        """Take the state. Raises DamageError where it is not one."""
        raise NotImplementedError


def load_pickle(
    data: bytes, calls: Mapping[str, Callable[..., Any] | None], stored: Callable[[Any], Any] | None = None
) -> Any:
    """Return what a pickle describes: constants, strings, numbers, tuples, lists, dicts and what `calls` return.

    calls: name of a global -> our function that stands for it, None where it is only mentioned.
    stored: returns what a persistent id stands for. Containers may still hold themselves; see `rebuild_containers`.
    Raises DamageError, or what pickletools raises, for any other pickle.
    """
    machine = _Machine(calls, stored)
    for count, (opcode, argument, position) in enumerate(pickletools.genops(data)):
        if count >= MAX_STEPS:
            raise DamageError(f"a pickle of more than {MAX_STEPS} steps")
        if opcode.name == "STOP":
            if (position or 0) + 1 != len(data) or len(machine.stack) != 1 or machine.marks:
                raise DamageError("a pickle that does not end where it says")
            return machine.stack[0]
        machine.step(opcode.name, argument)
    raise DamageError("a pickle without an end")


def rebuild_containers(value: Any, leaf: Callable[[Any], Any]) -> Any:
    """Return tuples, lists and dicts anew, with what `leaf` makes of everything that is none of these.

    Raises DamageError where they hold themselves, or each other so often that they could never be walked through.
    """
    visited = 0

    def walk(node: Any, depth: int) -> Any:
        nonlocal visited
        visited += 1
        if visited > MAX_STEPS or depth > MAX_DEPTH:
            raise DamageError("containers that hold themselves, or far too many of each other")
        if isinstance(node, dict):
            return {key: walk(child, depth + 1) for key, child in node.items()}
        if isinstance(node, list | tuple):
            return type(node)([walk(child, depth + 1) for child in node])
        return leaf(node)

    return walk(value, 0)


@define
class _Machine:
    """The stack, the marks on it and the memo, as pickletools describes them."""

    calls: Mapping[str, Callable[..., Any] | None]
    stored: Callable[[Any], Any] | None
    stack: list[Any] = field(factory=list)
    marks: list[list[Any]] = field(factory=list)
    memo: dict[int, Any] = field(factory=dict)

    def step(self, name: str, argument: Any) -> None:
        """Do what one opcode says."""
        if name in _NUMBERS or name in _STRINGS:
            if isinstance(argument, int) and argument.bit_length() > 64:
                raise DamageError("an integer of more than 64 bits")
            self.push(argument)
        elif name in _CONSTANTS:
            self.push(_CONSTANTS[name])
        elif name in _STEPS:
            _STEPS[name](self, argument)
        else:
            raise DamageError(f"the pickle uses {name}, which no array needs: refused, nothing was run")

    def push(self, value: Any) -> None:
        """Put a value."""
        self.stack.append(value)

    def mark(self, _: Any) -> None:
        """Begin a group of values."""
        self.marks.append(self.stack)
        self.stack = []

    def group(self) -> list[Any]:
        """Return the values since the last mark and take them off."""
        if not self.marks:
            raise DamageError("a pickle whose groups do not match")
        group, self.stack = self.stack, self.marks.pop()
        return group

    def take(self, count: int) -> list[Any]:
        """Return the last `count` values and take them off."""
        if len(self.stack) < count:
            raise DamageError("a pickle whose stack runs dry")
        values = self.stack[len(self.stack) - count :]
        del self.stack[len(self.stack) - count :]
        return values

    def last(self, kind: type) -> Any:
        """Return the last value, which has to be of a kind, and leave it there."""
        if not self.stack or type(self.stack[-1]) is not kind:
            raise DamageError(f"a pickle that treats something else as a {kind.__name__}")
        return self.stack[-1]

    def put(self, index: int | None) -> None:
        """Remember the last value; MEMOIZE counts by itself."""
        if not self.stack:
            raise DamageError("a pickle that remembers nothing")
        self.memo[len(self.memo) if index is None else index] = self.stack[-1]

    def get(self, index: int) -> None:
        """Bring back a remembered value."""
        if index not in self.memo:
            raise DamageError("a pickle that refers to what is not there")
        self.push(self.memo[index])

    def extend(self, values: list[Any]) -> None:
        """Append to the list that is last."""
        self.last(list).extend(values)

    def update(self, values: list[Any]) -> None:
        """Put keys and values, in turn, into the dict that is last."""
        if len(values) % 2 or not all(type(key) in (str, int) for key in values[::2]):
            raise DamageError("a dict with keys that are neither strings nor integers")
        self.last(dict).update(zip(values[::2], values[1::2], strict=True))

    def name(self, module: Any, name: Any) -> None:
        """Put a global: refused by name unless it is in the table."""
        global_name = f"{module}.{name}" if isinstance(module, str) and isinstance(name, str) else "no name"
        if global_name not in self.calls:
            raise DamageError(
                f"the pickle asks for {global_name[:80]!r}, which arrays do not need: refused, nothing was run"
            )
        self.push(Global(global_name))

    def reduce(self, _: Any) -> None:
        """Put what our function of that name returns."""
        function, arguments = self.take(2)
        call = self.calls[function.name] if isinstance(function, Global) else None
        if call is None or type(arguments) is not tuple:
            raise DamageError("the pickle calls what is not to be called: refused, nothing was run")
        self.push(call(*arguments))

    def build(self, _: Any) -> None:
        """Give a stand-in its state."""
        target, state = self.take(2)
        if not isinstance(target, PickleStub):
            raise DamageError("the pickle changes what is not to be changed: refused, nothing was run")
        target.build(state)
        self.push(target)

    def fetch(self, _: Any) -> None:
        """Put what a persistent id stands for."""
        if self.stored is None:
            raise DamageError("the pickle refers to something outside the file")
        self.push(self.stored(*self.take(1)))


_STEPS: Mapping[str, Callable[[_Machine, Any], None]] = {
    "PROTO": lambda machine, _: None,
    "FRAME": lambda machine, _: None,
    "MARK": _Machine.mark,
    "BINPUT": _Machine.put,
    "LONG_BINPUT": _Machine.put,
    "MEMOIZE": lambda machine, _: machine.put(None),
    "BINGET": _Machine.get,
    "LONG_BINGET": _Machine.get,
    "EMPTY_LIST": lambda machine, _: machine.push([]),
    "APPEND": lambda machine, _: machine.extend(machine.take(1)),
    "APPENDS": lambda machine, _: machine.extend(machine.group()),
    "EMPTY_DICT": lambda machine, _: machine.push({}),
    "SETITEM": lambda machine, _: machine.update(machine.take(2)),
    "SETITEMS": lambda machine, _: machine.update(machine.group()),
    "TUPLE1": lambda machine, _: machine.push(tuple(machine.take(1))),
    "TUPLE2": lambda machine, _: machine.push(tuple(machine.take(2))),
    "TUPLE3": lambda machine, _: machine.push(tuple(machine.take(3))),
    "TUPLE": lambda machine, _: machine.push(tuple(machine.group())),
    "GLOBAL": lambda machine, words: machine.name(*words.split(" ", 1)),
    "STACK_GLOBAL": lambda machine, _: machine.name(*machine.take(2)),
    "REDUCE": _Machine.reduce,
    "BUILD": _Machine.build,
    "BINPERSID": _Machine.fetch,
}
