//! A person with a browser: follows redirects, sends forms that a page would send by itself, keeps
//! cookies, and signs in where a gateway asks for it.

use std::collections::BTreeMap;

use axum::http::{StatusCode, header};
use url::Url;

use crate::support::gateway::cloud::{deflate, inflate};
use crate::support::gateway::{PASSWORD, material};
use crate::support::peer::Binding;
use crate::support::site::client;

/// More steps than any journey has.
const STEPS: usize = 20;

/// What becomes of a message between the gateway and the service provider. It is carried as it is
/// where this leaves it as it is.
pub(super) type OnTheWay = fn(&str) -> String;

/// A person with a browser.
pub(super) struct Person {
    client: reqwest::Client,
    /// Cookies by scheme, host and port, and name.
    jar: BTreeMap<(String, String), String>,
    on_the_way: OnTheWay,
}

/// Where a journey ended.
#[derive(Debug)]
pub(super) struct Page {
    pub(super) url: Url,
    pub(super) status: StatusCode,
    pub(super) body: String,
    /// The messages that the browser carried, in their order.
    pub(super) carried: Vec<Message>,
    /// Every step that led here.
    pub(super) steps: Vec<String>,
}

/// A SAML message.
#[derive(Debug)]
pub(super) struct Message {
    /// `SAMLRequest` or `SAMLResponse`.
    pub(super) field: &'static str,
    pub(super) binding: Binding,
    /// Whether its sender signed the message itself, in the way of the binding.
    pub(super) signed: bool,
    /// The document.
    pub(super) xml: String,
}

const FIELDS: [&str; 2] = ["SAMLRequest", "SAMLResponse"];

enum Next {
    Get(Url),
    Post(Url, Vec<(String, String)>),
}

impl Person {
    /// Somebody who has been nowhere.
    pub(super) fn new() -> Self {
        Self::with(str::to_owned)
    }

    /// Somebody whose messages are changed on the way.
    pub(super) fn with(on_the_way: OnTheWay) -> Self {
        Self { client: client(), jar: BTreeMap::new(), on_the_way }
    }

    /// From now on, messages are changed so.
    pub(super) fn now_changes(&mut self, on_the_way: OnTheWay) {
        self.on_the_way = on_the_way;
    }

    /// Opens an address and goes on until a page is for people.
    pub(super) async fn visits(&mut self, address: &str) -> Page {
        let mut next = Next::Get(Url::parse(address).unwrap());
        let (mut steps, mut carried) = (Vec::new(), Vec::new());
        for _ in 0..STEPS {
            let (page, location) = self.step(next).await;
            steps.extend(page.steps.clone());
            if let Some(place) = location.filter(|_| page.status.is_redirection()) {
                next = Next::Get(self.carries(page.url.join(&place).unwrap(), &mut carried));
            } else if let Some((place, fields)) = self.sends(&page.body, &mut carried) {
                next = Next::Post(page.url.join(&place).unwrap(), fields);
            } else if let Some(place) = goes_on(&page.body) {
                next = Next::Get(self.carries(page.url.join(&place).unwrap(), &mut carried));
            } else {
                return Page { carried, steps, ..page };
            }
        }
        panic!("no end after {STEPS} steps: {steps:#?}");
    }

    /// Opens an address and goes nowhere from there.
    pub(super) async fn opens(&mut self, address: &str) -> Page {
        self.step(Next::Get(Url::parse(address).unwrap())).await.0
    }

    async fn step(&mut self, next: Next) -> (Page, Option<String>) {
        let (url, request) = match next {
            Next::Get(url) => (url.clone(), self.client.get(url)),
            Next::Post(url, fields) => (url.clone(), self.client.post(url).form(&fields)),
        };
        let answer = request.header(header::COOKIE, self.cookies(&url)).send().await.unwrap();
        let (status, headers) = (answer.status(), answer.headers().clone());
        self.keep(&url, &headers);
        let location = headers.get(header::LOCATION).map(|it| it.to_str().unwrap().to_owned());
        let steps = vec![format!("{} {}", status.as_u16(), &url[..url::Position::AfterPath])];
        let body = answer.text().await.unwrap();
        (Page { url, status, body, carried: Vec::new(), steps }, location)
    }

