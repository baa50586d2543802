<?php

// Asks Skybridge for a one-time address that takes a customer to the cloud console.

declare(strict_types=1);

/** The address to send the customer's browser to; it works once, for about a minute. */
function mint_ticket(array $customer, string $idempotencyKey): string
{
    $url = getenv('SKYBRIDGE_URL') . '/api/v1/' . getenv('SKYBRIDGE_TENANT') . '/tickets';
    $context = stream_context_create(['http' => [
        'method' => 'POST',
        'header' => [
            'Authorization: Bearer ' . getenv('SKYBRIDGE_API_KEY'),
            'Idempotency-Key: ' . $idempotencyKey,
            'Content-Type: application/json',
        ],
        'content' => json_encode($customer, JSON_THROW_ON_ERROR),
        'timeout' => 10,
        'follow_location' => 0,
        'ignore_errors' => true, // the body of a refusal says why
    ]]);
    $body = file_get_contents($url, false, $context);
    if ($body === false || !str_contains($http_response_header[0], ' 201 ')) {
        throw new RuntimeException(($http_response_header[0] ?? 'no answer') . " $body");
    }
    return json_decode($body, flags: JSON_THROW_ON_ERROR)->url;
}

$customer = ['user_id' => $argv[1], 'name' => 'alice_acme', 'mobile' => '0086-13800001001'];
try {
    // One key for each click. Repeated with the same key, a request gives the same ticket.
    echo mint_ticket($customer, bin2hex(random_bytes(16))), "\n";
} catch (RuntimeException $refusal) {
    fwrite(STDERR, $refusal->getMessage() . "\n");
    exit(1);
}
