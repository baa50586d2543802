//! Layer 0, saml: exclusive canonicalisation without comments (Exclusive XML Canonicalization 1.0,
//! Canonical XML 1.0 §2.3), of one element with what is inside it. Comments are not in the tree and
//! processing instructions never get in, so there is nothing else to leave out.

use super::tree::{Content, Element};
use super::{Sink, escape};
use crate::limits;
use crate::saml::error::Error;

/// The canonical form of `apex`, without the element `without` (the signature that is inside what
/// it signs).
///
/// `prefixes` is the `InclusiveNamespaces` list: these prefixes (`#default` for none) are written
/// wherever they are in scope, also when nothing uses them (exc-c14n §3).
///
/// # Errors
/// [`Error::TooLong`] when the form would be longer than `limit` bytes: each element may have to
/// repeat a declaration that stands once in the document. [`Error::XmlLimit`] for a list that is
/// too long.
pub fn exclusive<'d>(
    apex: Element<'d>,
    prefixes: &[&str],
    without: Option<Element<'d>>,
    limit: usize,
) -> Result<String, Error> {
    let mut out = String::new();
    exclusive_into(&mut out, apex, prefixes, without, limit)?;
    Ok(out)
}

/// The same, part by part, for who does not have to keep it; tells its length in bytes.
///
/// # Errors
/// Those of [`exclusive`]; what was written until then is no canonical form.
pub fn exclusive_into<'d>(
    out: &mut impl Sink,
    apex: Element<'d>,
    prefixes: &[&str],
    without: Option<Element<'d>>,
    limit: usize,
) -> Result<usize, Error> {
    if prefixes.len() > limits::XML_NAMESPACES {
        return Err(Error::limit("prefixes in a PrefixList", limits::XML_NAMESPACES));
    }
    let inclusive = prefixes.iter().map(|p| if *p == "#default" { "" } else { *p }).collect();
    let mut canonical = Canonical {
        out: Counted { out, bytes: 0 },
        limit,
        inclusive,
        without,
        scope: inherited(apex),
        rendered: Vec::new(),
    };
    canonical.element(apex)?;
    Ok(canonical.out.bytes)
}

/// A prefix (empty for the default) and the namespace it stands for, `None` for no namespace.
type Binding<'d> = (&'d str, Option<&'d str>);

struct Canonical<'d, 'p, 'o, S> {
    out: Counted<'o, S>,
    limit: usize,
    inclusive: Vec<&'p str>,
    without: Option<Element<'d>>,
    /// What the document declares, innermost last.
    scope: Vec<Binding<'d>>,
    /// What the output has declared so far around the current place, innermost last.
    rendered: Vec<Binding<'d>>,
}

/// What is written, and how much it is so far.
struct Counted<'o, S> {
    out: &'o mut S,
    bytes: usize,
}

impl<S: Sink> Sink for Counted<'_, S> {
    fn take(&mut self, part: &str) {
        self.bytes += part.len();
        self.out.take(part);
    }
}

/// The declarations that the elements around `apex` leave in scope, outermost first.
fn inherited(apex: Element<'_>) -> Vec<Binding<'_>> {
    let mut around: Vec<_> = std::iter::successors(apex.parent(), |e| e.parent()).collect();
    around.reverse();
    around.into_iter().flat_map(Element::declared).collect()
}

/// What `prefix` stands for in `bindings`: `None` for no namespace, also when it does not occur.
fn lookup<'d>(bindings: &[Binding<'d>], prefix: &str) -> Option<&'d str> {
    bindings.iter().rev().find(|(known, _)| *known == prefix).and_then(|(_, name)| *name)
}

impl<'d, S: Sink> Canonical<'d, '_, '_, S> {
    /// Writes `element`. The reader bounds the depth of every tree, so recursion is bounded too.
    fn element(&mut self, element: Element<'d>) -> Result<(), Error> {
        let (scope, rendered) = (self.scope.len(), self.rendered.len());
        self.scope.extend(element.declared());
        self.out.take("<");
        self.name(element.prefix(), element.local());
        self.namespaces(element);
        self.attributes(element);
        self.out.take(">");
        for content in element.content() {
            match content {
                Content::Text(text) => escape::text(&mut self.out, text),
                Content::Element(child) if self.without == Some(child) => {}
                Content::Element(child) => self.element(child)?,
            }
            if self.out.bytes > self.limit {
                return Err(Error::TooLong { limit: self.limit, found: self.out.bytes });
            }
        }
        self.out.take("</");
        self.name(element.prefix(), element.local());
        self.out.take(">");
        self.scope.truncate(scope);
        self.rendered.truncate(rendered);
        Ok(())
    }

    fn name(&mut self, prefix: &str, local: &str) {
        if !prefix.is_empty() {
            self.out.take(prefix);
            self.out.take(":");
        }
        self.out.take(local);
    }

