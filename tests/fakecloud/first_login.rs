//! First logins at the simulated cloud: create an account or bind one, tell the partner, stand in
//! the console.

use super::*;

const FIRST: &str = "xAccountType=ZXT&isFirstLogin=true&service=https%3a%2f%2fcloud.example%2fconsole%2fecs%2f%3fa%3d1";
const FORM: &str = "application/x-www-form-urlencoded";

/// A customer without an account, in front of the cloud's first page.
pub(crate) struct Newcomer {
    pub(crate) path: String,
    cookie: String,
}

impl Stage {
    /// A first login up to the cloud's page.
    pub(crate) async fn first_login(&self, account_id: &str) -> Newcomer {
        let sent = self.login(FIRST).await;
        let template = template(&sent, self.clock.now());
        let template = template.replace(">cust-0001<", &format!(">{account_id}<"));
        let answer = self.post(&sent, &partner().sign(&template)).await;
        assert_eq!(answer.status, StatusCode::FOUND, "{}", answer.body);
        let path = answer.header("location").to_owned();
        assert!(path.starts_with("/first-login/"), "{path}");
        Newcomer { path, cookie: sent.cookie }
    }

    pub(crate) async fn fill_in(
        &self,
        newcomer: &Newcomer,
        step: &str,
        fields: &[(&str, &str)],
    ) -> Answered {
        let request = Request::post(format!("{}{step}?lang=en", newcomer.path))
            .header("content-type", FORM)
            .header("cookie", &newcomer.cookie)
            .header("sec-fetch-site", "same-origin")
            .body(Body::from(form(fields)))
            .unwrap();
        self.call(request).await
    }

    async fn look(&self, newcomer: &Newcomer, step: &str) -> Answered {
        self.get(&format!("{}{step}", newcomer.path), &newcomer.cookie).await
    }

    /// An account that somebody has already.
    fn account(&self, name: &str, partner: Option<&str>) {
        let existing = serde_json::json!({"name": name, "password": PASSWORD, "partner": partner});
        self.cloud.open_account(serde_json::from_value(existing).unwrap()).unwrap();
    }

    /// The page that tells the partner, after a form was taken.
    async fn carried(&self, newcomer: &Newcomer, taken: &Answered) -> (Answered, Told) {
        assert_eq!(taken.status, StatusCode::FOUND, "{}", taken.body);
        assert_eq!(taken.header("location"), format!("{}/done?lang=en", newcomer.path));
        let page = self.get(taken.header("location"), &newcomer.cookie).await;
        assert_eq!(page.status, StatusCode::OK, "{}", page.body);
        let told = Told::read(&page.body);
        (page, told)
    }
}

const PASSWORD: &str = "Correct-horse-1";

fn wishes() -> [(&'static str, &'static str); 4] {
    [
        ("account_name", "li_lei_cloud"),
        ("mobile", "0086-13800000000"),
        ("email", "li@lei.example"),
        ("password", PASSWORD),
    ]
}

/// The wishes with one changed.
fn but(name: &str, value: &'static str) -> [(&'static str, &'static str); 4] {
    wishes().map(|(known, wish)| (known, if known == name { value } else { wish }))
}

/// A notification as the partner gets it.
pub(crate) struct Told {
    pub(crate) url: String,
    pub(crate) bind_request: String,
    pub(crate) sig_alg: String,
    pub(crate) signature: String,
}

impl Told {
    /// From the page's form.
    pub(crate) fn read(page: &str) -> Self {
        let field = |name: &str| {
            let value = between(page, &format!("name=\"{name}\" value=\""), "\"");
            value.replace("&#43;", "+").replace("&#61;", "=")
        };
        Self {
            url: between(page, "<form id=\"notify\" method=\"post\" action=\"", "\"").to_owned(),
            bind_request: field("bindRequest"),
            sig_alg: field("SigAlg"),
            signature: field("Signature"),
        }
    }

    /// From the API's answer.
    pub(crate) fn of(json: &serde_json::Value) -> Self {
        let field = |name: &str| json[name].as_str().unwrap_or_else(|| panic!("{json}")).to_owned();
        let told = Self {
            url: field("url"),
            bind_request: field("bindRequest"),
            sig_alg: field("SigAlg"),
            signature: field("Signature"),
        };
        let fields = [
            ("bindRequest", told.bind_request.as_str()),
            ("SigAlg", &told.sig_alg),
            ("Signature", &told.signature),
        ];
        assert_eq!(field("form"), form(&fields));
        told
    }

