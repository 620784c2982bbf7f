use axum::extract::State;
use axum::response::{IntoResponse, Redirect, Response};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use http::header::{CONTENT_DISPOSITION, CONTENT_TYPE};
use vv_audit::tree::node_hash;
use vv_audit::{AuditError, EventDetail, EventFilter, InclusionProof, leaf_hash};
use vv_base::{Ctx, ErrorCode, EventId, PageRequest};
use vv_http::extract::Path;
use vv_http::extract::require::AuditRead;
use vv_http::{AppState, Problem};

use super::filter::sentence;
use super::{names, row};
use crate::pages::page;
use crate::pages::staff::Staff;
use crate::state::ConsoleState;
use crate::view::{EventPage, PersonalField, Proof, ProofStep, Side, event_href, href};

/// GET /audit/events/{id}
pub(crate) async fn show(
    State(state): State<ConsoleState>,
    staff: Staff<AuditRead>,
    Path(id): Path<String>,
) -> Result<Response, Problem> {
    let app = state.app();
    let audit = app.auth().audit();
    let found = find(app, &staff.ctx, &id).await?;
    let head = audit.head(&staff.ctx).await?;
    let event = &found.event;
    let names = names(app, &staff.ctx, staff.principal.tenant, [event]).await?;
    let personal = event.personal.iter();
    let view = EventPage {
        shell: staff.shell(app, href::AUDIT).await?,
        event: row(event, &names),
        actor: event.actor.map(|actor| actor.to_string()),
        target: event.target_kind.clone().zip(event.target.clone()),
        occurred: event.occurred,
        request: found.request.clone(),
        session: found.session.clone(),
        source: source(&found),
        personal: personal
            .map(|(name, value)| PersonalField {
                name: name.clone(),
                value: value.clone(),
            })
            .collect(),
        body: found.body.as_deref().map(indented),
        leaf_hash: event.leaf_hash.clone(),
        prev_hash: found.prev_hash.clone(),
        newest: head
            .and_then(|head| u64::try_from(head.height).ok())
            .unwrap_or(0),
        proof: proof(app, &staff.ctx, &found).await?,
    };
    Ok(staff.browser.answer(page(&view)?))
}

/// GET /audit/events/{id}/leaf: the bytes that were hashed.
pub(crate) async fn leaf(
    State(state): State<ConsoleState>,
    staff: Staff<AuditRead>,
    Path(id): Path<String>,
) -> Result<Response, Problem> {
    let found = find(state.app(), &staff.ctx, &id).await?;
    let bytes = STANDARD.decode(&found.leaf).unwrap_or_default();
    let name = format!("attachment; filename=\"event-{}.leaf\"", found.event.height);
    let headers = [
        (CONTENT_TYPE, "application/octet-stream".to_owned()),
        (CONTENT_DISPOSITION, name),
    ];
    Ok((headers, bytes).into_response())
}

/// GET /audit/heights/{height}: leads to the event there.
pub(crate) async fn at(
    State(state): State<ConsoleState>,
    staff: Staff<AuditRead>,
    Path(height): Path<u64>,
) -> Result<Response, Problem> {
    let filter = EventFilter {
        from_height: Some(height),
        to_height: Some(height),
        ..EventFilter::default()
    };
    let audit = state.app().auth().audit();
    let request = PageRequest::new(Some(1), None);
    // What is at the end of this way is recorded when somebody gets there.
    let found = audit.list(&staff.ctx, &filter, &request).await?;
    let event = found.items.first().ok_or_else(missing)?;
    let way = event_href(&event.event_id.to_string());
    Ok(Redirect::to(&way).into_response())
}

fn missing() -> Problem {
    Problem::from_code(ErrorCode::new("request.not_found"))
        .with_detail("The chain of your organisation has no such event in this database.")
}

/// The event; the look is recorded.
async fn find(app: &AppState, ctx: &Ctx, id: &str) -> Result<EventDetail, Problem> {
    let id: EventId = id.parse().map_err(|_| missing())?;
    let found = app.auth().audit().view_for_reader(ctx, id).await?;
    found.ok_or_else(missing)
}

fn source(found: &EventDetail) -> Option<String> {
    let service = found.service.as_ref()?;
    Some(match &found.node {
        Some(node) => format!("{service} on {node}"),
        None => service.clone(),
    })
}

/// JSON with line breaks, for reading; the canonical form has none.
fn indented(body: &str) -> String {
    let parsed: Result<serde_json::Value, _> = serde_json::from_str(body);
    let pretty = parsed.and_then(|value| serde_json::to_string_pretty(&value));
    pretty.unwrap_or_else(|_| body.to_owned())
}

