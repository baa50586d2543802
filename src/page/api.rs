//! Room `page` (layer 4): the reference of the HTTP API, for the engineers of partners.

use askama::Template;

use super::words::words;
use super::{Frame, Language, PRODUCT, Page, Shell, explain, page};
use crate::refusal::Code;

macro_rules! calls {
    ($($(#[doc = $doc:literal])+ $name:ident = $key:literal;)+) => {
        /// A call of the API, by the name of its words.
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub enum ApiCall { $($(#[doc = $doc])+ $name,)+ }

        impl ApiCall {
            /// Every one.
            pub const ALL: &'static [Self] = &[$(Self::$name,)+];

            /// Its name in the `OpenAPI` document; its words are under `api-` and this.
            #[must_use]
            pub fn key(self) -> &'static str {
                match self { $(Self::$name => $key,)+ }
            }
        }
    };
}

calls! {
    /// Asking for a ticket.
    Ticket = "ticket";
    /// Whether a name or contact is free at the cloud.
    Check = "check-identity";
    /// A code to a contact.
    SendCode = "send-code";
    /// Creating an account at the cloud.
    Create = "create";
    /// How far a creation is.
    Creation = "creation";
    /// How a customer stands.
    Customer = "customer";
    /// Switching a customer off.
    Suspend = "suspend";
    /// Switching a customer on.
    Resume = "resume";
    /// Listing messages to the webhook.
    Messages = "messages";
    /// Sending a dead message anew.
    Replay = "replay";
    /// Listing service providers.
    ProviderList = "sp-list";
    /// Seeing a service provider.
    ProviderSee = "sp-see";
    /// Registering or changing a service provider.
    ProviderPut = "sp-put";
    /// Removing a service provider.
    ProviderRemove = "sp-remove";
}

/// What a call does, in one sentence.
#[must_use]
pub fn api_summary(call: ApiCall, language: Language) -> &'static str {
    &words(language).api_calls[call as usize]
}

/// A call as the page shows it.
#[derive(Clone, Debug)]
pub struct ApiEntry<'a> {
    /// Which one.
    pub call: ApiCall,
    /// Its method.
    pub method: &'a str,
    /// Its path, with names in braces.
    pub path: &'a str,
    /// The scope that the key needs.
    pub scope: &'a str,
    /// The fields of its body.
    pub fields: Vec<ApiField<'a>>,
    /// The status when all is well.
    pub status: u16,
    /// Why it may be refused.
    pub refusals: Vec<Code>,
}

/// A field of a body.
#[derive(Clone, Copy, Debug)]
pub struct ApiField<'a> {
    /// Its name.
    pub name: &'a str,
    /// Most characters.
    pub most: usize,
    /// Whether it must be there.
    pub required: bool,
}

/// The reference. `switch_to` is its address in the other language.
#[must_use]
pub fn api(language: Language, switch_to: &str, entries: &[ApiEntry<'_>]) -> Page {
    let frame = Frame { language, brand: PRODUCT, switch_to: Some(switch_to) };
    let template = ApiTemplate { shell: Shell::of(&frame), entries };
    page(&frame, 200, "'none'".to_owned(), &template)
}

#[derive(Template)]
#[template(path = "api.html")]
struct ApiTemplate<'a> {
    shell: Shell<'a>,
    entries: &'a [ApiEntry<'a>],
}

impl ApiTemplate<'_> {
    #[expect(clippy::trivially_copy_pass_by_ref, reason = "templates pass references")]
    fn summary(&self, call: &ApiCall) -> &'static str {
        api_summary(*call, self.shell.frame.language)
    }

    #[expect(clippy::trivially_copy_pass_by_ref, reason = "templates pass references")]
    fn title(&self, code: &Code) -> &'static str {
        &explain(*code, self.shell.frame.language).title
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_reference_speaks_both_languages_and_fetches_nothing_from_elsewhere() {
        let entry = ApiEntry {
            call: ApiCall::Ticket,
            method: "POST",
            path: "/api/v1/{tenant}/tickets",
            scope: "tickets",
            fields: vec![ApiField { name: "user_id", most: 128, required: true }],
            status: 201,
            refusals: vec![Code::ApiKeyWrong],
        };
        for language in Language::ALL {
            let page = api(language, "/api/v1?lang=en", std::slice::from_ref(&entry));
            let html = &page.html;
            for text in [
                api_summary(ApiCall::Ticket, language),
                "user_id",
                "SB-6001",
                &explain(Code::ApiKeyWrong, language).title,
                "/api/v1/openapi.json",
            ] {
                assert!(html.contains(text), "{text} is not in {html}");
            }
            assert!(!html.contains("://") && !html.contains("<script") && !html.contains("style="));
        }
    }
}
