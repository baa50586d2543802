//! Layer 1: what goes into a statement and what comes out of a row. Two types are enough for all
//! that is kept, and they are the same in both databases: texts and 64-bit integers.

use std::vec::IntoIter;

use time::OffsetDateTime;

use super::StoreError;
use crate::saml::EntityId;
use crate::store::record::{PersonId, TenantId};

/// One value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Value {
    Text(Option<String>),
    Number(Option<i64>),
}

impl From<&str> for Value {
    fn from(text: &str) -> Self {
        Self::Text(Some(text.to_owned()))
    }
}

impl From<Option<&str>> for Value {
    fn from(text: Option<&str>) -> Self {
        Self::Text(text.map(str::to_owned))
    }
}

impl From<&TenantId> for Value {
    fn from(tenant: &TenantId) -> Self {
        tenant.as_str().into()
    }
}

impl From<&PersonId> for Value {
    fn from(person: &PersonId) -> Self {
        person.as_str().into()
    }
}

impl From<i64> for Value {
    fn from(number: i64) -> Self {
        Self::Number(Some(number))
    }
}

impl From<OffsetDateTime> for Value {
    fn from(time: OffsetDateTime) -> Self {
        Self::Number(Some(micros(time)))
    }
}

impl From<Option<OffsetDateTime>> for Value {
    fn from(time: Option<OffsetDateTime>) -> Self {
        Self::Number(time.map(micros))
    }
}

/// Microseconds since 1970. A time of year 9999 needs 58 bits.
fn micros(time: OffsetDateTime) -> i64 {
    i64::try_from(time.unix_timestamp_nanos() / 1_000).unwrap_or(i64::MAX)
}

/// A count as the database keeps it.
pub(super) fn number(count: u64) -> i64 {
    i64::try_from(count).unwrap_or(i64::MAX)
}

/// How many rows are asked for.
pub(super) fn limit(at_most: usize) -> i64 {
    i64::try_from(at_most).unwrap_or(i64::MAX)
}

/// A statement with its values. `$1` is the first, in both databases.
#[derive(Clone, Debug)]
pub(super) struct Statement {
    pub(super) sqlite: &'static str,
    pub(super) postgres: &'static str,
    pub(super) values: Vec<Value>,
}

impl Statement {
    /// A statement that both databases understand.
    pub(super) fn new(text: &'static str) -> Self {
        Self { sqlite: text, postgres: text, values: Vec::new() }
    }

    /// With one more value.
    #[must_use]
    pub(super) fn bind(mut self, value: impl Into<Value>) -> Self {
        self.values.push(value.into());
        self
    }
}

/// The values of a row, read from the left to the right.
pub(super) struct Row(IntoIter<Value>);

impl Row {
    pub(super) fn new(values: Vec<Value>) -> Self {
        Self(values.into_iter())
    }

    pub(super) fn maybe_text(&mut self) -> Result<Option<String>, StoreError> {
        match self.0.next() {
            Some(Value::Text(text)) => Ok(text),
            Some(Value::Number(None)) => Ok(None),
            _ => Err(corrupt("a text")),
        }
    }

    pub(super) fn text(&mut self) -> Result<String, StoreError> {
        self.maybe_text()?.ok_or_else(|| corrupt("a text"))
    }

    pub(super) fn number<T: TryFrom<i64>>(&mut self) -> Result<T, StoreError> {
        match self.0.next() {
            Some(Value::Number(Some(number))) => {
                T::try_from(number).map_err(|_| corrupt("a number"))
            }
            _ => Err(corrupt("a number")),
        }
    }

    pub(super) fn maybe_time(&mut self) -> Result<Option<OffsetDateTime>, StoreError> {
        match self.0.next() {
            Some(Value::Number(Some(micros))) => {
                OffsetDateTime::from_unix_timestamp_nanos(i128::from(micros) * 1_000)
                    .map(Some)
                    .map_err(|_| corrupt("a time"))
            }
            Some(Value::Number(None) | Value::Text(None)) => Ok(None),
            _ => Err(corrupt("a time")),
        }
    }

    pub(super) fn time(&mut self) -> Result<OffsetDateTime, StoreError> {
        self.maybe_time()?.ok_or_else(|| corrupt("a time"))
    }

    pub(super) fn tenant(&mut self) -> Result<TenantId, StoreError> {
        TenantId::parse(&self.text()?).ok_or_else(|| corrupt("a tenant's name"))
    }

    pub(super) fn person(&mut self) -> Result<PersonId, StoreError> {
        PersonId::parse(&self.text()?).ok_or_else(|| corrupt("a customer's id"))
    }

    pub(super) fn entity_id(&mut self) -> Result<EntityId, StoreError> {
        EntityId::parse(&self.text()?).map_err(|_| corrupt("an entityID"))
    }

    /// One of the names of an enumeration, such as a state.
    pub(super) fn named<T>(&mut self, named: fn(&str) -> Option<T>) -> Result<T, StoreError> {
        named(&self.text()?).ok_or_else(|| corrupt("a known word"))
    }
}

/// Something else stands where `expected` should.
pub(super) fn corrupt(expected: &str) -> StoreError {
    StoreError::Corrupt(format!("a column does not hold {expected}"))
}
