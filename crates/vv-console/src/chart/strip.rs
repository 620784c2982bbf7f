//! The chain as a strip: one block per month, what anchors it above, how far
//! it was checked below.

use super::{Milli, escape, write};

/// How far a month of the chain has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SegmentState {
    /// Events are still added.
    Open,
    /// Over, and its manifest is signed.
    Closed,
    /// Its events lie in an archive file as well.
    Archived,
    /// Its events are gone from the database; their hashes are not.
    Pruned,
}

impl SegmentState {
    /// The word shown.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Open => "open",
            Self::Closed => "closed",
            Self::Archived => "archived",
            Self::Pruned => "pruned",
        }
    }
}

/// A month of the chain.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StripSegment {
    /// The month, such as `Nov 2026`.
    pub label: String,
    /// How far it has come.
    pub state: SegmentState,
    /// Its first height.
    pub from: u64,
    /// Its last height.
    pub to: u64,
}

impl StripSegment {
    /// How many events it holds.
    pub const fn events(&self) -> u64 {
        self.to.saturating_add(1).saturating_sub(self.from)
    }
}

/// What the strip shows.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ChainStrip {
    /// The months, oldest first.
    pub segments: Vec<StripSegment>,
    /// Heights up to which the chain was anchored.
    pub anchors: Vec<u64>,
    /// Height up to which the chain was checked, and whether all was well.
    pub checked: Option<(u64, bool)>,
    /// The first event that does not fit.
    pub first_bad: Option<u64>,
}

/// Most months drawn; older ones are left out. Ten years.
const MAX_SEGMENTS: usize = 120;
/// Most anchors drawn.
const MAX_ANCHORS: usize = 64;
/// Room for this many labels.
const LABELS: u64 = 8;
/// Heights in pixels, from above: anchors, blocks, the line of the check, labels.
const HEIGHT: u64 = 84;
const ANCHOR: u64 = 9;
const BLOCK: u64 = 20;
const BLOCK_HEIGHT: u64 = 24;
const CHECK: u64 = 53;
const LABEL: u64 = 77;

/// Places on the strip, in thousandths of a percent of its width.
struct Scale<'a> {
    segments: &'a [StripSegment],
    count: u64,
}

impl<'a> Scale<'a> {
    fn new(segments: &'a [StripSegment]) -> Self {
        let start = segments.len().saturating_sub(MAX_SEGMENTS);
        let segments = segments.get(start..).unwrap_or(segments);
        let count = u64::try_from(segments.len()).unwrap_or(1).max(1);
        Self { segments, count }
    }

    /// The left edge of a block.
    const fn edge(&self, index: u64) -> u64 {
        100_000 * index / self.count
    }

    /// Where a height lies; heights before the strip at its start, later ones
    /// at its end.
    fn place(&self, height: u64) -> u64 {
        for (index, segment) in (0..).zip(self.segments) {
            if height <= segment.to {
                let width = self.edge(index + 1) - self.edge(index);
                let into = u128::from((height + 1).saturating_sub(segment.from));
                let part = u128::from(width) * into / u128::from(segment.events().max(1));
                return self.edge(index) + u64::try_from(part).unwrap_or(width).min(width);
            }
        }
        100_000
    }
}

/// The strip as a picture. `role="img"` with title and description; the page
/// adds the same facts as a table.
pub fn chain_strip(strip: &ChainStrip) -> String {
    let scale = Scale::new(&strip.segments);
    let mut svg = String::with_capacity(4096);
    open(&mut svg, strip, &scale);
    for (index, segment) in (0..).zip(scale.segments) {
        block(&mut svg, segment, &scale, index);
        label(&mut svg, segment, &scale, index);
    }
    anchors(&mut svg, strip, &scale);
    check(&mut svg, strip, &scale);
    svg.push_str("</svg>");
    svg
}

