"""Service providers by python3-saml, as an application would write them: one for each folder of
settings below the working directory, whose page at /NAME/page shows who is signed in.

    python app.py PORT

A folder holds `settings.json` (python3-saml's own), `idp.xml` (the identity provider's metadata) and
`provider.json` (whether AuthnRequests are sent by redirect or post).
"""

import base64
import html
import json
import secrets
import sys
from http.cookies import SimpleCookie
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import parse_qsl, urlsplit

from onelogin.saml2.auth import OneLogin_Saml2_Auth
from onelogin.saml2.authn_request import OneLogin_Saml2_Authn_Request
from onelogin.saml2.idp_metadata_parser import OneLogin_Saml2_IdPMetadataParser
from onelogin.saml2.settings import OneLogin_Saml2_Settings
from onelogin.saml2.utils import OneLogin_Saml2_Utils

BINDINGS = "urn:oasis:names:tc:SAML:2.0:bindings:HTTP-"
PORT = int(sys.argv[1])


class Provider:
    """What one folder configures, and the sessions of those who are signed in."""

    def __init__(self, folder):
        self.name = folder.name
        self.binding = json.loads((folder / "provider.json").read_text())["binding"]
        own = json.loads((folder / "settings.json").read_text())
        described = OneLogin_Saml2_IdPMetadataParser.parse((folder / "idp.xml").read_text())
        # Or else WantAuthnRequestsSigned="false" there switches off what is decided here,
        described.pop("security", None)
        # and the first NameIDFormat there is asked for instead of the one that is chosen here.
        described.pop("sp", None)
        self.settings = OneLogin_Saml2_IdPMetadataParser.merge_settings(own, described)
        posted = OneLogin_Saml2_IdPMetadataParser.parse(
            (folder / "idp.xml").read_text(), required_sso_binding=BINDINGS + "POST"
        )
        self.post_address = posted["idp"].get("singleSignOnService", {}).get("url")
        self.sessions = {}

    def metadata(self):
        return OneLogin_Saml2_Settings(self.settings, sp_validation_only=True).get_sp_metadata()

    def post_request(self, session, page):
        """An AuthnRequest by HTTP-POST, which python3-saml leaves to the application."""
        settings = OneLogin_Saml2_Settings(self.settings)
        request = OneLogin_Saml2_Authn_Request(settings)
        session["request"] = request.get_id()
        document = request.get_xml().replace(settings.get_idp_sso_url(), self.post_address)
        if settings.get_security_data()["authnRequestsSigned"]:
            document = OneLogin_Saml2_Utils.add_sign(
                document, settings.get_sp_key(), settings.get_sp_cert()
            )
        document = document if isinstance(document, bytes) else document.encode()
        fields = {"SAMLRequest": base64.b64encode(document).decode(), "RelayState": page}
        inputs = "".join(
            f'<input type="hidden" name="{name}" value="{html.escape(value)}">'
            for name, value in fields.items()
        )
        return f'<form method="post" action="{html.escape(self.post_address)}">{inputs}</form>'


class Handler(BaseHTTPRequestHandler):
    """Reads, asks python3-saml, answers."""

    def do_GET(self):
        self.respond({})

    def do_POST(self):
        length = int(self.headers.get("Content-Length", 0))
        self.respond(dict(parse_qsl(self.rfile.read(length).decode(), keep_blank_values=True)))

    def respond(self, posted):
        target = urlsplit(self.path)
        if target.path == "/":
            return self.answer(200, "text/plain", "ready")
        _, name, what = target.path.split("/")
        provider = PROVIDERS[name]
        request = {
            "https": "off",
            "http_host": f"127.0.0.1:{PORT}",
            "script_name": target.path,
            "get_data": dict(parse_qsl(target.query, keep_blank_values=True)),
            "post_data": posted,
            "query_string": target.query,
            "validate_signature_from_qs": True,
        }
        if what == "metadata":
            return self.answer(200, "application/samlmetadata+xml", provider.metadata())
        session = self.session(provider)
        auth = OneLogin_Saml2_Auth(request, provider.settings)
        return getattr(self, what)(provider, auth, session, posted)

    def session(self, provider):
        cookie = SimpleCookie(self.headers.get("Cookie", "")).get(provider.name)
        self.key = cookie.value if cookie and cookie.value in provider.sessions else None
        if self.key is None:
            self.key = secrets.token_hex(16)
            provider.sessions[self.key] = {}
        self.cookie = f"{provider.name}={self.key}; Path=/{provider.name}; HttpOnly"
        return provider.sessions[self.key]

    def page(self, provider, auth, session, _posted):
        """Shows who is signed in, or sends the browser to the identity provider."""
        if "who" in session:
            return self.answer(200, "application/json", json.dumps(session["who"]))
        if provider.binding == "post":
            return self.answer(200, "text/html", provider.post_request(session, self.path))
        place = auth.login(return_to=self.path)
        session["request"] = auth.get_last_request_id()
        return self.redirect(place)

    def acs(self, _provider, auth, session, posted):
        """Takes an answer to a request of this session."""
        try:
            auth.process_response(request_id=session.pop("request", None))
        except Exception as broken:  # What cannot be decrypted is raised, not listed.
            return self.answer(403, "text/plain", f"refused: {broken}")
        if auth.get_errors() or not auth.is_authenticated():
            reason = f"{auth.get_errors()}: {auth.get_last_error_reason()}"
            return self.answer(403, "text/plain", reason)
        session["who"] = {
            "uid": auth.get_friendlyname_attribute("uid")[0],
            "name_id": auth.get_nameid(),
            "format": auth.get_nameid_format(),
            "session_index": auth.get_session_index(),
        }
        return self.redirect(posted["RelayState"])

    def logout(self, provider, auth, session, _posted):
        """Leaves here and everywhere."""
        who = session["who"]
        place = auth.logout(
            return_to=f"/{provider.name}/left",
            name_id=who["name_id"],
            name_id_format=who["format"],
            session_index=who["session_index"],
        )
        session["request"] = auth.get_last_request_id()
        return self.redirect(place)

    def sls(self, provider, auth, session, _posted):
        """Takes a LogoutRequest or a LogoutResponse."""
        place = auth.process_slo(
            request_id=session.get("request"), delete_session_cb=session.clear
        )
        if auth.get_errors():
            reason = f"{auth.get_errors()}: {auth.get_last_error_reason()}"
            return self.answer(403, "text/plain", reason)
        return self.redirect(place or f"/{provider.name}/left")

    def left(self, _provider, _auth, session, _posted):
        """Where a logout ends."""
        self.answer(200, "application/json", json.dumps({"left": "who" not in session}))

    def redirect(self, place):
        self.answer(303, "text/plain", "", place)

    def answer(self, status, kind, body, place=None):
        body = body if isinstance(body, bytes) else body.encode()
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(body)))
        if place:
            self.send_header("Location", place)
        if getattr(self, "cookie", None):
            self.send_header("Set-Cookie", self.cookie)
        self.end_headers()
        self.wfile.write(body)


PROVIDERS = {
    file.parent.name: Provider(file.parent) for file in Path.cwd().glob("*/settings.json")
}
ThreadingHTTPServer(("127.0.0.1", PORT), Handler).serve_forever()
