//! Layer 0, saml: `LogoutRequest` and `LogoutResponse`, read (saml-core-2.0-os §3.7.1, §3.7.2).

use super::{LogoutRequest, LogoutResponse, Principal};
use crate::limits;
use crate::saml::error::{Error, shortened};
use crate::saml::head::{Head, Shape, Times, required};
use crate::saml::name_id::NameIdentifier;
use crate::saml::names::ns;
use crate::saml::types::{MessageId, parse_instant, value};
use crate::saml::xml::{Element, c14n};

const REQUEST: Shape = Shape {
    name: "LogoutRequest",
    attributes: &[
        "ID",
        "Version",
        "IssueInstant",
        "Destination",
        "Consent",
        "Reason",
        "NotOnOrAfter",
    ],
    children: &[
        (ns::ASSERTION, "Issuer", Times::Once),
        (ns::DSIG, "Signature", Times::Once),
        (ns::PROTOCOL, "Extensions", Times::Once),
        (ns::ASSERTION, "NameID", Times::Once),
        (ns::ASSERTION, "EncryptedID", Times::Once),
        (ns::PROTOCOL, "SessionIndex", Times::Many),
    ],
};

const RESPONSE: Shape = Shape {
    name: "LogoutResponse",
    attributes: &["ID", "InResponseTo", "Version", "IssueInstant", "Destination", "Consent"],
    children: &[
        (ns::ASSERTION, "Issuer", Times::Once),
        (ns::DSIG, "Signature", Times::Once),
        (ns::PROTOCOL, "Extensions", Times::Once),
        (ns::PROTOCOL, "Status", Times::Once),
    ],
};

/// Reads a request from its element.
pub(super) fn request(root: Element<'_>) -> Result<LogoutRequest, Error> {
    let Head { id, issue_instant, destination, issuer } = REQUEST.read(root)?;
    let instant = |text| parse_instant("NotOnOrAfter", text);
    let indexes = root.children_named(ns::PROTOCOL, "SessionIndex");
    let session_indexes: Vec<String> =
        indexes.map(|index| index.text().map(str::to_owned)).collect::<Result<_, _>>()?;
    if session_indexes.len() > limits::SESSION_INDEXES {
        return Err(Error::limit("SessionIndex elements", limits::SESSION_INDEXES));
    }
    Ok(LogoutRequest {
        id,
        issue_instant,
        destination,
        issuer,
        not_on_or_after: root.attribute("NotOnOrAfter").map(instant).transpose()?,
        reason: root.attribute("Reason").map(shortened),
        principal: principal(root)?,
        session_indexes,
        asynchronous: root
            .children_named(ns::PROTOCOL, "Extensions")
            .any(|extensions| extensions.children_named(ns::ASYNC_SLO, "Asynchronous").count() > 0),
    })
}

/// Exactly one identifier. A `BaseID` has no meaning here, and the shape refuses it.
fn principal(root: Element<'_>) -> Result<Principal, Error> {
    let named = root.children_named(ns::ASSERTION, "NameID").next();
    let encrypted = root.children_named(ns::ASSERTION, "EncryptedID").next();
    match (named, encrypted) {
        (Some(named), None) => NameIdentifier::read(named).map(Principal::Named),
        (None, Some(encrypted)) => {
            let limit = limits::INFLATED_BYTES * 2;
            c14n::exclusive(encrypted, &[], None, limit).map(Principal::Encrypted)
        }
        (None, None) => Err(Error::Absent { what: "an identifier", inside: "LogoutRequest" }),
        (Some(_), Some(_)) => Err(Error::Exclusive { what: "NameID and EncryptedID" }),
    }
}

/// Reads a response from its element.
pub(super) fn response(root: Element<'_>) -> Result<LogoutResponse, Error> {
    let Head { id, issue_instant, destination, issuer } = RESPONSE.read(root)?;
    let status = root
        .children_named(ns::PROTOCOL, "Status")
        .next()
        .ok_or(Error::Absent { what: "samlp:Status", inside: "LogoutResponse" })?;
    let code =
        status_code(status)?.ok_or(Error::Absent { what: "samlp:StatusCode", inside: "Status" })?;
    let detail = status_code(code)?;
    Ok(LogoutResponse {
        id,
        issue_instant,
        destination,
        issuer,
        in_response_to: root.attribute("InResponseTo").map(MessageId::parse).transpose()?,
        status: required(code, "Value", "StatusCode")?.to_owned(),
        detail: detail
            .map(|detail| required(detail, "Value", "StatusCode").map(str::to_owned))
            .transpose()?,
    })
}

/// The `StatusCode` in an element: at most one.
fn status_code(element: Element<'_>) -> Result<Option<Element<'_>>, Error> {
    let mut codes = element.children_named(ns::PROTOCOL, "StatusCode");
    match (codes.next(), codes.next()) {
        (code, None) => Ok(code),
        (_, Some(_)) => Err(value("Status", "one StatusCode", "several")),
    }
}