fn open(svg: &mut String, strip: &ChainStrip, scale: &Scale<'_>) {
    let span = match (scale.segments.first(), scale.segments.last()) {
        (Some(first), Some(last)) if first.label != last.label => {
            format!("{} to {}", escape(&first.label), escape(&last.label))
        }
        (Some(only), _) => escape(&only.label),
        _ => "Nothing yet".to_owned(),
    };
    let anchored = match strip.anchors.iter().max() {
        Some(height) => format!("Anchored up to event {height}."),
        None => "Not anchored yet.".to_owned(),
    };
    let checked = match (strip.checked, strip.first_bad) {
        (_, Some(height)) => format!("The first event that does not fit is {height}."),
        (Some((height, true)), None) => format!("Checked up to event {height}."),
        (Some((_, false)), None) => "The last check failed.".to_owned(),
        (None, None) => "Not checked yet.".to_owned(),
    };
    write(
        svg,
        format_args!(
            r#"<svg class="strip" width="100%" height="{HEIGHT}" role="img" aria-labelledby="strip-title strip-desc"><title id="strip-title">The chain by month</title><desc id="strip-desc">{span}. {anchored} {checked}</desc>"#
        ),
    );
}

fn block(svg: &mut String, segment: &StripSegment, scale: &Scale<'_>, index: u64) {
    let (left, right) = (scale.edge(index), scale.edge(index + 1));
    // A gap that is never more than a tenth of the block.
    let gap = ((right - left) / 10).min(250);
    write(
        svg,
        format_args!(
            r#"<g class="strip-month"><title>{label}, {state}: events {from} to {to}</title><rect class="strip-{state}" x="{x}%" width="{width}%" y="{BLOCK}" height="{BLOCK_HEIGHT}" rx="4"/></g>"#,
            label = escape(&segment.label),
            state = segment.state.word(),
            from = segment.from,
            to = segment.to,
            x = Milli(left),
            width = Milli(right - left - gap),
        ),
    );
}

/// A label where there is room for one; narrow screens show every second.
fn label(svg: &mut String, segment: &StripSegment, scale: &Scale<'_>, index: u64) {
    let every = scale.count.div_ceil(LABELS);
    if !index.is_multiple_of(every) {
        return;
    }
    let class = if (index / every).is_multiple_of(2) {
        "chart-label"
    } else {
        "chart-label chart-label-minor"
    };
    write(
        svg,
        format_args!(
            r#"<text class="{class}" x="{x}%" y="{LABEL}">{label}</text>"#,
            x = Milli(scale.edge(index)),
            label = escape(&segment.label),
        ),
    );
}

fn anchors(svg: &mut String, strip: &ChainStrip, scale: &Scale<'_>) {
    let mut heights = strip.anchors.clone();
    heights.sort_unstable();
    let start = heights.len().saturating_sub(MAX_ANCHORS);
    let mut before = None;
    for height in heights.iter().skip(start) {
        let place = scale.place(*height);
        // Two within half a percent would only blur each other.
        if before.is_some_and(|before| place < before + 500) {
            continue;
        }
        before = Some(place);
        write(
            svg,
            format_args!(
                r#"<g class="strip-anchor"><title>Anchored at event {height}</title><circle cx="{x}%" cy="{ANCHOR}" r="3.5"/><line x1="{x}%" x2="{x}%" y1="{y}" y2="{BLOCK}"/></g>"#,
                x = Milli(inside(place)),
                y = ANCHOR + 4,
            ),
        );
    }
}

/// Far enough from the edges for a mark to be drawn whole.
fn inside(place: u64) -> u64 {
    place.clamp(500, 99_500)
}