    /// Writes the declarations that the element needs and its output ancestors have not made
    /// (exc-c14n §3).
    fn namespaces(&mut self, element: Element<'d>) {
        let mut wanted: Vec<Binding<'d>> = Vec::new();
        let attributes = element.attributes().map(|a| a.prefix).filter(|p| !p.is_empty());
        for prefix in attributes.chain([element.prefix()]) {
            wanted.push((prefix, lookup(&self.scope, prefix)));
        }
        for inclusive in &self.inclusive {
            // The name comes from the document, so that it outlives the list.
            let declared = self.scope.iter().rev().find(|(prefix, _)| prefix == inclusive);
            wanted.extend(declared);
        }
        wanted.sort_unstable();
        wanted.dedup();
        for (prefix, name) in wanted {
            // An undeclared default is written only where it undoes one; `xml` is never written.
            if prefix == "xml" || lookup(&self.rendered, prefix) == name {
                continue;
            }
            self.out.take(" xmlns");
            if !prefix.is_empty() {
                self.out.take(":");
                self.out.take(prefix);
            }
            self.out.take("=\"");
            escape::attribute(&mut self.out, name.unwrap_or_default());
            self.out.take("\"");
            self.rendered.push((prefix, name));
        }
    }

    /// Writes the attributes by namespace name, then local name; those without a namespace come
    /// first.
    fn attributes(&mut self, element: Element<'d>) {
        let mut attributes: Vec<_> = element.attributes().collect();
        attributes.sort_unstable_by_key(|a| (a.namespace, a.local));
        for attribute in attributes {
            self.out.take(" ");
            self.name(attribute.prefix, attribute.local);
            self.out.take("=\"");
            escape::attribute(&mut self.out, attribute.value);
            self.out.take("\"");
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::saml::xml::{Limits, parse};

    /// Canonicalises the element whose `id` is `x`, or the root.
    fn canonical(text: &str, prefixes: &[&str]) -> String {
        let document = parse(text.as_bytes(), Limits::MESSAGE).unwrap();
        let apex = document.all().find(|e| e.attribute("id") == Some("x"));
        exclusive(apex.unwrap_or_else(|| document.root()), prefixes, None, 1000).unwrap()
    }

    #[test]
    fn a_namespace_is_written_where_it_is_first_used() {
        assert_eq!(
            canonical("<a xmlns:p='urn:p' xmlns:q='urn:q'><p:b/><p:b><p:c q:d=''/></p:b></a>", &[]),
            "<a><p:b xmlns:p=\"urn:p\"></p:b><p:b xmlns:p=\"urn:p\"><p:c xmlns:q=\"urn:q\" \
             q:d=\"\"></p:c></p:b></a>"
        );
    }

    #[test]
    fn the_default_namespace_is_undone_only_where_one_was_written() {
        assert_eq!(
            canonical("<a xmlns='urn:a'><b xmlns=''><c xmlns=''/></b></a>", &[]),
            "<a xmlns=\"urn:a\"><b xmlns=\"\"><c></c></b></a>"
        );
        assert_eq!(
            canonical("<p:a xmlns='urn:a' xmlns:p='urn:p'><b xmlns=''/></p:a>", &[]),
            "<p:a xmlns:p=\"urn:p\"><b></b></p:a>"
        );
    }

    #[test]
    fn a_listed_prefix_is_written_at_the_apex_though_it_is_declared_outside_and_unused() {
        let text =
            "<a xmlns='urn:a' xmlns:p='urn:p' xmlns:r='urn:r'><r:b id='x' xmlns:q='urn:q'/></a>";
        assert_eq!(
            canonical(text, &["p", "q", "#default", "unknown"]),
            "<r:b xmlns=\"urn:a\" xmlns:p=\"urn:p\" xmlns:q=\"urn:q\" xmlns:r=\"urn:r\" id=\"x\"></r:b>"
        );
        assert_eq!(canonical(text, &[]), "<r:b xmlns:r=\"urn:r\" id=\"x\"></r:b>");
    }

    #[test]
    fn attributes_are_sorted_by_namespace_name_then_by_local_name() {
        assert_eq!(
            canonical(
                "<a z='1' b:a='2' a:a='3' y='4' xml:lang='en' xmlns:a='urn:z' xmlns:b='urn:y'/>",
                &[]
            ),
            "<a xmlns:a=\"urn:z\" xmlns:b=\"urn:y\" y=\"4\" z=\"1\" xml:lang=\"en\" b:a=\"2\" \
             a:a=\"3\"></a>"
        );
    }

    #[test]
    fn a_left_out_element_leaves_the_text_around_it() {
        let document = parse(b"<a>1<b>2</b>3<b/></a>", Limits::MESSAGE).unwrap();
        let first = document.root().children().next();
        assert_eq!(exclusive(document.root(), &[], first, 100).unwrap(), "<a>13<b></b></a>");
    }

    #[test]
    fn a_form_that_grows_beyond_the_limit_is_refused() {
        let long = "u".repeat(1000);
        let text = format!("<a xmlns:p='{long}'>{}</a>", "<p:b/>".repeat(1000));
        let document = parse(text.as_bytes(), Limits::MESSAGE).unwrap();
        let refused = exclusive(document.root(), &[], None, 20_000);
        assert!(matches!(refused, Err(Error::TooLong { limit: 20_000, found }) if found < 25_000));
    }

    #[test]
    fn a_long_prefix_list_is_refused() {
        let document = parse(b"<a/>", Limits::MESSAGE).unwrap();
        let prefixes = ["p"; limits::XML_NAMESPACES + 1];
        assert!(matches!(
            exclusive(document.root(), &prefixes, None, 100),
            Err(Error::XmlLimit { .. })
        ));
    }
}
