"""Decrypts SAML documents with cryptography (OpenSSL) and lxml, by what the documents themselves say.

Reads from standard input a JSON object: "key" (PEM, private) and "documents" (texts). Writes a JSON array with one object
for each: "error" (null, or why it is refused), "text" (the document with its EncryptedData replaced by what was inside),
"plain" (what was inside, octet by octet), and the URIs that it named: "cipher", "transport", "digest" and "mask" (the last two null where it named none).
"""

import base64
import json
import sys

from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import padding
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from lxml import etree

XENC = "{http://www.w3.org/2001/04/xmlenc#}"
XENC11 = "{http://www.w3.org/2009/xmlenc11#}"
DSIG = "{http://www.w3.org/2000/09/xmldsig#}"
HASHES = {
    "http://www.w3.org/2000/09/xmldsig#sha1": hashes.SHA1,
    "http://www.w3.org/2001/04/xmlenc#sha256": hashes.SHA256,
    "http://www.w3.org/2009/xmlenc11#mgf1sha1": hashes.SHA1,
    "http://www.w3.org/2009/xmlenc11#mgf1sha256": hashes.SHA256,
    None: hashes.SHA1,
}
TRANSPORTS = ["http://www.w3.org/2001/04/xmlenc#rsa-oaep-mgf1p", "http://www.w3.org/2009/xmlenc11#rsa-oaep"]


def value(element):
    return base64.b64decode(element.findtext(f"{XENC}CipherData/{XENC}CipherValue"))


def named(element, tag):
    found = element.find(tag)
    return None if found is None else found.get("Algorithm")


def opened(cipher, key, sealed):
    if cipher.endswith("-gcm"):
        return AESGCM(key).decrypt(sealed[:12], sealed[12:], None)
    decryptor = Cipher(algorithms.AES(key), modes.CBC(sealed[:16])).decryptor()
    padded = decryptor.update(sealed[16:]) + decryptor.finalize()
    return padded[: -padded[-1]]


def unsealed(text, private):
    root = etree.fromstring(text.encode(), etree.XMLParser(resolve_entities=False, no_network=True))
    data = next(root.iter(f"{XENC}EncryptedData"))
    if data.get("Type") != "http://www.w3.org/2001/04/xmlenc#Element":
        raise ValueError("the Type is not Element")
    wrapped = data.find(f"{DSIG}KeyInfo/{XENC}EncryptedKey")
    method = wrapped.find(f"{XENC}EncryptionMethod")
    digest, mask = named(method, f"{DSIG}DigestMethod"), named(method, f"{XENC11}MGF")
    cipher, transport = named(data, f"{XENC}EncryptionMethod"), method.get("Algorithm")
    if transport not in TRANSPORTS:
        raise ValueError(transport)
    oaep = padding.OAEP(padding.MGF1(HASHES[mask]()), HASHES[digest](), None)
    key = private.decrypt(value(wrapped), oaep)
    plain = opened(cipher, key, value(data))
    data.getparent().replace(data, etree.fromstring(plain))
    said = {"cipher": cipher, "transport": transport, "digest": digest, "mask": mask}
    return {"error": None, "text": etree.tostring(root).decode(), "plain": plain.decode(), **said}


def main():
    asked = json.load(sys.stdin)
    private = serialization.load_pem_private_key(asked["key"].encode(), None)
    answers = []
    for text in asked["documents"]:
        try:
            answers.append(unsealed(text, private))
        except Exception as refusal:
            answers.append({"error": f"{type(refusal).__name__}: {refusal}"})
    json.dump(answers, sys.stdout)


main()
