//! Layer 2, cloud: the bodies of the partner API's calls about customers (contract §7.4 to §7.7).
//! Fields are checked before anything is sent; what the cloud tells about a person beyond ids and
//! names is not read.

use secrecy::{ExposeSecret as _, SecretString};
use serde::{Deserialize, Serialize};
use time::format_description::BorrowedFormatItem;
use time::format_description::well_known::Rfc3339;
use time::macros::format_description;
use time::{OffsetDateTime, UtcOffset};

use super::Site;
use super::call::{Api, Language};
use super::customers::{
    Account, AssociationKind, Availability, Filter, Listed, ListedCustomer, NewCustomer, Page,
    Subject, WaitFor,
};
use super::failure::{Failure, FieldFault};
use super::rules::{self, Contact, FirstUnderscore};
use super::transport::Reply;
use crate::limits;

/// Longest id of a partner (contract §7.6).
const PARTNER_ID_CHARS: usize = 64;

const TIME: &[BorrowedFormatItem<'static>] =
    format_description!("[year]-[month]-[day]T[hour]:[minute]:[second]Z");

pub(super) const CHECK: Api =
    Api { name: "check-identity", path: "/v2/partners/sub-customers/users/check-identity" };
pub(super) const SEND_CODE: Api =
    Api { name: "send-code", path: "/v2/bases/verificationcode/send" };
pub(super) const CREATE: Api = Api { name: "create", path: "/v2/partners/sub-customers" };
pub(super) const LIST: Api = Api { name: "list", path: "/v2/partners/sub-customers/query" };

pub(super) fn check_body(site: &Site, subject: Subject<'_>) -> Result<Vec<u8>, FieldFault> {
    #[derive(Serialize)]
    struct Body<'a> {
        search_type: &'a str,
        search_value: &'a str,
    }
    let (search_type, value) = match subject {
        Subject::Name(name) => {
            rules::account_name(name, FirstUnderscore::Refused)?;
            ("name", name.to_owned())
        }
        Subject::Contact(contact) => site.rules.contact(contact)?.searched(),
    };
    Ok(json(&Body { search_type, search_value: &value }))
}

pub(super) fn availability(reply: &Reply) -> Result<Availability, Failure> {
    #[derive(Deserialize)]
    struct Body {
        check_result: String,
        mobile_remain_available_num: Option<u32>,
    }
    let unreadable = || Failure::unreadable(reply, "a check_result");
    let body: Body = serde_json::from_slice(&reply.body).map_err(|_| unreadable())?;
    let is_available = match body.check_result.as_str() {
        "available" => true,
        "used_by_user" => false,
        _ => return Err(unreadable()),
    };
    Ok(Availability { is_available, remaining: body.mobile_remain_available_num })
}

pub(super) fn code_body(
    site: &Site,
    contact: &str,
    language: Language,
) -> Result<Vec<u8>, FieldFault> {
    #[derive(Serialize)]
    struct Body<'a> {
        receiver_type: u8,
        #[serde(flatten)]
        contact: ContactFields<'a>,
        lang: &'a str,
    }
    let contact = site.rules.contact(contact)?;
    let receiver_type = match contact {
        Contact::Mobile { .. } => 1,
        Contact::Email(_) => 2,
    };
    let lang = site.rules.message_language.of(language);
    Ok(json(&Body { receiver_type, contact: ContactFields::of(Some(&contact)), lang }))
}

/// A contact under the name that it has in bodies.
#[derive(Serialize)]
struct ContactFields<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    mobile_phone: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    email: Option<&'a str>,
}

impl<'a> ContactFields<'a> {
    fn of(contact: Option<&'a Contact>) -> Self {
        match contact {
            None => Self { mobile_phone: None, email: None },
            Some(contact @ Contact::Mobile { .. }) => {
                Self { mobile_phone: Some(contact.plain()), email: None }
            }
            Some(contact @ Contact::Email(_)) => {
                Self { mobile_phone: None, email: Some(contact.plain()) }
            }
        }
    }
}

