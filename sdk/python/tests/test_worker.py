"""The package against the protocol, with its input and output in memory."""

from __future__ import annotations

import asyncio
import io
import json
import threading
import unittest
from dataclasses import dataclass
from typing import Literal, Optional, TypedDict

import tidegate
from tidegate import signature


@dataclass
class Line:
    sku: str
    quantity: int


class Total(TypedDict):
    amount: float
    currency: Literal["EUR", "USD"]


def answers(worker: tidegate.Worker, *requests: dict) -> tuple[dict, dict[int, dict]]:
    """The first line, and the answers by their ids."""
    full = (
        {"callKey": "k", "attempt": 1, "deadlineMs": 1000, **request}
        if "call" in request
        else request
        for request in requests
    )
    said = io.StringIO()
    worker.serve(io.StringIO("".join(json.dumps(one) + "\n" for one in full)), said)
    first, *rest = (json.loads(line) for line in said.getvalue().splitlines())
    return first, {answer["id"]: answer for answer in rest}


class Signatures(unittest.TestCase):
    def test_hints_become_types(self) -> None:
        def f(a: str, b: list[int], c: Optional[float], d: dict[str, bool], e: Line) -> Total: ...

        self.assertEqual(
            signature(f),
            "(a: String, b: List<Int>, c: Optional<Float>, d: Map<String, Boolean>, "
            'e: { sku: String, quantity: Int }) -> { amount: Float, currency: "EUR" | "USD" }',
        )

    def test_what_has_no_type_is_refused(self) -> None:
        def unhinted(a): ...

        def strange(a: complex) -> str: ...

        def open_ended(*a: str) -> str: ...

        for function in (unhinted, strange, open_ended):
            with self.assertRaises(TypeError):
                signature(function)


class Serving(unittest.TestCase):
    def test_calls_are_answered(self) -> None:
        worker = tidegate.Worker()

        @worker.module(name="Price", effect="pure")
        def price(lines: list[Line], rate: float) -> Total:
            """What the lines cost.

            Not more."""
            print("this goes elsewhere")
            return {"amount": sum(line.quantity for line in lines) * rate, "currency": "EUR"}

        @worker.module
        async def key(x: int) -> str:
            await asyncio.sleep(0)
            return f"{tidegate.current().key} {tidegate.current().attempt} {x}"

        first, said = answers(
            worker,
            {"id": 1, "call": "Price", "inputs": {"lines": [{"sku": "a", "quantity": 2}], "rate": 2}},
        )
        self.assertEqual(first["tidegate"], 1)
        self.assertEqual([one["name"] for one in first["modules"]], ["Price", "key"])
        self.assertEqual(first["modules"][0]["doc"], "What the lines cost.")
        self.assertEqual(first["modules"][0]["effect"], "pure")
        self.assertEqual(said[1]["output"], {"amount": 4.0, "currency": "EUR"})

    def test_failures_are_told(self) -> None:
        worker = tidegate.Worker()

        @worker.module
        def fails(how: str) -> str:
            if how == "busy":
                raise tidegate.Error("later", retryable=True)
            if how == "type":
                return object()  # type: ignore[return-value]
            raise ValueError("no")

        calls = [
            {"id": number, "call": "fails", "inputs": {"how": how}}
            for number, how in enumerate(["busy", "type", "other"])
        ]
        _, said = answers(worker, *calls)
        self.assertEqual(said[0]["error"], {"message": "later", "retryable": True})
        self.assertFalse(said[1]["error"]["retryable"])
        self.assertEqual(said[2]["error"], {"message": "no", "retryable": False})

    def test_a_cancelled_call_is_told_and_not_answered(self) -> None:
        worker = tidegate.Worker()
        begun = threading.Event()

        @worker.module
        def wait(x: int) -> int:
            begun.set()
            while not tidegate.current().cancelled:
                threading.Event().wait(0.001)
            return x

        _, said = answers(
            worker, {"id": 1, "call": "wait", "inputs": {"x": 1}}, {"cancel": 1}, {"cancel": 99}
        )
        self.assertEqual(said, {})


if __name__ == "__main__":
    unittest.main()
