//! The profiles that are compiled in: one line for each directory beside this file.

/// Name and text of each profile.
pub(crate) const PROFILES: &[(&str, &str)] = &[
    ("generic", include_str!("generic/profile.toml")),
    ("huawei-cn", include_str!("huawei-cn/profile.toml")),
    ("huawei-eu", include_str!("huawei-eu/profile.toml")),
    ("huawei-intl", include_str!("huawei-intl/profile.toml")),
];
