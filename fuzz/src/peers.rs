//! Fuzzing: our reading and our canonical form against foreign ones. What we read, libxml2 and
//! roxmltree read, and they read the same; the canonical form of every element is libxml2's.

use roxmltree::Node;
use skybridge::saml::xml::{Document, Element, Limits, c14n, parse};

use crate::libxml2::Peer;
use crate::targets::differential::{Order, document_of, put, reading};

/// Most elements of one document whose canonical forms are compared.
const COMPARED: usize = 12;

/// Compares what is made of one input.
///
/// # Panics
/// When something differs.
pub(crate) fn compare(octets: &[u8]) {
    let octets = document_of(octets);
    let Ok(document) = parse(&octets, Limits::MESSAGE) else { return };
    let ours = reading(&document, Order::AsWritten);
    let peer = Peer::read(&octets);
    let fault = peer.fault();
    assert_eq!(fault, None, "we read what libxml2 refuses");
    assert_eq!(shown(&ours), shown(&peer.reading()), "libxml2 reads something else");
    compare_roxmltree(&octets, &ours);
    if !peer.has_odd_namespaces() && has_plain_namespaces(&document) {
        compare_forms(&document, &peer);
    }
}

/// A reading as it is shown in a complaint.
fn shown(reading: &[u8]) -> String {
    String::from_utf8_lossy(reading).into_owned()
}

fn compare_roxmltree(octets: &[u8], ours: &[u8]) {
    let text = std::str::from_utf8(octets).expect("what we read is UTF-8");
    let text = text.strip_prefix('\u{FEFF}').unwrap_or(text);
    // It leaves a carriage return as it is where text ends with one (XML 1.0 §2.11).
    let text = text.replace("\r\n", "\n").replace('\r', "\n");
    let theirs = match roxmltree::Document::parse(&text) {
        Ok(theirs) => theirs,
        // It does not know `xml` before the name of an element (Namespaces in XML 1.0 §3).
        Err(roxmltree::Error::UnknownNamespace(prefix, _)) if prefix == "xml" => return,
        Err(error) => panic!("we read what roxmltree refuses: {error}"),
    };
    let mut out = Vec::new();
    read_node(theirs.root_element(), &mut out);
    // It does not keep prefixes, so ours are not compared with it.
    assert_eq!(shown(&without_prefixes(ours)), shown(&out), "roxmltree reads something else");
}

fn read_node(element: Node<'_, '_>, out: &mut Vec<u8>) {
    out.push(b'E');
    let name = element.tag_name();
    put("", out);
    put(name.namespace().unwrap_or_default(), out);
    put(name.name(), out);
    for attribute in element.attributes() {
        out.push(b'A');
        put("", out);
        put(attribute.namespace().unwrap_or_default(), out);
        put(attribute.name(), out);
        put(attribute.value(), out);
    }
    let mut text = String::new();
    for node in element.children() {
        if node.is_element() {
            flush(&mut text, out);
            read_node(node, out);
        } else if node.is_text() {
            text.push_str(node.text().unwrap_or_default());
        }
    }
    flush(&mut text, out);
    out.push(b'X');
}

fn flush(text: &mut String, out: &mut Vec<u8>) {
    if !text.is_empty() {
        out.push(b'T');
        put(text, out);
        text.clear();
    }
}

/// A reading with empty prefixes.
fn without_prefixes(reading: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(reading.len());
    let mut rest = reading;
    while let Some((mark, after)) = rest.split_first() {
        out.push(*mark);
        rest = after;
        let parts = match mark {
            b'E' => 3,
            b'A' => 4,
            b'T' => 1,
            _ => 0,
        };
        for part in 0..parts {
            let (length, after) = rest.split_first_chunk::<4>().expect("a length");
            let (text, after) = after.split_at(u32::from_le_bytes(*length) as usize);
            let text = if parts > 1 && part == 0 { &b""[..] } else { text };
            put(std::str::from_utf8(text).expect("a part is UTF-8"), &mut out);
            rest = after;
        }
    }
    out
}

/// Whether libxml2 can be asked for canonical forms: it makes none with relative namespace names,
/// and writes some characters of them as they are.
fn has_plain_namespaces(document: &Document) -> bool {
    let plain = |c: char| c.is_ascii_alphanumeric() || "-._~:/?#;=+,%".contains(c);
    document.all().flat_map(Element::declared).filter_map(|(_, name)| name).all(|name| {
        let scheme = name.split_once(':').map(|(scheme, _)| scheme).unwrap_or_default();
        let is_absolute = scheme.starts_with(|c: char| c.is_ascii_alphabetic())
            && scheme.chars().all(|c| c.is_ascii_alphanumeric());
        is_absolute && name.chars().all(plain)
    })
}

/// Compares the canonical forms of some elements, with and without prefix lists, whole and without
/// an element inside.
fn compare_forms(document: &Document, peer: &Peer) {
    let all: Vec<_> = document.all().collect();
    assert_eq!(all.len(), peer.elements());
    let mut listed: Vec<_> = document
        .all()
        .flat_map(Element::declared)
        .map(|(prefix, _)| if prefix.is_empty() { "#default" } else { prefix })
        .collect();
    listed.sort_unstable();
    listed.dedup();
    listed.truncate(8);
    let step = all.len().div_ceil(COMPARED);
    for apex in (0..all.len()).step_by(step) {
        let inside = (apex + 1..all.len()).find(|at| all[*at].parent() == Some(all[apex]));
        let half = &listed[..listed.len().div_ceil(2)];
        for (prefixes, without) in
            [(&[][..], None), (&listed[..], None), (&[][..], inside), (half, inside)]
        {
            let left_out = without.map(|at| all[at]);
            let limit = Limits::MESSAGE.bytes * 2;
            let Ok(ours) = c14n::exclusive(all[apex], prefixes, left_out, limit) else { continue };
            let theirs = peer.canonical(apex, without, prefixes);
            let theirs = theirs.map(|octets| String::from_utf8_lossy(&octets).into_owned());
            assert_eq!(
                Some(ours),
                theirs,
                "element {apex} without {without:?}, prefixes {prefixes:?}"
            );
        }
    }
}
