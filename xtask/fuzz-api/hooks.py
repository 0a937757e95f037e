"""What schemathesis cannot guess: requests that go deep, added to those that it makes up."""

import schemathesis

EXAMPLES = {
    "run": [
        {"source": "in a: Int\nout x = 1 / a", "inputs": {"a": 1}},
        {"source": "in a: Int\nout x = 1 / a", "inputs": {"a": 0}},
        {"source": "in a: Int\nin b: Int\nout a\nout b", "inputs": {"a": 1}, "keep": True},
        {"source": "in id: String\nout u = GetUser(id)", "inputs": {"id": "nobody"}},
        {"source": "in id: String\nout o = GetOrder(id)", "inputs": {"id": "ORD-123"}},
        {"source": "in a: Int\nout a", "inputs": {"b": "x"}},
    ],
    "execute": [
        {"ref": "order-lookup", "inputs": {"orderId": "ORD-123"}},
        {"ref": "refund-with-approval", "inputs": {"orderId": "ORD-123"}},
        {"ref": "customer-profile", "inputs": {"userId": "user-123"}, "keep": True},
        {"ref": "customer-profile@9"},
    ],
    "resume": [
        {"inputs": {"b": 1}},
        {"inputs": {"b": 2}},
        {"inputs": {"a": 2}},
        {"resolvedNodes": {"x": 3}},
        {"retryFailed": True},
        {"inputs": {"b": "text"}},
        {},
    ],
    "compile": [
        {"source": "out x = 1", "name": "moved"},
        {"source": "out x = 2", "name": "moved"},
        {"source": "in unused: Int\nout x = 3"},
    ],
    "check": [{"source": "in unused: Int\nin b: Optional<String>\nout b"}, {"source": "out y"}],
    "invokeModule": [
        {"inputs": {"orderId": "ORD-123"}},
        {"inputs": {"customerId": "user-123"}},
        {"inputs": {"userId": "nobody"}},
    ],
    "receiveEvent": [
        {"type": "paid", "key": 1, "data": 7},
        {"type": "paid", "key": "1", "data": 7, "id": "e-1", "source": "shop"},
    ],
    "rollback": [{}, {"version": 1}],
}


@schemathesis.hook
def before_add_examples(context, examples):
    """Every deep body against every thing that a path may name."""
    operation = context.operation
    bodies = EXAMPLES.get(operation.definition.raw.get("operationId"), [])
    places = {
        "/executions/{id}": [{"id": id} for id in known("executions.txt")],
        "/pipelines/{name}": [{"name": name} for name in ("moved", "order-lookup")],
        "/modules/{name}": [{"name": name} for name in ("GetOrder", "CountOrders", "GetUser")],
    }
    paths = [it for start, it in places.items() if operation.path.startswith(start)]
    for path in paths[0] if paths else [{}]:
        for body in bodies:
            examples.append(
                operation.Case(
                    path_parameters=path, body=body, media_type="application/json"
                )
            )


@schemathesis.hook
def before_load_schema(context, raw_schema):
    """A dictionary cannot be bound to a parameter whose schema has a reference."""
    schemas = raw_schema["components"]["schemas"]

    def inlined(schema):
        reference = schema.get("$ref")
        if reference:
            return inlined(schemas[reference.rsplit("/", 1)[1]])
        if "anyOf" in schema:
            return {"anyOf": [inlined(one) for one in schema["anyOf"]]}
        return schema

    for item in raw_schema["paths"].values():
        for operation in item.values():
            if isinstance(operation, dict):
                for parameter in operation["parameters"]:
                    if "schema" in parameter:
                        parameter["schema"] = inlined(parameter["schema"])


@schemathesis.hook
def filter_query(context, query):
    """An empty parameter counts as absent, which no schema says."""
    return all(value != "" for value in (query or {}).values())


@schemathesis.hook
def filter_failure(context, failure, case, response):
    """Every request may carry headers that mean nothing here."""
    unknown = "x-schemathesis-unknown-property" in [name.lower() for name in case.headers or {}]
    return not (unknown and type(failure).__name__ == "AcceptedNegativeData")


def known(file):
    with open(file) as lines:
        return [line.strip().strip('"') for line in lines]
