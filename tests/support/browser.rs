//! A real Chromium in front of the real program: for each test a fresh browser, and a `skybridge
//! demo` as users start it.

mod start;

use std::cell::RefCell;
use std::future::poll_fn;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::path::Path;
use std::pin::pin;
use std::sync::Arc;
use std::task::Poll;
use std::thread;
use std::time::Duration;

use reqwest::{Client, Method, RequestBuilder};
use serde_json::{Value, json};
use skybridge::app::resolve::Names;
use thirtyfour::prelude::*;
use thirtyfour::{BrowserLogEntry, LoggingPrefsLogLevel};
use url::Url;

use self::start::{Chromedriver, Demo, program};

/// How long a condition may take to become true on a machine that is busy with other tests.
const PATIENCE: Duration = Duration::from_mins(1);
/// How often it is looked at.
const POLL: Duration = Duration::from_millis(25);
/// What keeps Chromium from asking the world anything, and from being slow about it.
const ARGUMENTS: [&str; 12] = [
    "--headless=new",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-dev-shm-usage",
    "--disable-quic",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--no-first-run",
    "--no-proxy-server",
    "--hide-scrollbars",
    "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE *.localhost",
];

/// Whether pages may run scripts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Scripts {
    On,
    Off,
}

/// What kind of browser a test wants.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Wish {
    /// The languages that it asks for.
    pub(crate) languages: &'static str,
    /// Whether pages may run scripts.
    pub(crate) scripts: Scripts,
    /// Width and height of its pages.
    pub(crate) size: (u32, u32),
}

impl Default for Wish {
    fn default() -> Self {
        Self { languages: "en", scripts: Scripts::On, size: (1200, 900) }
    }
}

/// Goes through a test in a fresh browser. Whatever the test was about, the browser must not have
/// had to enforce a page's policy, nor looked beyond this machine.
pub(crate) async fn visit(wish: Wish, test: impl AsyncFnOnce(&Browser)) {
    let browser = Browser::open(wish).await;
    let outcome = caught(async {
        test(&browser).await;
        browser.must_be_content().await;
    })
    .await;
    // Also after a failure: a driver that is merely dropped takes a minute to quit.
    let quit = browser.driver.quit().await;
    if let Err(panic) = outcome {
        resume_unwind(panic);
    }
    quit.unwrap();
}

/// How something ended: well, or in a panic.
async fn caught(run: impl Future<Output = ()>) -> thread::Result<()> {
    let mut run = pin!(run);
    poll_fn(|context| match catch_unwind(AssertUnwindSafe(|| run.as_mut().poll(context))) {
        Ok(polled) => polled.map(Ok),
        Err(panic) => Poll::Ready(Err(panic)),
    })
    .await
}

/// A browser with a profile of its own.
pub(crate) struct Browser {
    driver: WebDriver,
    network: RefCell<Vec<Value>>,
    demo: Demo,
    /// For what browsers have no part in.
    http: Client,
    /// Ends after `driver` did.
    _chromedriver: Arc<Chromedriver>,
}

impl Browser {
    async fn open(wish: Wish) -> Self {
        let (demo, chromedriver) = (Demo::start(), Chromedriver::shared());
        let mut wanted = DesiredCapabilities::chrome();
        wanted.set_binary(&program("chromium")).unwrap();
        for argument in ARGUMENTS {
            wanted.add_arg(argument).unwrap();
        }
        wanted.add_arg(&format!("--accept-lang={}", wish.languages)).unwrap();
        if wish.scripts == Scripts::Off {
            let off = json!({ "profile.managed_default_content_settings.javascript": 2 });
            wanted.add_experimental_option("prefs", off).unwrap();
        }
        let (width, height) = wish.size;
        // A window may not be narrower than its own buttons; a device may.
        let device = json!({ "deviceMetrics": { "width": width, "height": height, "pixelRatio": 1,
            "touch": false, "mobile": false } });
        wanted.add_experimental_option("mobileEmulation", device).unwrap();
        wanted.set_logging_prefs("browser", LoggingPrefsLogLevel::All).unwrap();
        wanted.set_logging_prefs("performance", LoggingPrefsLogLevel::All).unwrap();
        let driver = WebDriver::new(&chromedriver.url, wanted).await.unwrap();
        let http = Client::builder().no_proxy().dns_resolver(Names).build().unwrap();
        Self { driver, network: RefCell::default(), demo, http, _chromedriver: chromedriver }
    }

