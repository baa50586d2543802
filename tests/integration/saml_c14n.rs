//! Our exclusive canonicalisation against libxml2's, byte for byte, on generated documents.
//!
//! Each document has one signature template with a reference to every element around and beside it,
//! with prefix lists, and with the enveloped transform where the signature is inside. xmlsec1 fills
//! the digests; ours must be the same. The default is a sample of a few seconds; `SKYBRIDGE_FULL=1`
//! runs twenty thousand documents.

use std::fmt::Write as _;

use aws_lc_rs::digest::{SHA256, digest};
use aws_lc_rs::hmac;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use skybridge::saml::names::{algorithm, ns};
use skybridge::saml::xml::{Element, Limits, c14n, parse};

use crate::support::xmlsec;

const KEY: &str = "generated documents";

#[test]
fn canonical_forms_equal_those_of_libxml2_byte_for_byte() {
    let documents: u64 = if std::env::var_os("SKYBRIDGE_FULL").is_some() { 20_000 } else { 150 };
    let threads = std::thread::available_parallelism().map_or(1, usize::from) as u64;
    let here = tempfile::tempdir().unwrap();
    let key = here.path().join("key");
    std::fs::write(&key, KEY).unwrap();
    let options = ["--hmackey", key.to_str().unwrap()];
    let forms: usize = std::thread::scope(|scope| {
        let workers: Vec<_> = (0..threads)
            .map(|first| {
                let seeds = (first..documents).step_by(usize::try_from(threads).unwrap());
                scope.spawn(move || seeds.map(|seed| compare(seed, &options)).sum::<usize>())
            })
            .collect();
        workers.into_iter().map(|worker| worker.join().unwrap()).sum()
    });
    println!("{documents} documents, {forms} canonical forms equal");
    assert!(forms as u64 > documents * 5, "the generator makes next to nothing: {forms}");
}

/// Compares all canonical forms of the document that `seed` gives; how many they were.
fn compare(seed: u64, options: &[&str]) -> usize {
    let text = Generator::document(seed);
    let signed = xmlsec::sign(&text, options);
    let document = parse(text.as_bytes(), Limits::METADATA).unwrap();
    let filled = parse(signed.as_bytes(), Limits::METADATA).unwrap();
    let signature = |e: &Element<'_>| e.is(ns::DSIG, "Signature");
    let (ours, theirs) =
        (document.all().find(signature).unwrap(), filled.all().find(signature).unwrap());
    let mut compared = 0;
    for reference in inside(theirs, "Reference") {
        let id = reference.attribute("URI").unwrap().trim_start_matches('#');
        let apex = document.all().find(|e| xml_id(*e) == Some(id)).unwrap();
        let list = prefixes(reference);
        let octets = c14n::exclusive(apex, &list, Some(ours), 1_000_000).unwrap();
        let expected = inside(reference, "DigestValue")[0].text().unwrap();
        let found = STANDARD.encode(digest(&SHA256, octets.as_bytes()));
        assert_eq!(found, expected, "seed {seed}, {id}, {list:?}\nof {text}\nours {octets}");
        compared += 1;
    }
    // SignedInfo has its own method; what was signed is its canonical form.
    let info = inside(theirs, "SignedInfo")[0];
    let list = prefixes(inside(theirs, "CanonicalizationMethod")[0]);
    let octets = c14n::exclusive(info, &list, None, 1_000_000).unwrap();
    let found = hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, KEY.as_bytes()), octets.as_bytes());
    let expected = inside(theirs, "SignatureValue")[0].text().unwrap();
    assert_eq!(
        STANDARD.encode(found),
        expected,
        "seed {seed}, SignedInfo, {list:?}\nours {octets}"
    );
    compared + 1
}

/// The elements of XML Signature with this local name at any depth inside `element`.
fn inside<'d>(element: Element<'d>, local: &str) -> Vec<Element<'d>> {
    let mut found = Vec::new();
    for child in element.children() {
        if child.is(ns::DSIG, local) {
            found.push(child);
        }
        found.extend(inside(child, local));
    }
    found
}

fn prefixes(element: Element<'_>) -> Vec<&str> {
    let list =
        element.document().all().filter(|e| e.is(ns::EXC_C14N, "InclusiveNamespaces")).find(|e| {
            std::iter::successors(e.parent(), |e| e.parent()).any(|around| around == element)
        });
    list.and_then(|e| e.attribute("PrefixList")).unwrap_or_default().split_whitespace().collect()
}