pub(super) fn create_body(site: &Site, new: &NewCustomer) -> Result<Vec<u8>, FieldFault> {
    #[derive(Serialize)]
    struct Body<'a> {
        xaccount_id: &'a str,
        xaccount_type: &'a str,
        #[serde(skip_serializing_if = "Option::is_none")]
        domain_name: Option<&'a str>,
        #[serde(flatten)]
        contact: ContactFields<'a>,
        #[serde(skip_serializing_if = "Option::is_none")]
        verification_code: Option<&'a str>,
        #[serde(skip_serializing_if = "Option::is_none")]
        domain_area: Option<&'a str>,
        #[serde(skip_serializing_if = "Option::is_none")]
        password: Option<&'a str>,
        #[serde(skip_serializing_if = "Option::is_none")]
        indirect_partner_id: Option<&'a str>,
        include_association_result: bool,
    }
    rules::id("xaccount_id", &new.x_account_id, limits::ACCOUNT_ID_CHARS)?;
    let domain_name = new.domain_name.as_deref();
    if let Some(name) = domain_name {
        rules::account_name(name, FirstUnderscore::Allowed)?;
    }
    let contact = match &new.contact {
        None => None,
        Some(given) => {
            let contact = site.rules.contact(&given.address)?;
            rules::verification_code(&given.code)?;
            Some(contact)
        }
    };
    site.rules.area(new.area.as_deref())?;
    let password = new.password.as_ref().map(SecretString::expose_secret);
    if let Some(password) = password {
        rules::password(password, domain_name, contact.as_ref())?;
    }
    let indirect_partner_id = new.indirect_partner.as_deref();
    if let Some(id) = indirect_partner_id {
        rules::id("indirect_partner_id", id, PARTNER_ID_CHARS)?;
    }
    Ok(json(&Body {
        xaccount_id: &new.x_account_id,
        xaccount_type: &site.account_type,
        domain_name,
        contact: ContactFields::of(contact.as_ref()),
        verification_code: new.contact.as_ref().map(|given| given.code.as_str()),
        domain_area: new.area.as_deref(),
        password,
        indirect_partner_id,
        include_association_result: new.association == WaitFor::Association,
    }))
}

/// The account that an answer names, whatever else it says.
pub(super) fn account(body: &[u8]) -> Option<Account> {
    #[derive(Deserialize)]
    struct Body {
        domain_id: String,
        domain_name: String,
    }
    let Body { domain_id, domain_name } = serde_json::from_slice(body).ok()?;
    whole(Account { id: domain_id, name: domain_name })
}

pub(super) fn list_body(filter: &Filter, page: Page) -> Result<Vec<u8>, FieldFault> {
    #[derive(Serialize)]
    struct Body<'a> {
        #[serde(skip_serializing_if = "Option::is_none")]
        customer_id: Option<&'a str>,
        #[serde(skip_serializing_if = "Option::is_none")]
        account_name: Option<&'a str>,
        #[serde(skip_serializing_if = "Option::is_none")]
        associated_on_begin: Option<String>,
        offset: u64,
        limit: u64,
    }
    let Page { offset, limit } = page;
    let mut body =
        Body { customer_id: None, account_name: None, associated_on_begin: None, offset, limit };
    match filter {
        Filter::All => {}
        Filter::Id(id) => {
            rules::id("customer_id", id, limits::ATTRIBUTE_CHARS)?;
            body.customer_id = Some(id);
        }
        Filter::Name(name) => {
            rules::id("account_name", name, limits::ATTRIBUTE_CHARS)?;
            body.account_name = Some(name);
        }
        Filter::Since(time) => {
            // Seconds of UTC, as the contract writes times (§7.1).
            let written = time.to_offset(UtcOffset::UTC).format(TIME).unwrap_or_default();
            body.associated_on_begin = Some(written);
        }
    }
    Ok(json(&body))
}

pub(super) fn listed(site: &Site, reply: &Reply) -> Result<Listed, Failure> {
    #[derive(Deserialize)]
    struct Body {
        customer_infos: Option<Vec<Item>>,
        count: Option<u64>,
    }
    #[derive(Deserialize)]
    struct Item {
        customer_id: String,
        account_name: String,
        xaccount_id: Option<String>,
        xaccount_type: Option<String>,
        association_type: Option<String>,
        associated_on: Option<String>,
        is_frozen: Option<u32>,
    }
    let unreadable = || Failure::unreadable(reply, "customer_infos and count");
    let body: Body = serde_json::from_slice(&reply.body).map_err(|_| unreadable())?;
    let read = |item: Item| {
        let kind = item.association_type.as_deref();
        Some(ListedCustomer {
            account: whole(Account { id: item.customer_id, name: item.account_name })?,
            x_account_id: item.xaccount_id.filter(|text| !text.is_empty()),
            x_account_type: item.xaccount_type.filter(|text| !text.is_empty()),
            association: match &site.association {
                Some(codes) if kind == Some(codes.referral.as_str()) => AssociationKind::Referral,
                Some(codes) if kind == Some(codes.resale.as_str()) => AssociationKind::Resale,
                _ => AssociationKind::Other,
            },
            associated_on: item
                .associated_on
                .and_then(|at| OffsetDateTime::parse(&at, &Rfc3339).ok()),
            is_frozen: item.is_frozen.is_some_and(|frozen| frozen != 0),
        })
    };
    let items = body.customer_infos.unwrap_or_default();
    let customers: Option<Vec<_>> = items.into_iter().map(read).collect();
    let customers = customers.ok_or_else(unreadable)?;
    let count = body.count.unwrap_or_default().max(customers.len() as u64);
    Ok(Listed { customers, count })
}

/// An account whose id and name can be kept.
fn whole(account: Account) -> Option<Account> {
    let is_plain = |text: &str| {
        (1..=limits::ATTRIBUTE_CHARS).contains(&text.chars().count())
            && !text.chars().any(char::is_control)
    };
    (is_plain(&account.id) && is_plain(&account.name)).then_some(account)
}

fn json(body: &impl Serialize) -> Vec<u8> {
    serde_json::to_vec(body).expect("text, numbers and flags can be written")
}