    /// What it says, after OpenSSL has verified it with the certificate of the metadata.
    pub(crate) fn verified(&self, stage: &Stage) -> serde_json::Value {
        assert_eq!(self.sig_alg, "http://www.w3.org/2001/04/xmldsig-more#rsa-sha256");
        assert!(
            openssl_verifies(&self.bind_request, &self.signature, &stage.cloud.certificates_pem()),
            "{}",
            self.bind_request
        );
        let other = format!("{}=", self.bind_request);
        assert!(!openssl_verifies(&other, &self.signature, &stage.cloud.certificates_pem()));
        serde_json::from_slice(&STANDARD.decode(&self.bind_request).unwrap()).unwrap()
    }
}

/// Whether `openssl dgst` finds the signature over `text` good.
fn openssl_verifies(text: &str, signature: &str, certificate: &str) -> bool {
    let folder = tempfile::tempdir().unwrap();
    let file = |name: &str, content: &[u8]| {
        let path = folder.path().join(name);
        std::fs::write(&path, content).unwrap();
        path
    };
    let openssl = || std::process::Command::new("openssl");
    let certificate = file("certificate.pem", certificate.as_bytes());
    let key = openssl().args(["x509", "-pubkey", "-noout", "-in"]).arg(certificate).output();
    let key = file("key.pem", &key.unwrap().stdout);
    let signature = file("signature", &STANDARD.decode(signature).unwrap());
    let verdict = openssl()
        .args(["dgst", "-sha256", "-verify"])
        .arg(key)
        .arg("-signature")
        .arg(signature)
        .arg(file("text", text.as_bytes()))
        .output()
        .unwrap();
    verdict.status.success()
}

#[tokio::test]
async fn the_vector_of_the_contract_is_judged_as_our_own_notifications_are() {
    let (Some(body), Some(certificate)) = (vectors("own/bind.form"), vectors("own/sp.crt")) else {
        return;
    };
    let fields: Vec<(String, String)> =
        url::form_urlencoded::parse(&body).map(|(n, v)| (n.into(), v.trim().into())).collect();
    let [(_, bind_request), _, (_, signature)] = &fields[..] else { panic!("{fields:?}") };
    let certificate = String::from_utf8(certificate).unwrap();
    assert!(openssl_verifies(bind_request, signature, &certificate));
    let decoded = String::from_utf8(STANDARD.decode(bind_request).unwrap()).unwrap();
    let keys = ["domainName", "domainId", "userName", "userId", "xUserId", "bindAction"];
    let at: Vec<_> = keys.map(|key| decoded.find(key)).into();
    assert!(at.is_sorted() && at[0].is_some(), "{decoded}");
}

// ── Create
// ─────────────────────────────────────────────────────────────────────────────────────────────────

#[tokio::test]
async fn the_page_is_filled_in_from_the_assertion_and_leads_to_binding() {
    let stage = Stage::new();
    let newcomer = stage.first_login("cust-0002").await;
    let page = stage.look(&newcomer, "?lang=en").await;
    assert_eq!(page.status, StatusCode::OK, "{}", page.body);
    for shown in [
        "name=\"account_name\"",
        "value=\"李雷 &#60;b&#62;\"",
        "value=\"0086-13800000000\"",
        &format!("id=\"existing\" href=\"{}/existing?lang=en\"", newcomer.path),
    ] {
        assert!(page.body.contains(shown), "{shown} in {}", page.body);
    }
    assert!(!page.body.contains("id=\"code\""), "nothing is wrong yet");
    let chinese = stage.look(&newcomer, "?lang=zh").await;
    assert!(chinese.body.contains("已有账号"), "{}", chinese.body);
    assert!(
        page.header("content-security-policy").contains("form-action 'self' https://cloud.example")
    );
    let last = stage.cloud.exchanges().pop().unwrap();
    assert_eq!(last.verdict, Verdict::Accepted);
}

