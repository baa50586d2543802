//! Layer 2, cloud: tokens of the cloud's identity API, for partners who have a user there instead
//! of an access key (contract §7.2). A token lives a day; all nodes share one through the store,
//! where it lies sealed.

use std::time::Duration;

use aws_lc_rs::aead::{AES_256_GCM, Aad, LessSafeKey, NONCE_LEN, Nonce, UnboundKey};
use aws_lc_rs::hmac;
use secrecy::{ExposeSecret as _, SecretString};
use serde::{Deserialize, Serialize};
use serde_json::json;
use time::OffsetDateTime;
use tokio::sync::Mutex;

use super::Tools;
use super::call::{Api, Auth, Call, Endpoint, Language, Repeat, Wire};
use super::failure::Failure;
use super::transport::Reply;
use crate::random::Random;
use crate::store::record::TenantId;
use crate::store::{Key, Kind};

const TOKENS: Api = Api { name: "token", path: "/v3/auth/tokens?nocatalog=true" };
/// A token that ends sooner is replaced by a new one, well before it is refused.
const RENEW_BEFORE: Duration = Duration::from_hours(1);
/// Longest token that is taken, bytes.
const MOST: usize = 16 * 1024;

/// A partner's user at the cloud's identity API.
#[derive(Debug)]
pub struct Login {
    /// The account that the user belongs to.
    pub domain: String,
    /// The user's name.
    pub user: String,
    /// The user's password.
    pub password: SecretString,
}

/// One tenant's token, renewed before it ends.
pub(super) struct Tokens {
    tenant: TenantId,
    login: Login,
    endpoint: Endpoint,
    tools: Tools,
    seal: Seal,
    /// Locked while a token is fetched, so that one node fetches once however many calls wait.
    held: Mutex<Option<Token>>,
}

/// What [`Tokens`] are made of beside the login.
pub(super) struct Keeping {
    pub(super) tenant: TenantId,
    pub(super) tools: Tools,
    /// What the key that seals tokens is derived from.
    pub(super) seed: [u8; 32],
}

#[derive(Clone)]
struct Token {
    text: SecretString,
    expires: OffsetDateTime,
}

impl Tokens {
    pub(super) fn new(login: Login, endpoint: Endpoint, keeping: Keeping) -> Self {
        let Keeping { tenant, tools, seed } = keeping;
        Self { tenant, login, endpoint, tools, seal: Seal::new(&seed), held: Mutex::default() }
    }

    /// A token that can be used now.
    pub(super) async fn get(&self, wire: &Wire) -> Result<SecretString, Failure> {
        let mut held = self.held.lock().await;
        if held.as_ref().is_none_or(|token| !self.is_fresh(token)) {
            let shared = self.shared().await;
            // What ends later is the newer one; both may be there still.
            *held = [held.take(), shared].into_iter().flatten().max_by_key(|token| token.expires);
        }
        if let Some(token) = held.as_ref().filter(|token| self.is_fresh(token)) {
            return Ok(token.text.clone());
        }
        match self.fetch(wire).await {
            Ok(token) => {
                self.share(&token).await;
                Ok(held.insert(token).text.clone())
            }
            Err(failure) => {
                match held.as_ref().filter(|token| token.expires > self.tools.clock.now()) {
                    // The old one still works: the next call tries again to renew it.
                    Some(token) => {
                        let tenant = self.tenant.as_str();
                        tracing::warn!(tenant, %failure, "the cloud's token is not renewed yet");
                        Ok(token.text.clone())
                    }
                    None => Err(failure),
                }
            }
        }
    }

    /// Forgets a token that the cloud refused, unless it was replaced meanwhile.
    pub(super) async fn forget(&self, refused: &SecretString) {
        let is_refused = |token: &Token| token.text.expose_secret() == refused.expose_secret();
        let mut held = self.held.lock().await;
        if held.as_ref().is_some_and(is_refused) {
            *held = None;
        }
        if self.shared().await.as_ref().is_some_and(is_refused)
            && let Err(error) = self.tools.store.remove(&self.key()).await
        {
            let tenant = self.tenant.as_str();
            tracing::warn!(tenant, %error, "a refused token stays in the store");
        }
    }

    fn is_fresh(&self, token: &Token) -> bool {
        token.expires - self.tools.clock.now() > RENEW_BEFORE
    }

