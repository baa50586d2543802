//! Config: how an option is declared. One declaration gives the field, the reader, the default and
//! the page of `docs/configuration.md`, so these cannot drift apart.

/// A table of the file.
pub(super) struct Section {
    /// What the table is for, one entry a line of prose.
    pub about: &'static [&'static str],
    /// Keys whose values may stand only once in a list of such tables.
    pub unique: &'static [&'static str],
    /// Its options, in the order of the document.
    pub options: &'static [Declared],
}

/// A type that is declared as a table.
pub(super) trait Table {
    /// Its declaration.
    const TABLE: &'static Section;
}

/// An option of a table.
pub(super) struct Declared {
    /// The key in the file.
    pub key: &'static str,
    /// What to write, as a noun phrase that fits behind "expected".
    pub kind: fn() -> String,
    /// The value of an absent option, as TOML.
    pub default: Option<&'static str>,
    /// A value to imitate, as TOML.
    pub example: Option<&'static str>,
    /// Whether it may be left out without having a default.
    pub optional: bool,
    /// What it does, one entry a line of prose.
    pub about: &'static [&'static str],
    /// Where the value is a table: that table.
    pub section: Option<&'static Section>,
    /// Where the value is a list of tables, `[[…]]`.
    pub many: bool,
}

/// Declares a table: `field: Type = default, for example;`. Defaults and examples are TOML that is
/// also a Rust token. `as "key"` names the key where it differs from the field. `#[unique("key")]`
/// forbids the same value twice in a list of these tables. `#[check(function)]` is called with the
/// draft, in which an option that is faulty is `None`, to find faults between options.
macro_rules! section {
    (
        $(#[doc = $about:literal])+
        $(#[unique($($unique:literal),+)])?
        $(#[check($check:path)])?
        pub struct $name:ident, draft $draft:ident {$(
            $(#[doc = $doc:literal])+
            $field:ident $(as $key:literal)? : $type:ty $(= $default:tt)? $(, eg $example:tt)? ;
        )+}
    ) => {
        $(#[doc = $about])+
        #[derive(Debug)]
        pub struct $name { $($(#[doc = $doc])+ pub $field: $type,)+ }

        /// The same as read so far: `None` marks an option whose fault is already reported.
        #[allow(dead_code, reason = "a table without a check reads none of it")]
        struct $draft { path: String, $($field: Option<$type>,)+ }

        impl $crate::config::declare::Table for $name {
            const TABLE: &'static $crate::config::declare::Section =
                &$crate::config::declare::Section {
                    about: &[$($about),+],
                    unique: &[$($($unique),+)?],
                    options: &[$($crate::config::declare::Declared {
                        key: $crate::config::declare::first!($($key,)? stringify!($field)),
                        kind: <$type as $crate::config::read::Value>::kind,
                        default: $crate::config::declare::text!($($default)?),
                        example: $crate::config::declare::text!($($example)?),
                        optional: <$type as $crate::config::read::Value>::OPTIONAL,
                        about: &[$($doc),+],
                        section: <$type as $crate::config::read::Value>::SECTION,
                        many: <$type as $crate::config::read::Value>::MANY,
                    }),+],
                };
        }

        impl $crate::config::read::Value for $name {
            const SECTION: Option<&'static $crate::config::declare::Section> =
                Some(<Self as $crate::config::declare::Table>::TABLE);

            fn kind() -> String {
                "a table".into()
            }

            fn read(
                node: &$crate::config::read::Node<'_>,
                reader: &mut $crate::config::read::Reader<'_>,
            ) -> Option<Self> {
                let section = <Self as $crate::config::declare::Table>::TABLE;
                let table = reader.open(node, section)?;
                let mut options = section.options.iter();
                $(
                    let $field =
                        options.next().and_then(|option| reader.take::<$type>(node, table, option));
                )+
                let draft = $draft { path: node.path.clone(), $($field,)+ };
                $($check(&draft, reader);)?
                Some(Self { $($field: draft.$field?,)+ })
            }
        }
    };
}

/// The first of one or two expressions.
macro_rules! first {
    ($first:expr $(, $second:expr)?) => {
        $first
    };
}

/// The source text of an optional token.
macro_rules! text {
    () => {
        None
    };
    ($token:tt) => {
        Some(stringify!($token))
    };
}

pub(super) use {first, section, text};
