<?php
// An application behind SimpleSAMLphp, and the router of PHP's own server: /NAME/page shows who is
// signed in, /NAME/logout leaves. Everything else is SimpleSAMLphp's.

if (!preg_match('#^/([a-z-]+)/(page|logout|left|metadata)$#', $_SERVER['REQUEST_URI'], $found)) {
    return false;
}
[, $name, $what] = $found;
require_once $_SERVER['DOCUMENT_ROOT'] . '/../lib/_autoload.php';

if ($what === 'metadata') {
    // The address that is the entityID.
    header("Location: /module.php/saml/sp/metadata.php/$name");
    exit;
}
$signedIn = new \SimpleSAML\Auth\Simple($name);
header('Content-Type: application/json');
if ($what === 'page') {
    $signedIn->requireAuth(['ReturnTo' => "http://$_SERVER[HTTP_HOST]/$name/page"]);
    $nameId = $signedIn->getAuthData('saml:sp:NameID');
    echo json_encode([
        'uid' => $signedIn->getAttributes()['urn:oid:0.9.2342.19200300.100.1.1'][0],
        'name_id' => $nameId->getValue(),
        'format' => $nameId->getFormat(),
        'session_index' => $signedIn->getAuthData('saml:sp:SessionIndex'),
    ]);
} elseif ($what === 'logout') {
    $signedIn->logout("http://$_SERVER[HTTP_HOST]/$name/left");
} else {
    echo json_encode(['left' => !$signedIn->isAuthenticated()]);
}
return true;
