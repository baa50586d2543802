//! Room `page` (layer 4): what people see. Each page is a typed function from what it shows to
//! finished HTML, in Chinese and English. Knows no HTTP library: `http` turns a [`Page`] into a
//! response.
//!
//! Templates are in `templates/`, words in `templates/words/`, style, script and icon in `assets/`.
//! Every value is escaped by the template engine; nothing on a page names a cause (B-21, B-23,
//! B-36).

mod api;
mod assets;
mod form;
mod language;
mod leaving;
mod manual;
mod opening;
mod words;

use askama::Template;
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;
use time::macros::format_description;

pub use api::{ApiCall, ApiEntry, ApiField, api, api_summary};
pub use assets::{Asset, CACHE_CONTROL, assets};
pub use form::Onward;
pub use language::Language;
pub use leaving::{Carried, Carrier, Leaving, Skip, leaving, signed_out_partly};
pub use manual::errors_markdown;
pub use opening::{OpenAccount, ReachedBy, account_coming, open_account};
pub use words::{Explanation, explain};

use crate::refusal::{Code, Owner, Refusal};
use assets::{ASSETS, Assets};
use form::FormValue;
use words::{OWNERS, Words, words};

/// The name at the head of a page that belongs to no tenant.
pub const PRODUCT: &str = "Skybridge";

/// The names of fields and buttons in forms.
pub mod field {
    /// The token that ties the form to the browser it was shown in.
    pub const CSRF: &str = "csrf";
    /// The user name.
    pub const USERNAME: &str = "username";
    /// The password.
    pub const PASSWORD: &str = "password";
    /// The name of the account to open.
    pub const NAME: &str = "name";
    /// The telephone number or e-mail address of the account to open.
    pub const CONTACT: &str = "contact";
    /// The country of the account to open.
    pub const AREA: &str = "area";
    /// The code that the cloud sent.
    pub const CODE: &str = "code";
    /// The consent to the cloud's documents.
    pub const CONSENT: &str = "consent";
    /// Which button was pressed.
    pub const BUTTON: &str = "button";
    /// The value of the button that asks for a code.
    pub const SEND_CODE: &str = "send-code";
    /// The value of the button that opens the account.
    pub const OPEN: &str = "open";
}

/// A finished page.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Page {
    /// HTTP status.
    pub status: u16,
    /// The document, UTF-8.
    pub html: String,
    /// The language it is written in, for `Content-Language`.
    pub language: Language,
    /// The sources of CSP `form-action`: where its form may lead, or `'none'`.
    form_action: String,
}

impl Page {
    /// The `Content-Security-Policy` this page needs and no more (B-23). Nothing inline, nothing
    /// foreign.
    #[must_use]
    pub fn content_security_policy(&self) -> String {
        format!(
            "default-src 'none'; style-src 'self'; script-src 'self'; img-src 'self'; \
             base-uri 'none'; object-src 'none'; frame-ancestors 'none'; form-action {}",
            self.form_action
        )
    }
}

/// What all pages share.
#[derive(Clone, Copy, Debug)]
pub struct Frame<'a> {
    /// The language to write in.
    pub language: Language,
    /// The tenant's display name, or [`PRODUCT`].
    pub brand: &'a str,
    /// Path and query of this page in the other language; none where opening it again would lose
    /// something.
    pub switch_to: Option<&'a str>,
}

/// What the sign-in page shows.
#[derive(Clone, Copy, Debug)]
pub struct SignIn<'a> {
    /// Where the form is posted: a path of this gateway.
    pub action: &'a str,
    /// The value of the hidden [`field::CSRF`].
    pub csrf: &'a str,
    /// What to write into the user name field: empty, or what was typed before.
    pub username: &'a str,
    /// The name of the cloud that waits behind the sign-in.
    pub cloud: &'a str,
    /// What was wrong with the attempt before; it also gives the page its status.
    pub problem: Option<Code>,
    /// Where the answer to the form redirects to, besides this gateway.
    pub onward: Onward<'a>,
}

/// What the delivery page carries.
#[derive(Clone, Copy, Debug)]
pub struct Deliver<'a> {
    /// The ACS URL exactly as metadata lists it.
    pub acs: &'a str,
    /// The signed Response, in base64 (Bindings 3.5.4).
    pub saml_response: &'a str,
    /// The `RelayState` to give back; none if the request had none.
    pub relay_state: Option<&'a str>,
    /// The name of the cloud, for the person who waits.
    pub cloud: &'a str,
    /// Where the service provider sends the browser after the post.
    pub onward: Onward<'a>,
}

