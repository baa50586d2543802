//! Layer 3, sso: our own page on which a customer opens an account at the cloud, where the tenant
//! chooses it: what was typed, the cloud's code, the consent, and on into the console.

use serde::{Deserialize, Serialize};
use serde_json::json;

use super::code::{Sender, Unsent};
use super::launch::{Door, enabled};
use super::session::{decode, encode};
use super::{Browser, Sso, Step, Turn, Visit};
use crate::account::{Evidence, Outcome, Remote, Request, Wanted, Wisher, is_over, rfc3339};
use crate::cloud::agreement::Document;
use crate::cloud::api::{Failure, Language, Subject};
use crate::limits;
use crate::refusal::{Code, Refusal};
use crate::secret;
use crate::store::account::{Intent, IntentId, IntentStep, LinkState};
use crate::store::record::{Link, Person, Session, Tenant};
use crate::store::{Key, Kind};

/// A form that was sent.
#[derive(Clone, Copy)]
pub struct Sent<'a> {
    /// The account's name; empty to have one made up.
    pub name: &'a str,
    /// Telephone number or e-mail address.
    pub contact: &'a str,
    /// The code that the cloud sent there.
    pub code: &'a str,
    /// The country, where the cloud asks for one.
    pub area: &'a str,
    /// Whether the cloud's documents were agreed to.
    pub consent: Consent,
    /// Which button was pressed.
    pub button: Button,
    /// The form's token.
    pub csrf: &'a str,
    /// The language of the page, which is that of the documents and of the code.
    pub language: Language,
}

/// Whether the box was ticked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Consent {
    /// It was.
    Given,
    /// It was not.
    Missing,
}

/// What a button of the form asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Button {
    /// A code to the contact.
    SendCode,
    /// The account.
    Open,
}

/// What the form holds when it is shown.
#[derive(Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Draft {
    /// The account's name.
    pub name: String,
    /// Telephone number or e-mail address.
    pub contact: String,
    /// The country.
    pub area: String,
    /// Whether a code was sent.
    pub code_sent: bool,
    /// The creation that was begun with it.
    creation: Option<String>,
}

impl std::fmt::Debug for Draft {
    /// Says nothing of what was typed (B-34).
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Draft(…)")
    }
}

/// The form as it is to be shown.
#[derive(Debug)]
pub struct Opening {
    /// The page of the cloud to land on.
    pub service: Option<String>,
    /// What is typed already.
    pub draft: Draft,
    /// The code that was typed, unless it was refused; it is not kept.
    pub code: String,
    /// Whether the box was ticked.
    pub consent: Consent,
    /// What was wrong.
    pub problem: Option<Code>,
}

/// Somebody at the form.
struct Guest<'a> {
    visit: &'a Visit,
    browser: &'a Browser,
    session: Session,
    service: Option<&'a str>,
}

impl Sso {
    /// The form, or where the customer stands already.
    ///
    /// # Errors
    /// [`Code::CustomerDisabled`], [`Code::LinkConflict`], [`Code::ServiceNotAllowed`], or a
    /// store's refusal.
    pub async fn opening(
        &self,
        visit: &Visit,
        browser: &Browser,
        service: Option<&str>,
    ) -> Result<Turn, Refusal> {
        let Some(guest) = self.guest(visit, browser, service).await? else {
            return self.go_to_cloud(visit, browser, service, Door::Chosen).await;
        };
        let person = &guest.session.person;
        let draft = self.draft(&visit.tenant, person).await?;
        let account = self.book.find(&visit.tenant.id, &person.user_id).await?;
        if account.state == LinkState::Creating {
            return Ok(self.turn(&guest, Step::AccountComing { service: owned(service) }));
        }
        // What came of a creation that took longer than the form waited.
        let problem = match &draft.creation {
            Some(id) => {
                let id = IntentId(id.clone());
                let intent = self.book.ledger().intent(&visit.tenant.id, &id).await?;
                let failed = intent.filter(|intent| intent.step == IntentStep::Failed);
                failed.as_ref().and_then(code_of)
            }
            None => None,
        };
        Ok(self.form(&guest, draft, problem))
    }

