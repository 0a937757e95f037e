"""Starts executions of every kind and compiles some pipelines. Writes ids to `executions.txt`, and
hashes to `hashes.txt`, as schemathesis wants its dictionaries: a quoted string a line.

    seed.py http://127.0.0.1:8080
"""

import json
import sys
import urllib.error
import urllib.request


def post(path, body):
    """The answer, whatever its status."""
    request = urllib.request.Request(
        sys.argv[1] + path,
        data=json.dumps(body).encode(),
        headers={"Content-Type": "application/json"},
    )
    try:
        return json.load(urllib.request.urlopen(request))
    except urllib.error.HTTPError as refusal:
        return json.load(refusal)


TWO = "in a: Int\nin b: Int\nout a\nout b"
FAILING = "in a: Int\nx = 1 / a\nout x"
LISTENING = '@event("paid", key: "1")\nin paid: Int\nout paid'

started = [
    *(post("/run", {"source": TWO, "inputs": {"a": 1}}) for _ in range(4)),
    *(post("/run", {"source": FAILING, "inputs": {"a": 0}}) for _ in range(3)),
    *(post("/run", {"source": LISTENING}) for _ in range(2)),
    post("/run", {"source": TWO, "inputs": {"a": 1, "b": 2}, "keep": True}),
    post("/execute", {"ref": "refund-with-approval", "inputs": {"orderId": "ORD-123"}}),
]
cancelled = post("/run", {"source": TWO})
post("/executions/" + cancelled["executionId"] + "/cancel", {})
compiled = [post("/compile", {"source": f"out x = {n}", "name": "moved"}) for n in range(1, 4)]
post("/events", {"type": "kept", "key": "1", "data": {"some": ["thing"]}})


def write(file, name, answers):
    """The member `name` of each answer."""
    with open(file, "w") as lines:
        lines.writelines(json.dumps(answer[name]) + "\n" for answer in answers)


write("executions.txt", "executionId", [*started, cancelled])
write("hashes.txt", "structuralHash", compiled)