    /// What no helper here offers.
    pub(crate) fn driver(&self) -> &WebDriver {
        &self.driver
    }

    /// An address at the partner's site.
    pub(crate) fn partner(&self, path: &str) -> String {
        format!("{}{path}", self.demo.partner)
    }

    /// An address at the gateway.
    pub(crate) fn gateway(&self, path: &str) -> String {
        format!("{}{path}", self.demo.gateway)
    }

    /// An address at the simulated cloud.
    pub(crate) fn cloud(&self, path: &str) -> String {
        format!("{}{path}", self.demo.cloud)
    }

    /// The directory of the demo, with the partner's keys.
    pub(crate) fn home(&self) -> &Path {
        self.demo.folder.path()
    }

    /// What the simulated cloud's API says, without the browser.
    pub(crate) async fn ask_cloud(&self, path: &str) -> Value {
        answer(self.http.get(self.cloud(path))).await
    }

    /// Has the simulated cloud's API do something, without the browser.
    pub(crate) async fn tell_cloud(&self, method: Method, path: &str, body: &Value) -> Value {
        answer(self.http.request(method, self.cloud(path)).body(body.to_string())).await
    }

    /// What the gateway's API tells the partner's back end.
    pub(crate) async fn ask_gateway(&self, path: &str) -> Value {
        let key = std::fs::read_to_string(self.home().join("partner-api.key")).unwrap();
        answer(self.http.get(self.gateway(path)).bearer_auth(key.trim())).await
    }

    /// Opens an address, as if typed.
    pub(crate) async fn open_page(&self, url: &str) {
        self.driver.goto(url).await.unwrap();
    }

    /// Clicks on the first element of this selector, once it is there.
    pub(crate) async fn click(&self, css: &str) {
        self.until(&format!("{css} can be clicked"), async || {
            self.driver.find(By::Css(css)).await.ok()?.click().await.ok()
        })
        .await;
    }

    /// Types into an empty field.
    pub(crate) async fn fill(&self, css: &str, text: &str) {
        let field = self
            .until(&format!("{css} is there"), async || self.driver.find(By::Css(css)).await.ok())
            .await;
        field.clear().await.unwrap();
        field.send_keys(text).await.unwrap();
    }

    /// Presses keys, wherever the focus is.
    pub(crate) async fn press(&self, keys: impl Into<TypingData>) {
        self.driver.active_element().await.unwrap().send_keys(keys).await.unwrap();
    }

    /// The text of an element, once it shows one.
    pub(crate) async fn text(&self, css: &str) -> String {
        self.until(&format!("{css} shows a text"), async || {
            let text = self.driver.find(By::Css(css)).await.ok()?.text().await.ok()?;
            (!text.is_empty()).then_some(text)
        })
        .await
    }

    /// An attribute or property of an element, once it has it.
    pub(crate) async fn attribute(&self, css: &str, name: &str) -> String {
        self.until(&format!("{css} has {name}"), async || {
            self.driver.find(By::Css(css)).await.ok()?.attr(name).await.ok()?
        })
        .await
    }

    /// What a field holds.
    pub(crate) async fn value(&self, css: &str) -> String {
        let field = self.driver.find(By::Css(css)).await.unwrap();
        field.value().await.unwrap().unwrap_or_default()
    }

    /// Whether the page shows such an element.
    pub(crate) async fn shows(&self, css: &str) -> bool {
        match self.driver.find(By::Css(css)).await {
            Ok(element) => element.is_displayed().await.unwrap(),
            Err(_) => false,
        }
    }

