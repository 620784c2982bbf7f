//! Charts as SVG, drawn from numbers on the server.
//!
//! Horizontal positions are percentages and vertical ones pixels, so a chart
//! fills its card at any width while its text keeps its size. Colours come
//! from the stylesheet through classes; no `style` attribute is written.

mod strip;

use std::fmt::Write as _;

pub use strip::{ChainStrip, SegmentState, StripSegment, chain_strip};

/// Sign-ins of one hour.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HourBucket {
    /// The hour as people read it, such as `14:00`.
    pub label: String,
    /// Sign-ins that worked.
    pub succeeded: u64,
    /// Sign-ins that were refused.
    pub failed: u64,
}

impl HourBucket {
    /// All attempts of the hour.
    pub const fn total(&self) -> u64 {
        self.succeeded.saturating_add(self.failed)
    }
}

/// Most buckets drawn; what comes after is left out.
const MAX_BUCKETS: usize = 168;
/// Height of the picture in pixels.
const HEIGHT: u64 = 216;
/// Where the bars end at the top and stand at the bottom, in pixels.
const TOP: u64 = 20;
const FLOOR: u64 = 188;
/// Left edge of the bars, in thousandths of the width; the gridlines' labels
/// stand in front of it.
const GUTTER: u64 = 70;

/// Stacked bars per hour: success below, failure on top. `role="img"` with
/// title and description; the page adds the same numbers as a table.
pub fn hourly_bars(hours: &[HourBucket]) -> String {
    let hours = hours.get(..MAX_BUCKETS).unwrap_or(hours);
    let peak = hours.iter().map(HourBucket::total).max().unwrap_or(0);
    let scale = Scale::for_peak(peak);
    let mut svg = String::with_capacity(4096);
    open(&mut svg, hours);
    grid(&mut svg, scale);
    let count = u64::try_from(hours.len()).unwrap_or(1).max(1);
    for (index, hour) in (0_u64..).zip(hours) {
        bar(&mut svg, hour, Slot::new(index, count), scale);
    }
    axis(&mut svg, hours, count);
    if peak == 0 {
        let middle = u64::midpoint(TOP, FLOOR);
        write(
            &mut svg,
            format_args!(
                r#"<text class="chart-empty" x="53.5%" y="{middle}" text-anchor="middle">No sign-ins in this period</text>"#
            ),
        );
    }
    svg.push_str("</svg>");
    svg
}

/// The vertical scale: gridlines at multiples of `step` up to `top`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Scale {
    step: u128,
    top: u128,
}

impl Scale {
    /// The smallest step of the form 1, 2 or 5 times a power of ten that
    /// needs at most four lines above zero.
    fn for_peak(peak: u64) -> Self {
        let peak = u128::from(peak.max(4));
        let mut power = 1_u128;
        loop {
            for factor in [1, 2, 5] {
                let step = factor * power;
                if step * 4 >= peak {
                    let top = peak.div_ceil(step) * step;
                    return Self { step, top };
                }
            }
            power *= 10;
        }
    }

    /// The pixel height of a value, in thousandths.
    fn rise(self, value: u128) -> u64 {
        let room = u128::from(FLOOR - TOP) * 1000;
        u64::try_from(value.min(self.top) * room / self.top).unwrap_or(0)
    }
}

/// The horizontal room of one bar, in thousandths of a percent.
#[derive(Debug, Clone, Copy)]
struct Slot {
    left: u64,
    width: u64,
}

impl Slot {
    fn new(index: u64, count: u64) -> Self {
        let room = 100_000 - GUTTER * 100;
        let left = GUTTER * 100 + room * index / count;
        let next = GUTTER * 100 + room * (index + 1) / count;
        Self {
            left,
            width: next - left,
        }
    }

    /// The middle of the slot.
    const fn centre(self) -> u64 {
        self.left + self.width / 2
    }
}

fn open(svg: &mut String, hours: &[HourBucket]) {
    let sum = |pick: fn(&HourBucket) -> u64| hours.iter().map(pick).fold(0, u64::saturating_add);
    let succeeded = sum(|hour| hour.succeeded);
    let failed = sum(|hour| hour.failed);
    let span = match (hours.first(), hours.last()) {
        (Some(first), Some(last)) => {
            format!(" from {} to {}", escape(&first.label), escape(&last.label))
        }
        _ => String::new(),
    };
    write(
        svg,
        format_args!(
            r#"<svg class="chart" width="100%" height="{HEIGHT}" role="img" aria-labelledby="chart-title chart-desc"><title id="chart-title">Sign-ins per hour</title><desc id="chart-desc">Stacked bars{span}: {succeeded} succeeded and {failed} failed in all.</desc>"#
        ),
    );
}

