//! 创建客户: makes an account for a customer of the partner, linked at once and associated a little
//! later. Apart room `fakecloud`; contract §1.5, §7.6.

use serde_json::{Map, Value};
use time::{Duration, OffsetDateTime};

use super::fields::{Fields, invalid, parameter};
use super::identity::mobile_room;
use super::rules;
use super::trouble::{Code, Trouble};
use super::{Answer, Call};
use crate::fakecloud::accounts::{Association, Link, NewAccount, Source, Taken, Terms};
use crate::fakecloud::provision::XAccountType;
use crate::fakecloud::state::State;
use crate::fakecloud::{FakeCloud, Site, bounds};
use crate::limits;

/// `POST /v2/partners/sub-customers`.
pub(super) fn create(cloud: &FakeCloud, call: &Call<'_>) -> Result<Answer, Trouble> {
    let wish = Wish::read(&call.fields(known(cloud.site))?, cloud.site)?;
    let now = cloud.now();
    let mut state = cloud.state();
    let platform = state.platforms.get(&wish.link.account_type);
    if platform.is_none_or(|platform| platform.bp_id != call.partner) {
        return Err(invalid("xaccount_type"));
    }
    wish.is_free(&state, call.partner)?;
    if let Some((receiver, code)) = &wish.proof {
        state.bss.codes.check(receiver, code, now)?;
    }
    let delay = Duration::milliseconds(state.knobs.association_delay_ms.cast_signed());
    let (proof, patience) = (wish.proof.clone(), wish.patience);
    let new = wish.account(call.partner, now, delay);
    let made = state.accounts.create(new, bounds::ACCOUNTS_A_MOBILE, &*cloud.random);
    let account = made.map_err(|taken| Trouble::new(code_of(taken)))?;
    let body = Map::from_iter([
        ("domain_id".to_owned(), Value::from(account.domain_id.clone())),
        ("domain_name".to_owned(), Value::from(account.domain_name.clone())),
    ]);
    if let Some((receiver, _)) = proof {
        state.bss.codes.use_up(&receiver);
    }
    if patience == Patience::UntilAssociated && delay > Duration::ZERO {
        return Err(Trouble::new(Code::AssociationTimedOut).beside(body));
    }
    Ok(Answer::Object(Value::Object(body)))
}

/// What the caller waits for.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Patience {
    UntilCreated,
    UntilAssociated,
}

/// A body that was read.
struct Wish {
    link: Link,
    name: Option<String>,
    mobile: Option<String>,
    email: Option<String>,
    /// The receiver of the verification code, and the code.
    proof: Option<(String, String)>,
    password: Option<String>,
    terms: Terms,
    patience: Patience,
}

fn known(site: Site) -> &'static [&'static str] {
    match site {
        Site::Cn => &[
            "xaccount_id",
            "xaccount_type",
            "domain_name",
            "mobile_phone",
            "verification_code",
            "password",
            "is_close_market_ms",
            "cooperation_type",
            "indirect_partner_id",
            "include_association_result",
        ],
        Site::Intl | Site::Eu => &[
            "xaccount_id",
            "xaccount_type",
            "domain_name",
            "email",
            "domain_area",
            "verification_code",
            "password",
            "is_close_market_ms",
            "indirect_partner_id",
            "include_association_result",
        ],
    }
}

