//! Exports: one event, one line, in a form that other programs read.
//!
//! Everything here turns values into bytes and does no I/O, so an export can be
//! streamed with a buffer of one line. Whatever the form, a line carries chain,
//! height, previous hash, leaf hash and the checkpoint it falls under; the
//! lines of [`ExportFormat::Jsonl`] and [`ExportFormat::Ocsf`] carry the leaf
//! too, from which all the rest can be checked (docs/audit-format.md).

mod cef;
mod csv;
mod json;
mod jsonl;
mod ocsf;
mod record;

pub use jsonl::JSONL_FORMAT;
pub use ocsf::OCSF_VERSION;
pub use record::{
    AnchorProof, CheckpointRef, ExportError, ExportHeader, ExportRecord, ExportTrailer,
    OpenedField, Selection,
};

/// The name of the product in exports.
const PRODUCT: &str = "ValueVerse Security";
/// Who makes it.
const VENDOR: &str = "ValueVerse";

/// The form of an export.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum ExportFormat {
    /// A JSON object per line with the leaf itself, between a header and a
    /// trailer: loses nothing and can be verified.
    Jsonl,
    /// Comma-separated values (RFC 4180) for spreadsheets.
    Csv,
    /// Common Event Format, version 0.
    Cef,
    /// Open Cybersecurity Schema Framework, version 1.9, a JSON object per line.
    Ocsf,
}

impl ExportFormat {
    /// Every form.
    pub const ALL: [Self; 4] = [Self::Jsonl, Self::Csv, Self::Cef, Self::Ocsf];

    /// The spelling in the API and on the command line.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Jsonl => "jsonl",
            Self::Csv => "csv",
            Self::Cef => "cef",
            Self::Ocsf => "ocsf",
        }
    }

    /// The form of this spelling.
    pub fn by_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|known| known.as_str() == name)
    }

    /// The media type of an export.
    pub const fn media_type(self) -> &'static str {
        match self {
            Self::Jsonl | Self::Ocsf => "application/x-ndjson",
            // RFC 4180 §3.
            Self::Csv => "text/csv; charset=utf-8; header=present",
            Self::Cef => "text/plain; charset=utf-8",
        }
    }

    /// The end of a file's name, without the dot.
    pub const fn extension(self) -> &'static str {
        match self {
            Self::Jsonl => "jsonl",
            Self::Csv => "csv",
            Self::Cef => "cef",
            Self::Ocsf => "ocsf.jsonl",
        }
    }
}

/// Writes the lines of an export, one after the other, behind what is in the
/// buffer already.
#[derive(Debug, Clone)]
pub struct Exporter {
    format: ExportFormat,
    version: String,
}

impl Exporter {
    /// An exporter of a form; `version` is this product's.
    pub fn new(format: ExportFormat, version: impl Into<String>) -> Self {
        Self {
            format,
            version: version.into(),
        }
    }

    /// What it writes.
    pub const fn format(&self) -> ExportFormat {
        self.format
    }

    /// What stands before the events. Nothing for CEF and OCSF, whose readers
    /// expect events only.
    pub fn open(&self, out: &mut Vec<u8>, header: &ExportHeader<'_>) {
        match self.format {
            ExportFormat::Jsonl => jsonl::header(out, &self.version, header),
            ExportFormat::Csv => csv::header(out),
            ExportFormat::Cef | ExportFormat::Ocsf => {}
        }
    }

    /// An event, with the line's end.
    pub fn line(&self, out: &mut Vec<u8>, record: &ExportRecord<'_>) {
        match self.format {
            ExportFormat::Jsonl => jsonl::line(out, record),
            ExportFormat::Csv => csv::line(out, record),
            ExportFormat::Cef => cef::line(out, &self.version, record),
            ExportFormat::Ocsf => ocsf::line(out, &self.version, record),
        }
    }

    /// What stands after the events; an export in JSONL that lacks it is not whole.
    pub fn close(&self, out: &mut Vec<u8>, trailer: &ExportTrailer<'_>) {
        match self.format {
            ExportFormat::Jsonl => jsonl::trailer(out, trailer),
            ExportFormat::Csv | ExportFormat::Cef | ExportFormat::Ocsf => {}
        }
    }
}
