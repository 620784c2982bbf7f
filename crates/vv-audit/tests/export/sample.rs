//! Leaves to be exported.

use vv_audit::export::{CheckpointRef, ExportFormat, ExportRecord, Exporter, OpenedField};
use vv_audit::{Json, LeafHeader};
use vv_base::{TenantId, Timestamp};

pub(crate) const CHAIN: TenantId = TenantId::from_bytes([0xc4; 16]);
pub(crate) const CHECKPOINT: CheckpointRef = CheckpointRef {
    size: 4096,
    root: [0xfb; 32],
};
pub(crate) const ACTOR: &str = "0190b3a2-0000-7000-8000-0000000000a1";
pub(crate) const EVENT: &str = "0190b3a2-0000-7000-8000-0000000000e1";
pub(crate) const REQUEST: &str = "0190b3a2-0000-7000-8000-0000000000b1";
pub(crate) const SESSION: &str = "0190b3a2-0000-7000-8000-0000000000d1";
/// 2023-11-14T22:13:20.123456Z.
pub(crate) const OCCURRED: i64 = 1_700_000_000_123_456;

/// An event that a test changes as it likes.
#[derive(Clone)]
pub(crate) struct Sample {
    pub(crate) category: String,
    pub(crate) action: String,
    pub(crate) outcome: &'static str,
    pub(crate) severity: &'static str,
    pub(crate) actor: (&'static str, Option<&'static str>),
    pub(crate) target: Option<(String, String)>,
    pub(crate) session: Option<&'static str>,
    pub(crate) node: String,
    pub(crate) details: Vec<(&'static str, Json)>,
    pub(crate) height: u64,
    /// The hash of the leaf before; the first has none.
    pub(crate) prev: [u8; 32],
}

impl Sample {
    pub(crate) fn new(kind: &str) -> Self {
        let (category, action) = kind.split_once('.').expect("category.action");
        Self {
            category: category.to_owned(),
            action: action.to_owned(),
            outcome: "success",
            severity: "info",
            actor: ("user", Some(ACTOR)),
            target: Some(("user".to_owned(), ACTOR.to_owned())),
            session: Some(SESSION),
            node: "node-1".to_owned(),
            details: Vec::new(),
            height: 7,
            prev: [0xab; 32],
        }
    }

    /// With everything that has a meaning in one of the formats.
    pub(crate) fn nasty() -> Self {
        Self {
            target: Some((
                "=cmd|' /C calc'!A0".to_owned(),
                "a=b|c\\d,\"e\"\r\nf\u{2028}".to_owned(),
            )),
            node: "+node\t\"1\"".to_owned(),
            details: vec![
                ("note", Json::from("line\none, \"two\"; =3|4\\5 漢\u{1}")),
                ("list", Json::List(vec![Json::Int(-1), Json::Null])),
            ],
            ..Self::new("data.exported")
        }
    }

    pub(crate) fn body(&self) -> Json {
        let text = |value: &str| Json::from(value);
        Json::object([
            ("v", Json::Int(1)),
            ("eid", text(EVENT)),
            ("cat", text(&self.category)),
            ("act", text(&self.action)),
            ("out", text(self.outcome)),
            ("sev", text(self.severity)),
            ("occ", Json::Int(OCCURRED)),
            (
                "actor",
                Json::object([
                    ("type", text(self.actor.0)),
                    ("ref", Json::from(self.actor.1)),
                ]),
            ),
            ("subj", Json::List(vec![text(ACTOR)])),
            (
                "res",
                self.target.as_ref().map_or(Json::Null, |(kind, id)| {
                    Json::object([("type", text(kind)), ("id", text(id))])
                }),
            ),
            ("sess", Json::from(self.session)),
            ("req", text(REQUEST)),
            (
                "src",
                Json::object([("service", text("valueverse")), ("node", text(&self.node))]),
            ),
            (
                "d",
                Json::Object(
                    self.details
                        .iter()
                        .map(|(key, value)| ((*key).to_owned(), value.clone()))
                        .collect(),
                ),
            ),
            (
                "pii",
                Json::List(vec![Json::object([
                    ("ref", text("ip")),
                    ("key_id", text(ACTOR)),
                    ("nonce", text("AAAAAAAAAAAAAAAA")),
                    ("ct", text("c2VhbGVk")),
                    ("cm", text("Y20")),
                ])]),
            ),
        ])
    }

    pub(crate) fn leaf(&self) -> Vec<u8> {
        let header = LeafHeader {
            height: self.height,
            seq_ts: Timestamp::from_unix_micros(OCCURRED + 1_000),
            chain: CHAIN,
            prev: if self.height == 1 { [0; 32] } else { self.prev },
        };
        header.encode(&self.body().encode()).expect("a small leaf")
    }

    /// The line of an export.
    pub(crate) fn line(&self, format: ExportFormat, personal: Option<&[OpenedField]>) -> String {
        let leaf = self.leaf();
        let mut record = ExportRecord::read(&leaf)
            .expect("our own leaf")
            .under(Some(CHECKPOINT));
        if let Some(personal) = personal {
            record = record.opened(personal);
        }
        let mut out = Vec::new();
        Exporter::new(format, "0.1.0").line(&mut out, &record);
        let line = String::from_utf8(out).expect("UTF-8");
        assert!(line.ends_with('\n'));
        line
    }
}

/// What was opened for a reader who may see it.
pub(crate) fn opened() -> Vec<OpenedField> {
    vec![
        ("ip".to_owned(), Some("192.0.2.7".to_owned())),
        ("user_agent".to_owned(), Some("=curl/8 \"x\", y".to_owned())),
        ("email".to_owned(), None),
    ]
}
