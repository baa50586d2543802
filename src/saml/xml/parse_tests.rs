//! Tests of the strict reader.

use super::*;

fn read(text: &str) -> Result<Document, Error> {
    parse(text.as_bytes(), Limits::MESSAGE)
}

fn is_malformed(text: &str) -> bool {
    matches!(read(text), Err(Error::Malformed { .. }))
}

#[test]
fn comments_cdata_and_references_never_split_a_value() {
    let document = read("<a>us<!-- x -->er<![CDATA[@ex]]>ample&#46;c&#x6F;m<!----></a>").unwrap();
    assert_eq!(document.root().text().unwrap(), "user@example.com");
}

#[test]
fn text_beside_a_child_element_is_no_value() {
    let document = read("<a>user<b/>.evil</a>").unwrap();
    assert!(document.root().text().is_err());
}

#[test]
fn a_doctype_is_refused_before_anything_else() {
    assert_eq!(read("<!DOCTYPE a [<!ENTITY b \"c\">]><a>&b;</a>").unwrap_err(), Error::Doctype);
    assert_eq!(read("not XML at all <!DOCTYPE").unwrap_err(), Error::Doctype);
}

#[test]
fn names_are_resolved_by_namespace_not_by_prefix() {
    let document =
        read("<p:a xmlns:p='urn:1' xmlns='urn:2'><b x='1' p:x='2'/><p:b xmlns:p='urn:3'/></p:a>")
            .unwrap();
    let root = document.root();
    assert!(root.is("urn:1", "a"));
    let children: Vec<_> = root.children().collect();
    assert!(children[0].is("urn:2", "b"));
    assert_eq!(children[0].attribute("x"), Some("1"));
    assert!(children[1].is("urn:3", "b"));
}

#[test]
fn a_prefix_ends_with_its_element() {
    assert!(is_malformed("<a><b xmlns:p='urn:1'/><p:c/></a>"));
    assert!(is_malformed("<a><p:b xmlns:p='urn:1'></p:b><p:c/></a>"));
}

#[test]
fn values_are_normalised_as_xml_says() {
    let document = read("<a x='1\r\n2\t3&#10;4'>5\r\n6\r7&#13;</a>").unwrap();
    assert_eq!(document.root().attribute("x"), Some("1 2 3\n4"));
    assert_eq!(document.root().text().unwrap(), "5\n6\n7\r");
}

#[test]
fn what_is_not_well_formed_is_refused() {
    for text in [
        "",
        " ",
        "<a>",
        "<a></b>",
        "</a>",
        "<a/><b/>",
        "<a/>text",
        "text<a/>",
        "<a><![CDATA[x]]>",
        "<![CDATA[x]]><a/>",
        "<a x='1' x='2'/>",
        "<a xmlns:p='urn:1' xmlns:q='urn:1' p:x='1' q:x='2'/>",
        "<a x=1/>",
        "<a x/>",
        "<a x='1'y='2'/>",
        "<a x='<'/>",
        "<a>]]></a>",
        "<a>&unknown;</a>",
        "<a>& b</a>",
        "<a x='&'/>",
        "<a>&#0;</a>",
        "<a>&#xD800;</a>",
        "<a>&#+65;</a>",
        "<a>\u{1}</a>",
        "<a>\u{FFFE}</a>",
        "<1a/>",
        "<a:b:c/>",
        "<:a/>",
        "<a:/>",
        "<p:a/>",
        "<a><?target data?></a>",
        "<a/><?xml version='1.0'?>",
        " <?xml version='1.0'?><a/>",
        "<?xml version='1.1'?><a/>",
        "<?xml?><a/>",
        "<?xml encoding='UTF-8'?><a/>",
        "<?xml version='1.0'encoding='UTF-8'?><a/>",
        "<?xml version='1.0' standalone='yes' encoding='UTF-8'?><a/>",
        "<?xml version='1.0' standalone='maybe'?><a/>",
        "<?xml version='1.0' encoding='UTF-8' other='x'?><a/>",
        "<?XML target?><a/>",
        "<? target?><a/>",
        "&#32;<a/>",
        "<a/>&#10;",
        "<?1?><a/>",
        "<?a:b?><a/>",
        "<a xmlns:p=''/>",
        "<a xmlns:='urn:1'/>",
        "<a xmlns:p:q='urn:1'/>",
        "<q:a xmlns:p:q='urn:1'/>",
        "<a xmlns:xmlns='urn:1'/>",
        "<a xmlns:xml='urn:1'/>",
        "<a xmlns:p='http://www.w3.org/XML/1998/namespace'/>",
        "<a xmlns='http://www.w3.org/2000/xmlns/'/>",
        "<a><!-- a -- b --></a>",
    ] {
        assert!(is_malformed(text), "{text:?} gave {:?}", read(text).map(|_| ()));
    }
}