    /// Takes the form. Sending it twice, from wherever, opens one account.
    ///
    /// # Errors
    /// Those of [`Sso::opening`]; what is wrong with the form is in its next showing.
    pub async fn open(
        &self,
        visit: &Visit,
        browser: &Browser,
        service: Option<&str>,
        sent: &Sent<'_>,
    ) -> Result<Turn, Refusal> {
        let Some(guest) = self.guest(visit, browser, service).await? else {
            return self.go_to_cloud(visit, browser, service, Door::Chosen).await;
        };
        let tenant = &visit.tenant;
        let mut draft = self.draft(tenant, &guest.session.person).await?;
        draft.name = cut(sent.name);
        draft.contact = cut(sent.contact).split_whitespace().collect();
        draft.area = cut(sent.area).to_uppercase();
        draft.creation = None;
        if let Err(refused) = Self::check_form(browser, sent.csrf) {
            return Ok(self.again(&guest, draft, sent, refused.code));
        }
        let done = match sent.button {
            Button::SendCode => self.send_code(&guest, &mut draft, sent.language).await,
            Button::Open => self.begin_opening(&guest, &mut draft, sent).await,
        };
        self.keep(tenant, &guest.session.person, &draft).await?;
        match done {
            Ok(Some(intent)) if intent.step == IntentStep::Failed => {
                let problem = code_of(&intent).unwrap_or(Code::Internal);
                Ok(self.again(&guest, draft, sent, problem))
            }
            // By a redirect, so that a reload sends nothing again.
            Ok(intent) if intent.as_ref().is_none_or(|intent| !is_over(intent)) => {
                Ok(self.turn(&guest, Step::OpenAccountHere { service: owned(service) }))
            }
            Ok(_) => self.go_to_cloud(visit, browser, service, Door::Chosen).await,
            Err(refused) if refused.code == Code::AlreadyLinked => {
                self.go_to_cloud(visit, browser, service, Door::Chosen).await
            }
            Err(refused) => {
                let (tenant, code) = (tenant.id.as_str(), refused.code);
                tracing::info!(tenant, %code, cause = %refused.cause, "no account was opened");
                Ok(self.again(&guest, draft, sent, refused.code))
            }
        }
    }

    /// Whether this customer opens an account on our page.
    pub(super) async fn opens_here(
        &self,
        tenant: &Tenant,
        person: &Person,
    ) -> Result<bool, Refusal> {
        if !self.own_pages.contains(&tenant.id) {
            return Ok(false);
        }
        let state = self.book.find(&tenant.id, &person.user_id).await?.state;
        // A link whose end is not certain may be bound anew at the cloud only.
        Ok(!matches!(state, LinkState::Linked | LinkState::Unlinking | LinkState::Conflict))
    }

