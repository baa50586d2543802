//! Every page in every language, with friendly and with hostile values.

use time::macros::datetime;

use super::*;

const HOSTILE: &str = "/\"'><script>alert(1)</script><input name=x>&amp;{{ 7 }}";

/// All pages with `value` in every field that takes a text.
fn all(language: Language, value: &str) -> Vec<Page> {
    let frame = Frame { language, brand: value, switch_to: Some(value) };
    let form = SignIn {
        action: value,
        csrf: value,
        username: value,
        cloud: value,
        problem: None,
        onward: Onward::Nowhere,
    };
    let post = Deliver {
        acs: &format!("https://cloud.example{value}"),
        saml_response: value,
        relay_state: Some(value),
        cloud: value,
        onward: Onward::Anywhere,
    };
    let link = Linked { standing: Standing::Linked, cloud: value, to_cloud: value, back: value };
    let open = OpenAccount {
        action: value,
        csrf: value,
        cloud: value,
        name: value,
        contact: value,
        reached_by: ReachedBy::Mobile,
        area: value,
        asks_area: true,
        code_sent: true,
        code: value,
        is_agreed: true,
        user_agreement: value,
        privacy_statement: value,
        existing: value,
        problem: None,
        onward: Onward::Sources(&["https://cloud.example"]),
    };
    let email = OpenAccount { reached_by: ReachedBy::Email, code_sent: false, ..open };
    let mut pages = vec![
        open_account(&frame, &open),
        open_account(&frame, &email),
        open_account(&frame, &OpenAccount { problem: Some(Code::ConsentMissing), ..open }),
        account_coming(&frame, value),
        sign_in(&frame, &form),
        sign_in(&frame, &SignIn { problem: Some(Code::WrongCredentials), ..form }),
        sign_in(&frame, &SignIn { username: "", ..form }),
        deliver(&frame, &post).unwrap(),
        deliver(&frame, &Deliver { relay_state: None, ..post }).unwrap(),
        signed_out(&frame, Some(value)),
        linked(&frame, &link),
        linked(&frame, &Linked { standing: Standing::Ended, ..link }),
    ];
    pages.extend(Code::ALL.iter().map(|code| error(&frame, &view(*code, value))));
    let carried = Carried {
        action: "https://sp.example/acs",
        parameter: "SAMLResponse",
        message: value,
        relay_state: Some(value),
    };
    let back = Some(carried);
    pages.push(error(&frame, &ErrorView { back, ..view(Code::CustomerDisabled, value) }));
    pages
}

fn view(code: Code, value: &str) -> ErrorView<'_> {
    ErrorView {
        code,
        at: datetime!(2026-11-21 16:30:05 +8),
        sp: Some(value),
        id: value,
        again: Some(value),
        back: None,
    }
}

/// A start or end tag of a document, with its attributes as they are written.
#[derive(Debug, PartialEq)]
struct Tag {
    name: String,
    attributes: Vec<(String, Option<String>)>,
}

impl Tag {
    fn get(&self, name: &str) -> Option<String> {
        let (_, value) = self.attributes.iter().find(|(key, _)| key == name)?;
        Some(decoded(value.as_deref().unwrap_or_default()))
    }
}

/// The tags of a document. Panics where a browser would have to guess.
fn tags(html: &str) -> Vec<Tag> {
    let mut tags = Vec::new();
    let mut rest = html.strip_prefix("<!doctype html>").expect("a doctype");
    while let Some(at) = rest.find('<') {
        assert!(!rest[..at].contains('>'), "a stray > in {:?}", &rest[..at]);
        let (tag, behind) = tag(&rest[at + 1..]);
        tags.push(tag);
        rest = behind;
    }
    tags
}

fn tag(text: &str) -> (Tag, &str) {
    let end = text.find([' ', '\n', '>']).unwrap();
    let (name, mut rest) = text.split_at(end);
    let mut attributes = Vec::new();
    loop {
        rest = rest.trim_start();
        if let Some(behind) = rest.strip_prefix('>') {
            return (Tag { name: name.to_owned(), attributes }, behind);
        }
        let end = rest.find(['=', ' ', '\n', '>']).unwrap();
        let (key, behind) = rest.split_at(end);
        assert!(key.bytes().all(|b| b.is_ascii_lowercase() || b == b'-'), "attribute {key:?}");
        if let Some(value) = behind.strip_prefix('=') {
            let (value, behind) = value.strip_prefix('"').unwrap().split_once('"').unwrap();
            attributes.push((key.to_owned(), Some(value.to_owned())));
            rest = behind;
        } else {
            attributes.push((key.to_owned(), None));
            rest = behind;
        }
    }
}

fn decoded(value: &str) -> String {
    let mut out = String::new();
    let mut rest = value;
    while let Some((before, behind)) = rest.split_once('&') {
        let (name, behind) = behind.split_once(';').expect("an & that begins a reference");
        out.push_str(before);
        out.push(match name {
            "amp" => '&',
            "lt" => '<',
            "gt" => '>',
            "quot" => '"',
            _ => {
                let number = name.strip_prefix('#').expect("a reference that we write");
                char::from_u32(number.parse().unwrap()).unwrap()
            }
        });
        rest = behind;
    }
    out + rest
}

