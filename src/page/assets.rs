//! Room `page` (layer 4): the style sheet, the script and the icon. Their addresses carry a hash of
//! their content, so a browser may keep them for a year and never shows an old one.

use std::sync::LazyLock;

use crate::secret;

/// A file that pages refer to.
#[derive(Debug)]
pub struct Asset {
    /// The path at which it is served, such as `/assets/style.css`.
    pub path: &'static str,
    /// Its `Content-Type`.
    pub content_type: &'static str,
    /// Its content.
    pub bytes: &'static [u8],
    /// Its `ETag`, quotes included (RFC 9110 §8.8.3).
    pub etag: String,
    /// The address that pages use: path and version. Answers to it may carry [`CACHE_CONTROL`].
    pub url: String,
}

/// The `Cache-Control` of every asset: one year, the longest that caches honour.
pub const CACHE_CONTROL: &str = "public, max-age=31536000, immutable";

/// Every asset, for the router.
#[must_use]
pub fn assets() -> [&'static Asset; 3] {
    let all = &*ASSETS;
    [&all.style, &all.post, &all.icon]
}

/// The assets by name, for the templates.
pub(super) static ASSETS: LazyLock<Assets> = LazyLock::new(|| Assets {
    style: asset(
        "/assets/style.css",
        "text/css; charset=utf-8",
        include_str!("../../assets/style.css"),
    ),
    post: asset(
        "/assets/post.js",
        "text/javascript; charset=utf-8",
        include_str!("../../assets/post.js"),
    ),
    icon: asset("/assets/icon.svg", "image/svg+xml", include_str!("../../assets/icon.svg")),
});

pub(super) struct Assets {
    pub(super) style: Asset,
    pub(super) post: Asset,
    pub(super) icon: Asset,
}

fn asset(path: &'static str, content_type: &'static str, content: &'static str) -> Asset {
    // Sixty bits name a version; nothing is trusted because of them.
    let version = &secret::fingerprint(content)[..10];
    Asset {
        path,
        content_type,
        bytes: content.as_bytes(),
        etag: format!("\"{version}\""),
        url: format!("{path}?v={version}"),
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;

    /// The colours by name: those of light, and those of dark.
    fn palettes() -> [BTreeMap<&'static str, u32>; 2] {
        let css = include_str!("../../assets/style.css");
        let (light, dark) = css.split_once("prefers-color-scheme: dark").unwrap();
        [light, dark.split_once("*, ::before").unwrap().0].map(|part| {
            part.split("--")
                .skip(1)
                .map(|declaration| {
                    let (name, value) = declaration.split_once(": #").unwrap();
                    (name, u32::from_str_radix(&value[..6], 16).unwrap())
                })
                .collect()
        })
    }

    /// Relative luminance, WCAG 2.2.
    fn luminance(colour: u32) -> f64 {
        let channel = |shift: u32| {
            let value = f64::from(colour >> shift & 0xFF) / 255.0;
            if value <= 0.040_45 { value / 12.92 } else { ((value + 0.055) / 1.055).powf(2.4) }
        };
        0.2126 * channel(16) + 0.7152 * channel(8) + 0.0722 * channel(0)
    }

    fn contrast(one: u32, other: u32) -> f64 {
        let (one, other) = (luminance(one), luminance(other));
        (one.max(other) + 0.05) / (one.min(other) + 0.05)
    }

    #[test]
    fn the_contrast_of_black_and_white_is_twenty_one() {
        assert!((contrast(0, 0xFF_FF_FF) - 21.0).abs() < 1e-9);
        assert!((contrast(0x77_77_77, 0xFF_FF_FF) - 4.48).abs() < 0.01);
    }

    #[test]
    fn every_pair_of_colours_has_the_contrast_that_wcag_aa_asks_for() {
        // Text needs 4.5 (1.4.3); borders of fields, dots of the way and focus rings need 3
        // (1.4.11).
        let pairs = [
            ("ink", "page", 4.5),
            ("ink", "card", 4.5),
            ("ink", "wash", 4.5),
            ("quiet", "page", 4.5),
            ("quiet", "card", 4.5),
            ("quiet", "wash", 4.5),
            ("accent", "page", 4.5),
            ("accent", "card", 4.5),
            ("on-accent", "accent", 4.5),
            ("on-accent", "accent-strong", 4.5),
            ("alarm", "alarm-wash", 4.5),
            ("edge", "card", 3.0),
            ("edge", "wash", 3.0),
            ("accent", "wash", 3.0),
        ];
        for palette in palettes() {
            for (one, other, least) in pairs {
                let found = contrast(palette[one], palette[other]);
                assert!(found >= least, "--{one} on --{other}: {found:.2}, needs {least}");
            }
        }
    }

    #[test]
    fn the_style_sheet_stays_small_and_fetches_nothing() {
        let css = std::str::from_utf8(ASSETS.style.bytes).unwrap();
        assert!(css.len() < 6 * 1024, "{} bytes", css.len());
        assert!(!css.contains("url(") && !css.contains("@import"));
    }

    #[test]
    fn an_address_changes_with_its_content() {
        assert_ne!(asset("/a", "t", "one").url, asset("/a", "t", "two").url);
        for asset in assets() {
            assert!(asset.url.starts_with(asset.path));
            assert!(asset.url.ends_with(asset.etag.trim_matches('"')));
        }
    }
}
