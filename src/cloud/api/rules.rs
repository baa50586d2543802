//! Layer 2, cloud: in what the partner APIs of the cloud's sites differ, as data of the profile
//! (contract §7.1, §7.4 to §7.6), and the rules for fields that are the same everywhere.

use serde::Deserialize;

use super::call::Language;
use super::failure::FieldFault;
use crate::cloud::value::Text;
use crate::limits;

/// The section `[partner_api]` of a profile.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Rules {
    /// What a new customer is reached by.
    pub contact: ContactKind,
    /// Whether a new customer's country is asked for.
    pub area: Area,
    /// Telephone numbers; needed where customers are reached by telephone.
    pub mobile: Option<MobileRule>,
    /// The values of the header `X-Language`.
    pub x_language: LanguageNames,
    /// The names of the languages of verification codes.
    pub message_language: LanguageNames,
}

/// How a new customer is reached.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ContactKind {
    /// By a mobile telephone.
    Mobile,
    /// By e-mail.
    Email,
}

/// Whether a country is named for a new customer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Area {
    /// It must be.
    Required,
    /// The field is unknown there.
    Omit,
}

/// The only telephone numbers that the site takes.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct MobileRule {
    /// The country's code with `00` in front, four digits in all.
    pub country: Text,
    /// How many digits follow.
    pub digits: usize,
}

/// How the site writes the two languages.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LanguageNames {
    /// English.
    pub en: Text,
    /// Chinese.
    pub zh: Text,
}

impl LanguageNames {
    pub(super) fn of(&self, language: Language) -> &str {
        match language {
            Language::En => self.en.as_str(),
            Language::Zh => self.zh.as_str(),
        }
    }
}

/// What a customer is reached by, checked.
#[derive(Clone, PartialEq, Eq)]
pub(super) enum Contact {
    Mobile { country: String, number: String },
    Email(String),
}

impl Contact {
    /// As creation and verification codes take it.
    pub(super) fn plain(&self) -> &str {
        match self {
            Self::Mobile { number, .. } => number,
            Self::Email(address) => address,
        }
    }

    /// As the check of registration takes it.
    pub(super) fn searched(&self) -> (&'static str, String) {
        match self {
            Self::Mobile { country, number } => ("mobile", format!("{country}-{number}")),
            Self::Email(address) => ("email", address.clone()),
        }
    }
}

impl Rules {
    /// What no single value tells.
    pub(in crate::cloud) fn problems(&self) -> Vec<String> {
        let mut problems = Vec::new();
        if let Some(MobileRule { country, digits }) = &self.mobile {
            let country = country.as_str();
            let is_code = country.len() == 4 && country.bytes().all(|b| b.is_ascii_digit());
            if !is_code || !country.starts_with("00") {
                problems.push(format!(
                    "partner_api.mobile.country: expected 00 and two digits, found {country:?}"
                ));
            }
            if !(4..=28).contains(digits) {
                problems.push("partner_api.mobile.digits: expected 4 to 28".to_owned());
            }
        } else if self.contact == ContactKind::Mobile {
            let expected = "partner_api.mobile: expected because contact = \"mobile\"";
            problems.push(expected.to_owned());
        }
        problems
    }

    /// Reads what a customer is reached by. A number may have its country's code in front.
    pub(super) fn contact(&self, text: &str) -> Result<Contact, FieldFault> {
        match (self.contact, &self.mobile) {
            (ContactKind::Mobile, Some(rule)) => rule.read(text),
            _ => email(text),
        }
    }

    /// Checks the country of a new customer.
    pub(super) fn area(&self, area: Option<&str>) -> Result<(), FieldFault> {
        let (expected, found) = match (self.area, area) {
            (Area::Omit, None) => return Ok(()),
            (Area::Required, Some(area)) if is_area(area) => return Ok(()),
            (Area::Omit, Some(_)) => ("nothing", "a value"),
            (Area::Required, None) => ("a country", "nothing"),
            (Area::Required, Some(_)) => ("two capital letters (ISO 3166)", "another text"),
        };
        Err(fault("domain_area", expected, found))
    }
}

