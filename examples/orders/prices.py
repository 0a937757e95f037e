"""A price service as services are: now and then it has no time.

    python3 prices.py [PORT]

The first request for every tenth article is answered 503, that for SKU-007 with 429. `GET /counts` tells how
often each article's price was given.
"""

import json
import sys
from collections import Counter
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Lock

asked, given, lock = Counter(), Counter(), Lock()


class Prices(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True

    def do_GET(self):
        if self.path == "/counts":
            with lock:
                return self.answer(200, dict(given))
        sku = self.path.rsplit("/", 1)[-1]
        if not sku.startswith("SKU-") or not sku[4:].isdigit():
            return self.answer(404, {"message": "no such article"})
        number = int(sku[4:])
        with lock:
            asked[sku] += 1
            is_first = asked[sku] == 1
            is_busy = is_first and (number % 10 == 0 or number == 7)
            given[sku] += 0 if is_busy else 1
        if is_busy and number == 7:
            return self.answer(429, {"message": "too many"}, {"Retry-After": "1"})
        if is_busy:
            return self.answer(503, {"message": "busy"})
        self.answer(200, {"sku": sku, "net": {"amount": 1.5 + number / 4, "currency": "EUR"}})

    def answer(self, status, body, headers={}):
        data = json.dumps(body).encode()
        self.send_response(status)
        for name, value in {"Content-Type": "application/json", "Content-Length": len(data), **headers}.items():
            self.send_header(name, str(value))
        self.end_headers()
        self.wfile.write(data)

    def log_message(self, *_):
        pass


server = ThreadingHTTPServer(("127.0.0.1", int(sys.argv[1]) if len(sys.argv) > 1 else 8099), Prices)
print(f"prices on http://127.0.0.1:{server.server_port}", flush=True)
server.serve_forever()