fn grid(svg: &mut String, scale: Scale) {
    let mut value = 0_u128;
    while value <= scale.top {
        let rise = scale.rise(value);
        let y = FLOOR * 1000 - rise;
        let class = if value == 0 {
            "chart-base"
        } else {
            "chart-grid"
        };
        write(
            svg,
            format_args!(
                r#"<line class="{class}" x1="0" x2="100%" y1="{y}" y2="{y}"/><text class="chart-tick" x="0" y="{y}" dy="-4">{label}</text>"#,
                y = Milli(y),
                label = compact(value),
            ),
        );
        value += scale.step;
    }
}

fn bar(svg: &mut String, hour: &HourBucket, slot: Slot, scale: Scale) {
    let width = slot.width * 62 / 100;
    let x = Milli(slot.left + (slot.width - width) / 2);
    let good = scale.rise(hour.succeeded.into());
    let all = scale.rise(hour.total().into());
    write(
        svg,
        format_args!(
            r#"<g class="chart-hour"><title>{label}: {succeeded} succeeded, {failed} failed</title><rect class="chart-hit" x="{left}%" width="{slot}%" y="{TOP}" height="{hit}"/>"#,
            label = escape(&hour.label),
            succeeded = hour.succeeded,
            failed = hour.failed,
            left = Milli(slot.left),
            slot = Milli(slot.width),
            hit = FLOOR - TOP,
        ),
    );
    let mut part = |class: &str, from: u64, to: u64| {
        // A handful of failures above thousands of successes must stay visible.
        let height = (to - from).max(2000);
        let y = (FLOOR * 1000).saturating_sub(from + height);
        write(
            svg,
            format_args!(
                r#"<rect class="{class}" x="{x}%" width="{width}%" y="{y}" height="{height}" rx="1.5"/>"#,
                width = Milli(width),
                y = Milli(y),
                height = Milli(height),
            ),
        );
    };
    if hour.succeeded > 0 {
        part("chart-ok", 0, good);
    }
    if hour.failed > 0 {
        let gap = if hour.succeeded > 0 { 1500 } else { 0 };
        let from = if hour.succeeded > 0 {
            good.max(2000)
        } else {
            0
        } + gap;
        part("chart-bad", from, all.max(from));
    }
    svg.push_str("</g>");
}

/// A label under every third hour; narrow screens show every sixth.
fn axis(svg: &mut String, hours: &[HourBucket], count: u64) {
    for (index, hour) in (0_u64..).zip(hours) {
        if index % 3 != 0 {
            continue;
        }
        let class = if index % 6 == 0 {
            "chart-label"
        } else {
            "chart-label chart-label-minor"
        };
        write(
            svg,
            format_args!(
                r#"<text class="{class}" x="{x}%" y="{y}" text-anchor="middle">{label}</text>"#,
                x = Milli(Slot::new(index, count).centre()),
                y = FLOOR + 20,
                label = escape(&hour.label),
            ),
        );
    }
}

/// A number given in thousandths, written as a decimal.
struct Milli(u64);

impl std::fmt::Display for Milli {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}.{:03}", self.0 / 1000, self.0 % 1000)
    }
}

/// A gridline's value in few characters: `950`, `1.5k`, `20M`.
fn compact(value: u128) -> String {
    const UNITS: [(u128, &str); 6] = [
        (1_000_000_000_000_000_000, "E"),
        (1_000_000_000_000_000, "P"),
        (1_000_000_000_000, "T"),
        (1_000_000_000, "G"),
        (1_000_000, "M"),
        (1_000, "k"),
    ];
    for (unit, suffix) in UNITS {
        if value >= unit {
            let tenth = value % unit * 10 / unit;
            return match tenth {
                0 => format!("{}{suffix}", value / unit),
                _ => format!("{}.{tenth}{suffix}", value / unit),
            };
        }
    }
    value.to_string()
}

/// Text fit for element content and quoted attributes; characters that XML
/// does not allow are left out.
fn escape(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '&' => out.push_str("&amp;"),
            '"' => out.push_str("&quot;"),
            '\'' => out.push_str("&#39;"),
            c if c.is_control() => {}
            c => out.push(c),
        }
    }
    out
}

fn write(svg: &mut String, text: std::fmt::Arguments<'_>) {
    // Writing to a String cannot fail.
    let _ = svg.write_fmt(text);
}

#[cfg(test)]
#[path = "chart_tests.rs"]
mod tests;
