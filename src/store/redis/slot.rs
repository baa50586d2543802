//! Layer 1: which of the 16384 slots of a Redis Cluster a key is in, and which node serves a slot
//! (<https://redis.io/docs/latest/operate/oss_and_stack/reference/cluster-spec/>).

use std::collections::BTreeMap;

use redis::Value;

use super::address::Address;

const SLOTS: u16 = 16384;

/// The slot of a key: CRC16 of it, or of what is between its first braces.
pub(super) fn slot_of(name: &str) -> u16 {
    let name = name.as_bytes();
    let tag = || {
        let open = name.iter().position(|byte| *byte == b'{')?;
        let length = name[open + 1..].iter().position(|byte| *byte == b'}')?;
        (length > 0).then(|| &name[open + 1..open + 1 + length])
    };
    crc16(tag().unwrap_or(name)) % SLOTS
}

/// CRC-16/XMODEM: polynomial 0x1021, begun with zero.
fn crc16(bytes: &[u8]) -> u16 {
    bytes.iter().fold(0, |crc, byte| {
        (0..8).fold(crc ^ (u16::from(*byte) << 8), |crc, _| {
            if crc & 0x8000 == 0 { crc << 1 } else { (crc << 1) ^ 0x1021 }
        })
    })
}

/// Which node serves which slots.
#[derive(Debug)]
pub(super) struct SlotMap {
    /// By the last slot of a range: its first slot and its primary.
    ranges: BTreeMap<u16, (u16, Address)>,
}

impl SlotMap {
    /// Reads the answer to `CLUSTER SLOTS` of the node at `asked`; none when it cannot be read or
    /// no slot is served.
    pub(super) fn read(answer: &Value, asked: &Address) -> Option<Self> {
        let Value::Array(rows) = answer else { return None };
        let rows = rows.iter().map(|row| {
            let Value::Array(row) = row else { return None };
            let [Value::Int(first), Value::Int(last), Value::Array(primary), ..] = &row[..] else {
                return None;
            };
            let [host, Value::Int(port), ..] = &primary[..] else { return None };
            let port = u16::try_from(*port).ok()?;
            let at = Address { host: host_of(host, asked)?, port };
            Some((u16::try_from(*last).ok()?, (u16::try_from(*first).ok()?, at)))
        });
        let ranges = rows.collect::<Option<BTreeMap<_, _>>>()?;
        (!ranges.is_empty()).then_some(Self { ranges })
    }

    /// Who serves a slot, if anybody.
    pub(super) fn node(&self, slot: u16) -> Option<&Address> {
        let (_, (first, at)) = self.ranges.range(slot..).next()?;
        (*first <= slot).then_some(at)
    }

    /// Every node that serves a slot, some more than once.
    pub(super) fn nodes(&self) -> impl Iterator<Item = &Address> {
        self.ranges.values().map(|(_, at)| at)
    }
}

/// A node that does not know its own name says nothing, or a question mark: it is where we asked.
fn host_of(value: &Value, asked: &Address) -> Option<String> {
    match value {
        Value::Nil => Some(asked.host.clone()),
        Value::BulkString(name) => Some(named_host(std::str::from_utf8(name).ok()?, asked)),
        _ => None,
    }
}

fn named_host(name: &str, asked: &Address) -> String {
    if matches!(name, "" | "?") { asked.host.clone() } else { name.to_owned() }
}

/// The node that a redirection names as `slot host:port`.
pub(super) fn redirected(detail: &str, by: &Address) -> Option<Address> {
    let (host, port) = detail.split_ascii_whitespace().nth(1)?.rsplit_once(':')?;
    Some(Address { host: named_host(host, by), port: port.parse().ok()? })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn asked() -> Address {
        Address { host: "asked".into(), port: 1 }
    }

    fn row(first: i64, last: i64, host: Value, port: i64) -> Value {
        let primary = Value::Array(vec![host, Value::Int(port)]);
        Value::Array(vec![Value::Int(first), Value::Int(last), primary])
    }

    fn name(host: &str) -> Value {
        Value::BulkString(host.into())
    }

    #[test]
    fn slots_are_those_of_the_specification() {
        assert_eq!(crc16(b"123456789"), 0x31C3);
        assert_eq!(slot_of("foo"), 12182);
        assert_eq!(slot_of("{user1000}.following"), slot_of("user1000"));
        assert_eq!(slot_of("foo{bar}{zap}"), slot_of("bar"));
        assert_eq!(slot_of("foo{{bar}}zap"), slot_of("{bar"));
        assert_eq!(slot_of("foo{}{bar}"), crc16(b"foo{}{bar}") % SLOTS);
        assert_eq!(slot_of("foo{bar"), crc16(b"foo{bar") % SLOTS);
    }

    #[test]
    fn a_slot_is_served_by_the_node_of_its_range_or_by_nobody() {
        let rows = vec![row(0, 99, name("a"), 10), row(200, 16383, name("::1"), 11)];
        let map = SlotMap::read(&Value::Array(rows), &asked()).unwrap();
        let node = |slot| map.node(slot).map(Address::to_string);
        assert_eq!(node(0).as_deref(), Some("a:10"));
        assert_eq!(node(99).as_deref(), Some("a:10"));
        assert_eq!(node(100), None);
        assert_eq!(node(200).as_deref(), Some("[::1]:11"));
        assert_eq!(node(16383).as_deref(), Some("[::1]:11"));
    }

    #[test]
    fn a_node_without_a_name_is_where_we_asked() {
        for host in [Value::Nil, name(""), name("?")] {
            let rows = vec![row(0, 16383, host, 7)];
            let map = SlotMap::read(&Value::Array(rows), &asked()).unwrap();
            assert_eq!(map.node(5).map(Address::to_string).as_deref(), Some("asked:7"));
        }
        let to = |detail| redirected(detail, &asked()).map(|at| at.to_string());
        assert_eq!(to("5 :7").as_deref(), Some("asked:7"));
        assert_eq!(to("5 10.0.0.1:7").as_deref(), Some("10.0.0.1:7"));
        assert_eq!(to("5 fe80::1:7").as_deref(), Some("[fe80::1]:7"));
        assert_eq!(to("5"), None);
    }

    #[test]
    fn an_answer_that_cannot_be_read_makes_no_map() {
        let wrong = [
            Value::Nil,
            Value::Array(vec![]),
            Value::Array(vec![Value::Int(1)]),
            Value::Array(vec![row(0, 70_000, name("a"), 1)]),
            Value::Array(vec![row(0, 1, name("a"), -1)]),
        ];
        for answer in wrong {
            assert!(SlotMap::read(&answer, &asked()).is_none(), "{answer:?}");
        }
    }
}