#[test]
fn only_utf_8_is_read() {
    assert!(read("<?xml version='1.0' encoding='utf-8'?><a/>").is_ok());
    assert!(read("<?xml version = \"1.0\" standalone='no' ?>\n<?target ?><a/>").is_ok());
    assert!(read("\u{FEFF}<a/>").is_ok());
    for octets in [
        &b"<?xml version='1.0' encoding='ISO-8859-1'?><a/>"[..],
        b"<a>\xE9</a>",
        b"\xFF\xFE<\0a\0/\0>\0",
    ] {
        assert!(matches!(parse(octets, Limits::MESSAGE), Err(Error::NotUtf8 { .. })));
    }
}

#[test]
fn each_limit_holds_exactly() {
    let deep = |n: usize| "<a>".repeat(n) + &"</a>".repeat(n);
    assert!(read(&deep(limits::XML_DEPTH)).is_ok());
    assert!(matches!(read(&deep(limits::XML_DEPTH + 1)), Err(Error::XmlLimit { .. })));

    let wide = |n: usize| format!("<a>{}</a>", "<b/>".repeat(n - 1));
    assert!(read(&wide(limits::XML_NODES)).is_ok());
    assert!(matches!(read(&wide(limits::XML_NODES + 1)), Err(Error::XmlLimit { .. })));

    let attributes = |n: usize| {
        let all: Vec<_> = (0..n).map(|i| format!(" x{i}=''")).collect();
        format!("<a{}/>", all.concat())
    };
    assert!(read(&attributes(limits::XML_ATTRIBUTES)).is_ok());
    for many in [limits::XML_ATTRIBUTES + 1, 8_000] {
        assert!(matches!(read(&attributes(many)), Err(Error::XmlLimit { .. })));
    }

    let some = |n: usize| (0..n).map(|i| format!(" x{i}=''")).collect::<Vec<_>>().concat();
    let spread = |n: usize| {
        let full = format!("<b{}/>", some(50));
        format!("<a{}>{}</a>", some(n % 50), full.repeat(n / 50))
    };
    assert!(read(&spread(limits::XML_NODES)).is_ok());
    assert!(matches!(read(&spread(limits::XML_NODES + 1)), Err(Error::XmlLimit { .. })));

    let namespaces = |n: usize| {
        let all: Vec<_> = (0..n).map(|i| format!(" xmlns:x{i}='urn:{i}'")).collect();
        format!("<a{}/>", all.concat())
    };
    assert!(read(&namespaces(limits::XML_NAMESPACES)).is_ok());
    assert!(matches!(read(&namespaces(limits::XML_NAMESPACES + 1)), Err(Error::XmlLimit { .. })));

    let namespace = |n: usize| format!("<a xmlns='{}'/>", "a".repeat(n));
    assert!(read(&namespace(limits::XML_NAMESPACE_BYTES)).is_ok());
    assert!(matches!(
        read(&namespace(limits::XML_NAMESPACE_BYTES + 1)),
        Err(Error::XmlLimit { .. })
    ));

    let named = |n: usize| format!("<{}/>", "a".repeat(n));
    assert!(read(&named(limits::XML_NAME_BYTES)).is_ok());
    assert!(matches!(read(&named(limits::XML_NAME_BYTES + 1)), Err(Error::XmlLimit { .. })));

    let long = vec![b' '; limits::INFLATED_BYTES + 1];
    assert!(matches!(parse(&long, Limits::MESSAGE), Err(Error::TooLong { .. })));
}