    /// The name of the element that has the focus.
    pub(crate) async fn focus(&self) -> String {
        let element = self.driver.active_element().await.unwrap();
        match element.attr("name").await.unwrap() {
            Some(name) => name,
            None => element.tag_name().await.unwrap(),
        }
    }

    /// Waits until the address begins like this, and gives all of it.
    pub(crate) async fn arrive(&self, prefix: &str) -> String {
        self.until(&format!("the address begins with {prefix}"), async || {
            let url = self.driver.current_url().await.ok()?.to_string();
            url.starts_with(prefix).then_some(url)
        })
        .await
    }

    /// Waits for the console: whose it is, and which page.
    pub(crate) async fn land(&self) -> (String, String) {
        self.arrive(&self.cloud("/")).await;
        (self.text("#account").await, self.text("#path").await)
    }

    /// Waits for our page that says no, and gives its code.
    pub(crate) async fn refusal(&self) -> String {
        self.attribute("[data-code]", "data-code").await
    }

    /// Goes on in the tab that was opened last.
    pub(crate) async fn newest_tab(&self) {
        let newest = self.driver.windows().await.unwrap().pop().unwrap();
        self.driver.switch_to_window(newest).await.unwrap();
    }

    /// Opens a tab and goes on there; gives the one before.
    pub(crate) async fn new_tab(&self) -> WindowHandle {
        let before = self.driver.window().await.unwrap();
        let tab = self.driver.new_tab().await.unwrap();
        self.driver.switch_to_window(tab).await.unwrap();
        before
    }

    /// Polls for a condition, with a deadline.
    pub(crate) async fn until<T>(&self, condition: &str, probe: impl AsyncFn() -> Option<T>) -> T {
        let polling = async {
            loop {
                if let Some(found) = probe().await {
                    return found;
                }
                tokio::time::sleep(POLL).await;
            }
        };
        if let Ok(found) = tokio::time::timeout(PATIENCE, polling).await {
            return found;
        }
        let url = self.driver.current_url().await;
        let page = self.driver.source().await.unwrap_or_default();
        panic!("after {PATIENCE:?} it is not true that {condition}, at {url:?}:\n{page}");
    }

    /// Every request of this browser so far: method and address.
    pub(crate) async fn requests(&self) -> Vec<(String, Url)> {
        let entries = self.driver.get_log("performance").await.unwrap();
        let parse = |entry: BrowserLogEntry| -> Value {
            serde_json::from_str::<Value>(&entry.message).unwrap()["message"].take()
        };
        self.network.borrow_mut().extend(entries.into_iter().map(parse));
        let network = self.network.borrow();
        let sent = network.iter().filter(|event| event["method"] == "Network.requestWillBeSent");
        let request = |event: &Value| {
            let request = &event["params"]["request"];
            let url = Url::parse(request["url"].as_str()?).ok()?;
            Some((request["method"].as_str()?.to_owned(), url))
        };
        sent.filter_map(request).collect()
    }

    /// What the browser noted since this was last asked for: pages that refuse, policies that it
    /// had to enforce.
    pub(crate) async fn log(&self) -> Vec<String> {
        let entries = self.driver.browser_log().await.unwrap();
        entries.into_iter().map(|entry| entry.message).collect()
    }

    async fn must_be_content(&self) {
        for (method, url) in self.requests().await {
            let near = url.host_str().is_some_and(|host| host.ends_with(".localhost"));
            assert!(near || ["data", "about"].contains(&url.scheme()), "{method} {url} left");
        }
        for message in self.log().await {
            // A refusal is a page with a 4xx status, which Chromium notes.
            let refusal = message.contains("the server responded with a status of 4");
            assert!(refusal && !message.contains("/assets/"), "{message}");
        }
    }
}

/// The JSON of an answer that is a success.
async fn answer(request: RequestBuilder) -> Value {
    let answer = request.send().await.unwrap();
    let (status, text) = (answer.status(), answer.text().await.unwrap());
    assert!(status.is_success(), "{status} {text}");
    serde_json::from_str(&text).unwrap()
}