#[tokio::test]
async fn a_customer_creates_an_account_the_partner_is_told_and_the_console_opens() {
    let stage = Stage::new();
    let newcomer = stage.first_login("cust-0002").await;
    let taken = stage.fill_in(&newcomer, "", &wishes()).await;
    let session = cookie(&taken);
    let (page, told) = stage.carried(&newcomer, &taken).await;

    assert_eq!(told.url, "https://sso.partner.example/bind");
    let said = told.verified(&stage);
    let account = stage.cloud.accounts().pop().unwrap();
    assert_eq!(
        said,
        serde_json::json!({
            "domainName": "li_lei_cloud",
            "domainId": account.domain_id,
            "userName": account.user_name,
            "userId": account.user_id,
            "xUserId": "cust-0002",
            "bindAction": "0",
        })
    );
    assert_eq!(account.mobile.as_deref(), Some("13800000000"));
    assert!(account.is_associated_with("bp-0001", stage.clock.now()));

    assert!(page.body.contains("<script defer src=\"/notify.js\"></script>"));
    assert!(page.body.contains("<noscript>") && page.body.contains("<button type=\"submit\">"));
    let policy = page.header("content-security-policy");
    assert!(policy.contains("script-src 'self'; ") && policy.contains("default-src 'none'"));
    assert!(policy.ends_with("form-action https://sso.partner.example https:"), "{policy}");
    assert_eq!(stage.get("/notify.js", "").await.status, StatusCode::OK);

    let console = stage.get("/console/ecs/?a=1", &session).await;
    assert!(console.body.contains("<strong id=\"account\">cust-0002</strong>"));
    let again = stage.look(&newcomer, "/done").await;
    assert_eq!(Told::read(&again.body).bind_request, told.bind_request, "a reload is a replay");
}

#[tokio::test]
async fn from_then_on_the_customer_signs_in_as_any_other() {
    let stage = Stage::new();
    let newcomer = stage.first_login("cust-0002").await;
    stage.fill_in(&newcomer, "", &wishes()).await;
    let customer = |xml: String| xml.replace(">cust-0001<", ">cust-0002<");
    let answer = stage.answer(customer, same).await;
    assert_eq!(answer.header("location"), "https://cloud.example/console/ecs/?a=1");
}

#[tokio::test]
async fn a_double_click_and_a_second_tab_make_one_account() {
    let stage = Stage::new();
    let first = stage.first_login("cust-0002").await;
    let second = stage.first_login("cust-0002").await;
    let taken = stage.fill_in(&first, "", &wishes()).await;
    let (_, told) = stage.carried(&first, &taken).await;
    let again = stage.fill_in(&first, "", &but("account_name", "another_name")).await;
    let (_, told_again) = stage.carried(&first, &again).await;
    assert_eq!(told.bind_request, told_again.bind_request);

    let other_tab = stage.fill_in(&second, "", &but("account_name", "another_name")).await;
    let onward = stage.get(other_tab.header("location"), &second.cookie).await;
    assert_eq!(onward.header("location"), "https://cloud.example/console/ecs/?a=1");
    let console = stage.get("/iam/", &cookie(&other_tab)).await;
    assert_eq!(console.status, StatusCode::OK);
    assert_eq!(stage.cloud.accounts().len(), 2, "the provisioned one, and one more");
    let page = stage.look(&first, "").await;
    assert_eq!(page.header("location"), format!("{}/done?lang=en", first.path));
}

#[tokio::test]
async fn a_platform_without_an_address_for_results_is_told_nothing() {
    let stage = Stage::new();
    stage.cloud.provision(&Provision { callback_url: None, ..provision() }).unwrap();
    let newcomer = stage.first_login("cust-0002").await;
    let taken = stage.fill_in(&newcomer, "", &wishes()).await;
    let onward = stage.get(taken.header("location"), &newcomer.cookie).await;
    assert_eq!(onward.header("location"), "https://cloud.example/console/ecs/?a=1");
    assert!(stage.cloud.notifications().is_empty());
}