#[test]
fn every_element_is_closed_in_order() {
    const VOID: [&str; 5] = ["meta", "link", "input", "img", "br"];
    for page in Language::ALL.into_iter().flat_map(|language| all(language, "/ok")) {
        let mut open: Vec<String> = Vec::new();
        for tag in tags(&page.html) {
            if let Some(name) = tag.name.strip_prefix('/') {
                assert_eq!(open.pop().as_deref(), Some(name), "{}", page.html);
            } else if !VOID.contains(&tag.name.as_str()) {
                open.push(tag.name);
            }
        }
        assert!(open.is_empty(), "{open:?}");
    }
}

#[test]
fn hostile_values_change_no_tag_of_any_page() {
    let shape = |html: &str| -> Vec<(String, Vec<String>)> {
        tags(html)
            .into_iter()
            .map(|tag| (tag.name, tag.attributes.into_iter().map(|(key, _)| key).collect()))
            .collect()
    };
    for language in Language::ALL {
        for (friendly, hostile) in all(language, "/ok").iter().zip(all(language, HOSTILE)) {
            assert_eq!(shape(&friendly.html), shape(&hostile.html), "{}", hostile.html);
        }
    }
}

#[test]
fn no_page_needs_what_the_policy_forbids() {
    for page in Language::ALL.into_iter().flat_map(|language| all(language, "/ok")) {
        for tag in tags(&page.html) {
            assert!(tag.name != "style" && tag.name != "iframe" && tag.name != "base");
            for (key, value) in &tag.attributes {
                assert!(key != "style" && !key.starts_with("on"), "{tag:?}");
                assert!(!value.as_deref().unwrap_or_default().starts_with("javascript:"));
            }
            assert!(tag.name != "script" || tag.get("src").unwrap().starts_with("/assets/"));
        }
        assert_eq!(
            page.html.matches("</script>").count(),
            page.html.matches("\"></script>").count()
        );
    }
}

#[test]
fn every_visible_input_has_a_label() {
    for page in Language::ALL.into_iter().flat_map(|language| all(language, "/ok")) {
        let tags = tags(&page.html);
        let inputs = tags.iter().filter(|tag| tag.name == "input");
        for input in inputs.filter(|tag| tag.get("type").as_deref() != Some("hidden")) {
            let id = input.get("id").expect("an id");
            let label =
                tags.iter().find(|tag| tag.name == "label" && tag.get("for") == Some(id.clone()));
            assert!(label.is_some(), "{id}");
        }
    }
}

#[test]
fn every_page_names_its_language_and_leads_to_the_other() {
    for language in Language::ALL {
        for page in all(language, "/ok?x=1&y=2") {
            let tags = tags(&page.html);
            assert_eq!(tags[0].get("lang").as_deref(), Some(language.tag()));
            let switch = tags.iter().find(|tag| tag.get("hreflang").is_some()).unwrap();
            assert_eq!(switch.get("lang").as_deref(), Some(language.other().tag()));
            assert_eq!(switch.get("href").as_deref(), Some("/ok?x=1&y=2"));
            assert_eq!(page.language, language);
        }
    }
}

fn english() -> Frame<'static> {
    Frame { language: Language::En, brand: "Acme", switch_to: None }
}

fn response<'a>(acs: &'a str, relay_state: Option<&'a str>) -> Deliver<'a> {
    Deliver {
        acs,
        saml_response: "PHNhbWw+/w==",
        relay_state,
        cloud: "Example Cloud",
        onward: Onward::Nowhere,
    }
}

/// The hidden fields by name.
fn fields(html: &str) -> Vec<(String, String)> {
    let inputs = tags(html).into_iter().filter(|tag| tag.name == "input");
    inputs.map(|tag| (tag.get("name").unwrap(), tag.get("value").unwrap())).collect()
}

#[test]
fn the_delivery_page_carries_the_message_to_the_acs_and_nothing_else() {
    let acs = "https://cloud.example/acs?a=1&b=2";
    let relay_state = "\r\n \"'<>&amp;\t\u{1}\u{85}中文";
    let page = deliver(&english(), &response(acs, Some(relay_state))).unwrap();
    let form = tags(&page.html).into_iter().find(|tag| tag.name == "form").unwrap();
    assert_eq!(form.get("method").as_deref(), Some("post"));
    assert_eq!(form.get("action").as_deref(), Some(acs));
    assert_eq!(
        fields(&page.html),
        [
            ("SAMLResponse".to_owned(), "PHNhbWw+/w==".to_owned()),
            ("RelayState".to_owned(), relay_state.to_owned())
        ]
    );
    assert!(page.html.contains("<button"), "a way on without script");
    assert!(page.content_security_policy().ends_with("; form-action https://cloud.example"));
}

#[test]
fn a_relay_state_is_given_back_only_if_there_was_one() {
    let acs = "https://cloud.example/acs";
    let without = deliver(&english(), &response(acs, None)).unwrap();
    assert_eq!(fields(&without.html).len(), 1);
    let empty = deliver(&english(), &response(acs, Some(""))).unwrap();
    assert_eq!(fields(&empty.html)[1], ("RelayState".to_owned(), String::new()));
}