impl MobileRule {
    fn read(&self, text: &str) -> Result<Contact, FieldFault> {
        let country = self.country.as_str();
        let number = match text.split_once('-') {
            Some((code, number)) if code == country => number,
            _ => text,
        };
        if number.len() == self.digits && number.bytes().all(|b| b.is_ascii_digit()) {
            return Ok(Contact::Mobile { country: country.to_owned(), number: number.to_owned() });
        }
        let digits = self.digits;
        let expected = format!("{digits} digits, with or without {country}- in front");
        Err(fault("mobile_phone", &expected, &described(text)))
    }
}

/// The longest e-mail address and searched value, characters (contract §7.4).
const SEARCHED: usize = 64;

fn email(text: &str) -> Result<Contact, FieldFault> {
    let is_plain = !text.chars().any(|c| c.is_whitespace() || c.is_control());
    let has_two_parts = text
        .split_once('@')
        .is_some_and(|(user, host)| !user.is_empty() && !host.is_empty() && !host.contains('@'));
    if is_plain && has_two_parts && text.chars().count() <= SEARCHED {
        return Ok(Contact::Email(text.to_owned()));
    }
    let expected = format!("an e-mail address of at most {SEARCHED} characters");
    Err(fault("email", &expected, &described(text)))
}

/// Whether an account's name may start with an underscore: the check of registration says no,
/// creation says yes (contract §7.4, §7.6).
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum FirstUnderscore {
    Allowed,
    Refused,
}

/// Checks the name of an account.
pub(super) fn account_name(name: &str, underscore: FirstUnderscore) -> Result<(), FieldFault> {
    let first = |b: u8| {
        b.is_ascii_alphabetic() || b == b'-' || b == b'_' && underscore == FirstUnderscore::Allowed
    };
    let found = if !(5..=32).contains(&name.len()) {
        described(name)
    } else if !name.bytes().all(|b| b.is_ascii_alphanumeric() || b"_-".contains(&b)) {
        "another character".to_owned()
    } else if !first(name.as_bytes()[0]) {
        "another first character".to_owned()
    } else if let Some(taken) = ["op_", "shadow_"].iter().find(|taken| name.starts_with(**taken)) {
        format!("{taken} in front")
    } else {
        return Ok(());
    };
    let expected = "5 to 32 letters, digits, _ and -, a letter first, not op_ or shadow_ in front";
    Err(fault("domain_name", expected, &found))
}

/// Checks a new customer's password against name and contact (contract §7.6).
pub(super) fn password(
    password: &str,
    name: Option<&str>,
    contact: Option<&Contact>,
) -> Result<(), FieldFault> {
    let kinds: [fn(&char) -> bool; 4] = [
        |c| c.is_ascii_uppercase(),
        |c| c.is_ascii_lowercase(),
        |c| c.is_ascii_digit(),
        |c| !c.is_ascii_alphanumeric(),
    ];
    let used = kinds.iter().filter(|kind| password.chars().any(|c| kind(&c))).count();
    let is_name =
        |name: &str| password == name || password == name.chars().rev().collect::<String>();
    let found = if password.chars().count() < limits::PASSWORD_CHARS {
        "a shorter one"
    } else if password.len() > limits::PASSWORD_BYTES {
        "a longer one"
    } else if used < 2 {
        "one kind of characters"
    } else if name.is_some_and(is_name) {
        "the account's name"
    } else if contact.is_some_and(|contact| password.contains(contact.plain())) {
        "the telephone number or e-mail address in it"
    } else {
        return Ok(());
    };
    let expected = "8 characters or more of two kinds (capitals, small letters, digits, others), \
                    neither the name nor with the contact in it";
    Err(fault("password", expected, found))
}

/// Checks the code that the customer was sent.
pub(super) fn verification_code(code: &str) -> Result<(), FieldFault> {
    if code.len() == 6 && code.bytes().all(|b| b.is_ascii_alphanumeric()) {
        return Ok(());
    }
    Err(fault("verification_code", "6 letters or digits", &described(code)))
}

/// Checks an id that somebody else made: not blank, no control characters, and not too long.
pub(super) fn id(field: &'static str, text: &str, most: usize) -> Result<(), FieldFault> {
    let is_plain = !text.trim().is_empty() && !text.chars().any(char::is_control);
    if is_plain && text.chars().count() <= most {
        return Ok(());
    }
    Err(fault(field, &format!("1 to {most} characters"), &described(text)))
}