fn check(svg: &mut String, strip: &ChainStrip, scale: &Scale<'_>) {
    write(
        svg,
        format_args!(r#"<line class="strip-rule" x1="0" x2="100%" y1="{CHECK}" y2="{CHECK}"/>"#),
    );
    if let Some((height, fine)) = strip.checked {
        let end = inside(scale.place(height));
        // What lies before the first bad event was found to be right.
        let good = match strip.first_bad {
            Some(bad) => inside(scale.place(bad)).min(end),
            None if fine => end,
            None => inside(0),
        };
        let class = if fine { "strip-good" } else { "strip-bad" };
        write(
            svg,
            format_args!(
                r#"<g class="strip-good"><line x1="0.500%" x2="{good}%" y1="{CHECK}" y2="{CHECK}"/></g><g class="{class}"><title>Checked up to event {height}</title><line x1="{good}%" x2="{end}%" y1="{CHECK}" y2="{CHECK}"/><circle cx="{end}%" cy="{CHECK}" r="4"/></g>"#,
                good = Milli(good),
                end = Milli(end),
            ),
        );
    }
    if let Some(height) = strip.first_bad {
        write(
            svg,
            format_args!(
                r#"<g class="strip-fault"><title>Event {height} does not fit</title><line x1="{x}%" x2="{x}%" y1="{top}" y2="{bottom}"/><circle cx="{x}%" cy="{CHECK}" r="5"/></g>"#,
                x = Milli(inside(scale.place(height))),
                top = BLOCK - 4,
                bottom = BLOCK + BLOCK_HEIGHT + 4,
            ),
        );
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn months(counts: &[u64]) -> ChainStrip {
        let mut from = 1;
        let mut segments = Vec::new();
        for (n, count) in counts.iter().enumerate() {
            segments.push(StripSegment {
                label: format!("month {n}"),
                state: SegmentState::Closed,
                from,
                to: from + count - 1,
            });
            from += count;
        }
        ChainStrip {
            segments,
            ..ChainStrip::default()
        }
    }

    #[test]
    fn a_height_lies_in_the_block_of_its_month() {
        let strip = months(&[10, 1_000, 4]);
        let scale = Scale::new(&strip.segments);
        assert_eq!(scale.place(0), 0);
        assert_eq!(scale.place(10), 33_333);
        assert!((33_333..34_000).contains(&scale.place(11)));
        assert_eq!(scale.place(1_010), 66_666);
        assert_eq!(scale.place(1_014), 100_000);
        assert_eq!(scale.place(u64::MAX - 1), 100_000);
    }

    #[test]
    fn everything_stays_inside_the_picture() {
        let mut huge = months(&[1, u64::MAX / 2, 7]);
        huge.anchors = vec![0, 1, u64::MAX, 9];
        huge.checked = Some((u64::MAX, false));
        huge.first_bad = Some(u64::MAX);
        for strip in [huge, months(&[]), months(&[1]), months(&[3; 400])] {
            let svg = chain_strip(&strip);
            for name in ["x", "x1", "x2", "cx", "width"] {
                for rest in svg.split(&format!(" {name}=\"")).skip(1) {
                    let value = rest.split('"').next().expect("closing quote");
                    let number: f64 = value.trim_end_matches('%').parse().expect("a number");
                    assert!((0.0..=100.0).contains(&number), "{name}={number}");
                }
            }
            assert!(svg.matches("strip-month").count() <= MAX_SEGMENTS);
            assert!(svg.matches("<text").count() <= 9);
        }
    }

    #[test]
    fn the_picture_says_what_it_shows() {
        let mut strip = months(&[5, 5]);
        let svg = chain_strip(&strip);
        assert!(svg.contains("month 0 to month 1. Not anchored yet. Not checked yet."));
        strip.anchors = vec![7, 3];
        strip.checked = Some((10, true));
        let svg = chain_strip(&strip);
        assert!(svg.contains("Anchored up to event 7. Checked up to event 10."));
        assert!(!svg.contains("strip-fault"));
        strip.first_bad = Some(4);
        let svg = chain_strip(&strip);
        assert!(svg.contains("The first event that does not fit is 4."));
        assert!(svg.contains("strip-fault"));
    }

    #[test]
    fn anchors_that_would_cover_each_other_are_drawn_once() {
        let mut strip = months(&[1_000_000]);
        strip.anchors = (1..=60).collect();
        strip.anchors.push(900_000);
        assert_eq!(chain_strip(&strip).matches("strip-anchor").count(), 2);
    }
}