#[tokio::test]
async fn an_account_that_the_cloud_would_not_make_is_refused_and_the_form_kept() {
    let stage = Stage::new();
    stage.account("taken_name", None);
    for (name, value, fault) in [
        ("account_name", "", Fault::AccountNameWrong),
        ("account_name", "four", Fault::AccountNameWrong),
        ("account_name", "1digit_first", Fault::AccountNameWrong),
        ("account_name", "op_prefix", Fault::AccountNameWrong),
        ("account_name", "李雷的云账号", Fault::AccountNameWrong),
        ("account_name", "taken_name", Fault::AccountNameTaken),
        ("mobile", "0086-CALLME", Fault::ContactWrong),
        ("email", "nobody", Fault::ContactWrong),
        ("email", "", Fault::ContactWrong),
        ("password", "", Fault::PasswordWeak),
        ("password", "Short-1", Fault::PasswordWeak),
        ("password", "onlysmallletters", Fault::PasswordWeak),
        ("password", "li_lei_cloud", Fault::PasswordWeak),
        ("password", "duolc_iel_il", Fault::PasswordWeak),
        ("password", "a-13800000000", Fault::PasswordWeak),
    ] {
        let newcomer = stage.first_login("cust-0002").await;
        let refused = stage.fill_in(&newcomer, "", &but(name, value)).await;
        refused.refused_with(fault);
        assert!(refused.body.contains("action=\"/first-login/"), "the form is there again");
        assert!(!refused.body.contains(PASSWORD), "the password is not");
        if name != "email" {
            assert!(refused.body.contains("value=\"li@lei.example\""), "{}", refused.body);
        }
    }
    assert_eq!(stage.cloud.accounts().len(), 2, "nothing was made");
    assert!(stage.cloud.notifications().is_empty());
    stage.fill_in(&stage.first_login("cust-0002").await, "", &wishes()).await;
    let newcomer = stage.first_login("cust-0003").await;
    let refused = stage.fill_in(&newcomer, "", &but("account_name", "other_name")).await;
    refused.refused_with(Fault::ContactTaken);
}

#[tokio::test]
async fn the_china_site_asks_for_a_mobile_number_and_the_others_for_an_address() {
    for (site, missing) in [(Site::Cn, "mobile"), (Site::Eu, "email")] {
        let stage = Stage::at(BASE, Knobs::default(), site);
        let newcomer = stage.first_login("cust-0002").await;
        let refused = stage.fill_in(&newcomer, "", &but(missing, "")).await;
        refused.refused_with(Fault::ContactWrong);
        let other = if missing == "mobile" { "email" } else { "mobile" };
        let taken = stage.fill_in(&newcomer, "", &but(other, "")).await;
        assert_eq!(taken.status, StatusCode::FOUND, "{}", taken.body);
    }
}

#[tokio::test]
async fn the_risk_control_lets_nobody_create_but_still_bind() {
    let stage = Stage::with(Knobs { registrations: Registrations::Exceeded, ..Knobs::default() });
    stage.account("they_have_one", None);
    let newcomer = stage.first_login("cust-0002").await;
    let refused = stage.fill_in(&newcomer, "", &wishes()).await;
    refused.refused_with(Fault::RegistrationsExceeded);
    assert!(refused.body.contains("registrations from your client exceed the limit"));
    let fields = [("account_name", "they_have_one"), ("password", PASSWORD)];
    let taken = stage.fill_in(&newcomer, "/existing", &fields).await;
    stage.carried(&newcomer, &taken).await;
}

// ── Bind
// ─────────────────────────────────────────────────────────────────────────────────────────────────

#[tokio::test]
async fn a_customer_binds_the_account_that_they_have() {
    let stage = Stage::with(Knobs {
        bind_action_type: BindActionType::Number,
        certificates: Certificates::TwoFirstSigns,
        ..Knobs::default()
    });
    stage.account("they_have_one", None);
    let newcomer = stage.first_login("cust-0002").await;
    let page = stage.look(&newcomer, "/existing?lang=en").await;
    assert!(page.body.contains("Bind an existing account"), "{}", page.body);
    let fields = [("account_name", "they_have_one"), ("password", PASSWORD)];
    let taken = stage.fill_in(&newcomer, "/existing", &fields).await;
    let (_, told) = stage.carried(&newcomer, &taken).await;
    let said = told.verified(&stage);
    let account = stage.cloud.accounts().pop().unwrap();
    assert_eq!(said["domainId"], account.domain_id.as_str());
    assert_eq!(said["bindAction"], 0, "as a number");
    assert!(account.is_associated_with("bp-0001", stage.clock.now()));
    assert_eq!(account.link.unwrap().account_id, "cust-0002");
    assert_eq!(stage.get("/iam/", &cookie(&taken)).await.status, StatusCode::OK);
}