    /// Who is signed in and opens an account here; nobody else is at the right page.
    async fn guest<'a>(
        &self,
        visit: &'a Visit,
        browser: &'a Browser,
        service: Option<&'a str>,
    ) -> Result<Option<Guest<'a>>, Refusal> {
        let tenant = &visit.tenant;
        self.check_service(tenant, service)?;
        let found = self.session(tenant, browser).await?;
        let Some((session, customer)) = self.present(tenant, found).await? else {
            return Ok(None);
        };
        let link = enabled(customer)?;
        let here = link == Link::Unlinked && self.opens_here(tenant, &session.person).await?;
        Ok(here.then_some(Guest { visit, browser, session, service }))
    }

    /// Asks the cloud to send a code, unless it did a moment ago.
    async fn send_code(
        &self,
        guest: &Guest<'_>,
        draft: &mut Draft,
        language: Language,
    ) -> Result<Option<Intent>, Refusal> {
        let tenant = &guest.visit.tenant;
        let remote = self.creations.remotes().of(&tenant.id)?;
        if draft.contact.is_empty() {
            return Err(Refusal::new(Code::ContactUnusable, "expected a contact, found nothing"));
        }
        let contact = remote.contact(&draft.contact).map_err(|failure| failure.refusal())?;
        available(&**remote, draft, language).await?;
        let sender = Sender::Customer(&guest.session.person);
        match self.send_code_to(tenant, &contact, sender, language).await {
            // A double click is no fault.
            Ok(()) | Err(Unsent::JustNow) => {
                draft.code_sent = true;
                Ok(None)
            }
            Err(Unsent::Refused(refused)) => Err(refused),
        }
    }

    /// Begins the creation, and waits a little for its end.
    async fn begin_opening(
        &self,
        guest: &Guest<'_>,
        draft: &mut Draft,
        sent: &Sent<'_>,
    ) -> Result<Option<Intent>, Refusal> {
        if sent.consent == Consent::Missing {
            return Err(Refusal::new(Code::ConsentMissing, "expected a consent, found none"));
        }
        let (tenant, person) = (&guest.visit.tenant, &guest.session.person);
        let some = |text: &str| Some(text.trim().to_owned()).filter(|text| !text.is_empty());
        let wanted = Wanted {
            domain_name: some(&draft.name),
            contact: Some((draft.contact.clone(), cut(sent.code))),
            area: some(&draft.area),
            indirect_partner: None,
        };
        let fits = self.creations.fits(&tenant.id, person, &wanted);
        fits.map_err(|failure: Failure| failure.refusal())?;
        let evidence = Evidence(json!({
            "source": "page",
            "journey": guest.session.journey,
            "consent": self.consent(guest, sent.language)?,
        }));
        let wish = Request {
            person,
            wished_by: Wisher::Customer,
            wanted: &wanted,
            idempotency_key: None,
            evidence: &evidence,
        };
        let intent = self.create_account(guest.visit, wish).await?;
        draft.creation = Some(intent.id.0.clone());
        let patience = limits::OPENING_PATIENCE;
        Ok(Some(self.creations.settled(&tenant.id, &intent.id, patience).await?))
    }

    /// What was agreed to: which documents, in which language and version, and when.
    fn consent(&self, guest: &Guest<'_>, language: Language) -> Result<serde_json::Value, Refusal> {
        let agreements = guest.visit.profile.agreements.as_ref().ok_or_else(|| {
            Refusal::new(Code::Internal, "expected a profile with agreements, found none")
        })?;
        let address = |document: &Document| match language {
            Language::En => document.en.to_string(),
            Language::Zh => document.zh.to_string(),
        };
        Ok(json!({
            "user_agreement": address(&agreements.user_agreement),
            "privacy_statement": address(&agreements.privacy_statement),
            "version": agreements.version.as_ref().map(ToString::to_string),
            "given_at": rfc3339(self.clock.now()),
        }))
    }

    fn form(&self, guest: &Guest<'_>, draft: Draft, problem: Option<Code>) -> Turn {
        let (service, code, consent) = (owned(guest.service), String::new(), Consent::Missing);
        let opening = Opening { service, draft, code, consent, problem };
        self.turn(guest, Step::OpenAccount(Box::new(opening)))
    }

    /// The form with all that was sent, but for a code that was refused.
    fn again(&self, guest: &Guest<'_>, draft: Draft, sent: &Sent<'_>, problem: Code) -> Turn {
        let is_refused = matches!(
            problem,
            Code::VerificationCodeWrong
                | Code::VerificationCodeExpired
                | Code::VerificationCodeExhausted
        );
        let code = if is_refused { String::new() } else { cut(sent.code) };
        let (service, consent) = (owned(guest.service), sent.consent);
        let opening = Opening { service, draft, code, consent, problem: Some(problem) };
        self.turn(guest, Step::OpenAccount(Box::new(opening)))
    }

    fn turn(&self, guest: &Guest<'_>, step: Step) -> Turn {
        let (_, binding) = self.binding(guest.browser);
        let customer = self.pseudonym(&guest.visit.tenant, &guest.session.person);
        let turn = Turn { binding, ..Turn::of(step) };
        turn.for_customer(customer).on_journey(&guest.session.journey)
    }

    /// What was typed before, or what the partner told about the customer.
    async fn draft(&self, tenant: &Tenant, person: &Person) -> Result<Draft, Refusal> {
        if let Some(octets) = self.store.get(&draft_key(tenant, person)).await? {
            return decode(&octets);
        }
        let kind = self.creations.remotes().of(&tenant.id)?.rules().contact;
        let contact = match kind {
            crate::cloud::api::ContactKind::Mobile => &person.mobile,
            crate::cloud::api::ContactKind::Email => &person.email,
        };
        Ok(Draft {
            name: person.name.clone().unwrap_or_default(),
            contact: contact.clone().unwrap_or_default(),
            ..Draft::default()
        })
    }

    async fn keep(&self, tenant: &Tenant, person: &Person, draft: &Draft) -> Result<(), Refusal> {
        let key = draft_key(tenant, person);
        Ok(self.store.put(&key, &encode(draft)?, limits::PENDING_LIFE).await?)
    }
}

/// Asks early what would otherwise cost the customer a code.
async fn available(remote: &dyn Remote, draft: &Draft, language: Language) -> Result<(), Refusal> {
    let refusal = |failure: Failure| failure.refusal();
    let contact = Subject::Contact(&draft.contact);
    let contact = remote.check(contact, language).await.map_err(refusal)?;
    if !contact.is_available && contact.remaining.unwrap_or(0) == 0 {
        return Err(Refusal::new(Code::ContactUsed, "expected a free contact, found a used one"));
    }
    // The check knows no names that begin so; creation does (contract §7.4, §7.6).
    if draft.name.is_empty() || draft.name.starts_with('_') {
        return Ok(());
    }
    let name = remote.check(Subject::Name(&draft.name), language).await.map_err(refusal)?;
    if !name.is_available {
        return Err(Refusal::new(Code::AccountNameTaken, "expected a free name, found a used one"));
    }
    Ok(())
}

fn code_of(intent: &Intent) -> Option<Code> {
    Outcome::of(intent).code()
}

fn owned(service: Option<&str>) -> Option<String> {
    service.map(str::to_owned)
}

/// What was typed, without spaces around it and not longer than anything can be.
fn cut(text: &str) -> String {
    text.trim().chars().take(limits::ATTRIBUTE_CHARS).collect()
}

fn draft_key(tenant: &Tenant, person: &Person) -> Key {
    let id = secret::fingerprint(person.user_id.as_str());
    Key::new(Kind::Draft, tenant.id.as_str(), &id)
}