/// What the page shows to which the cloud sends people after their account was linked, or the link
/// has ended.
#[derive(Clone, Copy, Debug)]
pub struct Linked<'a> {
    /// How it stands.
    pub standing: Standing,
    /// The name of the cloud.
    pub cloud: &'a str,
    /// The way on into the cloud: an `http(s)` address or a path of this gateway.
    pub to_cloud: &'a str,
    /// The partner's site.
    pub back: &'a str,
}

/// Whether a link stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Standing {
    /// There is an account.
    Linked,
    /// There is none any more.
    Ended,
}

/// What the error page shows.
#[derive(Clone, Copy, Debug)]
pub struct ErrorView<'a> {
    /// What happened.
    pub code: Code,
    /// When it happened.
    pub at: OffsetDateTime,
    /// The service provider concerned, by entityID, once it is known.
    pub sp: Option<&'a str>,
    /// The short id that is in the log.
    pub id: &'a str,
    /// Where to start again: an `http(s)` address or a path of this gateway.
    pub again: Option<&'a str>,
    /// The answer for the service provider that asked, where one can go back.
    pub back: Option<Carried<'a>>,
}

/// The form for users whom this gateway knows itself.
#[must_use]
pub fn sign_in(frame: &Frame<'_>, view: &SignIn<'_>) -> Page {
    let template = SignInTemplate {
        problem: view.problem.map(|code| explain(code, frame.language)),
        shell: Shell::of(frame),
        view,
    };
    let status = view.problem.map_or(200, |code| code.entry().status);
    page(frame, status, form::form_action("'self'", view.onward), &template)
}

/// The page that posts the Response to the service provider, by itself or by its button (Bindings
/// 3.5.4).
///
/// # Errors
/// [`Code::RelayStateUnpostable`] if no HTML form can carry `relay_state` back as it was, and
/// [`Code::Internal`] if `acs` is not a web address: registration should have refused it.
pub fn deliver(frame: &Frame<'_>, view: &Deliver<'_>) -> Result<Page, Refusal> {
    let Some(origin) = form::origin(view.acs) else {
        return Err(Refusal::new(Code::Internal, "the ACS to deliver to is not an http(s) URL"));
    };
    let relay_state = match view.relay_state.map(FormValue::new) {
        Some(None) => {
            let cause = "RelayState has a NUL, or a CR or LF that stands alone";
            return Err(Refusal::new(Code::RelayStateUnpostable, cause));
        }
        carried => carried.flatten(),
    };
    let host = origin.split_once("://").map_or(origin.as_str(), |(_, host)| host);
    let template = DeliverTemplate { shell: Shell::of(frame), view, relay_state, host };
    Ok(page(frame, 200, form::form_action(&origin, view.onward), &template))
}

/// What happened, whose move it is, and what to do now.
#[must_use]
pub fn error(frame: &Frame<'_>, view: &ErrorView<'_>) -> Page {
    let entry = view.code.entry();
    let shell = Shell::of(frame);
    let back = view.back.and_then(Back::of);
    let form_action = match &back {
        Some(back) => form::form_action(&back.origin, Onward::Anywhere),
        None => "'none'".to_owned(),
    };
    let template = ErrorTemplate {
        said: explain(view.code, frame.language),
        way: OWNERS
            .map(|owner| Stop { name: &shell.words.owner(owner).name, here: owner == entry.owner }),
        move_of: entry.owner,
        // One way on is enough.
        again: view.again.filter(|address| back.is_none() && is_link(address)),
        back,
        shell,
        view,
    };
    page(frame, entry.status, form_action, &template)
}

/// The end of a session here. `again` is where to sign in anew.
#[must_use]
pub fn signed_out(frame: &Frame<'_>, again: Option<&str>) -> Page {
    let again = again.filter(|address| is_link(address));
    let template = SignedOutTemplate { shell: Shell::of(frame), again };
    page(frame, 200, "'none'".to_owned(), &template)
}