fn xml_id(element: Element<'_>) -> Option<&str> {
    element.attributes().find(|a| a.prefix == "xml" && a.local == "id").map(|a| a.value)
}

const PREFIXES: &[&str] = &["", "a", "b", "c", "Z", "é"];
/// URIs that libxml2 takes without a complaint, one of them twice as often. None has an ampersand:
/// libxml2 2.9 writes it as `&#38;` in declarations, where Canonical XML asks for `&amp;`.
const NAMES: &[&str] = &["urn:1", "urn:2", "urn:3", "urn:1", "urn:x?a=1;b=2", "http://x/%C3%A9"];
const LOCALS: &[&str] = &["e", "f", "F", "é", "e.1", "_"];
const PIECES: &[&str] = &[
    "a",
    "z",
    " ",
    "\n",
    "\t",
    "\r\n",
    "\r",
    "&#13;",
    "&#10;",
    "&#9;",
    "&#xD;&#xA;",
    "&amp;",
    "&lt;",
    "&gt;",
    ">",
    "&quot;",
    "&apos;",
    "'",
    "é",
    "漢字",
    "😀",
    "&#x1F600;",
    "&#38;amp;",
    "\u{85}",
    "\u{2028}",
    "\u{FEFF}",
    "\u{A0}",
    "\u{E000}",
    "-->",
    "]]",
];

/// Makes documents out of a seed (`SplitMix64`).
struct Generator {
    state: u64,
    out: String,
    /// Declarations in scope, innermost last.
    scope: Vec<(&'static str, &'static str)>,
    elements: usize,
    /// Ids of the open elements.
    open: Vec<usize>,
    /// Where the signature template goes, and which elements are around it.
    signature: Option<(usize, Vec<usize>)>,
}

impl Generator {
    fn document(seed: u64) -> String {
        let mut generator = Self {
            state: seed,
            out: String::new(),
            scope: Vec::new(),
            elements: 0,
            open: Vec::new(),
            signature: None,
        };
        generator.element(0);
        let (at, around) = generator.signature.take().unwrap();
        let template = generator.template(&around);
        generator.out.insert_str(at, &template);
        generator.out
    }

    fn next(&mut self) -> u64 {
        self.state = self.state.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut z = self.state;
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        z ^ (z >> 31)
    }

    fn below(&mut self, bound: usize) -> usize {
        usize::try_from(self.next() % bound as u64).unwrap()
    }

    fn chance(&mut self, percent: usize) -> bool {
        self.below(100) < percent
    }

