"""The protocol: one line of JSON says which modules there are, then a line a request and a line an
answer, in any order. Whatever user code prints goes to stderr, as stdout belongs to the protocol.
"""

from __future__ import annotations

import asyncio
import contextvars
import inspect
import json
import os
import sys
import threading
import time
import typing
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any, TextIO, TypeVar, overload

from ._types import from_json, signature, to_json

F = TypeVar("F", bound=Callable[..., Any])

_THREADS = 64
_current: contextvars.ContextVar[Call] = contextvars.ContextVar("call")


class Error(Exception):
    """A failure that the pipeline sees. With ``retryable`` another attempt may succeed."""

    def __init__(self, message: str, *, retryable: bool = False) -> None:
        super().__init__(message)
        self.retryable = retryable


class Call:
    """The call that is being answered."""

    def __init__(self, key: str, attempt: int, deadline: float) -> None:
        #: The same for every attempt, also after a crash: what was done under it is done.
        self.key = key
        #: From 1.
        self.attempt = attempt
        #: When nobody waits any more, as ``time.monotonic()`` counts.
        self.deadline = deadline
        self._cancelled = threading.Event()

    @property
    def cancelled(self) -> bool:
        """Whether nobody waits for the answer any more."""
        return self._cancelled.is_set()


def current() -> Call:
    """The call that is being answered by this function."""
    return _current.get()


class Worker:
    """Modules, and the loop that answers calls of them."""

    def __init__(self) -> None:
        self._modules: dict[str, tuple[Callable[..., Any], dict[str, Any], dict[str, str]]] = {}

    @overload
    def module(self, function: F) -> F: ...

    @overload
    def module(self, *, name: str | None = None, effect: str = "read") -> Callable[[F], F]: ...

    def module(self, function: Any = None, *, name: str | None = None, effect: str = "read") -> Any:
        """Declares a function as a module. Its signature follows from its type hints."""

        def declare(function: F) -> F:
            declared = {
                "name": name or function.__name__,
                "signature": signature(function),
                "effect": effect,
            }
            if doc := inspect.getdoc(function):
                declared["doc"] = doc.splitlines()[0]
            hints = typing.get_type_hints(function)
            self._modules[declared["name"]] = (function, hints, declared)
            return function

        return declare if function is None else declare(function)

    def serve(self, requests: TextIO | None = None, answers: TextIO | None = None) -> None:
        """Answers calls until there are no more requests."""
        if answers is None:
            # What is printed from now on must not get between the answers.
            answers = os.fdopen(os.dup(1), "w", encoding="utf-8", newline="\n")
            os.dup2(2, 1)
            sys.stdout = sys.stderr
        _Service(self._modules, requests or sys.stdin, answers).run()


class _Service:
    def __init__(self, modules: dict[str, Any], requests: TextIO, answers: TextIO) -> None:
        self._modules = modules
        self._requests = requests
        self._answers = answers
        self._writing = threading.Lock()
        self._running: dict[int, tuple[Call, Any]] = {}
        self._threads = ThreadPoolExecutor(_THREADS)
        self._loop = asyncio.new_event_loop()

    def run(self) -> None:
        declared = [declared for _, _, declared in self._modules.values()]
        self._say({"tidegate": 1, "modules": declared})
        looping = threading.Thread(target=self._loop.run_forever, daemon=True)
        looping.start()
        for line in self._requests:
            request = json.loads(line)
            if "cancel" in request:
                self._cancel(request["cancel"])
            else:
                self._begin(request)
        self._threads.shutdown(wait=True)
        self._loop.call_soon_threadsafe(self._loop.stop)
        looping.join()

    def _say(self, document: dict[str, Any]) -> None:
        line = json.dumps(document, ensure_ascii=False, allow_nan=False)
        with self._writing:
            self._answers.write(line + "\n")
            self._answers.flush()

    def _begin(self, request: dict[str, Any]) -> None:
        deadline = time.monotonic() + request["deadlineMs"] / 1000
        call = Call(request["callKey"], request["attempt"], deadline)
        function, hints, _ = self._modules[request["call"]]
        inputs = request["inputs"].items()
        arguments = {name: from_json(hints[name], value) for name, value in inputs}
        if inspect.iscoroutinefunction(function):
            answering = self._answer_later(request["id"], call, function, arguments)
            self._running[request["id"]] = (call, asyncio.run_coroutine_threadsafe(answering, self._loop))
        else:
            self._running[request["id"]] = (call, None)
            self._threads.submit(self._answer, request["id"], call, function, arguments)

    def _cancel(self, number: int) -> None:
        call, future = self._running.get(number, (None, None))
        if call is not None:
            call._cancelled.set()
        if future is not None:
            future.cancel()

    def _answer(self, number: int, call: Call, function: Any, arguments: dict[str, Any]) -> None:
        token = _current.set(call)
        try:
            self._end(number, output=function(**arguments))
        except Exception as error:
            self._end(number, error=error)
        finally:
            _current.reset(token)

    async def _answer_later(self, number: int, call: Call, function: Any, arguments: Any) -> None:
        _current.set(call)
        try:
            self._end(number, output=await function(**arguments))
        except Exception as error:
            self._end(number, error=error)
        except asyncio.CancelledError:
            self._running.pop(number, None)
            raise

    def _end(self, number: int, output: Any = None, error: Exception | None = None) -> None:
        call, _ = self._running.pop(number, (None, None))
        if call is not None and call.cancelled:
            return
        if error is None:
            try:
                return self._say({"id": number, "output": to_json(output)})
            except (TypeError, ValueError) as fault:
                error = fault
        if not isinstance(error, Error):
            print(f"{type(error).__name__}: {error}", file=sys.stderr)
        message = str(error) or type(error).__name__
        retryable = isinstance(error, Error) and error.retryable
        self._say({"id": number, "error": {"message": message, "retryable": retryable}})


_worker = Worker()
module = _worker.module
serve = _worker.serve
