//! Room `page` (layer 4): the page on which a customer opens an account at the cloud, and the one
//! on which they wait for it.

use askama::Template;

use super::form::{self, Onward};
use super::words::{Explanation, explain};
use super::{Frame, Page, Shell, field, is_link, page};
use crate::refusal::Code;

/// What the page shows on which an account is opened.
#[derive(Clone, Copy, Debug)]
pub struct OpenAccount<'a> {
    /// Where the form is posted: a path of this gateway.
    pub action: &'a str,
    /// The value of the hidden [`field::CSRF`].
    pub csrf: &'a str,
    /// The name of the cloud.
    pub cloud: &'a str,
    /// The account's name, as far as it is known.
    pub name: &'a str,
    /// Telephone number or e-mail address, as far as it is known.
    pub contact: &'a str,
    /// What the contact is.
    pub reached_by: ReachedBy,
    /// The country, as far as it is known.
    pub area: &'a str,
    /// Whether the country is asked for.
    pub asks_area: bool,
    /// Whether a code was sent, so that it can be typed.
    pub code_sent: bool,
    /// The code, as far as it is typed.
    pub code: &'a str,
    /// Whether the box is ticked.
    pub is_agreed: bool,
    /// The cloud's user agreement: an `http(s)` address.
    pub user_agreement: &'a str,
    /// The cloud's privacy statement: an `http(s)` address.
    pub privacy_statement: &'a str,
    /// The way for whoever has an account at the cloud: a path of this gateway.
    pub existing: &'a str,
    /// What was wrong with the attempt before; it also gives the page its status.
    pub problem: Option<Code>,
    /// Where the answer to the form redirects to, besides this gateway.
    pub onward: Onward<'a>,
}

/// What a cloud reaches its customers by.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ReachedBy {
    /// A mobile telephone.
    Mobile,
    /// E-mail.
    Email,
}

/// The form that asks for what the cloud needs to open an account.
#[must_use]
pub fn open_account(frame: &Frame<'_>, view: &OpenAccount<'_>) -> Page {
    let shell = Shell::of(frame);
    let words = shell.words;
    let contact = match view.reached_by {
        ReachedBy::Mobile => Contact {
            label: &words.open_mobile,
            hint: &words.open_mobile_hint,
            kind: "tel",
            autocomplete: "tel-national",
        },
        ReachedBy::Email => Contact {
            label: &words.open_email,
            hint: &words.open_email_hint,
            kind: "email",
            autocomplete: "email",
        },
    };
    let problem = view.problem.map(|code| explain(code, frame.language));
    let status = view.problem.map_or(200, |code| code.entry().status);
    let template = OpenAccountTemplate { shell, view, contact, problem };
    page(frame, status, form::form_action("'self'", view.onward), &template)
}

/// The page on which somebody waits for their account. It looks again by itself, at `onward`.
#[must_use]
pub fn account_coming(frame: &Frame<'_>, onward: &str) -> Page {
    let onward = if is_link(onward) { onward } else { "/" };
    let template = AccountComingTemplate { shell: Shell::of(frame), onward };
    page(frame, 200, "'none'".to_owned(), &template)
}

#[derive(Template)]
#[template(path = "open-account.html")]
struct OpenAccountTemplate<'a> {
    shell: Shell<'a>,
    view: &'a OpenAccount<'a>,
    contact: Contact,
    problem: Option<&'static Explanation>,
}

struct Contact {
    label: &'static str,
    hint: &'static str,
    kind: &'static str,
    autocomplete: &'static str,
}

impl OpenAccountTemplate<'_> {
    /// Whether the problem is about this field.
    fn is_wrong(&self, name: &str) -> bool {
        let about = match self.view.problem {
            Some(Code::AccountNameTaken | Code::AccountNameUnusable) => field::NAME,
            Some(Code::ContactUsed | Code::ContactUnusable | Code::ContactReserved) => {
                field::CONTACT
            }
            Some(
                Code::VerificationCodeExpired
                | Code::VerificationCodeWrong
                | Code::VerificationCodeExhausted,
            ) => field::CODE,
            Some(Code::FieldInvalid) => field::AREA,
            Some(Code::ConsentMissing) => field::CONSENT,
            _ => return false,
        };
        about == name
    }
}

#[derive(Template)]
#[template(path = "account-coming.html")]
struct AccountComingTemplate<'a> {
    shell: Shell<'a>,
    onward: &'a str,
}
