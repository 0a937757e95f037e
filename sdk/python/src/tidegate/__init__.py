"""Modules for Tidegate pipelines, written in Python.

    import tidegate

    @tidegate.module
    def greet(name: str, loud: bool) -> str:
        "Greets somebody."
        return f"HELLO {name}" if loud else f"Hello {name}"

    tidegate.serve()
"""

from ._serve import Call, Error, Worker, current, module, serve
from ._types import signature, type_of

__all__ = ["Call", "Error", "Worker", "current", "module", "serve", "signature", "type_of"]
