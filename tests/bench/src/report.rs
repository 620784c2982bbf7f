//! The table for people and the JSON for machines.

use std::fmt;
use std::path::Path;

use crate::measure::{Compared, Outcome, Row};

#[derive(serde::Serialize)]
pub(crate) struct Report {
    format: u32,
    quick: bool,
    processors: usize,
    rows: Vec<Line>,
}

#[derive(serde::Serialize)]
struct Line {
    #[serde(flatten)]
    row: Row,
    verdict: &'static str,
}

impl Report {
    pub(crate) fn new(quick: bool) -> Self {
        Self {
            format: 1,
            quick,
            processors: std::thread::available_parallelism().map_or(1, usize::from),
            rows: Vec::new(),
        }
    }

    pub(crate) fn add(&mut self, rows: Vec<Row>) {
        self.rows.extend(rows.into_iter().map(|row| Line {
            verdict: verdict(row.compared),
            row,
        }));
    }

    pub(crate) fn write(&self, path: &Path) -> Outcome<()> {
        let text = serde_json::to_string_pretty(self).map_err(|error| error.to_string())?;
        std::fs::write(path, text + "\n")
            .map_err(|error| format!("cannot write {}: {error}", path.display()))
    }
}

fn verdict(compared: Option<Compared>) -> &'static str {
    match compared {
        None => "ceiling",
        Some(Compared { target: None, .. }) => "no target",
        Some(Compared {
            ratio,
            target: Some(target),
            ..
        }) => {
            if ratio >= target {
                "holds"
            } else {
                "MISSED"
            }
        }
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut table = vec![
            [
                "what", "measured", "unit", "CPU µs", "ceiling", "ratio", "target", "verdict",
            ]
            .map(ToOwned::to_owned),
        ];
        for line in &self.rows {
            let compared = line.row.compared;
            let target = compared.and_then(|compared| compared.target);
            table.push([
                line.row.name.to_owned(),
                number(line.row.measured),
                line.row.unit.to_owned(),
                number(line.row.cpu_micros),
                compared.map_or_else(String::new, |compared| number(compared.ceiling)),
                compared.map_or_else(String::new, |compared| format!("{:.2}", compared.ratio)),
                target.map_or_else(String::new, |target| format!("≥ {target:.2}")),
                line.verdict.to_owned(),
            ]);
        }
        let mut widths = [0; 8];
        for cells in &table {
            for (width, cell) in widths.iter_mut().zip(cells) {
                *width = cell.chars().count().max(*width);
            }
        }
        for cells in &table {
            for (column, (cell, width)) in cells.iter().zip(widths).enumerate() {
                // Words to the left, figures to the right.
                match column {
                    0 | 2 | 7 => write!(f, "{cell:<width$}  ")?,
                    _ => write!(f, "{cell:>width$}  ")?,
                }
            }
            writeln!(f)?;
        }
        Ok(())
    }
}

/// Three or more significant digits.
fn number(value: f64) -> String {
    match value {
        v if v >= 100.0 => format!("{v:.0}"),
        v if v >= 10.0 => format!("{v:.1}"),
        v if v >= 0.1 => format!("{v:.2}"),
        v => format!("{v:.4}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(name: &'static str, compared: Option<Compared>) -> Row {
        Row {
            name,
            unit: "commits/s",
            measured: 1234.5,
            cpu_micros: 0.5,
            rounds: vec![1234.5],
            compared,
        }
    }

    #[test]
    fn verdicts_follow_the_target() {
        let compared = |ratio, target| {
            Some(Compared {
                ceiling: 1.0,
                ratio,
                target,
            })
        };
        assert_eq!(verdict(None), "ceiling");
        assert_eq!(verdict(compared(9.9, None)), "no target");
        assert_eq!(verdict(compared(10.0, Some(10.0))), "holds");
        assert_eq!(verdict(compared(9.9, Some(10.0))), "MISSED");
    }

    #[test]
    fn the_table_lines_up_and_the_json_has_every_row() {
        let mut report = Report::new(true);
        let compared = Compared {
            ceiling: 100.0,
            ratio: 12.345,
            target: Some(10.0),
        };
        report.add(vec![
            row("bare", None),
            row("ours, 64 callers", Some(compared)),
        ]);
        let text = report.to_string();
        let widths: Vec<usize> = text.lines().map(|line| line.chars().count()).collect();
        assert!(widths.iter().all(|width| *width == widths[0]), "{text}");
        assert!(text.contains("12.35") || text.contains("12.34"), "{text}");
        let json = serde_json::to_value(&report).unwrap();
        assert_eq!(json["rows"][1]["target"], 10.0);
        assert_eq!(json["rows"][1]["verdict"], "holds");
    }
}