impl Wish {
    fn read(fields: &Fields, site: Site) -> Result<Self, Trouble> {
        let account_type = fields.required("xaccount_type", bounds::ACCOUNT_TYPE_CHARS)?;
        let link = Link {
            account_id: fields.required("xaccount_id", limits::ACCOUNT_ID_CHARS)?.to_owned(),
            account_type: XAccountType::parse(account_type)
                .map_err(|_| invalid("xaccount_type"))?,
        };
        let name = fields.text("domain_name", 64)?.filter(|name| !name.is_empty());
        if name.is_some_and(|name| !rules::is_account_name(name)) {
            return Err(Trouble::about(Code::NameFormat, "domain_name"));
        }
        let (mobile, email) = contact(fields, site)?;
        let receiver = mobile.as_ref().or(email.as_ref());
        let proof = match (receiver, fields.not_empty("verification_code", 6)?) {
            (Some(receiver), Some(code)) => Some((receiver.clone(), code.to_owned())),
            (None, None) => None,
            _ => return Err(parameter("verification_code")),
        };
        let password = fields.text("password", 128)?;
        let contact = receiver.map(String::as_str);
        if password.is_some_and(|password| !rules::is_password(password, name, contact)) {
            return Err(Trouble::about(Code::PasswordFormat, "password"));
        }
        the_rest(fields)?;
        Ok(Self {
            link,
            name: name.map(str::to_owned),
            mobile,
            email,
            proof,
            password: password.map(str::to_owned),
            terms: match fields.text("cooperation_type", 16)? {
                Some("1") => Terms::Referral,
                _ => Terms::Resale,
            },
            patience: match fields.flag("include_association_result")? {
                Some(true) => Patience::UntilAssociated,
                _ => Patience::UntilCreated,
            },
        })
    }

    /// Whether nobody else has the customer, the name, the number, the address.
    fn is_free(&self, state: &State, partner: &str) -> Result<(), Trouble> {
        if state.accounts.of(&self.link).is_some() {
            return Err(Trouble::new(Code::AccountIdExists));
        }
        if self.name.as_deref().is_some_and(|name| state.accounts.named(name).is_some()) {
            return Err(Trouble::new(Code::NameExists));
        }
        if let Some(mobile) = &self.mobile {
            mobile_room(state, partner, mobile).map_err(Trouble::new)?;
        }
        Ok(())
    }

    fn account(self, partner: &str, now: OffsetDateTime, delay: Duration) -> NewAccount {
        let association = Association::resale(partner, now + delay);
        NewAccount {
            name: self.name,
            mobile: self.mobile,
            email: self.email,
            password: self.password,
            link: Some(self.link),
            association: Some(Association { terms: self.terms, ..association }),
            source: Source::Api,
            now,
        }
    }
}

/// The mobile number on the China site, the e-mail address on the others.
fn contact(fields: &Fields, site: Site) -> Result<(Option<String>, Option<String>), Trouble> {
    if site == Site::Cn {
        let mobile = fields.filled("mobile_phone", 32)?;
        let mobile = mobile.map(|text| {
            let wrong = || Trouble::about(Code::MobileFormat, "mobile_phone");
            rules::china_mobile(text).ok_or_else(wrong)
        });
        return Ok((mobile.transpose()?, None));
    }
    let area = fields.required("domain_area", 2)?;
    if area.len() != 2 || !area.bytes().all(|b| b.is_ascii_uppercase()) {
        return Err(invalid("domain_area"));
    }
    let email = fields.not_empty("email", bounds::EMAIL_CHARS)?;
    let email = email.map(|text| rules::email(text).ok_or_else(|| invalid("email")));
    Ok((None, email.transpose()?))
}

/// Fields that change nothing here but have a form.
fn the_rest(fields: &Fields) -> Result<(), Trouble> {
    if !matches!(fields.text("is_close_market_ms", 16)?, None | Some("true" | "false")) {
        return Err(invalid("is_close_market_ms"));
    }
    match fields.filled("indirect_partner_id", 64)? {
        // Nobody is a distributor in this cloud.
        Some(_) => Err(Trouble::new(Code::NoReseller)),
        None => Ok(()),
    }
}

/// The documents have no code for an e-mail address that is taken: it is told like a number.
fn code_of(taken: Taken) -> Code {
    match taken {
        Taken::Link => Code::AccountIdExists,
        Taken::Name => Code::NameExists,
        Taken::Mobile => Code::MobileExceeded,
        Taken::Email => Code::MobileExists,
        Taken::Account | Taken::Unknown | Taken::Full => Code::Other,
    }
}
