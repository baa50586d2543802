// Asks Skybridge for a one-time address that takes a customer to the cloud console.

import { randomUUID } from "node:crypto";

const { SKYBRIDGE_URL, SKYBRIDGE_TENANT, SKYBRIDGE_API_KEY } = process.env;

/** The address to send the customer's browser to; it works once, for about a minute. */
export async function mintTicket(customer, idempotencyKey) {
  const response = await fetch(`${SKYBRIDGE_URL}/api/v1/${SKYBRIDGE_TENANT}/tickets`, {
    method: "POST",
    headers: {
      Authorization: `Bearer ${SKYBRIDGE_API_KEY}`,
      "Idempotency-Key": idempotencyKey,
      "Content-Type": "application/json",
    },
    body: JSON.stringify(customer),
    signal: AbortSignal.timeout(10_000),
  });
  if (response.status !== 201) {
    throw new Error(`${response.status} ${await response.text()}`);
  }
  return (await response.json()).url;
}

const customer = { user_id: process.argv[2], name: "alice_acme", mobile: "0086-13800001001" };
try {
  // One key for each click. Repeated with the same key, a request gives the same ticket.
  console.log(await mintTicket(customer, randomUUID()));
} catch (error) {
  console.error(error.message);
  process.exitCode = 1;
}
