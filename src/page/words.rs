//! Room `page` (layer 4): every sentence that people read, from `templates/words/*.ftl` (Fluent).
//! All of them are resolved once, at first use, into plain strings: a request never meets Fluent,
//! and a text cannot be missing later.

use std::fmt;
use std::sync::LazyLock;

use fluent_bundle::{FluentArgs, FluentBundle, FluentResource};
use unic_langid::LanguageIdentifier;

use super::{ApiCall, Language};
use crate::refusal::{Code, Owner};

/// What a person is told about one refusal.
#[derive(Debug)]
pub struct Explanation {
    /// What happened: one short line without jargon and without a full stop.
    pub title: String,
    /// What to do now: one to three sentences.
    pub advice: String,
}

/// What a person is told about `code`. Also fit for API answers: it names no cause.
#[must_use]
pub fn explain(code: Code, language: Language) -> &'static Explanation {
    // `Code` has no fields, and `Words::codes` is filled in the order of `Code::ALL`, which is its
    // own order.
    &words(language).codes[code as usize]
}

/// All words of a language.
pub(super) fn words(language: Language) -> &'static Words {
    static EN: LazyLock<Words> = LazyLock::new(|| complete(Language::En));
    static ZH: LazyLock<Words> = LazyLock::new(|| complete(Language::Zh));
    match language {
        Language::En => &EN,
        Language::Zh => &ZH,
    }
}

/// A sentence with one gap.
#[derive(Debug)]
pub(super) struct Phrase {
    before: String,
    after: String,
}

impl Phrase {
    /// The sentence with its gap filled. The result is plain text: the template escapes it.
    pub(super) fn with<'a>(&'a self, value: &'a str) -> Filled<'a> {
        Filled { phrase: self, value }
    }
}

/// A [`Phrase`] and what stands in its gap.
pub(super) struct Filled<'a> {
    phrase: &'a Phrase,
    value: &'a str,
}

impl fmt::Display for Filled<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.phrase.before)?;
        f.write_str(self.value)?;
        f.write_str(&self.phrase.after)
    }
}

/// The name of an owner as a stop on the way, and the sentence that says whose move it is.
#[derive(Debug)]
pub(super) struct OwnerWords {
    pub(super) name: String,
    pub(super) sentence: String,
}

macro_rules! words {
    (texts { $($text:ident)+ } phrases { $($phrase:ident)+ }) => {
        /// The words of one language. A field `sign_in_title` is the message `sign-in-title`.
        #[derive(Debug)]
        pub(super) struct Words {
            $(pub(super) $text: String,)+
            $(pub(super) $phrase: Phrase,)+
            owners: [OwnerWords; 4],
            codes: Vec<Explanation>,
            pub(super) api_calls: Vec<String>,
        }

        impl Words {
            fn resolve(reader: &mut Reader) -> Self {
                Self {
                    $($text: reader.text(&dashed(stringify!($text)), None),)+
                    $($phrase: reader.phrase(&dashed(stringify!($phrase))),)+
                    owners: OWNERS.map(|owner| reader.owner(owner)),
                    codes: Code::ALL.iter().map(|code| reader.explanation(*code)).collect(),
                    api_calls: ApiCall::ALL.iter().map(|call| reader.call(*call)).collect(),
                }
            }
        }
    };
}

words! {
    texts {
        switch_language
        sign_in_title sign_in_username sign_in_password sign_in_submit
        deliver_wait deliver_continue deliver_no_script
        help_question help_update help_tls help_again
        error_way error_help error_code error_id error_time error_sp error_again
        signed_out_title signed_out_text signed_out_again
        leaving_stuck leaving_skip partly_title partly_text
        linked_title linked_continue linked_back unlinked_title unlinked_text
        api_title api_lead api_once api_document api_scope api_fields api_required api_optional
        api_answer api_refusals
        open_lead open_name open_name_hint open_mobile open_mobile_hint open_email open_email_hint
        open_area open_area_hint open_code open_user_agreement open_privacy_statement
        open_submit open_code_sent open_send_code open_send_again
        coming_title coming_text coming_look
    }
    phrases {
        sign_in_heading sign_in_lead deliver_title help_network linked_text
        open_title open_code_where open_consent open_existing
        leaving_title leaving_back error_back
    }
}

