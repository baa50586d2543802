"""Receives Skybridge's messages and takes only those that Skybridge signed."""

import base64
import hashlib
import hmac
import json
import os
import re
import sys
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

TOLERANCE = 5 * 60  # seconds, to either side
KEY = base64.b64decode(os.environ["SKYBRIDGE_WEBHOOK_SECRET"].removeprefix("whsec_"))
if len(KEY) < 24:
    sys.exit("SKYBRIDGE_WEBHOOK_SECRET: expected whsec_ and base64")


def is_genuine(headers, body: bytes) -> bool:
    message_id, timestamp = headers.get("webhook-id", ""), headers.get("webhook-timestamp", "")
    if not re.fullmatch("[0-9]{1,12}", timestamp):
        return False
    if abs(time.time() - int(timestamp)) > TOLERANCE:
        return False
    digest = hmac.digest(KEY, f"{message_id}.{timestamp}.".encode() + body, hashlib.sha256)
    expected = b"v1," + base64.b64encode(digest)
    # While the secret is being changed there are two signatures; one has to be right.
    given = headers.get("webhook-signature", "").encode().split(b" ")
    return any(hmac.compare_digest(expected, signature) for signature in given)


class Receiver(BaseHTTPRequestHandler):
    def do_POST(self):
        body = self.rfile.read(int(self.headers.get("content-length", 0)))
        genuine = is_genuine(self.headers, body)
        if genuine:
            # Parsed only now. Remember the id: a message may come twice.
            message = json.loads(body)
            print(message["id"], message["type"], flush=True)
        self.send_response(204 if genuine else 401)
        self.end_headers()


if __name__ == "__main__":
    address = ("127.0.0.1", int(os.environ.get("PORT", "8000")))
    ThreadingHTTPServer(address, Receiver).serve_forever()