#[tokio::test]
async fn every_reason_against_binding_is_shown_with_its_code_in_both_languages() {
    let stage = Stage::new();
    stage.account("they_have_one", None);
    let newcomer = stage.first_login("cust-0002").await;
    let body = form(&[("account_name", "they_have_one"), ("password", PASSWORD)]);
    for reason in BindRefusal::ALL {
        let bind_refusals = [("they_have_one".to_owned(), *reason)].into();
        stage.cloud.set_knobs(Knobs { bind_refusals, ..Knobs::default() }).unwrap();
        for (language, text) in [("zh", reason.chinese()), ("en", reason.english())] {
            let request = Request::post(format!("{}/existing?lang={language}", newcomer.path))
                .header("cookie", &newcomer.cookie)
                .body(Body::from(body.clone()))
                .unwrap();
            let refused = stage.call(request).await;
            assert_eq!(refused.status, StatusCode::CONFLICT, "{reason}");
            let shown = format!("id=\"code\">{reason}</strong> <span id=\"why\">{text}</span>");
            assert!(refused.body.contains(&shown), "{shown} in {}", refused.body);
            assert!(refused.body.contains("id=\"advice\""), "{}", refused.body);
            assert_eq!(refused.header("set-cookie"), "");
        }
    }
    assert_eq!(stage.cloud.accounts().pop().unwrap().link, None);
    stage.cloud.set_knobs(Knobs::default()).unwrap();
    let fields = [("account_name", "they_have_one"), ("password", PASSWORD)];
    let taken = stage.fill_in(&newcomer, "/existing", &fields).await;
    assert_eq!(taken.status, StatusCode::FOUND, "without a reason it is bound");
}

#[tokio::test]
async fn an_account_is_bound_to_one_customer_of_one_partner_who_knows_its_password() {
    let stage = Stage::new();
    stage.account("they_have_one", None);
    stage.account("of_another_partner", Some("bp-0002"));
    let second = stage.first_login("cust-0003").await;
    let bind = async |who: &Newcomer, name: &str, password: &str| {
        let fields = [("account_name", name), ("password", password)];
        stage.fill_in(who, "/existing", &fields).await
    };
    bind(&second, "they_have_one", "Wrong-horse-1").await.refused_with(Fault::WrongPassword);
    bind(&second, "they_have_none", PASSWORD).await.refused_with(Fault::WrongPassword);
    let elsewhere = bind(&second, "of_another_partner", PASSWORD).await;
    assert!(elsewhere.body.contains(&format!(">{}<", BindRefusal::AssociatedElsewhere)));
    let first = stage.first_login("cust-0002").await;
    assert_eq!(bind(&first, "they_have_one", PASSWORD).await.status, StatusCode::FOUND);
    bind(&second, "they_have_one", PASSWORD).await.refused_with(Fault::AccountOfAnother);
}

// ── Who may be there
// ─────────────────────────────────────────────────────────────────────────────────────────────────

#[tokio::test]
async fn a_first_login_is_open_for_its_own_browser_and_for_a_while() {
    let stage = Stage::new();
    let newcomer = stage.first_login("cust-0002").await;
    let elsewhere = Newcomer {
        path: newcomer.path.clone(),
        cookie: "fakecloud_browser=somebody-else".to_owned(),
    };
    for step in ["", "/existing", "/done"] {
        stage.look(&elsewhere, step).await.refused_with(Fault::OtherBrowser);
    }
    stage.fill_in(&elsewhere, "", &wishes()).await.refused_with(Fault::OtherBrowser);
    stage.fill_in(&elsewhere, "/existing", &[]).await.refused_with(Fault::OtherBrowser);
    let request = Request::post(&newcomer.path)
        .header("cookie", &newcomer.cookie)
        .header("sec-fetch-site", "cross-site")
        .body(Body::from(form(&wishes())))
        .unwrap();
    stage.call(request).await.refused_with(Fault::CrossSite);
    let waiting = stage.look(&newcomer, "/done").await;
    assert_eq!(waiting.header("location"), format!("{}?lang=en", newcomer.path));

    stage.clock.advance(Duration::minutes(20));
    stage.look(&newcomer, "").await.refused_with(Fault::FirstLoginOver);
    stage.fill_in(&newcomer, "", &wishes()).await.refused_with(Fault::FirstLoginOver);
    stage.get("/first-login/nobody", "").await.refused_with(Fault::FirstLoginOver);
    assert_eq!(stage.cloud.accounts().len(), 1);
}
