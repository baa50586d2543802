<?php

// Receives Skybridge's messages and takes only those that Skybridge signed.

declare(strict_types=1);

const TOLERANCE = 5 * 60; // seconds, to either side

function is_genuine(string $key, string $body): bool
{
    $id = $_SERVER['HTTP_WEBHOOK_ID'] ?? '';
    $timestamp = $_SERVER['HTTP_WEBHOOK_TIMESTAMP'] ?? '';
    if (!ctype_digit($timestamp) || abs(time() - (int) $timestamp) > TOLERANCE) {
        return false;
    }
    $hmac = hash_hmac('sha256', "$id.$timestamp.$body", $key, binary: true);
    $expected = 'v1,' . base64_encode($hmac);
    // While the secret is being changed there are two signatures; one has to be right.
    foreach (explode(' ', $_SERVER['HTTP_WEBHOOK_SIGNATURE'] ?? '') as $signature) {
        if (hash_equals($expected, $signature)) {
            return true;
        }
    }
    return false;
}

$secret = (string) getenv('SKYBRIDGE_WEBHOOK_SECRET');
$key = (string) base64_decode(preg_replace('/^whsec_/', '', $secret), strict: true);
if (strlen($key) < 24) {
    http_response_code(500);
    exit('SKYBRIDGE_WEBHOOK_SECRET: expected whsec_ and base64');
}
$body = file_get_contents('php://input');
if (!is_genuine($key, $body)) {
    http_response_code(401);
    exit;
}
// Parsed only now. Remember the id: a message may come twice.
$message = json_decode($body, flags: JSON_THROW_ON_ERROR);
error_log("$message->id $message->type");
http_response_code(204);
