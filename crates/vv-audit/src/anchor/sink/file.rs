//! The sink that is a file: one line of JSON per checkpoint, only ever appended.
//! A line that is cut off is a write that broke; what follows it is fine.

use std::fs::{File, OpenOptions};
use std::io::{self, Read as _, Seek as _, SeekFrom, Write as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};

use serde::{Deserialize, Serialize};
use vv_base::Timestamp;
use vv_crypto::verify_note;

use super::{Outgoing, SinkFailure};
use crate::audit::{ANCHOR_CHAIN, Audit};

/// How much of the end of the file is read: room for some records.
const TAIL: u64 = 256 << 10;

/// How long the file was when this process used it last. Held while the file
/// is used, so that calls which hang do not pile up.
#[derive(Debug, Default)]
pub(super) struct Known {
    length: u64,
}

/// One line of the file.
#[derive(Debug, Serialize, Deserialize)]
struct Record {
    at: Timestamp,
    size: u64,
    note: String,
}

/// The end of the file.
struct End {
    exists: bool,
    length: u64,
    /// Whether the last line is complete.
    whole: bool,
    last: Option<Record>,
}

impl Audit {
    /// Appends the checkpoint, unless it is the last one there. Answers with
    /// the receipt to keep.
    pub(super) async fn offer_to_file(
        &self,
        path: &Path,
        known: Arc<Mutex<Known>>,
        acknowledged: u64,
        outgoing: &Outgoing,
    ) -> Result<Option<String>, SinkFailure> {
        let place = path.to_owned();
        let end = blocking(Arc::clone(&known), move |known| read_end(&place, known)).await?;
        let size = match &end.last {
            Some(record) => self.check_last(record, outgoing).await?,
            None if end.exists && end.whole && end.length > 0 => {
                return Err(SinkFailure::FileForeign);
            }
            None => 0,
        };
        if size < acknowledged {
            return Err(SinkFailure::FileCut);
        }
        if size < outgoing.size {
            let line = line_of(outgoing, end.whole)?;
            let place = path.to_owned();
            blocking(known, move |known| append(&place, &line, end.exists, known)).await?;
        }
        let is_new = acknowledged < outgoing.size;
        Ok(is_new.then(|| outgoing.note.clone()))
    }

    /// The last checkpoint of the file must be one of ours that the log continues.
    async fn check_last(&self, record: &Record, outgoing: &Outgoing) -> Result<u64, SinkFailure> {
        let log = self.anchor_log();
        let verified = verify_note(&record.note, &log.verifier_keys()?);
        let Ok(checkpoint) = verified.map(|note| note.checkpoint) else {
            return Err(SinkFailure::FileForeign);
        };
        let size = checkpoint.size;
        if size != record.size {
            return Err(SinkFailure::FileForeign);
        }
        if size > outgoing.size {
            return Err(SinkFailure::Ahead(size));
        }
        let origin = self.inner.anchors.origin_of(ANCHOR_CHAIN);
        if self.is_ours(&record.note, &origin, size).await? {
            Ok(size)
        } else {
            Err(SinkFailure::Contradiction(size))
        }
    }
}

fn line_of(outgoing: &Outgoing, whole: bool) -> Result<Vec<u8>, SinkFailure> {
    let record = Record {
        at: outgoing.at,
        size: outgoing.size,
        note: outgoing.note.clone(),
    };
    let text = serde_json::to_string(&record).map_err(|_| SinkFailure::Answer("unreachable"))?;
    let lead = if whole { "" } else { "\n" };
    Ok(format!("{lead}{text}\n").into_bytes())
}

/// Runs work on the file away from the async threads. When an earlier call
/// still hangs, the file does not answer.
async fn blocking<T: Send + 'static>(
    known: Arc<Mutex<Known>>,
    work: impl FnOnce(&mut Known) -> Result<T, SinkFailure> + Send + 'static,
) -> Result<T, SinkFailure> {
    let done = tokio::task::spawn_blocking(move || match known.try_lock() {
        Ok(mut known) => work(&mut known),
        Err(_) => Err(SinkFailure::Timeout),
    });
    done.await.unwrap_or(Err(SinkFailure::Timeout))
}

fn read_end(path: &Path, known: &mut Known) -> Result<End, SinkFailure> {
    let mut file = match File::open(path) {
        Ok(file) => file,
        Err(error) if error.kind() == io::ErrorKind::NotFound && known.length == 0 => {
            return Ok(End {
                exists: false,
                length: 0,
                whole: true,
                last: None,
            });
        }
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Err(SinkFailure::FileCut),
        Err(error) => return Err(error.into()),
    };
    let length = file.metadata()?.len();
    if length < known.length {
        return Err(SinkFailure::FileCut);
    }
    known.length = length;
    file.seek(SeekFrom::Start(length.saturating_sub(TAIL)))?;
    let mut tail = Vec::new();
    file.take(TAIL).read_to_end(&mut tail)?;
    let whole = tail.is_empty() || tail.ends_with(b"\n");
    let last = tail
        .rsplit(|byte| *byte == b'\n')
        .find_map(|line| serde_json::from_slice(line).ok());
    Ok(End {
        exists: true,
        length,
        whole,
        last,
    })
}

fn append(path: &Path, line: &[u8], exists: bool, known: &mut Known) -> Result<(), SinkFailure> {
    let mut file = OpenOptions::new()
        .append(true)
        .create(!exists)
        .mode(0o600)
        .open(path)?;
    file.write_all(line)?;
    file.sync_data()?;
    if !exists {
        let folder = path.parent().map_or_else(PathBuf::new, Path::to_owned);
        File::open(folder)?.sync_all()?;
    }
    known.length = file.metadata()?.len();
    Ok(())
}

impl From<io::Error> for SinkFailure {
    fn from(error: io::Error) -> Self {
        Self::File(error.kind())
    }
}
