//! How service providers know people (conformance ).

use std::collections::BTreeMap;

use super::gateway::Tenant;
use super::logout::leaves_at_the_gateway;
use super::person::{Page, Person};
use super::{Cell, Plan, World};
use crate::support::peer::{Binding, Kind, NameForm};

/// A service provider for each format, at which somebody signs in twice: what is asked for is
/// given, and whoever is named so can be logged out by it.
pub(super) async fn are_those_asked_for(kind: Kind) {
    let tenant = Tenant { id: "names".to_owned(), sign: "both", seals: false };
    let plan =
        |names| Plan { tenant: tenant.clone(), binding: Binding::Redirect, signs: true, names };
    let world = World::new(kind, NameForm::ALL.map(plan).into()).await;
    let (mut wrong, mut known) = (Vec::new(), BTreeMap::new());
    for visit in ["first", "second"] {
        let mut person = Person::new();
        for cell in &world.cells {
            let page = world.visits(&mut person, cell).await;
            match named(&page, cell) {
                Ok(name) => {
                    known.insert((visit, cell.provider.names.name()), name);
                }
                Err(reason) => wrong.push(format!("{}: {reason}", cell.provider.name)),
            }
        }
        wrong.extend(leaves_at_the_gateway((&world, kind), &mut person, &world.cells).await);
    }
    world.report("named", &wrong);
    let at = |visit, form: NameForm| known[&(visit, form.name())].as_str();
    for visit in ["first", "second"] {
        assert_eq!(at(visit, NameForm::Email), "alice@example.com");
    }
    for form in [NameForm::Transient, NameForm::Unspecified] {
        assert_ne!(at("first", form), at("second", form));
    }
    assert_eq!(at("first", NameForm::Persistent), at("second", NameForm::Persistent));
    assert_ne!(at("first", NameForm::Persistent), "local-1");
}

/// By what the service provider knows the person: as it asked, and as the gateway said.
fn named(page: &Page, cell: &Cell) -> Result<String, String> {
    let names = cell.provider.names;
    let [asked_for, given_as] = [names.uri(), names.given()].map(|uri| format!("Format=\"{uri}\""));
    let asked = page.carried.iter().find(|it| it.field == "SAMLRequest").ok_or("nothing asked")?;
    if !asked.xml.contains(&asked_for) {
        return Err(format!("not asked for: {}", asked.xml));
    }
    let name = page.value("name_id")?;
    let response = &page.carried.last().ok_or("nothing answered")?.xml;
    let (_, given) = response.split_once("<saml2:NameID ").ok_or("nobody named")?;
    let (given, _) = given.split_once("</saml2:NameID>").ok_or("nobody named")?;
    if given.contains(&given_as) && given.ends_with(&format!(">{name}")) {
        Ok(name)
    } else {
        Err(format!("{name:?} is known of {given}"))
    }
}