/// The stops on the way from the person to the cloud, in that order.
pub(super) const OWNERS: [Owner; 4] = [Owner::You, Owner::Partner, Owner::Operator, Owner::Cloud];

impl Words {
    /// The words for `owner`.
    pub(super) fn owner(&self, owner: Owner) -> &OwnerWords {
        match owner {
            Owner::You => &self.owners[0],
            Owner::Partner => &self.owners[1],
            Owner::Operator => &self.owners[2],
            Owner::Cloud => &self.owners[3],
        }
    }
}

/// The words of `language`.
///
/// # Panics
/// When a text is missing or broken. The words are part of the binary, and the tests below resolve
/// them all.
fn complete(language: Language) -> Words {
    let (words, faults) = read(source(language), language);
    assert!(faults.is_empty(), "templates/words, {}: {faults:?}", language.tag());
    words
}

fn source(language: Language) -> &'static str {
    match language {
        Language::En => include_str!("../../templates/words/en.ftl"),
        Language::Zh => include_str!("../../templates/words/zh.ftl"),
    }
}

/// Resolves everything and collects every fault, so that a translator sees all of them at once.
fn read(source: &str, language: Language) -> (Words, Vec<String>) {
    let mut faults = Vec::new();
    let resource =
        FluentResource::try_new(source.to_owned()).unwrap_or_else(|(resource, errors)| {
            faults.extend(errors.iter().map(|error| format!("{error} at {:?}", error.pos)));
            resource
        });
    let locale: Option<LanguageIdentifier> = language.tag().parse().ok();
    let mut bundle = FluentBundle::new(locale.into_iter().collect());
    // The marks around a filled gap would end up in what people copy; our gaps hold names only.
    bundle.set_use_isolating(false);
    if let Err(errors) = bundle.add_resource(resource) {
        faults.extend(errors.iter().map(ToString::to_string));
    }
    let mut reader = Reader { bundle, faults };
    let words = Words::resolve(&mut reader);
    (words, reader.faults)
}

struct Reader {
    bundle: FluentBundle<FluentResource>,
    faults: Vec<String>,
}

/// Stands for the gap while a phrase is resolved. A private-use character: no text contains it.
const GAP: &str = "\u{E000}";

impl Reader {
    fn explanation(&mut self, code: Code) -> Explanation {
        let key = code.to_string();
        Explanation {
            title: self.text(&key, Some("title")),
            advice: self.text(&key, Some("advice")),
        }
    }

    fn owner(&mut self, owner: Owner) -> OwnerWords {
        let key = format!("owner-{}", owner.key());
        OwnerWords {
            name: self.text(&key, Some("name")),
            sentence: self.text(&key, Some("sentence")),
        }
    }

    fn call(&mut self, call: ApiCall) -> String {
        self.text(&format!("api-{}", call.key()), None)
    }

    fn phrase(&mut self, key: &str) -> Phrase {
        let mut args = FluentArgs::new();
        args.set("name", GAP);
        let text = self.format(key, None, Some(&args));
        if let [before, after] = text.split(GAP).collect::<Vec<_>>()[..] {
            return Phrase { before: before.to_owned(), after: after.to_owned() };
        }
        self.faults.push(format!("{key}: expected `{{ $name }}` exactly once"));
        Phrase { before: text, after: String::new() }
    }

    fn text(&mut self, key: &str, attribute: Option<&str>) -> String {
        self.format(key, attribute, None)
    }

    fn format(&mut self, key: &str, attribute: Option<&str>, args: Option<&FluentArgs>) -> String {
        let message = self.bundle.get_message(key);
        let pattern = message.and_then(|message| match attribute {
            Some(name) => message.get_attribute(name).map(|attribute| attribute.value()),
            None => message.value(),
        });
        let Some(pattern) = pattern else {
            self.faults.push(format!("{key} .{}: missing", attribute.unwrap_or("")));
            return String::new();
        };
        let mut errors = Vec::new();
        let text = self.bundle.format_pattern(pattern, args, &mut errors).into_owned();
        self.faults.extend(errors.iter().map(|error| format!("{key}: {error}")));
        if text.contains(['{', '}']) || text.trim().is_empty() {
            self.faults.push(format!("{key}: empty, or a placeholder is left over: {text}"));
        }
        text
    }
}