    fn pick(&mut self, from: &[&'static str]) -> &'static str {
        from[self.below(from.len())]
    }

    fn bound(&self, prefix: &str) -> Option<&'static str> {
        self.scope.iter().rev().find(|(known, _)| *known == prefix).map(|(_, name)| *name)
    }

    /// A prefix that may stand before a name, with its namespace.
    fn prefix(&mut self) -> (&'static str, &'static str) {
        let prefix = self.pick(PREFIXES);
        match self.bound(prefix) {
            Some(name) => (prefix, name),
            None => ("", self.bound("").unwrap_or_default()),
        }
    }

    fn element(&mut self, depth: usize) {
        let (scope, id) = (self.scope.len(), self.elements);
        self.elements += 1;
        self.open.push(id);
        let mut attributes = vec![format!("xml:id='i{id}'")];
        self.declarations(&mut attributes);
        self.attributes(&mut attributes);
        let (prefix, _) = self.prefix();
        let name = qualified(prefix, self.pick(LOCALS));
        // The order in the document means nothing.
        let turn = self.below(attributes.len());
        attributes.rotate_left(turn);
        let space = self.pick(&[" ", "\n ", "\t"]);
        write!(self.out, "<{name} {}>", attributes.join(space)).unwrap();
        let children = if depth > 6 || self.elements > 30 { 0 } else { 1 + self.below(4) };
        for _ in 0..children {
            self.text();
            self.mark();
            if self.chance(70) {
                self.element(depth + 1);
            }
        }
        self.mark();
        self.text();
        write!(self.out, "</{name}>").unwrap();
        self.open.pop();
        self.scope.truncate(scope);
    }

    /// Perhaps takes this place for the signature; somewhere it must go.
    fn mark(&mut self) {
        if self.signature.is_none() || self.chance(20) {
            self.signature = Some((self.out.len(), self.open.clone()));
        }
    }

    fn declarations(&mut self, attributes: &mut Vec<String>) {
        for prefix in PREFIXES {
            if !self.chance(25) {
                continue;
            }
            let name = if prefix.is_empty() && self.chance(40) { "" } else { self.pick(NAMES) };
            self.scope.push((prefix, name));
            let attribute =
                if prefix.is_empty() { "xmlns".to_owned() } else { format!("xmlns:{prefix}") };
            attributes.push(format!("{attribute}=\"{name}\""));
        }
    }

    fn attributes(&mut self, attributes: &mut Vec<String>) {
        let mut used = Vec::new();
        for _ in 0..self.below(5) {
            let (prefix, name) = self.prefix();
            let local = self.pick(LOCALS);
            let expanded = (if prefix.is_empty() { "" } else { name }, local);
            if !used.contains(&expanded) {
                used.push(expanded);
                let value = self.value();
                attributes.push(format!("{}={value}", qualified(prefix, local)));
            }
        }
        if self.chance(15) {
            let value = self.value();
            attributes.push(format!("xml:lang={value}"));
        }
    }

    fn value(&mut self) -> String {
        let quote = self.pick(&["'", "\""]);
        let mut value = quote.to_owned();
        for _ in 0..self.below(5) {
            let piece = self.pick(PIECES);
            if !piece.contains(quote) {
                value.push_str(piece);
            }
        }
        value + quote
    }

    fn text(&mut self) {
        for _ in 0..self.below(4) {
            let piece = self.pick(PIECES);
            match self.below(8) {
                0 => write!(self.out, "<![CDATA[{piece}&<]]>").unwrap(),
                1 => self.out.push_str("<!-- comment & < -->"),
                // `]]>` may not stand in text, also not when its parts meet by chance.
                _ if piece.contains(['>', ']']) => {}
                _ => self.out.push_str(piece),
            }
        }
    }

    fn list(&mut self) -> String {
        let mut listed = Vec::new();
        for prefix in PREFIXES.iter().chain(&["unknown", "ds", "ec"]) {
            if self.chance(25) {
                listed.push(if prefix.is_empty() { "#default" } else { prefix });
            }
        }
        if listed.is_empty() {
            return String::new();
        }
        // One space between two prefixes: xmlsec1 takes the gap between two spaces for the default
        // namespace.
        format!(
            "<ec:InclusiveNamespaces xmlns:ec=\"{}\" PrefixList=\"{}\"/>",
            ns::EXC_C14N,
            listed.join(self.pick(&[" ", "\n"]))
        )
    }

    /// A signature over every element; `around` are those that have the template inside.
    fn template(&mut self, around: &[usize]) -> String {
        let mut references = String::new();
        for id in 0..self.elements {
            let enveloped = if around.contains(&id) {
                format!("<ds:Transform Algorithm=\"{}\"/>", algorithm::ENVELOPED)
            } else {
                String::new()
            };
            let list = self.list();
            write!(
                references,
                "<ds:Reference URI=\"#i{id}\"><ds:Transforms>{enveloped}\
                 <ds:Transform Algorithm=\"{}\">{list}</ds:Transform></ds:Transforms>\
                 <ds:DigestMethod Algorithm=\"{}\"/><ds:DigestValue/></ds:Reference>",
                algorithm::EXC_C14N,
                algorithm::SHA256,
            )
            .unwrap();
        }
        let list = self.list();
        format!(
            "<ds:Signature xmlns:ds=\"{}\"><ds:SignedInfo>\
             <ds:CanonicalizationMethod Algorithm=\"{}\">{list}</ds:CanonicalizationMethod>\
             <ds:SignatureMethod Algorithm=\"http://www.w3.org/2001/04/xmldsig-more#hmac-sha256\"/>\
             {references}</ds:SignedInfo><ds:SignatureValue/></ds:Signature>",
            ns::DSIG,
            algorithm::EXC_C14N,
        )
    }
}

fn qualified(prefix: &str, local: &str) -> String {
    if prefix.is_empty() { local.to_owned() } else { format!("{prefix}:{local}") }
}
