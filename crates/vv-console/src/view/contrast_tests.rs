//! WCAG 2.2 contrast of the design tokens, computed from the stylesheet:
//! 4.5:1 for text (1.4.3), 3:1 for controls and graphics (1.4.11).

use std::collections::HashMap;

use crate::assets::CONSOLE_CSS;

type Rgb = [f64; 3];

const TEXT: f64 = 4.5;
const GRAPHIC: f64 = 3.0;

/// Foreground, background, least ratio.
const PAIRS: &[(&str, &str, f64)] = &[
    ("text", "canvas", TEXT),
    ("text", "surface", TEXT),
    ("text", "sunken", TEXT),
    ("text", "hover", TEXT),
    ("muted", "canvas", TEXT),
    ("muted", "surface", TEXT),
    ("muted", "sunken", TEXT),
    ("muted", "hover", TEXT),
    ("accent", "canvas", TEXT),
    ("accent", "surface", TEXT),
    ("accent", "accent-soft", TEXT),
    ("text", "accent-soft", TEXT),
    ("accent-on", "accent-fill", TEXT),
    ("accent-on", "accent-fill-hover", TEXT),
    ("bad-on", "bad-fill", TEXT),
    ("bad", "canvas", TEXT),
    ("bad", "surface", TEXT),
    ("warning", "canvas", TEXT),
    ("good", "canvas", TEXT),
    ("good", "good-soft", TEXT),
    ("info", "info-soft", TEXT),
    ("warning", "warning-soft", TEXT),
    ("bad", "bad-soft", TEXT),
    ("neutral", "neutral-soft", TEXT),
    ("neutral", "surface", TEXT),
    ("text", "good-soft", TEXT),
    ("text", "info-soft", TEXT),
    ("text", "bad-soft", TEXT),
    ("ink-text", "ink", TEXT),
    ("ink-text", "ink-raised", TEXT),
    ("ink-strong", "ink", TEXT),
    ("ink-strong", "ink-raised", TEXT),
    ("ink-accent", "ink", GRAPHIC),
    ("ink-accent", "ink-raised", GRAPHIC),
    ("line-strong", "canvas", GRAPHIC),
    ("line-strong", "surface", GRAPHIC),
    ("focus", "canvas", GRAPHIC),
    ("focus", "surface", GRAPHIC),
    ("accent-fill", "canvas", GRAPHIC),
    ("accent-fill", "surface", GRAPHIC),
    ("chart-ok", "surface", GRAPHIC),
    ("chart-bad", "surface", GRAPHIC),
    ("strip-archived", "surface", GRAPHIC),
    ("bad", "surface", GRAPHIC),
    ("accent", "sunken", TEXT),
    ("neutral", "canvas", TEXT),
    ("good", "surface", GRAPHIC),
    ("info", "surface", GRAPHIC),
    ("warning", "surface", GRAPHIC),
];

/// Name to (light, dark) of every token that is a plain colour.
fn tokens() -> HashMap<&'static str, (Rgb, Rgb)> {
    CONSOLE_CSS
        .lines()
        .filter_map(|line| {
            let (name, value) = line.trim().strip_prefix("--")?.split_once(": ")?;
            let value = value.strip_suffix(';')?;
            let pair = match value.strip_prefix("light-dark(") {
                Some(both) => {
                    let (light, dark) = both.strip_suffix(')')?.split_once(", ")?;
                    (hex(light)?, hex(dark)?)
                }
                None => (hex(value)?, hex(value)?),
            };
            Some((name, pair))
        })
        .collect()
}

fn hex(text: &str) -> Option<Rgb> {
    let digits = text.strip_prefix('#').filter(|digits| digits.len() == 6)?;
    let channel = |at: usize| u8::from_str_radix(digits.get(at..at + 2)?, 16).ok();
    Some([channel(0)?, channel(2)?, channel(4)?].map(|value| f64::from(value) / 255.0))
}

fn luminance(rgb: Rgb) -> f64 {
    let [r, g, b] = rgb.map(|value| {
        if value <= 0.040_45 {
            value / 12.92
        } else {
            ((value + 0.055) / 1.055).powf(2.4)
        }
    });
    0.2126 * r + 0.7152 * g + 0.0722 * b
}

fn ratio(a: Rgb, b: Rgb) -> f64 {
    let (a, b) = (luminance(a), luminance(b));
    (a.max(b) + 0.05) / (a.min(b) + 0.05)
}

#[test]
fn the_formula_gives_the_known_extremes() {
    let (white, black) = (hex("#ffffff").expect("hex"), hex("#000000").expect("hex"));
    assert!((ratio(white, black) - 21.0).abs() < 1e-9);
    assert!((ratio(white, white) - 1.0).abs() < 1e-9);
    // #767676 on white is the well-known lightest passing grey.
    assert!((ratio(white, hex("#767676").expect("hex")) - 4.54).abs() < 0.01);
}

#[test]
fn every_pair_of_tokens_reaches_aa_in_both_themes() {
    let tokens = tokens();
    let mut faults = Vec::new();
    for (front, back, least) in PAIRS {
        let front_pair = tokens
            .get(front)
            .unwrap_or_else(|| panic!("no token {front}"));
        let back_pair = tokens
            .get(back)
            .unwrap_or_else(|| panic!("no token {back}"));
        for (theme, got) in [
            ("light", ratio(front_pair.0, back_pair.0)),
            ("dark", ratio(front_pair.1, back_pair.1)),
        ] {
            if got < *least {
                faults.push(format!("{front} on {back}, {theme}: {got:.2} < {least}"));
            }
        }
    }
    assert!(faults.is_empty(), "{}", faults.join("\n"));
}

#[test]
fn every_custom_property_used_is_defined() {
    let defined = |name: &str| CONSOLE_CSS.contains(&format!("--{name}: "));
    for rest in CONSOLE_CSS.split("var(--").skip(1) {
        let name = rest.split([')', ',']).next().expect("name");
        assert!(defined(name), "--{name} is used but not defined");
    }
}

#[test]
fn colours_are_named_in_the_tokens_only() {
    let (_, rules) = CONSOLE_CSS
        .split_once("/* Elements. */")
        .expect("tokens first");
    let literal = rules.split_whitespace().find(|word| {
        word.strip_prefix('#').is_some_and(|rest| {
            rest.len() >= 6 && rest.bytes().take(6).all(|b| b.is_ascii_hexdigit())
        })
    });
    assert_eq!(literal, None, "a colour outside the tokens");
}
