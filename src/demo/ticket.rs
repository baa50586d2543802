//! Room demo (layer 6): what a partner's back end asks of the gateway's API, first of all to let a
//! customer through by a ticket; and how it signs such a ticket itself. The partner's site and the
//! check both use this; a real partner may copy it.

use jsonwebtoken::{Algorithm, EncodingKey, Header};
use reqwest::{Client, RequestBuilder, StatusCode};
use secrecy::{ExposeSecret as _, SecretString};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use time::OffsetDateTime;

/// How long a self-signed ticket lives, seconds. The gateway takes no longer ones.
pub(super) const LIFE: i64 = 60;

/// Who shall be let through, and where to.
#[derive(Clone, Debug, Default, Serialize)]
pub(super) struct Customer {
    /// The partner's id of them.
    pub(super) user_id: String,
    /// The name for the cloud.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) name: Option<String>,
    /// The mobile number for the cloud.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) mobile: Option<String>,
    /// The e-mail address for the cloud.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) email: Option<String>,
    /// The page to open.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) service: Option<String>,
    /// When they signed in at the site, where that was just now.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) authenticated_at: Option<String>,
}

/// The gateway's API, for one tenant.
pub(super) struct Api {
    /// Its addresses begin so: `…/api/v1/{tenant}`.
    pub(super) base: String,
    /// Proves who asks.
    pub(super) key: SecretString,
    /// The client.
    pub(super) client: Client,
}

/// What the API answered.
pub(super) struct Answer {
    /// The status.
    pub(super) status: StatusCode,
    /// The JSON.
    pub(super) body: Value,
}

#[derive(Deserialize)]
struct Given {
    url: String,
}

impl Api {
    /// Asks for a ticket. The same idempotency key and customer give the same ticket again.
    pub(super) async fn ask(&self, idempotency_key: &str, customer: &Customer) -> Answer {
        self.post("/tickets", idempotency_key, customer).await
    }

    /// Looks at something.
    pub(super) async fn get(&self, path: &str) -> Answer {
        self.send(self.client.get(format!("{}{path}", self.base))).await
    }

    /// Asks for something to be made, once for each idempotency key.
    pub(super) async fn post(
        &self,
        path: &str,
        idempotency_key: &str,
        body: &impl Serialize,
    ) -> Answer {
        let request = self.client.post(format!("{}{path}", self.base));
        self.send(request.header("idempotency-key", idempotency_key).json(body)).await
    }

    async fn send(&self, request: RequestBuilder) -> Answer {
        match request.bearer_auth(self.key.expose_secret()).send().await {
            Ok(response) => {
                let status = response.status();
                Answer { status, body: response.json().await.unwrap_or(Value::Null) }
            }
            Err(error) => Answer {
                status: StatusCode::BAD_GATEWAY,
                body: json!({ "detail": error.without_url().to_string() }),
            },
        }
    }
}

impl Answer {
    /// The address to send the browser to.
    ///
    /// # Errors
    /// What the gateway said instead.
    pub(super) fn url(&self) -> Result<String, String> {
        let given = || Given::deserialize(&self.body).ok().filter(|_| self.status == 201);
        given().map(|given| given.url).ok_or_else(|| self.said())
    }

    /// That this is a problem document with that status and code.
    pub(super) fn problem(&self, status: u16, code: &str) -> Result<((), String), String> {
        if self.status.as_u16() == status && self.body["code"] == code {
            return Ok(((), format!("{status} {code}")));
        }
        Err(format!("expected {status} {code}, found {}", self.said()))
    }

    /// What a refusal says.
    pub(super) fn said(&self) -> String {
        let text = |name: &str| self.body.get(name).and_then(Value::as_str).unwrap_or("–");
        format!("{} {}: {}", self.status.as_u16(), text("code"), text("detail"))
    }
}

/// Signs tickets.
#[derive(Clone)]
pub(super) struct Signer {
    kid: String,
    audience: String,
    key: EncodingKey,
}

impl Signer {
    /// A signer with an Ed25519 key in PEM.
    pub(super) fn new(kid: &str, audience: &str, pem: &SecretString) -> Result<Self, String> {
        let key = EncodingKey::from_ed_pem(pem.expose_secret().as_bytes())
            .map_err(|error| format!("not an Ed25519 private key: {error}"))?;
        Ok(Self { kid: kid.to_owned(), audience: audience.to_owned(), key })
    }

    /// The same signer, for tickets with another audience.
    pub(super) fn with_audience(&self, audience: String) -> Self {
        Self { audience, ..self.clone() }
    }

    /// The claims of a ticket that is good from `now` on.
    pub(super) fn claims(&self, customer: &Customer, now: OffsetDateTime, jti: &str) -> Value {
        let mut claims = json!(customer);
        if let Some(fields) = claims.as_object_mut()
            && let Some(sub) = fields.remove("user_id")
        {
            fields.insert("sub".to_owned(), sub);
        }
        claims["aud"] = json!(self.audience);
        claims["exp"] = json!(now.unix_timestamp() + LIFE);
        claims["jti"] = json!(jti);
        claims
    }

    /// Signs claims.
    pub(super) fn sign(&self, claims: &Value) -> Result<String, String> {
        let header = Header { kid: Some(self.kid.clone()), ..Header::new(Algorithm::EdDSA) };
        jsonwebtoken::encode(&header, claims, &self.key).map_err(|error| error.to_string())
    }
}
