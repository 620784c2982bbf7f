use std::cmp::Ordering;
use std::fmt;
use std::hash::{Hash, Hasher};
use std::marker::PhantomData;
use std::str::FromStr;

use serde::{Deserialize, Deserializer, Serialize, Serializer};
use uuid::Uuid;

use crate::{Rng, Timestamp};

/// Marker types that keep one kind of [`Id`] from being passed where another is meant.
pub mod kind {
    macro_rules! kinds {
        ($($(#[$doc:meta])* $name:ident),* $(,)?) => {
            $($(#[$doc])* #[derive(Debug, Clone, Copy)] pub enum $name {})*
        };
    }
    kinds! {
        /// A tenant: one customer organisation of the SaaS.
        Tenant,
        /// A person's account.
        User,
        /// A signed-in session.
        Session,
        /// An audit event.
        Event,
        /// One HTTP request or one run of a job or command.
        Request,
        /// A row of the job queue.
        Job,
        /// A stored key.
        Key,
        /// The data subject a personal field is sealed for; a random surrogate.
        Subject,
    }
}

/// Id of a tenant.
pub type TenantId = Id<kind::Tenant>;
/// Id of a user account.
pub type UserId = Id<kind::User>;
/// Id of a session.
pub type SessionId = Id<kind::Session>;
/// Id of an audit event.
pub type EventId = Id<kind::Event>;
/// Id of a request.
pub type RequestId = Id<kind::Request>;
/// Id of a queued job.
pub type JobId = Id<kind::Job>;
/// Id of a stored key.
pub type KeyId = Id<kind::Key>;
/// Id of a data subject.
pub type SubjectId = Id<kind::Subject>;

/// A UUID that knows what it identifies. New ids are version 7 (RFC 9562), so
/// they sort by creation time and keep B-trees dense.
pub struct Id<K>(Uuid, PhantomData<fn() -> K>);

impl<K> Id<K> {
    /// A fresh version 7 id from the caller's clock reading and randomness.
    pub fn new(now: Timestamp, rng: &dyn Rng) -> Self {
        let mut random = [0_u8; 10];
        rng.fill(&mut random);
        let builder = uuid::Builder::from_unix_timestamp_millis(now.unix_millis(), &random);
        Self::from_uuid(builder.into_uuid())
    }

    /// Wraps a UUID read from storage or from a request path.
    pub const fn from_uuid(uuid: Uuid) -> Self {
        Self(uuid, PhantomData)
    }

    /// Wraps the sixteen bytes of a UUID.
    pub const fn from_bytes(bytes: [u8; 16]) -> Self {
        Self::from_uuid(Uuid::from_bytes(bytes))
    }

    /// A version 8 id (RFC 9562 §5.8) from derived bytes, for ids that must
    /// come out the same each time.
    pub fn from_custom_bytes(bytes: [u8; 16]) -> Self {
        Self::from_uuid(uuid::Builder::from_custom_bytes(bytes).into_uuid())
    }

    /// The all-zero id; used only where a format demands an id and there is none.
    pub const fn nil() -> Self {
        Self::from_uuid(Uuid::nil())
    }

    /// The bare UUID, for storage.
    pub const fn uuid(self) -> Uuid {
        self.0
    }

    /// The sixteen bytes, for hashing and authenticated data.
    pub const fn as_bytes(&self) -> &[u8; 16] {
        self.0.as_bytes()
    }
}

impl<K> Clone for Id<K> {
    fn clone(&self) -> Self {
        *self
    }
}
impl<K> Copy for Id<K> {}
impl<K> PartialEq for Id<K> {
    fn eq(&self, other: &Self) -> bool {
        self.0 == other.0
    }
}
impl<K> Eq for Id<K> {}
impl<K> PartialOrd for Id<K> {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}
impl<K> Ord for Id<K> {
    fn cmp(&self, other: &Self) -> Ordering {
        self.0.cmp(&other.0)
    }
}
impl<K> Hash for Id<K> {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.0.hash(state);
    }
}
impl<K> fmt::Debug for Id<K> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}
impl<K> fmt::Display for Id<K> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// The text is not a UUID in its hyphenated form.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not a valid id: expected a hyphenated UUID")]
pub struct IdError;

impl<K> FromStr for Id<K> {
    type Err = IdError;

    /// Accepts exactly the 36-character hyphenated form, so that one id has one spelling.
    fn from_str(text: &str) -> Result<Self, IdError> {
        if text.len() != 36 {
            return Err(IdError);
        }
        Uuid::parse_str(text)
            .map(Self::from_uuid)
            .map_err(|_| IdError)
    }
}

impl<K> Serialize for Id<K> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(&self.0)
    }
}

impl<'de, K> Deserialize<'de> for Id<K> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = std::borrow::Cow::<'de, str>::deserialize(deserializer)?;
        text.parse().map_err(serde::de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::SystemRng;

    #[test]
    fn ids_sort_by_creation_time() {
        let earlier = UserId::new(Timestamp::from_unix_millis(1_000), &SystemRng);
        let later = UserId::new(Timestamp::from_unix_millis(2_000), &SystemRng);
        assert!(earlier < later);
        assert_eq!(later.uuid().get_version_num(), 7);
    }

    #[test]
    fn only_the_hyphenated_spelling_parses() {
        let id = UserId::new(Timestamp::from_unix_millis(1), &SystemRng);
        assert_eq!(id.to_string().parse(), Ok(id));
        assert_eq!(
            id.uuid().simple().to_string().parse::<UserId>(),
            Err(IdError)
        );
        assert_eq!(format!("{{{id}}}").parse::<UserId>(), Err(IdError));
    }
}