#[test]
fn what_cannot_be_posted_unchanged_is_not_posted() {
    let refused =
        |acs, relay_state| deliver(&english(), &response(acs, relay_state)).unwrap_err().code;
    let acs = "https://cloud.example/acs";
    assert_eq!(refused(acs, Some("a\nb")), Code::RelayStateUnpostable);
    assert_eq!(refused(acs, Some("\0")), Code::RelayStateUnpostable);
    assert_eq!(refused("javascript:alert(1)", None), Code::Internal);
    assert_eq!(refused("/acs", None), Code::Internal);
}

#[test]
fn the_error_page_says_what_whose_when_and_which() {
    for code in Code::ALL {
        let page = error(&english(), &view(*code, "ABCDEFGHJK"));
        let said = explain(*code, Language::En);
        assert_eq!(page.status, code.entry().status);
        let card = tags(&page.html).into_iter().find(|tag| tag.name == "article").unwrap();
        assert_eq!(card.get("data-code"), Some(code.to_string()));
        assert_eq!(card.get("data-owner").as_deref(), Some(code.entry().owner.key()));
        assert_eq!(page.html.matches("aria-current").count(), 1);
        for text in [
            said.title.as_str(),
            &said.advice,
            &code.to_string(),
            "ABCDEFGHJK",
            "2026-11-21 08:30:05 UTC",
            "datetime=\"2026-11-21T08:30:05Z\"",
        ] {
            assert!(page.html.contains(text), "{code}: {text}");
        }
        assert!(page.content_security_policy().ends_with("; form-action 'none'"));
    }
}

#[test]
fn the_way_back_to_a_service_is_a_button_where_a_form_can_carry_its_answer() {
    let back = |action, relay_state| {
        let carried = Carried { action, parameter: "SAMLResponse", message: "PHg+", relay_state };
        let view = ErrorView { back: Some(carried), ..view(Code::CustomerDisabled, "x") };
        error(&english(), &view)
    };
    let page = back("https://sp.example/acs?a=\"b\"", Some("\"><b>"));
    assert!(page.html.contains("Back to sp.example"), "{}", page.html);
    assert!(page.html.contains("name=\"SAMLResponse\" value=\"PHg+\""), "{}", page.html);
    assert!(page.html.contains("value=\"&quot;&gt;&lt;b&gt;\""), "{}", page.html);
    let policy = page.content_security_policy();
    assert!(policy.ends_with("; form-action https://sp.example https:"), "{policy}");
    for unpostable in [back("javascript:x", None), back("https://sp.example/", Some("\0"))] {
        assert!(!unpostable.html.contains("<form"), "{}", unpostable.html);
        assert!(unpostable.content_security_policy().ends_with("form-action 'none'"));
    }
}

#[test]
fn a_link_that_is_no_web_address_is_not_shown() {
    let shown = |again| {
        let view = ErrorView { again: Some(again), ..view(Code::JourneyGone, "x") };
        error(&english(), &view).html.contains("class=\"button\"")
    };
    assert!(shown("https://partner.example/console"));
    assert!(shown("/acme/launch"));
    for address in ["javascript:alert(1)", "//evil.example", "/\\evil.example", "data:text/html,x"]
    {
        assert!(!shown(address), "{address}");
        assert!(!signed_out(&english(), Some(address)).html.contains("class=\"button\""));
    }
}

#[test]
fn a_failed_sign_in_is_announced_keeps_the_name_and_goes_back_to_the_password() {
    let view = SignIn {
        action: "/acme/sign-in",
        csrf: "token",
        username: "zhang.wei",
        cloud: "Example Cloud",
        problem: Some(Code::WrongCredentials),
        onward: Onward::Sources(&["https://cloud.example"]),
    };
    let page = sign_in(&english(), &view);
    assert_eq!(page.status, 403);
    let tags = tags(&page.html);
    assert!(tags.iter().any(|tag| tag.get("role").as_deref() == Some("alert")));
    let input = |id: &str| tags.iter().find(|tag| tag.get("id").as_deref() == Some(id)).unwrap();
    assert_eq!(input("username").get("value").as_deref(), Some("zhang.wei"));
    assert_eq!(input("username").get("autocomplete").as_deref(), Some("username"));
    assert!(input("username").get("autofocus").is_none());
    assert!(input("password").get("value").is_none());
    assert!(input("password").get("autofocus").is_some());
    assert!(page.content_security_policy().ends_with("form-action 'self' https://cloud.example"));
}

#[test]
fn every_policy_shuts_everything_that_the_pages_do_not_need() {
    for page in all(Language::En, "/ok") {
        let policy = page.content_security_policy();
        for part in
            ["default-src 'none'", "base-uri 'none'", "object-src 'none'", "frame-ancestors 'none'"]
        {
            assert!(policy.contains(part), "{policy}");
        }
        assert!(!policy.contains("unsafe"));
    }
}
