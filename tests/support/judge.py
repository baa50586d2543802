"""Judges signed SAML documents with signxml, and canonicalises them with lxml.

Reads from standard input a JSON object: "certificate" (PEM) and "documents", each with its "text", the local names of the
elements whose signature is to be verified ("signed") and the "prefixes" of InclusiveNamespaces. Writes a JSON array with one
object for each document: "error" (null, or why it is refused), "canonical" (the canonical form of each signed element without
its own signature, by local name), and what the verified octets of the first signed element say: "values" of its attributes,
"issuer", "request" (the InResponseTo of its confirmation) and "name_id".
"""

import json
import sys

from lxml import etree
from signxml import SignatureConfiguration, XMLVerifier

ASSERTION = "{urn:oasis:names:tc:SAML:2.0:assertion}"
SIGNATURE = "{http://www.w3.org/2000/09/xmldsig#}Signature"
PLACES = {"Response": "./", "Assertion": f"./{ASSERTION}Assertion/"}


def parsed(octets):
    parser = etree.XMLParser(resolve_entities=False, no_network=True, load_dtd=False)
    return etree.fromstring(octets, parser)


def canonical(octets, name, prefixes):
    root = parsed(octets)
    element = root if name == "Response" else root.find(f"{ASSERTION}Assertion")
    element.remove(element.find(SIGNATURE))
    form = etree.tostring(
        element, method="c14n", exclusive=True, with_comments=False, inclusive_ns_prefixes=prefixes
    )
    return form.decode()


def verified(octets, name, certificate):
    config = SignatureConfiguration(location=PLACES[name])
    result = XMLVerifier().verify(
        octets, x509_cert=certificate, id_attribute="ID", expect_config=config
    )
    if etree.QName(result.signed_xml).localname != name:
        raise ValueError(f"the signature is over {result.signed_xml.tag}, not over {name}")
    return parsed(result.signed_data)


def said(element):
    confirmation = next(element.iter(f"{ASSERTION}SubjectConfirmationData"), None)
    name_id = next(element.iter(f"{ASSERTION}NameID"), None)
    return {
        "values": [value.text or "" for value in element.iter(f"{ASSERTION}AttributeValue")],
        "issuer": next(element.iter(f"{ASSERTION}Issuer")).text,
        "request": None if confirmation is None else confirmation.get("InResponseTo"),
        "name_id": None if name_id is None else name_id.text,
    }


def judge(document, certificate):
    octets = document["text"].encode()
    names = document["signed"]
    try:
        elements = [verified(octets, name, certificate) for name in names]
        forms = {name: canonical(octets, name, document["prefixes"]) for name in names}
    except Exception as refusal:
        return {"error": f"{type(refusal).__name__}: {refusal}"}
    return {"error": None, "canonical": forms, **said(elements[0])}


def main():
    asked = json.load(sys.stdin)
    json.dump([judge(document, asked["certificate"]) for document in asked["documents"]], sys.stdout)


main()
