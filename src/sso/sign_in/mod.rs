//! Layer 3, sso: the ways to sign users in. Each is one file that ends in a
//! [`Proven`](super::session::Proven).

pub mod jwt;
pub mod local;
pub mod ticket;

use std::collections::HashMap;

use crate::store::record::TenantId;

/// What a partner's back end authenticates with, by tenant.
#[derive(Debug, Default)]
pub struct Partners {
    partners: HashMap<TenantId, Partner>,
}

/// One partner's credentials.
#[derive(Debug, Default)]
pub struct Partner {
    /// The keys of its API calls.
    pub api_keys: Vec<ApiKey>,
    /// The keys of the tickets that it signs itself.
    pub ticket_keys: Vec<jwt::TicketKey>,
}

/// An API key, as the SHA-256 of its text.
#[derive(Clone, Debug)]
pub struct ApiKey {
    /// Its name, which may stand in a log.
    pub id: String,
    /// SHA-256 of the key's text.
    pub sha256: [u8; 32],
    /// What may be called with it.
    pub scopes: Vec<Scope>,
}

/// A part of the API that a key can open.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Scope {
    /// Asking for tickets.
    Tickets,
    /// Seeing customers, and switching them off and on.
    Customers,
    /// Creating accounts at the cloud.
    Creations,
    /// Seeing the messages to the partner's webhook, and sending dead ones anew.
    Webhooks,
    /// Seeing, registering and removing service providers.
    ServiceProviders,
}

impl Scope {
    /// Its name in configuration and log.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Tickets => "tickets",
            Self::Customers => "customers",
            Self::Creations => "creations",
            Self::Webhooks => "webhooks",
            Self::ServiceProviders => "sp",
        }
    }
}

impl Partners {
    /// Adds a partner.
    pub fn add(&mut self, tenant: TenantId, partner: Partner) {
        self.partners.insert(tenant, partner);
    }

    /// The credentials of a tenant; none when nothing is declared.
    #[must_use]
    pub fn of(&self, tenant: &TenantId) -> Option<&Partner> {
        self.partners.get(tenant)
    }
}
