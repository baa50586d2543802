//! Leaving everywhere: begun by a service provider, and begun by the gateway (conformance A-085 to
//!

use super::person::{Page, Person};
use super::{Cell, World, plans};
use crate::support::peer::Kind;

/// Somebody who is signed in at two service providers of one tenant leaves at each of them in turn:
/// nobody knows them any more, the gateway included, and who began has the answer that it asked
/// for.
pub(super) async fn begun_by_a_service_provider(kind: Kind) {
    let world = world(kind).await;
    let mut wrong = Vec::new();
    for pair in world.cells.chunks_exact(2) {
        for cell in pair {
            let mut person = signed_in_at_all(&world, pair).await;
            let page = person.visits(&world.peer.logout(&cell.provider.name)).await;
            if let Err(reason) = has_left(&world, &page, cell) {
                wrong.push(format!("{}: {reason}: {page:?}", cell.provider.name));
            }
            wrong.extend(still_known(&world, &mut person, pair).await);
        }
    }
    world.report("left by a service provider", &wrong);
}

/// The same, leaving at the gateway.
pub(super) async fn begun_by_the_gateway(kind: Kind) {
    let world = world(kind).await;
    let mut wrong = Vec::new();
    for pair in world.cells.chunks_exact(2) {
        let mut person = signed_in_at_all(&world, pair).await;
        wrong.extend(leaves_at_the_gateway((&world, kind), &mut person, pair).await);
    }
    world.report("left by the gateway", &wrong);
}

/// Somebody leaves at the gateway, and with it at all of these; gives what went wrong. Who offers
/// to be called is, and the browser goes to the others: of these peers only `mod_auth_mellon`
/// answers, since `SimpleSAMLphp` 1.19 ends the session and then shows an error.
pub(super) async fn leaves_at_the_gateway(
    (world, kind): (&World, Kind),
    person: &mut Person,
    cells: &[Cell],
) -> Vec<String> {
    let page = person.visits(&left_at(world, &cells[0])).await;
    let mut wrong = still_known(world, person, cells).await;
    let by_browser = page.carried.iter().filter(|it| it.field == "SAMLRequest").count();
    let others = cells.iter().filter(|it| kind != Kind::Mellon || !it.provider.signs).count();
    if by_browser != others {
        wrong.push(format!("{by_browser} told through the browser, not {others}: {page:?}"));
    }
    if !page.body.contains("You are signed out") {
        wrong.push(format!("{}: {page:?}", cells[0].tenant.id));
    }
    wrong
}

/// An answer that was changed on the way ends no logout well, and a request none at all.
pub(super) async fn what_was_changed_is_refused(kind: Kind) {
    let world = world(kind).await;
    let mut wrong = Vec::new();
    for pair in world.cells.chunks_exact(2) {
        let name = &pair[0].provider.name;
        let mut person = signed_in_at_all(&world, &pair[..1]).await;
        person.now_changes(|xml| one_more(xml, "LogoutResponse"));
        let page = person.visits(&world.peer.logout(name)).await;
        if has_left(&world, &page, &pair[0]).is_ok() || !was_changed(&page) {
            wrong.push(format!("{name}: the answer was taken: {page:?}"));
        }
        let mut person = signed_in_at_all(&world, &pair[..1]).await;
        person.now_changes(|xml| one_more(xml, "LogoutRequest"));
        let page = person.visits(&left_at(&world, &pair[0])).await;
        let known = person.opens(&world.peer.page(name)).await;
        if known.value("uid").is_err() || !was_changed(&page) {
            wrong.push(format!("{name}: the request was taken: {page:?}"));
        }
    }
    world.report("refused", &wrong);
}

async fn world(kind: Kind) -> World {
    World::new(kind, plans(kind, &["both"])).await
}

fn left_at(world: &World, cell: &Cell) -> String {
    format!("{}/{}/logout", world.gateway.origin, cell.tenant.id)
}

/// Says one thing more, which changes nothing but what was signed.
fn one_more(xml: &str, message: &str) -> String {
    let start = format!("<saml2p:{message} ");
    xml.replacen(&start, &format!("{start}Consent=\"urn:changed\" "), 1)
}

fn was_changed(page: &Page) -> bool {
    page.carried.iter().any(|it| it.xml.contains("urn:changed"))
}

async fn signed_in_at_all(world: &World, cells: &[Cell]) -> Person {
    let mut person = Person::new();
    for cell in cells {
        assert_eq!(cell.tenant.id, cells[0].tenant.id, "service providers of one tenant");
        let page = world.visits(&mut person, cell).await;
        assert!(page.value("uid").is_ok(), "{page:?}");
    }
    person
}

/// That a logout ended where its beginner ends one that was answered well.
fn has_left(world: &World, page: &Page, cell: &Cell) -> Result<(), String> {
    let answer = page.carried.last().ok_or("nothing was carried")?;
    if !answer.xml.contains("LogoutResponse") || !answer.signed {
        return Err("no signed answer".to_owned());
    }
    if page.url.as_str() != world.peer.left(&cell.provider.name) {
        return Err("not at the end".to_owned());
    }
    let said: serde_json::Value =
        serde_json::from_str(&page.body).map_err(|error| error.to_string())?;
    if said["left"] == true { Ok(()) } else { Err("not left".to_owned()) }
}

/// Where they are known still.
async fn still_known(world: &World, person: &mut Person, cells: &[Cell]) -> Vec<String> {
    let mut wrong = Vec::new();
    for cell in cells {
        let name = &cell.provider.name;
        if person.opens(&world.peer.page(name)).await.value("uid").is_ok() {
            wrong.push(format!("{name}: still signed in"));
        }
    }
    let again = world.visits(person, &cells[0]).await;
    if !again.steps.iter().any(|step| step.ends_with("/sign-in")) {
        wrong.push(format!("{}: known to the gateway: {:?}", cells[0].tenant.id, again.steps));
    }
    wrong
}