    /// What is sent from a page by itself, or by somebody who knows their password.
    fn sends(
        &self,
        body: &str,
        carried: &mut Vec<Message>,
    ) -> Option<(String, Vec<(String, String)>)> {
        let form = &body[body.find("<form")?..];
        let form = &form[..form.find("</form>")?];
        let action = attribute(&form[..form.find('>')?], "action")?;
        let mut fields = Vec::new();
        for input in form.split("<input").skip(1) {
            let input = &input[..input.find('>')?];
            if let Some(name) = attribute(input, "name") {
                fields.push((name, attribute(input, "value").unwrap_or_default()));
            }
        }
        let mut for_people = true;
        for (name, value) in &mut fields {
            match name.as_str() {
                "username" => (*value, for_people) = ("alice".to_owned(), false),
                "password" => PASSWORD.clone_into(value),
                name => {
                    let Some(field) = FIELDS.into_iter().find(|it| *it == name) else { continue };
                    for_people = false;
                    let octets = material::unbase64(&value.replace(char::is_whitespace, ""));
                    let mut xml = String::from_utf8(octets).unwrap();
                    let changed = (self.on_the_way)(&xml);
                    if changed != xml {
                        *value = material::base64(changed.as_bytes());
                        xml = changed;
                    }
                    let signed = xml.contains(":Signature ") || xml.contains("<Signature ");
                    carried.push(Message { field, binding: Binding::Post, signed, xml });
                }
            }
        }
        (!for_people).then_some((action, fields))
    }

    /// An address to which the browser is sent, with the message that it carries.
    fn carries(&self, mut url: Url, carried: &mut Vec<Message>) -> Url {
        let mut pairs: Vec<(String, String)> = url.query_pairs().into_owned().collect();
        let message = pairs.iter().enumerate().find_map(|(at, (name, _))| {
            FIELDS.into_iter().find(|field| field == name).map(|field| (at, field))
        });
        let Some((at, field)) = message else { return url };
        let signed = pairs.iter().any(|(name, _)| name == "Signature");
        let mut xml = inflate(&material::unbase64(&pairs[at].1));
        let changed = (self.on_the_way)(&xml);
        if changed != xml {
            pairs[at].1 = material::base64(&deflate(changed.as_bytes()));
            url.query_pairs_mut().clear().extend_pairs(&pairs);
            xml = changed;
        }
        carried.push(Message { field, binding: Binding::Redirect, signed, xml });
        url
    }

    fn cookies(&self, url: &Url) -> String {
        let origin = url.origin().ascii_serialization();
        let own = self.jar.iter().filter(|((whose, _), _)| *whose == origin);
        own.map(|((_, name), value)| format!("{name}={value}")).collect::<Vec<_>>().join("; ")
    }

    fn keep(&mut self, url: &Url, headers: &header::HeaderMap) {
        let origin = url.origin().ascii_serialization();
        for cookie in headers.get_all(header::SET_COOKIE) {
            let cookie = cookie.to_str().unwrap();
            let (name, value) = cookie.split(';').next().unwrap().split_once('=').unwrap();
            let key = (origin.clone(), name.to_owned());
            let gone =
                cookie.to_lowercase().contains("max-age=0") || cookie.contains("01-Jan-1970");
            if gone {
                self.jar.remove(&key);
            } else {
                self.jar.insert(key, value.to_owned());
            }
        }
    }
}

impl Page {
    /// Who is signed in, as a service provider's page says.
    pub(super) fn value(&self, name: &str) -> Result<String, String> {
        let said: serde_json::Value = serde_json::from_str(&self.body)
            .map_err(|_| format!("{} {}: {}", self.status, self.url, self.excerpt()))?;
        said[name].as_str().map(str::to_owned).ok_or_else(|| format!("no {name} in {said}"))
    }

    /// Enough of the page to know what it complains about.
    fn excerpt(&self) -> String {
        let text: String = self.body.split_whitespace().collect::<Vec<_>>().join(" ");
        text.chars().take(1500).collect()
    }
}

/// Where a page goes on by itself to, in one of the gateway's ways.
fn goes_on(body: &str) -> Option<String> {
    let link =
        &body[body.find("http-equiv=\"refresh\"").and_then(|_| body.find(" id=\"tell\""))?..];
    attribute(&link[..link.find('>')?], "href")
}

/// An attribute of a start tag, unescaped.
fn attribute(tag: &str, name: &str) -> Option<String> {
    let begin = format!(" {name}=");
    let rest = &tag[tag.find(&begin)? + begin.len()..];
    let quote = rest.chars().next().filter(|it| ['"', '\''].contains(it))?;
    let value = rest[1..].split(quote).next()?;
    Some(unescape(value))
}

fn unescape(text: &str) -> String {
    let mut out = String::new();
    let mut rest = text;
    while let Some((before, after)) = rest.split_once('&') {
        out.push_str(before);
        let (name, after) = after.split_once(';').unwrap();
        let number =
            |digits: &str, radix| char::from_u32(u32::from_str_radix(digits, radix).unwrap());
        out.push(match name {
            "amp" => '&',
            "lt" => '<',
            "gt" => '>',
            "quot" => '"',
            hex if hex.starts_with("#x") => number(&hex[2..], 16).unwrap(),
            decimal => number(decimal.strip_prefix('#').unwrap(), 10).unwrap(),
        });
        rest = after;
    }
    out + rest
}
