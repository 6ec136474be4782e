//! Every pair of colours that meets in the product can be read: WCAG 2.2 AA, both themes.

use std::collections::BTreeMap;

/// The one table of colours.
const TOKENS: &str = include_str!("../../../style/tokens.css");

/// A colour as the table has it. A hue of `None` is an agent's: any.
#[derive(Debug, Clone, Copy)]
struct Oklch {
    lightness: f64,
    chroma: f64,
    hue: Option<f64>,
}

impl Oklch {
    /// Reads `0.44 0.080 210` or `0.45 0.09 var(--hue, 210)`.
    fn parse(text: &str) -> Self {
        let mut parts = text.splitn(3, ' ');
        let mut next = || parts.next().unwrap_or_else(|| panic!("incomplete: {text}"));
        let number = |part: &str| part.parse().unwrap_or_else(|_| panic!("no number: {text}"));
        let (lightness, chroma, hue) = (number(next()), number(next()), next());
        Self {
            lightness,
            chroma,
            hue: (!hue.starts_with("var(")).then(|| number(hue)),
        }
    }

    /// WCAG's relative luminance, of the colour clipped into sRGB.
    fn luminance(self, hue: f64) -> f64 {
        let hue = self.hue.unwrap_or(hue).to_radians();
        let (a, b) = (self.chroma * hue.cos(), self.chroma * hue.sin());
        let l = (self.lightness + 0.396_337_777_4 * a + 0.215_803_757_3 * b).powi(3);
        let m = (self.lightness - 0.105_561_345_8 * a - 0.063_854_172_8 * b).powi(3);
        let s = (self.lightness - 0.089_484_177_5 * a - 1.291_485_548_0 * b).powi(3);
        let red = 4.076_741_662_1 * l - 3.307_711_591_3 * m + 0.230_969_929_2 * s;
        let green = -1.268_438_004_6 * l + 2.609_757_401_1 * m - 0.341_319_396_5 * s;
        let blue = -0.004_196_086_3 * l - 0.703_418_614_7 * m + 1.707_614_701_0 * s;
        0.2126 * red.clamp(0.0, 1.0)
            + 0.7152 * green.clamp(0.0, 1.0)
            + 0.0722 * blue.clamp(0.0, 1.0)
    }
}

/// The worst ratio of two colours; over every hue where an agent's is part of it.
fn ratio(one: Oklch, other: Oklch) -> f64 {
    (0..360)
        .map(|hue| {
            let (a, b) = (
                one.luminance(f64::from(hue)),
                other.luminance(f64::from(hue)),
            );
            (a.max(b) + 0.05) / (a.min(b) + 0.05)
        })
        .fold(f64::INFINITY, f64::min)
}

/// Name → (light, dark).
fn table(css: &str) -> BTreeMap<&str, (Oklch, Oklch)> {
    css.lines()
        .filter_map(|line| {
            let (name, value) = line.trim().strip_prefix("--")?.split_once(": ")?;
            let value = value
                .strip_prefix("light-dark(oklch(")?
                .strip_suffix("));")?;
            let (light, dark) = value.split_once("), oklch(")?;
            Some((name, (Oklch::parse(light), Oklch::parse(dark))))
        })
        .collect()
}

/// What stands on what, and how clearly it must.
fn pairs() -> Vec<(&'static str, &'static str, f64)> {
    let grounds = ["surface-1", "surface-2", "surface-3", "float"];
    let mut pairs = Vec::new();
    for ground in grounds {
        for ink in [
            "text",
            "text-muted",
            "accent",
            "danger",
            "warning",
            "success",
        ] {
            pairs.push((ink, ground, 4.5));
        }
    }
    for ground in ["surface-1", "surface-2", "float"] {
        pairs.push(("line-control", ground, 3.0));
        pairs.push(("agent-ink", ground, 4.5));
    }
    for code in [
        "code-keyword",
        "code-string",
        "code-number",
        "code-function",
        "code-type",
        "code-comment",
    ] {
        pairs.push((code, "surface-2", 4.5));
    }
    pairs.extend([
        ("on-accent", "accent", 4.5),
        ("on-accent", "accent-strong", 4.5),
        ("accent-strong", "surface-1", 4.5),
        ("text", "accent-soft", 4.5),
        ("accent", "accent-soft", 4.5),
        ("agent-ink", "agent-soft", 4.5),
    ]);
    pairs
}

/// The pairs of `css` that are too faint.
fn faint(css: &str) -> Vec<String> {
    let table = table(css);
    let color = |name: &str| *table.get(name).unwrap_or_else(|| panic!("no --{name}"));
    let mut faint = Vec::new();
    for (ink, ground, least) in pairs() {
        let (ink_colors, ground_colors) = (color(ink), color(ground));
        for (theme, found) in [
            ("light", ratio(ink_colors.0, ground_colors.0)),
            ("dark", ratio(ink_colors.1, ground_colors.1)),
        ] {
            if found < least {
                faint.push(format!(
                    "{theme}: --{ink} on --{ground} is {found:.2}, needs {least}"
                ));
            }
        }
    }
    faint
}

#[test]
fn every_pair_is_clear_enough() {
    let faint = faint(TOKENS);
    assert!(faint.is_empty(), "{}", faint.join("\n"));
}

#[test]
fn known_ratios_come_out_right() {
    let grey = |lightness| Oklch {
        lightness,
        chroma: 0.0,
        hue: Some(0.0),
    };
    assert!((ratio(grey(1.0), grey(0.0)) - 21.0).abs() < 0.01);
    // #767676 on white is the well-known 4.54.
    assert!((ratio(grey(1.0), grey(0.5659)) - 4.54).abs() < 0.03);
}

#[test]
fn a_faint_pair_is_found() {
    let line = TOKENS
        .lines()
        .find(|line| line.contains("--text-muted:"))
        .unwrap();
    let spoiled = TOKENS.replace(
        line,
        "--text-muted: light-dark(oklch(0.8 0 0), oklch(0.735 0.012 195));",
    );
    assert!(
        faint(&spoiled)
            .iter()
            .any(|pair| pair.starts_with("light: --text-muted on"))
    );
}
