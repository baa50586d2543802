//! Room `page` (layer 4): which language a person reads. Their own choice comes first, then
//! `Accept-Language` (RFC 9110 §12.5.4).

/// A language in which every page is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Language {
    /// English.
    En,
    /// Simplified Chinese.
    Zh,
}

/// Most language ranges that are read of one header; browsers send fewer than ten.
const RANGES: usize = 32;

impl Language {
    /// Every language, in the order in which documents list them.
    pub const ALL: [Self; 2] = [Self::En, Self::Zh];

    /// The language for a person who `chosen` one (a `lang` parameter or cookie), else the one
    /// their browser prefers by `Accept-Language`, else English.
    ///
    /// The header's weights count; at equal weight the one named first wins, and a range that no
    /// page satisfies is passed over. A `chosen` that is no language of ours counts as no choice.
    #[must_use]
    pub fn choose(chosen: Option<&str>, accept_language: Option<&str>) -> Self {
        chosen
            .and_then(Self::of_tag)
            .or_else(|| accept_language.and_then(preferred))
            .unwrap_or(Self::En)
    }

    /// The BCP 47 tag for `lang`, `hreflang` and `Content-Language`; also what a cookie or `?lang=`
    /// holds.
    #[must_use]
    pub fn tag(self) -> &'static str {
        match self {
            Self::En => "en",
            Self::Zh => "zh-CN",
        }
    }

    /// The language a switch on the page leads to.
    #[must_use]
    pub fn other(self) -> Self {
        match self {
            Self::En => Self::Zh,
            Self::Zh => Self::En,
        }
    }

    /// The language of a tag, by its primary subtag alone: a reader of Traditional Chinese is
    /// better served by Simplified Chinese than by English.
    fn of_tag(tag: &str) -> Option<Self> {
        let primary = tag.trim().split(['-', '_']).next().unwrap_or_default();
        if primary.eq_ignore_ascii_case("zh") {
            Some(Self::Zh)
        } else if primary.eq_ignore_ascii_case("en") {
            Some(Self::En)
        } else {
            None
        }
    }
}

/// The language with the highest weight above zero.
fn preferred(header: &str) -> Option<Language> {
    let mut best: Option<(Language, u16)> = None;
    for range in header.split(',').take(RANGES) {
        let (tag, weight) = weighted(range);
        let named = Language::of_tag(tag);
        let language = named.or((tag == "*").then_some(Language::En));
        if let Some(language) = language
            && weight > best.map_or(0, |(_, highest)| highest)
        {
            best = Some((language, weight));
        }
    }
    best.map(|(language, _)| language)
}

/// One range and its weight in thousandths; a weight that cannot be read counts as zero.
fn weighted(range: &str) -> (&str, u16) {
    let mut parts = range.split(';').map(str::trim);
    let tag = parts.next().unwrap_or_default();
    let weight = parts.find_map(|part| {
        let (name, value) = part.split_once('=')?;
        name.trim().eq_ignore_ascii_case("q").then(|| thousandths(value.trim()))
    });
    (tag, weight.unwrap_or(1000))
}

/// `qvalue` of RFC 9110 §12.4.2: 0 to 1 with at most three decimals.
fn thousandths(value: &str) -> u16 {
    let (whole, fraction) = value.split_once('.').unwrap_or((value, ""));
    if fraction.len() > 3 || !fraction.bytes().all(|b| b.is_ascii_digit()) {
        return 0;
    }
    let fraction: u16 = format!("{fraction:0<3}").parse().unwrap_or(0);
    match whole {
        "0" => fraction,
        "1" if fraction == 0 => 1000,
        _ => 0,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn by_header(header: &str) -> Language {
        Language::choose(None, Some(header))
    }

    #[test]
    fn a_choice_comes_before_the_browsers_preference() {
        assert_eq!(Language::choose(Some("zh-CN"), Some("en")), Language::Zh);
        assert_eq!(Language::choose(Some("en"), Some("zh")), Language::En);
    }

    #[test]
    fn a_choice_of_an_unknown_language_is_no_choice() {
        assert_eq!(Language::choose(Some("tlh"), Some("zh-TW")), Language::Zh);
        assert_eq!(Language::choose(Some(""), None), Language::En);
    }

    #[test]
    fn the_highest_weight_wins_wherever_it_stands() {
        assert_eq!(by_header("en;q=0.5, zh-CN;q=0.9"), Language::Zh);
        assert_eq!(by_header("zh;q=0.8,en-GB"), Language::En);
        assert_eq!(by_header("de,fr;q=0.9,zh-Hans;q=0.2"), Language::Zh);
    }

    #[test]
    fn equal_weights_are_judged_by_order() {
        assert_eq!(by_header("zh-CN,en"), Language::Zh);
        assert_eq!(by_header("en,zh-CN"), Language::En);
    }

    #[test]
    fn a_weight_of_zero_or_of_nonsense_excludes() {
        assert_eq!(by_header("zh;q=0"), Language::En);
        assert_eq!(by_header("zh;q=7, en;q=0.1"), Language::En);
        assert_eq!(by_header("zh;q=, en;q=0.001"), Language::En);
        assert_eq!(by_header("en;q=0.0001, zh;q=0.1"), Language::Zh);
    }

    #[test]
    fn a_header_without_a_language_of_ours_gives_english() {
        for header in ["", "*", "de-DE,fr;q=0.8", ";;;,,,=", "zho, eng"] {
            assert_eq!(by_header(header), Language::En, "{header:?}");
        }
    }

    #[test]
    fn a_tag_chooses_its_own_language() {
        for language in Language::ALL {
            assert_eq!(Language::choose(Some(language.tag()), None), language);
            assert_ne!(language.other(), language);
        }
    }
}
