//! Layer 5, http: the shapes of answers and messages, as JSON Schema 2020-12. Fields may be added
//! to them in time, so none forbids what it does not name. Tests hold the answers of a running
//! gateway against these.

use serde_json::{Value, json};

use crate::refusal::Owner;
use crate::store::account::{IntentStep, LinkState, MessageState};

/// A reference to one of them.
pub(super) fn reference(name: &str) -> Value {
    json!({ "$ref": format!("#/components/schemas/{name}") })
}

/// Each by its name.
pub(super) fn all() -> Value {
    json!({
        "Ticket": ticket(),
        "Availability": availability(),
        "CodeSent": object(&[("expires_in", number())]),
        "CreationBegun": creation_begun(),
        "Creation": creation(),
        "Customer": customer(),
        "CustomerInShort": object(&in_short()),
        "CloudAccount": cloud_account(),
        "HistoryEntry": entry(),
        "Messages": object(&[("webhooks", list(&reference("Message")))]),
        "Message": message(),
        "Replayed": object(&[("id", text()), ("state", one_of(&[MessageState::Waiting.name()]))]),
        "ServiceProviders": object(&[("service_providers", list(&reference("InShort")))]),
        "InShort": object(&provider_in_short()),
        "ServiceProvider": provider(),
        "Version": version(),
        "Registered": registered(),
        "Removed": object(&[("entity_id", text()), ("removed", json!({ "const": true }))]),
        "Line": object(&[("what", text()), ("value", text())]),
        "Difference": object(&[
            ("change", one_of(&["added", "removed"])),
            ("what", text()),
            ("value", text()),
        ]),
        "Finding": finding(),
        "Event": event(),
        "Problem": problem(),
        "Fault": object(&[("field", text()), ("expected", text()), ("found", text())]),
    })
}

/// An object in which all of these fields stand.
fn object(fields: &[(&str, Value)]) -> Value {
    let properties: serde_json::Map<_, _> =
        fields.iter().map(|(name, schema)| ((*name).to_owned(), schema.clone())).collect();
    let required: Vec<_> = fields.iter().map(|(name, _)| name).collect();
    json!({ "type": "object", "properties": properties, "required": required })
}

fn text() -> Value {
    json!({ "type": "string" })
}

fn number() -> Value {
    json!({ "type": "integer", "minimum": 0 })
}

fn time() -> Value {
    json!({ "type": "string", "format": "date-time" })
}

fn one_of(names: &[&str]) -> Value {
    json!({ "type": "string", "enum": names })
}

fn list(items: &Value) -> Value {
    json!({ "type": "array", "items": items })
}

/// The schema, or null.
fn maybe(schema: &Value) -> Value {
    json!({ "anyOf": [schema, { "type": "null" }] })
}

fn states() -> Value {
    one_of(&LinkState::ALL.iter().map(|state| state.name()).collect::<Vec<_>>())
}

fn owners() -> Value {
    let owners = [Owner::You, Owner::Partner, Owner::Operator, Owner::Cloud];
    one_of(&owners.map(Owner::key))
}

fn ticket() -> Value {
    let url = json!({ "type": "string", "format": "uri",
        "description": "Where to send the customer's browser, once." });
    object(&[("url", url), ("expires_in", number())])
}

fn availability() -> Value {
    let mut remaining = maybe(&number());
    remaining["description"] =
        "With how many more customers this telephone number can be registered, \
        where the cloud says so. Above 0 it can be used also when it is not available."
            .into();
    object(&[("available", json!({ "type": "boolean" })), ("remaining", remaining)])
}

fn creation_begun() -> Value {
    let status = json!({ "type": "string", "description": "The address of the creation." });
    object(&[("id", text()), ("user_id", text()), ("status_url", status)])
}

fn creation() -> Value {
    let steps: Vec<_> = IntentStep::ALL.iter().map(|step| step.name()).collect();
    let fields = ["code", "title", "advice"].map(|name| (name, text()));
    let more = [("owner", owners()), ("detail", maybe(&text()))];
    let problem = object(&[&fields[..], &more[..]].concat());
    object(&[
        ("id", text()),
        ("user_id", text()),
        ("state", one_of(&["under-way", "done", "failed"])),
        ("step", one_of(&steps)),
        ("attempts", number()),
        ("created_at", time()),
        ("next_attempt_at", maybe(&time())),
        ("domain_id", maybe(&text())),
        ("problem", maybe(&problem)),
        ("customer", reference("CustomerInShort")),
    ])
}

