"""Asks Skybridge for a one-time address that takes a customer to the cloud console."""

import json
import os
import sys
import urllib.error
import urllib.request
import uuid


def mint_ticket(customer: dict, idempotency_key: str) -> str:
    """The address to send the customer's browser to; it works once, for about a minute."""
    request = urllib.request.Request(
        f"{os.environ['SKYBRIDGE_URL']}/api/v1/{os.environ['SKYBRIDGE_TENANT']}/tickets",
        data=json.dumps(customer).encode(),
        headers={
            "Authorization": f"Bearer {os.environ['SKYBRIDGE_API_KEY']}",
            "Idempotency-Key": idempotency_key,
            "Content-Type": "application/json",
        },
    )
    with urllib.request.urlopen(request, timeout=10) as response:
        return json.load(response)["url"]


if __name__ == "__main__":
    customer = {"user_id": sys.argv[1], "name": "alice_acme", "mobile": "0086-13800001001"}
    try:
        # One key for each click. Repeated with the same key, a request gives the same ticket.
        print(mint_ticket(customer, str(uuid.uuid4())))
    except urllib.error.HTTPError as refusal:
        sys.exit(f"{refusal.code} {refusal.read().decode()}")
