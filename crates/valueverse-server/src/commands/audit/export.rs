//! `valueverse audit export`

use std::io::{self, Write as _};
use std::path::Path;
use std::pin::pin;

use futures_util::TryStreamExt as _;
use serde_json::json;
use vv_audit::{EventFilter, ExportRequest};

use super::file::Draft;
use super::verify::progress;
use super::{failed, with_trail};
use crate::cli::ExportArgs;
use crate::commands::Job;
use crate::output::{ExitStatus, Failure};

pub(super) async fn run(job: &Job<'_>, args: &ExportArgs) -> Result<ExitStatus, Failure> {
    // Before anything is on record about an export that cannot be written.
    let mut target = Target::open(&args.out)?;
    let done = with_trail(job, async |trail| {
        let ctx = trail.of(args.chain).await?;
        let request = ExportRequest {
            filter: EventFilter {
                kind: args.kind.clone(),
                from: args.from,
                to: args.to,
                ..EventFilter::default()
            },
            format: args.format.form(),
            opened: args.opened,
        };
        let stream = trail.audit().export(&ctx, &request).await.map_err(failed)?;
        let mut stream = pin!(stream);
        let bar = progress(job, "bytes");
        while let Some(piece) = stream.try_next().await.map_err(failed)? {
            bar.inc(u64::try_from(piece.len()).unwrap_or(0));
            if !target.write(&piece)? {
                break;
            }
        }
        bar.finish_and_clear();
        Ok(ExitStatus::Fine)
    })
    .await;
    target.finish(job, args, done)
}

enum Target {
    File { draft: Draft, bytes: u64 },
    Stdout,
}

impl Target {
    fn open(out: &Path) -> Result<Self, Failure> {
        if out == Path::new("-") {
            return Ok(Self::Stdout);
        }
        let draft = Draft::create(out)?;
        Ok(Self::File { draft, bytes: 0 })
    }

    /// `false` when nobody reads any more.
    fn write(&mut self, piece: &[u8]) -> Result<bool, Failure> {
        match self {
            Self::File { draft, bytes } => {
                *bytes += u64::try_from(piece.len()).unwrap_or(0);
                draft.write(piece).map(|()| true)
            }
            Self::Stdout => {
                let mut out = io::stdout().lock();
                match out.write_all(piece).and_then(|()| out.flush()) {
                    Ok(()) => Ok(true),
                    Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(false),
                    Err(error) => {
                        let remedy = "check where standard output goes";
                        Err(Failure::new(ExitStatus::No, "output.stdout", error, remedy))
                    }
                }
            }
        }
    }

    fn finish(
        self,
        job: &Job<'_>,
        args: &ExportArgs,
        done: Result<ExitStatus, Failure>,
    ) -> Result<ExitStatus, Failure> {
        let (draft, bytes) = match self {
            Self::Stdout => return done,
            Self::File { draft, bytes } => (draft, bytes),
        };
        match done {
            Ok(status) => {
                draft.finish()?;
                let path = args.out.display();
                let text = format!("exported {} to {path}, {bytes} bytes", args.chain);
                let value = json!({
                    "file": path.to_string(),
                    "bytes": bytes,
                    "chain": args.chain.to_string(),
                    "format": args.format.form().as_str(),
                });
                job.output.result(text, &value)?;
                Ok(status)
            }
            Err(failure) => {
                draft.discard();
                Err(failure)
            }
        }
    }
}
