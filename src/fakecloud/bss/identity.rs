//! 校验客户注册信息: whether a name, a mobile number or an e-mail address is free. Apart room
//! `fakecloud`; contract §7.4.

use serde_json::json;

use super::fields::{Fields, invalid, parameter};
use super::rules;
use super::trouble::{Code, Trouble};
use super::{Answer, Call};
use crate::fakecloud::state::State;
use crate::fakecloud::{FakeCloud, Site, bounds};

/// `POST /v2/partners/sub-customers/users/check-identity`.
pub(super) fn check(cloud: &FakeCloud, call: &Call<'_>) -> Result<Answer, Trouble> {
    let fields = call.fields(&["search_type", "search_value"])?;
    let free = free(cloud, call, &fields)?;
    let mut body = json!({
        "error_code": "CBC.0000",
        "error_msg": "Success",
        "check_result": if free.accounts > 0 { "available" } else { "used_by_user" },
    });
    if free.of_mobile {
        body["mobile_remain_available_num"] = free.accounts.into();
    }
    Ok(Answer::Object(body))
}

/// How many accounts of a partner may still be made with a mobile number.
///
/// # Errors
/// Why none can: a customer of this partner has it, or it has been used up.
pub(super) fn mobile_room(state: &State, partner: &str, mobile: &str) -> Result<usize, Code> {
    let uses = state.accounts.uses(mobile);
    if uses >= bounds::ACCOUNTS_A_MOBILE {
        return Err(Code::MobileExceeded);
    }
    let by_partner = uses > 0
        && state.accounts.iter().any(|account| {
            let association = account.association.as_ref();
            account.mobile.as_deref() == Some(mobile)
                && association.is_some_and(|known| known.partner == partner)
        });
    if by_partner { Err(Code::MobileExists) } else { Ok(bounds::ACCOUNTS_A_MOBILE - uses) }
}

/// How many accounts can be made with what was asked for.
struct Free {
    accounts: usize,
    of_mobile: bool,
}

fn free(cloud: &FakeCloud, call: &Call<'_>, fields: &Fields) -> Result<Free, Trouble> {
    let wrong = || invalid("search_value");
    let kind = fields.required("search_type", 16)?;
    let value = fields.required("search_value", 64)?;
    let state = cloud.state();
    let accounts = match kind {
        "name" if !rules::is_name_to_check(value) => return Err(wrong()),
        "name" => usize::from(state.accounts.named(value).is_none()),
        "email" => {
            let email = rules::email(value).ok_or_else(wrong)?;
            usize::from(state.accounts.uses(&email) == 0)
        }
        "mobile" => {
            let mobile = mobile(cloud.site, value).ok_or_else(wrong)?;
            mobile_room(&state, call.partner, &mobile).unwrap_or_default()
        }
        _ => return Err(parameter("search_type")),
    };
    Ok(Free { accounts, of_mobile: kind == "mobile" })
}

/// A country code of four digits with zeros in front, a hyphen, and the number; on the China site
/// of China only.
fn mobile(site: Site, value: &str) -> Option<String> {
    let (country, number) = value.split_once('-')?;
    let digits = |text: &str| !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit());
    let fits = country.len() == 4 && country.starts_with("00") && digits(country) && digits(number);
    match site {
        _ if !fits => None,
        Site::Cn => rules::china_mobile(value).filter(|_| country == "0086"),
        Site::Intl | Site::Eu => Some(rules::china_mobile(value).unwrap_or(value.to_owned())),
    }
}
