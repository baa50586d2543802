//! 查询客户列表: the customers who are associated with the partner, newest first, page by page. Apart
//! room `fakecloud`; contract §7.7.
//!
//! The live order is not public. Newest first is the one that shifts under whoever reads on.

use serde_json::{Value, json};
use time::macros::format_description;
use time::{OffsetDateTime, PrimitiveDateTime};

use super::fields::{Fields, invalid};
use super::trouble::{Code, Trouble};
use super::{Answer, Call};
use crate::fakecloud::accounts::{Account, Association, Terms};
use crate::fakecloud::{FakeCloud, Site};

/// `POST /v2/partners/sub-customers/query`.
pub(super) fn list(cloud: &FakeCloud, call: &Call<'_>) -> Result<Answer, Trouble> {
    let filter = Filter::read(&call.fields(KNOWN)?, cloud.site)?;
    let now = cloud.now();
    let state = cloud.state();
    let mut found: Vec<(&Account, &Association)> = state
        .accounts
        .iter()
        .filter(|account| account.is_associated_with(call.partner, now))
        .filter_map(|account| Some((account, account.association.as_ref()?)))
        .filter(|(account, association)| filter.fits(account, association))
        .collect();
    found.reverse();
    found.sort_by_key(|(_, association)| std::cmp::Reverse(association.at));
    let count = found.len();
    let page = found.into_iter().skip(filter.offset).take(filter.limit);
    let infos: Vec<Value> = page.map(|(a, of)| item(a, of, cloud.site)).collect();
    Ok(Answer::Object(json!({ "customer_infos": infos, "count": count })))
}

const KNOWN: &[&str] = &[
    "account_name",
    "customer",
    "label",
    "association_type",
    "associated_on_begin",
    "associated_on_end",
    "customer_id",
    "indirect_partner_id",
    "offset",
    "limit",
];

/// What is looked for. Customers of this cloud have neither a real name nor a label.
struct Filter {
    account_name: Option<String>,
    needs_more: bool,
    association_type: Option<String>,
    begin: Option<OffsetDateTime>,
    end: Option<OffsetDateTime>,
    customer_id: Option<String>,
    offset: usize,
    limit: usize,
    site: Site,
}

impl Filter {
    fn read(fields: &Fields, site: Site) -> Result<Self, Trouble> {
        let owned = |name: &str| Ok(fields.filled(name, 64)?.map(str::to_owned));
        let fuzzy = |name: &str| match owned(name)? {
            Some(text) if text.contains(' ') => Err(invalid(name)),
            text => Ok(text),
        };
        let date = |name: &str| {
            let at = fields
                .filled(name, 32)?
                .map(|text| PrimitiveDateTime::parse(text, &DATE).map_err(|_| invalid(name)));
            at.transpose().map(|at| at.map(PrimitiveDateTime::assume_utc))
        };
        if fields.filled("indirect_partner_id", 64)?.is_some() {
            return Err(Trouble::new(Code::NoReseller));
        }
        let number = |name: &str, otherwise: usize| {
            let number = fields.number(name)?.map(usize::try_from).transpose();
            number.map(|n| n.unwrap_or(otherwise)).map_err(|_| invalid(name))
        };
        let limit = number("limit", 10)?;
        if !(1..=MOST).contains(&limit) {
            return Err(invalid("limit"));
        }
        let association_type = owned("association_type")?;
        let types = [type_of(Terms::Referral, site), type_of(Terms::Resale, site)];
        if association_type.as_deref().is_some_and(|wanted| !types.contains(&wanted)) {
            return Err(invalid("association_type"));
        }
        Ok(Self {
            account_name: fuzzy("account_name")?,
            needs_more: fuzzy("customer")?.is_some() || owned("label")?.is_some(),
            association_type,
            begin: date("associated_on_begin")?,
            end: date("associated_on_end")?,
            customer_id: owned("customer_id")?,
            offset: number("offset", 0)?,
            limit,
            site,
        })
    }

    fn fits(&self, account: &Account, association: &Association) -> bool {
        let since = association.at.replace_nanosecond(0).unwrap_or(association.at);
        let named = |part: &String| account.domain_name.contains(part.as_str());
        !self.needs_more
            && self.account_name.as_ref().is_none_or(named)
            && self.customer_id.as_ref().is_none_or(|id| *id == account.domain_id)
            && self.begin.is_none_or(|begin| begin <= since)
            && self.end.is_none_or(|end| since <= end)
            && self
                .association_type
                .as_ref()
                .is_none_or(|wanted| wanted == type_of(association.terms, self.site))
    }
}

fn item(account: &Account, association: &Association, site: Site) -> Value {
    let mut item = json!({
        "account_name": account.domain_name,
        "customer_id": account.domain_id,
        "associated_on": association.at.format(&DATE).unwrap_or_default(),
        "association_type": type_of(association.terms, site),
        "verified_status": "-1",
        "customer_type": -1,
        "is_frozen": i32::from(account.frozen),
        "account_managers": [],
        "customer_level": "V0",
    });
    if let Some(mobile) = &account.mobile {
        item["telephone"] = mobile.as_str().into();
        item["country_code"] = "0086".into();
    }
    if let Some(email) = &account.email {
        item["email"] = email.as_str().into();
    }
    if let Some(link) = &account.link {
        item["xaccount_id"] = link.account_id.as_str().into();
        item["xaccount_type"] = link.account_type.as_str().into();
    }
    item
}

/// The sites count differently (contract §1.8).
fn type_of(terms: Terms, site: Site) -> &'static str {
    match (terms, site) {
        (Terms::Referral, _) => "1",
        (Terms::Resale, Site::Cn) => "2",
        (Terms::Resale, Site::Intl | Site::Eu) => "3",
    }
}

const DATE: &[time::format_description::BorrowedFormatItem<'_>] =
    format_description!("[year]-[month]-[day]T[hour]:[minute]:[second]Z");
/// Most customers on one page.
const MOST: usize = 100;
