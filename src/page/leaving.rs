//! Room `page` (layer 4): the pages of a single logout: one service provider after another is told,
//! by itself or by a button, and at the end the person reads who could not be told.

use askama::Template;

use super::form::{self, FormValue, Onward};
use super::{Frame, Page, Shell, is_link, page};
use crate::refusal::{Code, Refusal};

/// What a page of a logout carries.
#[derive(Clone, Copy, Debug)]
pub struct Leaving<'a> {
    /// The message.
    pub carrier: Carrier<'a>,
    /// The host of whom it is for.
    pub host: &'a str,
    /// Which of how many is told; none where the answer goes back to who asked.
    pub progress: Option<(usize, usize)>,
    /// The way to leave this one out, where there is one.
    pub skip: Option<Skip<'a>>,
    /// Whether the page goes on by itself: not when the browser came back to it.
    pub is_by_itself: bool,
}

/// How the browser takes a message to a service provider.
#[derive(Clone, Copy, Debug)]
pub enum Carrier<'a> {
    /// By a link.
    Link(&'a str),
    /// By a form.
    Form(Carried<'a>),
}

/// A message in a form.
#[derive(Clone, Copy, Debug)]
pub struct Carried<'a> {
    /// Where it is posted, exactly as metadata lists it.
    pub action: &'a str,
    /// `SAMLRequest` or `SAMLResponse`.
    pub parameter: &'a str,
    /// The message, in base64.
    pub message: &'a str,
    /// The `RelayState`; none where there is none.
    pub relay_state: Option<&'a str>,
}

/// The form that leaves a service provider out.
#[derive(Clone, Copy, Debug)]
pub struct Skip<'a> {
    /// Where it is posted: a path of this gateway.
    pub action: &'a str,
    /// The value of the hidden [`super::field::CSRF`].
    pub csrf: &'a str,
}

/// A page of a logout under way.
///
/// # Errors
/// [`Code::RelayStateUnpostable`], or [`Code::Internal`] if an address is not one of the web.
pub fn leaving(frame: &Frame<'_>, view: &Leaving<'_>) -> Result<Page, Refusal> {
    let foreign = || Refusal::new(Code::Internal, "a logout address is not an http(s) URL");
    let (target, relay_state) = match view.carrier {
        Carrier::Link(url) => {
            form::origin(url).ok_or_else(foreign)?;
            ("'self'".to_owned(), None)
        }
        Carrier::Form(carried) => {
            let origin = form::origin(carried.action).ok_or_else(foreign)?;
            let relay_state = match carried.relay_state.map(FormValue::new) {
                Some(None) => {
                    let cause = "RelayState has a NUL, or a CR or LF that stands alone";
                    return Err(Refusal::new(Code::RelayStateUnpostable, cause));
                }
                carried => carried.flatten(),
            };
            (origin, relay_state)
        }
    };
    let shell = Shell::of(frame);
    let words = shell.words;
    let (title, text) = match view.progress {
        None => (words.leaving_back.with(view.host).to_string(), words.deliver_wait.clone()),
        Some((number, of)) => {
            let text = if view.is_by_itself { &words.deliver_wait } else { &words.leaving_stuck };
            let title = words.leaving_title.with(view.host).to_string();
            (title, format!("{number} / {of} · {text}"))
        }
    };
    let is_by_itself = view.is_by_itself;
    let template =
        LeavingTemplate { shell, view, title: &title, text: &text, relay_state, is_by_itself };
    // Where the service provider sends the browser next is not known to us; the way to leave it out
    // is our own.
    let form_action = format!("{} 'self'", form::form_action(&target, Onward::Anywhere));
    Ok(page(frame, 200, form_action, &template))
}

/// The end of a session here, when these hosts could not be told of it.
#[must_use]
pub fn signed_out_partly(frame: &Frame<'_>, missed: &[&str], again: Option<&str>) -> Page {
    let again = again.filter(|address| is_link(address));
    let template = PartlyTemplate { shell: Shell::of(frame), missed, again };
    page(frame, 200, "'none'".to_owned(), &template)
}

#[derive(Template)]
#[template(path = "leaving.html")]
struct LeavingTemplate<'a> {
    shell: Shell<'a>,
    view: &'a Leaving<'a>,
    title: &'a str,
    text: &'a str,
    relay_state: Option<FormValue<'a>>,
    is_by_itself: bool,
}

#[derive(Template)]
#[template(path = "signed-out-partly.html")]
struct PartlyTemplate<'a> {
    shell: Shell<'a>,
    missed: &'a [&'a str],
    again: Option<&'a str>,
}
