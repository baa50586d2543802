//! The pictures of `docs/screenshots.md`: a tour through all pages, in both languages, wide and
//! narrow. `SKYBRIDGE_WRITE_DOCS=1 cargo test --test integration browser::album` keeps them;
//! without it the tour shows that each page has its picture, and no page that is gone.

use std::cell::RefCell;
use std::collections::BTreeSet;
use std::fs;
use std::path::PathBuf;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use reqwest::Method;
use serde_json::json;

use super::logout::leaves_where_one_hangs;
use super::open_account::{OPEN, at_the_form, code};
use super::{BOBS, become_customer, must_fit};
use crate::support::browser::{Browser, Scripts, Wish, visit};
use crate::support::gateway::callee::{Callee, Manner};

/// Width and height of a page in pixels: as on a desk and in a hand.
const WIDE: (u32, u32) = (1200, 757);
const NARROW: (u32, u32) = (500, 757);

#[tokio::test]
async fn every_page_is_in_the_album() {
    let mut taken = BTreeSet::new();
    for (languages, size) in [("en", WIDE), ("zh-CN", NARROW), ("zh-CN", WIDE), ("en", NARROW)] {
        let wish = Wish { languages, scripts: Scripts::Off, size };
        let album = Album { wish, taken: RefCell::default() };
        visit(wish, async |browser| {
            if (languages == "en") == (size == WIDE) {
                partner_and_gateway(browser, &album).await;
                cloud(browser, &album).await;
            }
            own_page(browser, &album).await;
            first_login(browser, &album).await;
        })
        .await;
        if (languages == "en") == (size == WIDE) {
            let wish = Wish { scripts: Scripts::On, ..wish };
            visit(wish, async |browser| logout(browser, &album).await).await;
        }
        taken.append(&mut album.taken.borrow_mut());
    }
    let kept = fs::read_dir(folder()).unwrap();
    let kept: BTreeSet<_> =
        kept.map(|file| file.unwrap().file_name().into_string().unwrap()).collect();
    assert_eq!(taken, kept, "SKYBRIDGE_WRITE_DOCS=1 takes them anew");
    let shown = fs::read_to_string(folder().join("../screenshots.md")).unwrap();
    for picture in &taken {
        assert!(shown.contains(&format!("(screenshots/{picture})")), "{picture} is not shown");
    }
}

/// Where pictures are put.
struct Album {
    wish: Wish,
    taken: RefCell<BTreeSet<String>>,
}

impl Album {
    /// Takes a picture of the whole page, once it shows this element.
    async fn take(&self, browser: &Browser, page: &str, css: &str) {
        must_fit(browser, css).await;
        let language = &self.wish.languages[..2];
        let width = if self.wish.size == WIDE { "wide" } else { "narrow" };
        let name = format!("{page}-{language}-{width}.png");
        let tall = "return document.documentElement.scrollHeight";
        let tall = browser.driver().execute(tall, vec![]).await.unwrap().convert::<u32>().unwrap();
        let (width, height) = (self.wish.size.0, tall.max(self.wish.size.1));
        let whole = json!({
            "captureBeyondViewport": true,
            "clip": { "x": 0, "y": 0, "width": width, "height": height, "scale": 1 },
        });
        let cdp = browser.driver().cdp();
        let picture = cdp.send_raw("Page.captureScreenshot", whole).await.unwrap();
        let picture = STANDARD.decode(picture["data"].as_str().unwrap()).unwrap();
        // The width in the header of a PNG.
        assert_eq!(picture[16..20], width.to_be_bytes(), "{name}");
        if std::env::var_os("SKYBRIDGE_WRITE_DOCS").is_some() {
            fs::write(folder().join(&name), picture).unwrap();
        }
        assert!(self.taken.borrow_mut().insert(name), "{page} twice");
    }
}

fn folder() -> PathBuf {
    PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/docs/screenshots"))
}

async fn partner_and_gateway(browser: &Browser, album: &Album) {
    browser.open_page(&browser.partner("/")).await;
    album.take(browser, "partner", "#go-servers").await;
    browser.open_page(&browser.gateway("/bravo/cloud")).await;
    album.take(browser, "sign-in", "#password").await;
    browser.fill("#username", "carol").await;
    browser.fill("#password", "carol-fell-off-the-bridge").await;
    browser.click("form button").await;
    album.take(browser, "sign-in-wrong", "[role=alert]").await;
    browser.open_page(&browser.gateway("/acme/launch?ticket=nobodys")).await;
    album.take(browser, "error", "[data-code]").await;
    browser.open_page(&browser.partner("/go/api/servers")).await;
    album.take(browser, "deliver", "#deliver button").await;
    browser.click("#deliver button").await;
    album.take(browser, "console", "#account").await;
    browser.click("a[href='/authui/logout']").await;
    browser.arrive(&browser.gateway("/acme/saml/logout")).await;
    album.take(browser, "signed-out", "article h1").await;
}

async fn cloud(browser: &Browser, album: &Album) {
    browser.open_page(&browser.cloud("/provision")).await;
    album.take(browser, "provision", "form").await;
}

/// Alice leaves everywhere, but one service hangs and another cannot.
async fn logout(browser: &Browser, album: &Album) {
    let callee = Callee::start(Manner::Failed).await;
    let (_, host) = leaves_where_one_hangs(browser, &callee).await;
    browser.driver().back().await.unwrap();
    browser.arrive(&format!("{host}/bravo/logout/")).await;
    album.take(browser, "leaving", "#skip").await;
    browser.click("#skip").await;
    album.take(browser, "signed-out-partly", "#missed").await;
}

/// Erin opens an account on our page.
async fn own_page(browser: &Browser, album: &Album) {
    browser.open_page(&browser.partner("/")).await;
    become_customer(browser, ("erin", "cust-3001")).await;
    album.take(browser, "partner-erin", "#codes").await;
    browser.open_page(&browser.partner("/go/api/servers")).await;
    album.take(browser, "open", "button[value=send-code]").await;
    at_the_form(browser).await;
    album.take(browser, "open-code", OPEN).await;
    browser.fill("#code", "000000").await;
    browser.click(OPEN).await;
    album.take(browser, "open-wrong", "[role=alert]").await;
    browser.open_page(&browser.cloud("/")).await;
    album.take(browser, "codes", "#codes").await;
    browser.driver().back().await.unwrap();
    // The cloud takes its time, so that the customer has to wait.
    let slow = json!({ "association_delay_ms": 60_000 });
    browser.tell_cloud(Method::PUT, "/api/knobs", &slow).await;
    at_the_form(browser).await;
    browser.fill("#code", &code(browser).await).await;
    browser.click(OPEN).await;
    album.take(browser, "coming", "main a.button[href*=open-account]").await;
}

/// Bob opens one on the cloud's page.
async fn first_login(browser: &Browser, album: &Album) {
    browser.open_page(&browser.partner("/")).await;
    become_customer(browser, ("bob", "cust-1002")).await;
    browser.open_page(&browser.partner("/go/api/servers")).await;
    browser.click("#deliver button").await;
    browser.fill("#password", BOBS).await;
    album.take(browser, "create", "#password").await;
    browser.click("form button").await;
    browser.arrive(&browser.cloud("/first-login/")).await;
    browser.click("#notify button").await;
    album.take(browser, "linked", "main a.button").await;
}
