//! Layer 0, saml: the algorithms that a service provider says it can verify
//! (sstc-saml-metadata-algsupport-v1.0, conformance A-117). What is not allowed is left out; one
//! that declares nothing allowed is told so.

use super::{Warning, required};
use crate::saml::allowed::{Declared, DigestAlgorithm, SignatureAlgorithm};
use crate::saml::error::{Error, shortened};
use crate::saml::names::ns;
use crate::saml::xml::Element;

/// Reads what holds for `role`: of each kind its own declarations, else those of the whole
/// `entity`.
pub(super) fn read(
    entity: Element<'_>,
    role: Element<'_>,
    warnings: &mut Vec<Warning>,
) -> Result<Declared, Error> {
    let around = [role, entity];
    Ok(Declared {
        signatures: allowed(around, "SigningMethod", SignatureAlgorithm::from_uri, warnings)?,
        digests: allowed(around, "DigestMethod", DigestAlgorithm::from_uri, warnings)?,
    })
}

fn allowed<T>(
    around: [Element<'_>; 2],
    name: &'static str,
    read: fn(&str) -> Result<T, Error>,
    warnings: &mut Vec<Warning>,
) -> Result<Vec<T>, Error> {
    for element in around {
        let declared = declared(element, name)?;
        let Some(first) = declared.first() else { continue };
        let allowed: Vec<_> = declared.iter().flat_map(|uri| read(uri)).collect();
        if allowed.is_empty() {
            warnings.push(Warning::Algorithms { element: name, found: shortened(first) });
        }
        return Ok(allowed);
    }
    Ok(Vec::new())
}

/// The `Algorithm`s of the elements `name` in the extensions of `element`.
fn declared<'d>(element: Element<'d>, name: &'static str) -> Result<Vec<&'d str>, Error> {
    element
        .children_named(ns::METADATA, "Extensions")
        .flat_map(|extensions| extensions.children_named(ns::ALG, name))
        .map(|method| required(method, "Algorithm", name))
        .collect()
}
