"""Python's type hints as types of the pipeline language, and values both ways.

str, int, float and bool are String, Int, Float and Boolean; ``list[T]`` is ``List<T>``,
``dict[str, T]`` and ``dict[int, T]`` are ``Map<String, T>`` and ``Map<Int, T>``, ``T | None`` is
``Optional<T>``, ``Literal["a", "b"]`` and other unions are unions. Dataclasses and TypedDicts are
records.
"""

from __future__ import annotations

import dataclasses
import inspect
import json
import types
import typing
from collections.abc import Callable, Mapping, Sequence
from typing import Any

_SCALARS = {str: "String", int: "Int", float: "Float", bool: "Boolean"}


def type_of(hint: Any) -> str:
    """The type in the pipeline language that a type hint stands for."""
    if hint in _SCALARS:
        return _SCALARS[hint]
    origin, arguments = typing.get_origin(hint), typing.get_args(hint)
    if origin in (typing.Union, types.UnionType):
        return _union(arguments)
    if origin is typing.Literal:
        if not all(isinstance(value, str) for value in arguments):
            raise TypeError(f"{hint}: only texts can be literals")
        return " | ".join(json.dumps(value, ensure_ascii=False) for value in arguments)
    if origin in (list, Sequence):
        return f"List<{type_of(arguments[0])}>"
    if origin in (dict, Mapping):
        if arguments[0] not in (str, int):
            raise TypeError(f"{hint}: keys are str or int")
        return f"Map<{type_of(arguments[0])}, {type_of(arguments[1])}>"
    if typing.is_typeddict(hint) or dataclasses.is_dataclass(hint):
        fields = (f"{name}: {type_of(of)}" for name, of in _fields(hint).items())
        return "{ " + ", ".join(fields) + " }"
    raise TypeError(f"{hint!r} has no type in the pipeline language")


def _union(arguments: tuple[Any, ...]) -> str:
    members = [argument for argument in arguments if argument is not type(None)]
    text = " | ".join(type_of(member) for member in members)
    return f"Optional<{text}>" if len(members) < len(arguments) else text


def _fields(hint: Any) -> dict[str, Any]:
    return typing.get_type_hints(hint)


def signature(function: Callable[..., Any]) -> str:
    """The signature of a function with type hints, ``(name: String) -> Int``."""
    hints = typing.get_type_hints(function)
    parameters = []
    for name, parameter in inspect.signature(function).parameters.items():
        if parameter.kind is not inspect.Parameter.POSITIONAL_OR_KEYWORD:
            raise TypeError(f"{function.__name__}: `{name}` is no plain parameter")
        if name not in hints:
            raise TypeError(f"{function.__name__}: `{name}` has no type hint")
        parameters.append(f"{name}: {type_of(hints[name])}")
    if "return" not in hints:
        raise TypeError(f"{function.__name__} has no type hint for its result")
    return f"({', '.join(parameters)}) -> {type_of(hints['return'])}"


def from_json(hint: Any, value: Any) -> Any:
    """A value of the type from what JSON gave: records become their dataclasses."""
    origin, arguments = typing.get_origin(hint), typing.get_args(hint)
    if hint is float and isinstance(value, int):
        return float(value)
    if value is None:
        return None
    if origin in (typing.Union, types.UnionType):
        members = [argument for argument in arguments if argument is not type(None)]
        return from_json(members[0], value) if len(members) == 1 else value
    if origin in (list, Sequence):
        return [from_json(arguments[0], item) for item in value]
    if origin in (dict, Mapping):
        return {arguments[0](key): from_json(arguments[1], item) for key, item in value.items()}
    if dataclasses.is_dataclass(hint):
        return hint(**{name: from_json(of, value.get(name)) for name, of in _fields(hint).items()})
    return value


def to_json(value: Any) -> Any:
    """What JSON can hold of a value: dataclasses become records."""
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        fields = dataclasses.fields(value)
        return {field.name: to_json(getattr(value, field.name)) for field in fields}
    if isinstance(value, Mapping):
        return {str(key): to_json(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [to_json(item) for item in value]
    return value
