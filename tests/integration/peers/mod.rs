//! Foreign service providers and the real gateway, over HTTP: every way of asking and answering,
//! of naming people and of leaving, and what was changed on the way (conformance ).

mod gateway;
mod logout;
mod names;
mod person;
mod recipes;

use std::collections::BTreeMap;

use gateway::{Gateway, Tenant};
use person::{Page, Person};

use crate::support::peer::{Binding, Insists, Kind, NameForm, Peer, Provider};
use crate::support::site::client;

const SIGNS: [&str; 3] = ["assertion", "response", "both"];
const BINDINGS: [(&str, Binding); 2] = [("redirect", Binding::Redirect), ("post", Binding::Post)];

/// A peer, the gateway, and what they know of each other.
struct World {
    peer: Peer,
    gateway: Gateway,
    cells: Vec<Cell>,
}

/// One way of asking and answering.
struct Cell {
    tenant: Tenant,
    provider: Provider,
}

/// What a cell will be made of.
struct Plan {
    tenant: Tenant,
    binding: Binding,
    signs: bool,
    names: NameForm,
}

/// Every way of asking and answering by one peer, where what is signed is one of these.
fn plans(kind: Kind, signs: &[&'static str]) -> Vec<Plan> {
    let names = NameForm::Transient;
    let mut plans = Vec::new();
    for (by, binding) in BINDINGS {
        for (how, seals) in [("open", false), ("sealed", true)] {
            for sign in signs {
                let tenant = Tenant { id: format!("{sign}-{how}-{by}"), sign, seals };
                if is_known_to(kind, &tenant) {
                    let plan = |signs| Plan { tenant: tenant.clone(), binding, signs, names };
                    plans.extend([plan(false), plan(true)]);
                }
            }
        }
    }
    plans
}

impl Plan {
    fn provider(&self, idp: String) -> Provider {
        let Self { tenant, binding, signs, names } = self;
        let asks = if *signs { "signed" } else { "unsigned" };
        Provider {
            name: format!("{}-{asks}-{}", tenant.id, names.name()),
            idp,
            binding: *binding,
            signs: *signs,
            insists: Insists {
                response: tenant.sign != "assertion",
                assertion: tenant.sign != "response",
                sealed: tenant.seals,
            },
            names: *names,
        }
    }
}

impl World {
    async fn new(kind: Kind, plans: Vec<Plan>) -> Self {
        let mut tenants: Vec<Tenant> = Vec::new();
        for Plan { tenant, .. } in &plans {
            if tenants.iter().all(|known| known.id != tenant.id) {
                tenants.push(tenant.clone());
            }
        }
        let ids: Vec<String> = tenants.iter().map(|tenant| tenant.id.clone()).collect();
        let mut gateway = Gateway::set_up(tenants);
        let described: BTreeMap<String, String> =
            ids.into_iter().map(|id| (id.clone(), gateway.metadata(&id))).collect();
        let cells: Vec<_> = plans
            .into_iter()
            .map(|plan| {
                let provider = plan.provider(described[&plan.tenant.id].clone());
                Cell { tenant: plan.tenant, provider }
            })
            .collect();
        let providers: Vec<_> = cells.iter().map(|cell| cell.provider.clone()).collect();
        let peer = Peer::start(kind, &providers).await;
        let mut known = Vec::new();
        for cell in &cells {
            let metadata = fetch(&peer.metadata(&cell.provider.name)).await;
            // The other half is to be told through the browser.
            let metadata = if cell.provider.signs { metadata } else { without_calls(&metadata) };
            known.push((cell.tenant.id.as_str(), metadata));
        }
        gateway.start(&known).await;
        Self { peer, gateway, cells }
    }

    async fn visits(&self, person: &mut Person, cell: &Cell) -> Page {
        person.visits(&self.peer.page(&cell.provider.name)).await
    }

    /// Everything that is wrong, by the names of the cells.
    fn report(&self, what: &str, wrong: &[String]) {
        println!("{what}: {} cells, {} complaints", self.cells.len(), wrong.len());
        assert!(
            wrong.is_empty(),
            "{}\n\nthe peer:\n{}\n\nthe gateway:\n{}",
            wrong.join("\n"),
            self.peer.log(),
            self.gateway.log()
        );
    }
}

/// samael looks for signatures before it decrypts: where only the Assertion is signed and that is
/// encrypted, it finds none.
fn is_known_to(kind: Kind, tenant: &Tenant) -> bool {
    kind != Kind::Samael || !tenant.seals || tenant.sign != "assertion"
}

async fn fetch(url: &str) -> String {
    let mut place = reqwest::Url::parse(url).unwrap();
    loop {
        let answer = client().get(place.clone()).send().await.unwrap();
        let Some(next) = answer.headers().get("location") else {
            assert!(answer.status().is_success(), "{url}: {answer:?}");
            return answer.text().await.unwrap();
        };
        place = place.join(next.to_str().unwrap()).unwrap();
    }
}

/// Metadata without the addresses at which the service provider can be called.
fn without_calls(metadata: &str) -> String {
    let Some(at) = metadata.find("bindings:SOAP\"") else { return metadata.to_owned() };
    let start = metadata[..at].rfind('<').unwrap();
    let end = at + metadata[at..].find("/>").unwrap() + 2;
    without_calls(&[&metadata[..start], &metadata[end..]].concat())
}

/// Every cell, one after another, by one person, who signs in where no session is.
async fn every_form_is_taken(kind: Kind) {
    let world = World::new(kind, plans(kind, &SIGNS)).await;
    let (mut person, mut wrong) = (Person::new(), Vec::new());
    for cell in &world.cells {
        let page = world.visits(&mut person, cell).await;
        if let Err(reason) = asked_as_meant(&page, cell).and_then(|()| is_signed_in(&page, cell)) {
            wrong.push(format!("{}: {reason}\n  {:?}", cell.provider.name, page.steps));
        }
    }
    world.report("signed in", &wrong);
}

/// That the request was what the cell is about.
fn asked_as_meant(page: &Page, cell: &Cell) -> Result<(), String> {
    let meant = &cell.provider;
    match page.carried.iter().find(|it| it.field == "SAMLRequest") {
        Some(it) if (it.binding, it.signed) == (meant.binding, meant.signs) => Ok(()),
        other => {
            Err(format!("not asked by {:?}, signed {}: {other:?}", meant.binding, meant.signs))
        }
    }
}

/// That the page shows the person whom the gateway spoke of.
fn is_signed_in(page: &Page, cell: &Cell) -> Result<(), String> {
    let uid = page.value("uid")?;
    let name_id = page.value("name_id")?;
    let response = &page.carried.last().ok_or("nothing was carried")?.xml;
    if uid != "local-1" {
        return Err(format!("somebody else: {uid}"));
    }
    if response.contains("EncryptedAssertion") != cell.tenant.seals {
        return Err(format!("not answered as meant: {response}"));
    }
    if name_id.is_empty() || !(cell.tenant.seals || response.contains(&format!(">{name_id}<"))) {
        return Err(format!("the NameID {name_id:?} is not that of {response}"));
    }
    Ok(())
}

/// Changes one letter of an answer: of the person's id, or of what is encrypted.
fn one_letter(response: &str) -> String {
    if !response.contains("Assertion>") {
        return response.to_owned();
    }
    if response.contains(">local-1<") {
        return response.replace(">local-1<", ">local-2<");
    }
    let end = response.rfind("CipherValue>").unwrap();
    let end = response[..end].rfind("</").unwrap();
    let (before, letter) = response[..end - 40].split_at(end - 41);
    let other = if letter == "A" { "B" } else { "A" };
    [before, other, &response[end - 40..]].concat()
}

/// Every cell again, with a Response that was changed on the way.
async fn what_was_changed_is_refused(kind: Kind) {
    let world = World::new(kind, plans(kind, &SIGNS)).await;
    let mut wrong = Vec::new();
    for cell in &world.cells {
        let mut person = Person::with(one_letter);
        let page = world.visits(&mut person, cell).await;
        let responses = page.carried.iter().filter(|it| it.field == "SAMLResponse").count();
        if responses != 1 {
            wrong.push(format!("{}: {responses} Responses", cell.provider.name));
        }
        let known = person.opens(&world.peer.page(&cell.provider.name)).await;
        if page.value("uid").is_ok() || known.value("uid").is_ok() {
            wrong.push(format!("{}: taken: {page:?}", cell.provider.name));
        }
    }
    world.report("refused", &wrong);
}

macro_rules! peers {
    ($($name:ident = $kind:ident;)+) => {$(
        mod $name {
            use super::Kind;

            #[tokio::test(flavor = "multi_thread")]
            async fn takes_every_form_of_request_and_answer() {
                super::every_form_is_taken(Kind::$kind).await;
            }

            #[tokio::test(flavor = "multi_thread")]
            async fn refuses_every_answer_that_was_changed_on_the_way() {
                super::what_was_changed_is_refused(Kind::$kind).await;
            }

            #[tokio::test(flavor = "multi_thread")]
            async fn knows_people_by_the_kind_of_name_that_it_asks_for() {
                super::names::are_those_asked_for(Kind::$kind).await;
            }

            #[tokio::test(flavor = "multi_thread")]
            async fn leaves_everywhere_when_it_begins() {
                super::logout::begun_by_a_service_provider(Kind::$kind).await;
            }

            #[tokio::test(flavor = "multi_thread")]
            async fn is_left_when_the_gateway_begins() {
                super::logout::begun_by_the_gateway(Kind::$kind).await;
            }

            #[tokio::test(flavor = "multi_thread")]
            async fn refuses_logout_messages_that_were_changed_on_the_way() {
                super::logout::what_was_changed_is_refused(Kind::$kind).await;
            }
        }
    )+};
}

peers! {
    mellon = Mellon;
    simplesamlphp = SimpleSamlPhp;
    python3_saml = Python3Saml;
    samael = Samael;
}
