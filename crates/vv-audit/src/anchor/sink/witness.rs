//! The side of C2SP tlog-witness that asks for cosignatures.

use std::fmt::Write as _;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use vv_crypto::{Note, NoteSignature, VerifierKey, verify_note};
use vv_outbound::{OutboundUrl, Response};

use super::{Outgoing, SinkFailure};
use crate::audit::Audit;
use crate::error::AuditError;
use crate::proof::decimal;

const SIZE_TYPE: &str = "text/x.tlog.size";

enum Answer {
    Cosigned(String),
    /// The size that the witness knows.
    Knows(u64),
}

impl Audit {
    pub(super) async fn offer_to_witness(
        &self,
        url: &str,
        keys: &[VerifierKey],
        known: u64,
        outgoing: &Outgoing,
    ) -> Result<String, SinkFailure> {
        let outbound = self.outbound()?;
        let url = outbound
            .url(&format!("{}/add-checkpoint", url.trim_end_matches('/')))
            .map_err(vv_outbound::OutboundError::Url)?;
        let theirs = match self.ask(&url, known, outgoing).await? {
            Answer::Cosigned(lines) => return cosigned(outgoing, &lines, keys),
            Answer::Knows(size) => size,
        };
        if theirs > outgoing.size {
            return Err(SinkFailure::Ahead(theirs));
        }
        // The witness knows exactly the size we named, and still objects.
        if theirs == known {
            return Err(SinkFailure::Contradiction(theirs));
        }
        match self.ask(&url, theirs, outgoing).await? {
            Answer::Cosigned(lines) => cosigned(outgoing, &lines, keys),
            Answer::Knows(size) if size > outgoing.size => Err(SinkFailure::Ahead(size)),
            Answer::Knows(size) if size == theirs => Err(SinkFailure::Contradiction(size)),
            Answer::Knows(_) => Err(SinkFailure::Answer("the witness changed its mind")),
        }
    }

    async fn ask(
        &self,
        url: &OutboundUrl,
        old: u64,
        outgoing: &Outgoing,
    ) -> Result<Answer, SinkFailure> {
        let mut body = format!("old {old}\n");
        if old > 0 && old < outgoing.size {
            let proof = self.anchor_log().consistency(old, outgoing.size).await?;
            for hash in &proof.path {
                writeln!(body, "{}", STANDARD.encode(hash))
                    .map_err(|_| SinkFailure::Answer("unreachable"))?;
            }
        }
        body.push('\n');
        body.push_str(&outgoing.note);
        let headers = [("content-type", "text/plain; charset=utf-8")];
        let outbound = self.outbound()?;
        let response = outbound.post(url, &headers, body.into_bytes()).await?;
        match response.status() {
            200 => Ok(Answer::Cosigned(text_of(&response)?.to_owned())),
            409 => known_size(&response, old),
            // The proof was right when it left: the witness has another tree.
            422 => Err(SinkFailure::Contradiction(old)),
            status => Err(SinkFailure::Status(status)),
        }
    }
}

fn text_of(response: &Response) -> Result<&str, SinkFailure> {
    let body = response
        .body()
        .map_err(|_| SinkFailure::Answer("the body is too long"))?;
    std::str::from_utf8(body).map_err(|_| SinkFailure::Answer("the body is not UTF-8"))
}

/// A conflict names the size that the witness knows. Without one it means that
/// the witness has another root at the size we named.
fn known_size(response: &Response, old: u64) -> Result<Answer, SinkFailure> {
    if response.header("content-type") != Some(SIZE_TYPE) {
        return Err(SinkFailure::Contradiction(old));
    }
    text_of(response)?
        .strip_suffix('\n')
        .and_then(decimal)
        .map(Answer::Knows)
        .ok_or(SinkFailure::Answer("the size is malformed"))
}

/// The note with the cosignatures of the configured keys, each of them checked.
fn cosigned(outgoing: &Outgoing, lines: &str, keys: &[VerifierKey]) -> Result<String, SinkFailure> {
    let known = |line: &NoteSignature| {
        keys.iter()
            .any(|key| key.name() == line.name() && key.key_id() == line.key_id())
    };
    let lines = NoteSignature::parse_lines(lines).map_err(SinkFailure::Cosignature)?;
    let note = Note::parse(&outgoing.note)
        .and_then(|note| note.with_signatures(lines.into_iter().filter(known)))
        .map_err(SinkFailure::Cosignature)?
        .to_string();
    verify_note(&note, keys).map_err(SinkFailure::Cosignature)?;
    Ok(note)
}

impl From<vv_crypto::NoteError> for SinkFailure {
    fn from(error: vv_crypto::NoteError) -> Self {
        Self::Audit(AuditError::Note(error))
    }
}