/// The outcome of a first login, or of an unbinding, and the way on.
#[must_use]
pub fn linked(frame: &Frame<'_>, view: &Linked<'_>) -> Page {
    let shell = Shell::of(frame);
    let words = shell.words;
    let (title, text, to_cloud) = match view.standing {
        Standing::Linked => {
            let text = words.linked_text.with(view.cloud).to_string();
            (&words.linked_title, text, Some(view.to_cloud))
        }
        Standing::Ended => (&words.unlinked_title, words.unlinked_text.clone(), None),
    };
    let to_cloud = to_cloud.filter(|address| is_link(address));
    let back = Some(view.back).filter(|address| is_link(address));
    let template = LinkedTemplate { shell, title, text: &text, to_cloud, back };
    page(frame, 200, "'none'".to_owned(), &template)
}

/// Reads all words now, so that the first customer does not wait for them and a fault in them stops
/// the start instead of a login.
pub fn warm_up() {
    for language in Language::ALL {
        let frame = Frame { language, brand: PRODUCT, switch_to: None };
        drop(signed_out(&frame, None));
    }
}

/// What the shared frame of all templates reads.
struct Shell<'a> {
    words: &'static Words,
    assets: &'static Assets,
    frame: Frame<'a>,
}

impl<'a> Shell<'a> {
    fn of(frame: &Frame<'a>) -> Self {
        Self { words: words(frame.language), assets: &ASSETS, frame: *frame }
    }
}

#[derive(Template)]
#[template(path = "sign-in.html")]
struct SignInTemplate<'a> {
    shell: Shell<'a>,
    view: &'a SignIn<'a>,
    problem: Option<&'static Explanation>,
}

#[derive(Template)]
#[template(path = "deliver.html")]
struct DeliverTemplate<'a> {
    shell: Shell<'a>,
    view: &'a Deliver<'a>,
    relay_state: Option<FormValue<'a>>,
    host: &'a str,
}

#[derive(Template)]
#[template(path = "error.html")]
struct ErrorTemplate<'a> {
    shell: Shell<'a>,
    view: &'a ErrorView<'a>,
    said: &'static Explanation,
    way: [Stop; 4],
    move_of: Owner,
    again: Option<&'a str>,
    back: Option<Back<'a>>,
}

/// The way back to a service provider with its answer.
struct Back<'a> {
    carried: Carried<'a>,
    relay_state: Option<FormValue<'a>>,
    origin: String,
}

impl<'a> Back<'a> {
    /// Nothing where no form can carry it: the page is there without it.
    fn of(carried: Carried<'a>) -> Option<Self> {
        let relay_state = match carried.relay_state.map(FormValue::new) {
            Some(None) => return None,
            carried => carried.flatten(),
        };
        Some(Self { carried, relay_state, origin: form::origin(carried.action)? })
    }

    fn host(&self) -> &str {
        self.origin.split_once("://").map_or(self.origin.as_str(), |(_, host)| host)
    }
}

/// One stop on the way from the person to the cloud.
struct Stop {
    name: &'static str,
    here: bool,
}

impl ErrorTemplate<'_> {
    fn sentence(&self) -> &'static str {
        &self.shell.words.owner(self.move_of).sentence
    }

    fn machine_time(&self) -> String {
        // Rfc3339 fails only outside the years 0 to 9999.
        self.view.at.to_offset(time::UtcOffset::UTC).format(&Rfc3339).unwrap_or_default()
    }

    fn time(&self) -> String {
        let shape = format_description!("[year]-[month]-[day] [hour]:[minute]:[second] UTC");
        self.view.at.to_offset(time::UtcOffset::UTC).format(shape).unwrap_or_default()
    }
}

#[derive(Template)]
#[template(path = "signed-out.html")]
struct SignedOutTemplate<'a> {
    shell: Shell<'a>,
    again: Option<&'a str>,
}

#[derive(Template)]
#[template(path = "linked.html")]
struct LinkedTemplate<'a> {
    shell: Shell<'a>,
    title: &'a str,
    text: &'a str,
    to_cloud: Option<&'a str>,
    back: Option<&'a str>,
}

fn page(frame: &Frame<'_>, status: u16, form_action: String, template: &impl Template) -> Page {
    let html = template.render().expect("a String takes every write and every value has a text");
    Page { status, html, language: frame.language, form_action }
}

/// Escaping does not make a `javascript:` address harmless, so a link is a web address or a path of
/// ours.
fn is_link(address: &str) -> bool {
    let path = address.starts_with('/') && !address.starts_with("//") && !address.contains('\\');
    path || form::origin(address).is_some()
}

#[cfg(test)]
mod tests;