/// Proves that the event as it is stored is in the tree of the chain.
async fn proof(app: &AppState, ctx: &Ctx, found: &EventDetail) -> Result<Proof, Problem> {
    let height = u64::try_from(found.event.height).unwrap_or(0);
    let made = app.auth().audit().inclusion_proof(ctx, height, None).await;
    Ok(match made {
        Ok(made) => judged(&made, &found.leaf),
        Err(error) if error.is_outage() => {
            Proof::Unavailable("The database is busy. Load the page again in a moment.".to_owned())
        }
        Err(
            error @ (AuditError::TreeDamaged | AuditError::HeadTampered | AuditError::OutOfRange),
        ) => Proof::Failed(sentence(&error.to_string())),
        Err(error) => return Err(error.into()),
    })
}

fn judged(made: &InclusionProof, leaf: &str) -> Proof {
    let bytes = STANDARD.decode(leaf).unwrap_or_default();
    if leaf_hash(&bytes) != made.leaf_hash {
        return Proof::Failed(
            "The stored bytes do not have the hash that is in the tree.".to_owned(),
        );
    }
    if made.verify().is_err() {
        return Proof::Failed("The steps do not lead to the root of the tree.".to_owned());
    }
    Proof::Verified {
        size: made.tree_size,
        root: hex(&made.root),
        steps: steps(made),
    }
}

/// The steps of a proof that verifies (RFC 9162 §2.1.3.2).
fn steps(made: &InclusionProof) -> Vec<ProofStep> {
    let mut place = made.leaf_index;
    let mut last = made.tree_size.saturating_sub(1);
    let mut hash = made.leaf_hash;
    let mut steps = Vec::with_capacity(made.path.len());
    for sibling in &made.path {
        let left = place % 2 == 1 || place == last;
        if left {
            hash = node_hash(sibling, &hash);
            // Levels at which there is nothing to the right are passed over.
            while place.is_multiple_of(2) && place != 0 {
                place /= 2;
                last /= 2;
            }
        } else {
            hash = node_hash(&hash, sibling);
        }
        steps.push(ProofStep {
            side: if left { Side::Left } else { Side::Right },
            sibling: hex(sibling),
            result: hex(&hash),
        });
        place /= 2;
        last /= 2;
    }
    steps
}

fn hex(bytes: &[u8]) -> String {
    use std::fmt::Write as _;
    bytes.iter().fold(String::new(), |mut out, byte| {
        // Writing to a string cannot fail.
        let _ = write!(out, "{byte:02x}");
        out
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    type Hash = [u8; 32];

    /// RFC 9162 §2.1.1 and §2.1.3.1, word for word.
    fn root(leaves: &[Hash]) -> Hash {
        if let [only] = leaves {
            return *only;
        }
        let (left, right) = leaves.split_at(leaves.len().next_power_of_two() / 2);
        node_hash(&root(left), &root(right))
    }

    fn path(index: usize, leaves: &[Hash]) -> Vec<Hash> {
        if leaves.len() == 1 {
            return Vec::new();
        }
        let middle = leaves.len().next_power_of_two() / 2;
        let (left, right) = leaves.split_at(middle);
        let (mut below, beside) = if index < middle {
            (path(index, left), root(right))
        } else {
            (path(index - middle, right), root(left))
        };
        below.push(beside);
        below
    }

    #[test]
    fn the_steps_end_at_the_root() {
        let leaves: Vec<Hash> = (0..33_u8).map(|n| leaf_hash(&[n])).collect();
        for size in 1..=leaves.len() {
            let tree = &leaves[..size];
            for index in 0..size {
                let made = InclusionProof {
                    leaf_index: u64::try_from(index).unwrap(),
                    tree_size: u64::try_from(size).unwrap(),
                    leaf_hash: tree[index],
                    path: path(index, tree),
                    root: root(tree),
                };
                assert!(made.verify().is_ok());
                let steps = steps(&made);
                let end = steps
                    .last()
                    .map_or(hex(&made.leaf_hash), |s| s.result.clone());
                assert_eq!(end, hex(&made.root), "{index} of {size}");
            }
        }
    }

    #[test]
    fn an_event_is_judged_by_its_bytes() {
        let leaf = b"leaf".to_vec();
        let mut made = InclusionProof {
            leaf_index: 0,
            tree_size: 1,
            leaf_hash: leaf_hash(&leaf),
            path: Vec::new(),
            root: leaf_hash(&leaf),
        };
        let text = STANDARD.encode(&leaf);
        assert!(matches!(
            judged(&made, &text),
            Proof::Verified { size: 1, .. }
        ));
        assert!(matches!(judged(&made, "bGVhZQ=="), Proof::Failed(_)));
        made.root = [0; 32];
        assert!(matches!(judged(&made, &text), Proof::Failed(_)));
    }

    #[test]
    fn bodies_are_indented_and_damaged_ones_shown_as_they_are() {
        assert_eq!(indented("{\"a\":1}"), "{\n  \"a\": 1\n}");
        assert_eq!(indented("{\"a\":"), "{\"a\":");
    }
}
