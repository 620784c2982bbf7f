//! What the type of an event may be: one of the catalogue, or one that an
//! application named itself.

use std::borrow::Cow;
use std::fmt;

use super::{Durability, Kind, OcsfClass, Severity};

/// The category of everything that applications name themselves.
const APP: &str = "app";

/// Longest name an application may give, without the `app.` before it.
pub const MAX_APP_NAME: usize = 48;

/// The type of an event.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum EventType {
    /// One of the catalogue.
    Catalogue(Kind),
    /// One that an application named.
    Application(AppKind),
}

/// A type that an application named: `app.` and a name of lowercase ASCII
/// letters, digits and underscores that starts with a letter.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct AppKind {
    /// With the `app.` before it.
    full: String,
}

/// Why an application may not write an event of a type.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum EventTypeError {
    /// The catalogue has it, but only this product may write it.
    #[error("events of the type {} are written by this service alone", .0.name())]
    Reserved(Kind),
    /// The name after `app.` breaks the rule for names.
    #[error(
        "the name after `app.` must start with a lowercase letter and hold at most \
         {MAX_APP_NAME} lowercase letters, digits and underscores"
    )]
    Name,
    /// Neither one of the catalogue nor an `app.` type.
    #[error("the type must be `app.` and a name of yours, or one that the catalogue opens")]
    Unknown,
}

impl AppKind {
    /// The type with this name, given without the `app.`.
    pub fn new(name: &str) -> Result<Self, EventTypeError> {
        if is_app_name(name) {
            Ok(Self {
                full: format!("{APP}.{name}"),
            })
        } else {
            Err(EventTypeError::Name)
        }
    }

    /// `app.` and the name, as stored and searched.
    pub fn name(&self) -> &str {
        &self.full
    }

    /// The name alone.
    pub fn action(&self) -> &str {
        self.full.get(APP.len() + 1..).unwrap_or_default()
    }
}

fn is_app_name(name: &str) -> bool {
    name.len() <= MAX_APP_NAME
        && name.starts_with(|c: char| c.is_ascii_lowercase())
        && name
            .bytes()
            .all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'_')
}

impl EventType {
    /// The type of this name, if an application may write it.
    pub fn for_application(name: &str) -> Result<Self, EventTypeError> {
        if let Some(own) = name.strip_prefix("app.") {
            return AppKind::new(own).map(Self::Application);
        }
        match Kind::by_name(name) {
            Some(kind) if kind.open_to_applications() => Ok(Self::Catalogue(kind)),
            Some(kind) => Err(EventTypeError::Reserved(kind)),
            None => Err(EventTypeError::Unknown),
        }
    }

    /// The type of a stored name. `None` for one of a newer release: it stays
    /// the text it is and is never taken for another.
    pub fn by_name(name: &str) -> Option<Self> {
        match name.strip_prefix("app.") {
            Some(own) => AppKind::new(own).ok().map(Self::Application),
            None => Kind::by_name(name).map(Self::Catalogue),
        }
    }

    /// The group it belongs to.
    pub fn category(&self) -> &str {
        match self {
            Self::Catalogue(kind) => kind.category(),
            Self::Application(_) => APP,
        }
    }

    /// What happened within the group.
    pub fn action(&self) -> &str {
        match self {
            Self::Catalogue(kind) => kind.action(),
            Self::Application(kind) => kind.action(),
        }
    }

    /// `category.action`, as stored and searched.
    pub fn name(&self) -> &str {
        match self {
            Self::Catalogue(kind) => kind.name(),
            Self::Application(kind) => kind.name(),
        }
    }

    /// The severity unless the writer says another.
    pub fn severity(&self) -> Severity {
        match self {
            Self::Catalogue(kind) => kind.severity(),
            Self::Application(_) => Severity::Info,
        }
    }

    /// When an event of it counts as recorded.
    pub fn durability(&self) -> Durability {
        match self {
            Self::Catalogue(kind) => kind.durability(),
            Self::Application(_) => Durability::Spool,
        }
    }

    /// What was done, to be read after the name of whoever did it.
    pub fn phrase(&self) -> Cow<'static, str> {
        match self {
            Self::Catalogue(kind) => Cow::Borrowed(kind.phrase()),
            Self::Application(kind) => Cow::Owned(kind.action().replace('_', " ")),
        }
    }

    /// The OCSF class and `activity_id`.
    pub fn ocsf(&self) -> (OcsfClass, u8) {
        match self {
            Self::Catalogue(kind) => kind.ocsf(),
            Self::Application(_) => (OcsfClass::Api, 99),
        }
    }
}

impl From<Kind> for EventType {
    fn from(kind: Kind) -> Self {
        Self::Catalogue(kind)
    }
}

impl From<AppKind> for EventType {
    fn from(kind: AppKind) -> Self {
        Self::Application(kind)
    }
}

impl fmt::Display for EventType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}