fn is_area(text: &str) -> bool {
    text.len() == 2 && text.bytes().all(|b| b.is_ascii_uppercase())
}

fn fault(field: &'static str, expected: &str, found: &str) -> FieldFault {
    FieldFault { field, expected: expected.to_owned(), found: found.to_owned() }
}

/// A value that may be personal, without the value.
fn described(text: &str) -> String {
    match text.chars().count() {
        0 => "an empty text".to_owned(),
        count => format!("a text of {count} characters that is not"),
    }
}

#[cfg(test)]
mod tests {
    use super::super::fixtures::rules;
    use super::*;

    #[test]
    fn a_number_is_read_with_and_without_its_country() {
        let rules = rules("huawei-cn");
        for text in ["0086-13800000000", "13800000000"] {
            let contact = rules.contact(text).unwrap();
            assert_eq!(contact.plain(), "13800000000");
            assert_eq!(contact.searched(), ("mobile", "0086-13800000000".to_owned()));
        }
        for wrong in ["", "1380000000", "0044-13800000000", "+8613800000000", "a@b.example"] {
            let fault = rules.contact(wrong).err().unwrap();
            assert_eq!(fault.field, "mobile_phone", "{wrong}");
            assert!(wrong.is_empty() || !fault.to_string().contains(wrong), "{fault}");
        }
    }

    #[test]
    fn where_customers_are_reached_by_e_mail_a_number_is_none() {
        let rules = rules("huawei-intl");
        let contact = rules.contact("li@shop.example").unwrap();
        assert_eq!(contact.searched(), ("email", "li@shop.example".to_owned()));
        let long = format!("{}@shop.example", "l".repeat(60));
        for wrong in ["13800000000", "@shop.example", "li@", "a@b@c", "li li@shop.example", &long] {
            assert_eq!(rules.contact(wrong).err().unwrap().field, "email", "{wrong}");
        }
    }

    #[test]
    fn a_country_is_asked_for_where_the_site_knows_it() {
        assert!(rules("huawei-cn").area(None).is_ok());
        assert!(rules("huawei-cn").area(Some("CN")).is_err());
        let intl = rules("huawei-intl");
        assert!(intl.area(Some("SG")).is_ok());
        for wrong in [None, Some(""), Some("sg"), Some("SGP")] {
            assert!(intl.area(wrong).is_err(), "{wrong:?}");
        }
    }

    #[test]
    fn an_account_s_name_keeps_the_cloud_s_rules() {
        use FirstUnderscore::{Allowed, Refused};
        for right in ["ceshiyonghu001", "-abcd", "a_b-9", &"a".repeat(32)] {
            assert!(account_name(right, Refused).is_ok(), "{right}");
        }
        assert!(account_name("_abcd", Allowed).is_ok());
        assert!(account_name("_abcd", Refused).is_err());
        let long = "a".repeat(33);
        for wrong in ["", "abcd", &long, "1abcd", "ab cd", "abcdé", "op_abc", "shadow_abc", "12345"]
        {
            assert!(account_name(wrong, Allowed).is_err(), "{wrong}");
        }
    }

    #[test]
    fn a_password_is_not_short_plain_the_name_or_the_contact() {
        let contact = rules("huawei-cn").contact("13800000000").unwrap();
        let check = |text: &str| password(text, Some("acme-shop1"), Some(&contact));
        assert!(check("correct-horse").is_ok());
        for wrong in
            ["Short-1", "onlysmall", "12345678", "acme-shop1", "1pohs-emca", "x-13800000000"]
        {
            let fault = check(wrong).unwrap_err();
            assert!(!fault.to_string().contains(wrong), "{fault}");
        }
    }

    #[test]
    fn a_verification_code_has_six_characters() {
        assert!(verification_code("012345").is_ok());
        for wrong in ["", "12345", "1234567", "12 456", "12345é"] {
            assert!(verification_code(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn a_profile_s_rules_fit_together() {
        let mut rules = rules("huawei-cn");
        assert!(rules.problems().is_empty());
        rules.mobile = Some(MobileRule { country: Text::parse("86").unwrap(), digits: 1 });
        assert_eq!(rules.problems().len(), 2);
        rules.mobile = None;
        assert_eq!(rules.problems().len(), 1);
    }
}
