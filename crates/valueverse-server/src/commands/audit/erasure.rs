//! `valueverse audit resume` and `forget`: what cannot be undone.

use serde_json::json;
use vv_base::UserId;

use super::{Trail, confirmed, failed};
use crate::cli::Chain;
use crate::commands::Job;
use crate::output::{ExitStatus, Failure};

pub(super) async fn resume(
    job: &Job<'_>,
    chain: Chain,
    yes: bool,
    trail: &Trail,
) -> Result<ExitStatus, Failure> {
    let ctx = trail.of(chain).await?;
    let what = format!(
        "{chain} goes on from the last event that is there; the break stays on record, and verification goes on reporting it: look into it before"
    );
    confirmed(yes, &what)?;
    let Some(resumed) = trail.audit().resume(&ctx).await.map_err(failed)? else {
        let text = format!("{chain} is not broken at its end; nothing was changed");
        job.output.result(
            text,
            &json!({ "chain": chain.to_string(), "resumed": false }),
        )?;
        return Ok(ExitStatus::Fine);
    };
    let stated = match resumed.stated_height {
        Some(height) => format!("its head named event {height}"),
        None => "it had no head".to_owned(),
    };
    let text = format!(
        "{chain} goes on: {stated}, event {} was the last one there, event {} tells of it",
        resumed.found_height, resumed.recorded.height
    );
    let value = json!({
        "chain": chain.to_string(),
        "resumed": true,
        "stated_height": resumed.stated_height,
        "found_height": resumed.found_height,
        "recorded_height": resumed.recorded.height,
    });
    job.output.result(text, &value)?;
    Ok(ExitStatus::Fine)
}

pub(super) async fn forget(
    job: &Job<'_>,
    user: UserId,
    chain: Chain,
    yes: bool,
    trail: &Trail,
) -> Result<ExitStatus, Failure> {
    let ctx = trail.of(chain).await?;
    let what = format!(
        "the key of {user} is destroyed and no personal field of theirs in the trail can be read any more, in backups of the main database neither; their account stays"
    );
    confirmed(yes, &what)?;
    let erased = trail
        .audit()
        .erase_subject(&ctx, user)
        .await
        .map_err(failed)?;
    let key = if erased.key_destroyed {
        "destroyed the key"
    } else {
        "there was no key any more"
    };
    let text = format!(
        "{user}: {key}, removed {} entries of the index; destroy it in backups of keys.db (schema keys) too",
        erased.index_entries
    );
    let value = json!({
        "user": user,
        "key_destroyed": erased.key_destroyed,
        "index_entries": erased.index_entries,
    });
    job.output.result(text, &value)?;
    Ok(ExitStatus::Fine)
}
