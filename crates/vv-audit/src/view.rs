//! A body taken apart without copying it, for whoever reads millions of them.

mod reader;

use std::iter;

use crate::body::MAX_DEPTH;

pub use reader::{BodyText, BodyValue};
pub(crate) use reader::{Reader, plain_run};

/// A canonical body of format version 1 (docs/audit-format.md), borrowed from
/// the leaf. All fifteen fields are there and no others.
#[derive(Debug, Clone, Copy)]
pub struct BodyView<'a> {
    /// Id of the event.
    pub event_id: BodyText<'a>,
    /// The group the kind belongs to.
    pub category: BodyText<'a>,
    /// What happened within the group.
    pub action: BodyText<'a>,
    /// How it ended.
    pub outcome: BodyText<'a>,
    /// How much attention it deserves.
    pub severity: BodyText<'a>,
    /// When it happened, microseconds since 1970.
    pub occurred: i64,
    /// What kind of actor.
    pub actor_kind: BodyText<'a>,
    /// The id of whoever acted.
    pub actor_ref: Option<BodyText<'a>>,
    /// What it was done to.
    pub target: Option<TargetView<'a>>,
    /// The request it belongs to.
    pub request: BodyText<'a>,
    /// The session it belongs to.
    pub session: Option<BodyText<'a>>,
    /// The service that wrote it.
    pub service: BodyText<'a>,
    /// The process that wrote it.
    pub node: BodyText<'a>,
    subjects: &'a str,
    sealed: &'a str,
    details: &'a str,
}

/// The thing an event was done to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TargetView<'a> {
    /// What kind of thing.
    pub kind: BodyText<'a>,
    /// Its id.
    pub id: BodyText<'a>,
}

/// A sealed field, its bytes still in base64url.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SealedView<'a> {
    /// The name of the field.
    pub field: BodyText<'a>,
    /// The subject under whose key it is sealed.
    pub key_id: BodyText<'a>,
    /// The nonce.
    pub nonce: BodyText<'a>,
    /// Ciphertext and tag.
    pub ct: BodyText<'a>,
    /// The commitment.
    pub cm: BodyText<'a>,
}

impl<'a> BodyView<'a> {
    /// Reads a body. `None` unless [`Json::decode`](crate::Json::decode) would
    /// accept the text and it has the fields of format version 1.
    pub fn parse(text: &'a str) -> Option<Self> {
        let mut reader = Reader::new(text);
        let r = &mut reader;
        // The keys stand in order, so there is one sequence that can be right.
        r.literal("{\"act\":")?;
        let action = r.string()?;
        r.literal(",\"actor\":{\"ref\":")?;
        let actor_ref = r.string_or_null()?;
        r.literal(",\"type\":")?;
        let actor_kind = r.string()?;
        r.literal("},\"cat\":")?;
        let category = r.string()?;
        r.literal(",\"d\":")?;
        let BodyValue::Object(details) = r.value(MAX_DEPTH - 1)? else {
            return None;
        };
        r.literal(",\"eid\":")?;
        let event_id = r.string()?;
        r.literal(",\"occ\":")?;
        let occurred = r.int()?;
        r.literal(",\"out\":")?;
        let outcome = r.string()?;
        r.literal(",\"pii\":")?;
        let sealed = read_list(r, |r| read_sealed(r).map(drop))?;
        r.literal(",\"req\":")?;
        let request = r.string()?;
        r.literal(",\"res\":")?;
        let target = read_target(r)?;
        r.literal(",\"sess\":")?;
        let session = r.string_or_null()?;
        r.literal(",\"sev\":")?;
        let severity = r.string()?;
        r.literal(",\"src\":{\"node\":")?;
        let node = r.string()?;
        r.literal(",\"service\":")?;
        let service = r.string()?;
        r.literal("},\"subj\":")?;
        let subjects = read_list(r, |r| r.string().map(drop))?;
        r.literal(",\"v\":1}")?;
        r.end()?;
        Some(Self {
            event_id,
            category,
            action,
            outcome,
            severity,
            occurred,
            actor_kind,
            actor_ref,
            target,
            request,
            session,
            service,
            node,
            subjects,
            sealed,
            details,
        })
    }

    /// The people whose sealed fields are in the body.
    pub fn subjects(&self) -> impl Iterator<Item = BodyText<'a>> + use<'a> {
        list_items(self.subjects, Reader::string)
    }

    /// The sealed fields.
    pub fn sealed(&self) -> impl Iterator<Item = SealedView<'a>> + use<'a> {
        list_items(self.sealed, read_sealed)
    }

    /// The facts that are not personal, by name.
    pub fn details(&self) -> impl Iterator<Item = (BodyText<'a>, BodyValue<'a>)> + use<'a> {
        let mut reader = Reader::new(self.details);
        let open = reader.literal("{");
        let mut before = None;
        iter::from_fn(move || {
            open?;
            if !reader.more(before.is_none(), b'}')? {
                return None;
            }
            let key = reader.key(before)?;
            before = Some(key);
            Some((key, reader.value(MAX_DEPTH - 2)?))
        })
    }

    /// The same facts as their canonical JSON text, an object.
    pub const fn details_text(&self) -> &'a str {
        self.details
    }
}

/// Reads a list and gives back its text.
fn read_list<'a>(
    reader: &mut Reader<'a>,
    mut item: impl FnMut(&mut Reader<'a>) -> Option<()>,
) -> Option<&'a str> {
    let start = reader.position();
    reader.literal("[")?;
    let mut first = true;
    while reader.more(first, b']')? {
        first = false;
        item(reader)?;
    }
    reader.since(start)
}

/// Goes through a list that [`read_list`] accepted.
fn list_items<'a, T>(
    text: &'a str,
    item: impl Fn(&mut Reader<'a>) -> Option<T>,
) -> impl Iterator<Item = T> {
    let mut reader = Reader::new(text);
    let open = reader.literal("[");
    let mut first = true;
    iter::from_fn(move || {
        open?;
        if !reader.more(first, b']')? {
            return None;
        }
        first = false;
        item(&mut reader)
    })
}

fn read_sealed<'a>(r: &mut Reader<'a>) -> Option<SealedView<'a>> {
    r.literal("{\"cm\":")?;
    let cm = r.string()?;
    r.literal(",\"ct\":")?;
    let ct = r.string()?;
    r.literal(",\"key_id\":")?;
    let key_id = r.string()?;
    r.literal(",\"nonce\":")?;
    let nonce = r.string()?;
    r.literal(",\"ref\":")?;
    let field = r.string()?;
    r.literal("}")?;
    Some(SealedView {
        field,
        key_id,
        nonce,
        ct,
        cm,
    })
}

#[expect(
    clippy::option_option,
    reason = "nothing where it cannot be read, nothing within for null"
)]
fn read_target<'a>(r: &mut Reader<'a>) -> Option<Option<TargetView<'a>>> {
    if r.literal("null").is_some() {
        return Some(None);
    }
    r.literal("{\"id\":")?;
    let id = r.string()?;
    r.literal(",\"type\":")?;
    let kind = r.string()?;
    r.literal("}")?;
    Some(Some(TargetView { kind, id }))
}