fn in_short() -> Vec<(&'static str, Value)> {
    vec![
        ("user_id", text()),
        ("account_id", text()),
        ("state", states()),
        ("version", number()),
        ("suspended", json!({ "type": "boolean" })),
        ("cloud_account", maybe(&reference("CloudAccount"))),
    ]
}

fn customer() -> Value {
    let mut fields = in_short();
    fields.extend([
        ("since", time()),
        ("suspended_since", maybe(&time())),
        ("former_cloud_accounts", list(&text())),
        ("history", list(&reference("HistoryEntry"))),
    ]);
    object(&fields)
}

fn cloud_account() -> Value {
    let mut account = object(&[("domain_id", text()), ("domain_name", text())]);
    for name in ["user_id", "user_name"] {
        account["properties"][name] = text();
    }
    account
}

fn entry() -> Value {
    object(&[
        ("at", time()),
        ("event", text()),
        ("from", states()),
        ("to", states()),
        ("evidence", json!({ "type": "object" })),
        ("refused", maybe(&text())),
    ])
}

fn message() -> Value {
    let states: Vec<_> = MessageState::ALL.iter().map(|state| state.name()).collect();
    object(&[
        ("id", text()),
        ("type", text()),
        ("created_at", time()),
        ("state", one_of(&states)),
        ("attempts", number()),
        ("next_attempt_at", maybe(&time())),
        ("problem", maybe(&text())),
        ("event", reference("Event")),
    ])
}

fn event() -> Value {
    object(&[
        ("id", text()),
        ("type", text()),
        ("created_at", time()),
        ("tenant", text()),
        ("customer", reference("CustomerInShort")),
    ])
}

fn provider_in_short() -> Vec<(&'static str, Value)> {
    vec![
        ("entity_id", text()),
        ("origin", one_of(&["configuration", "upload"])),
        ("version", maybe(&number())),
        ("changed_at", time()),
    ]
}

fn provider() -> Value {
    let mut fields = provider_in_short();
    fields.extend([
        ("profile", maybe(&text())),
        ("require_signed_requests", maybe(&json!({ "type": "boolean" }))),
        ("unsolicited", json!({ "type": "boolean" })),
        ("relay_states", list(&text())),
        ("says", list(&reference("Line"))),
        ("findings", list(&reference("Finding"))),
        ("metadata", maybe(&text())),
        ("history", list(&reference("Version"))),
        ("clock", maybe(&clock())),
    ]);
    object(&fields)
}

fn clock() -> Value {
    object(&[
        ("behind_seconds", json!({ "type": "number" })),
        ("allowed_seconds", number()),
        ("advice", maybe(&text())),
    ])
}

fn version() -> Value {
    object(&[
        ("version", number()),
        ("at", time()),
        ("author", text()),
        ("removed", json!({ "type": "boolean" })),
    ])
}

fn registered() -> Value {
    let flag = json!({ "type": "boolean" });
    object(&[
        ("entity_id", text()),
        ("version", number()),
        ("new", flag.clone()),
        ("dry_run", flag),
        ("differences", list(&reference("Difference"))),
        ("findings", list(&reference("Finding"))),
    ])
}

fn finding() -> Value {
    object(&[
        ("code", json!({ "type": "string", "pattern": "^SBM-[0-9]{2,3}$" })),
        ("severity", one_of(&["error", "warning", "advice"])),
        ("line", number()),
        ("what", text()),
        ("consequence", text()),
        ("fix", text()),
    ])
}

/// RFC 9457, with members of ours.
fn problem() -> Value {
    let code = json!({ "type": "string", "pattern": "^SB-[0-9]{4}$" });
    let status = json!({ "type": "integer", "minimum": 400, "maximum": 599 });
    let texts = ["type", "title", "detail", "advice", "instance"].map(|name| (name, text()));
    let own = [("status", status), ("code", code), ("owner", owners())];
    let mut problem = object(&[&texts[..], &own[..]].concat());
    problem["properties"]["errors"] = list(&reference("Fault"));
    problem["properties"]["findings"] = list(&reference("Finding"));
    problem
}