    async fn fetch(&self, wire: &Wire) -> Result<Token, Failure> {
        let Login { domain, user, password } = &self.login;
        let body = json!({"auth": {
            "identity": {"methods": ["password"], "password": {"user": {
                "name": user, "password": password.expose_secret(), "domain": {"name": domain}}}},
            "scope": {"domain": {"name": domain}}}});
        let call = Call {
            api: TOKENS,
            endpoint: &self.endpoint,
            body: body.to_string().into_bytes(),
            repeat: Repeat::Safe,
            language: Language::En,
        };
        let reply = wire.call(&call, &Auth::Open).await?;
        token_of(&reply).ok_or_else(|| Failure::unreadable(&reply, "a token and its end"))
    }

    /// The token that some node put into the store. Whatever goes wrong with the store, a token can
    /// be fetched anew.
    async fn shared(&self) -> Option<Token> {
        let key = self.key();
        match self.tools.store.get(&key).await {
            Ok(sealed) => self.seal.open(sealed?, key.as_str()),
            Err(error) => {
                let tenant = self.tenant.as_str();
                tracing::warn!(tenant, %error, "the shared token cannot be read");
                None
            }
        }
    }

    async fn share(&self, token: &Token) {
        let life =
            (token.expires - self.tools.clock.now()).max(time::Duration::ZERO).unsigned_abs();
        let key = self.key();
        let sealed = self.seal.close(token, key.as_str(), &*self.tools.random);
        if let Err(error) = self.tools.store.put(&key, &sealed, life).await {
            let tenant = self.tenant.as_str();
            tracing::warn!(tenant, %error, "the new token is not shared with other nodes");
        }
    }

    /// Another user or another address has another token.
    pub(super) fn key(&self) -> Key {
        let whose = format!("{}\n{}\n{}", self.endpoint.base(), self.login.domain, self.login.user);
        Key::new(Kind::CloudToken, self.tenant.as_str(), &crate::secret::fingerprint(&whose))
    }
}

/// The token in the header and its end in the body.
fn token_of(reply: &Reply) -> Option<Token> {
    #[derive(Deserialize)]
    struct Body {
        token: About,
    }
    #[derive(Deserialize)]
    struct About {
        #[serde(with = "time::serde::rfc3339")]
        expires_at: OffsetDateTime,
    }
    let text = reply.header("x-subject-token")?;
    let is_right = (1..=MOST).contains(&text.len()) && text.bytes().all(|b| b.is_ascii_graphic());
    let Body { token } = serde_json::from_slice(&reply.body).ok()?;
    is_right.then(|| Token { text: text.into(), expires: token.expires_at })
}

/// Seals tokens for the store: AES-256-GCM, bound to the place where they lie.
struct Seal(LessSafeKey);

#[derive(Serialize, Deserialize)]
struct Written {
    token: String,
    expires: i64,
}

impl Seal {
    fn new(seed: &[u8; 32]) -> Self {
        let seed = hmac::Key::new(hmac::HMAC_SHA256, seed);
        let key = hmac::sign(&seed, b"skybridge: the cloud's tokens in the store");
        let key = UnboundKey::new(&AES_256_GCM, key.as_ref()).expect("32 octets are a key");
        Self(LessSafeKey::new(key))
    }

    fn close(&self, token: &Token, place: &str, random: &dyn Random) -> Vec<u8> {
        let Token { text, expires } = token;
        let written =
            Written { token: text.expose_secret().to_owned(), expires: expires.unix_timestamp() };
        let mut sealed = serde_json::to_vec(&written).expect("text and number can be written");
        let mut nonce = [0; NONCE_LEN];
        random.fill(&mut nonce);
        self.0
            .seal_in_place_append_tag(
                Nonce::assume_unique_for_key(nonce),
                Aad::from(place),
                &mut sealed,
            )
            .expect("a token is far shorter than the cipher's limit");
        [&nonce[..], &sealed].concat()
    }

    fn open(&self, mut sealed: Vec<u8>, place: &str) -> Option<Token> {
        let (nonce, body) = sealed.split_first_chunk_mut::<NONCE_LEN>()?;
        let nonce = Nonce::assume_unique_for_key(*nonce);
        let plain = self.0.open_in_place(nonce, Aad::from(place), body).ok()?;
        let Written { token, expires } = serde_json::from_slice(plain).ok()?;
        let expires = OffsetDateTime::from_unix_timestamp(expires).ok()?;
        Some(Token { text: token.into(), expires })
    }
}