fn dashed(field: &str) -> String {
    field.replace('_', "-")
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    /// The messages that a file defines, without its terms.
    fn messages(source: &str) -> BTreeSet<&str> {
        source
            .lines()
            .filter(|line| line.starts_with(|c: char| c.is_ascii_alphabetic()))
            .filter_map(|line| line.split_once('=').map(|(key, _)| key.trim()))
            .collect()
    }

    fn faults(source: &str) -> Vec<String> {
        read(source, Language::En).1
    }

    #[test]
    fn every_text_exists_in_every_language() {
        for language in Language::ALL {
            let (_, faults) = read(source(language), language);
            assert!(
                faults.is_empty(),
                "write these in templates/words/*.ftl ({}):\n{}",
                language.tag(),
                faults.join("\n")
            );
        }
    }

    #[test]
    fn no_text_exists_that_nothing_shows() {
        let declared: BTreeSet<String> = {
            let fields = format!("{:?}", words(Language::En));
            messages(source(Language::En))
                .into_iter()
                .filter(|key| {
                    fields.contains(&format!(" {}: ", key.replace('-', "_")))
                        || Code::ALL.iter().any(|code| code.to_string() == *key)
                        || ApiCall::ALL.iter().any(|call| format!("api-{}", call.key()) == *key)
                        || OWNERS.iter().any(|owner| format!("owner-{}", owner.key()) == *key)
                })
                .map(str::to_owned)
                .collect()
        };
        for language in Language::ALL {
            for key in messages(source(language)) {
                assert!(
                    declared.contains(key),
                    "{key} in {} is shown nowhere: delete it",
                    language.tag()
                );
            }
        }
    }

    #[test]
    fn the_words_of_a_code_are_found_under_its_number() {
        for code in Code::ALL {
            assert_eq!(Code::ALL[*code as usize], *code);
        }
        assert!(explain(Code::TooManyAttempts, Language::En).title.contains("attempts"));
        assert!(explain(Code::TooManyAttempts, Language::Zh).title.contains("次数"));
    }

    #[test]
    fn a_missing_a_broken_and_an_unfilled_text_are_faults() {
        let good = source(Language::En);
        assert!(faults(&good.replace("SB-1001 =", "SB-9999 =")).len() == 2);
        assert!(
            !faults(&good.replace("sign-in-submit = ", "sign-in-submit = { $who } ")).is_empty()
        );
        assert!(!faults(&good.replace("{ $name }", "you")).is_empty());
        assert!(!faults(&good.replace("error-help = ", "error-help ")).is_empty());
    }

    #[test]
    fn chinese_texts_are_chinese_and_english_ones_are_not() {
        let chinese = |text: &str| text.chars().any(|c| ('\u{4E00}'..='\u{9FFF}').contains(&c));
        for code in Code::ALL {
            let (en, zh) = (explain(*code, Language::En), explain(*code, Language::Zh));
            assert!(!chinese(&en.title) && !chinese(&en.advice), "{code}");
            assert!(chinese(&zh.title) && chinese(&zh.advice), "{code}");
            assert!(!zh.advice.contains([',', ';', '?']), "{code}: half-width punctuation");
        }
    }

    #[test]
    fn titles_are_short_and_advice_is_whole_sentences() {
        for code in Code::ALL {
            let (en, zh) = (explain(*code, Language::En), explain(*code, Language::Zh));
            assert!(en.title.chars().count() <= 60 && zh.title.chars().count() <= 26, "{code}");
            assert!(!en.title.ends_with('.') && !zh.title.ends_with('。'), "{code}");
            assert!(en.advice.ends_with('.') && zh.advice.ends_with('。'), "{code}");
        }
    }
}
