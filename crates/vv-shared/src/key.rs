use std::fmt;

use vv_base::{Id, SessionId, TenantId, UserId};

use crate::SharedError;

/// Whom a key is about: at most [`Subject::MAX`] bytes, such as an id or a
/// keyed hash.
///
/// Keys travel to Redis and show up in its tools, so nothing personal may be
/// in them: an address, a name or a phone number has to be hashed with a
/// secret key (HMAC-SHA-256 gives the 32 bytes) before it gets here.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Subject {
    bytes: [u8; Self::MAX],
    len: u8,
}

impl Subject {
    /// Most bytes a subject has.
    pub const MAX: usize = 32;
    /// For keys that exist once per installation.
    pub const GLOBAL: Self = Self {
        bytes: [0; Self::MAX],
        len: 0,
    };

    /// Two ids together, such as a tenant and a user.
    pub fn pair<A, B>(first: Id<A>, second: Id<B>) -> Self {
        let mut bytes = [0; Self::MAX];
        let source = first.as_bytes().iter().chain(second.as_bytes());
        for (to, from) in bytes.iter_mut().zip(source) {
            *to = *from;
        }
        Self { bytes, len: 32 }
    }

    /// Hashed bytes of another length; refuses none at all and more than [`Subject::MAX`].
    pub fn from_hash(hash: &[u8]) -> Result<Self, SharedError> {
        let len = u8::try_from(hash.len()).unwrap_or(u8::MAX);
        if hash.is_empty() || usize::from(len) > Self::MAX {
            return Err(SharedError::Invalid("a subject has 1 to 32 bytes"));
        }
        let mut bytes = [0; Self::MAX];
        for (to, from) in bytes.iter_mut().zip(hash) {
            *to = *from;
        }
        Ok(Self { bytes, len })
    }

    fn as_slice(&self) -> &[u8] {
        self.bytes.get(..usize::from(self.len)).unwrap_or_default()
    }
}

impl From<[u8; 32]> for Subject {
    fn from(bytes: [u8; 32]) -> Self {
        Self { bytes, len: 32 }
    }
}

impl<K> From<Id<K>> for Subject {
    fn from(id: Id<K>) -> Self {
        let mut bytes = [0; Self::MAX];
        for (to, from) in bytes.iter_mut().zip(id.as_bytes()) {
            *to = *from;
        }
        Self { bytes, len: 16 }
    }
}

/// Lower-case hexadecimal; this is also the form inside Redis keys.
impl fmt::Display for Subject {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&hex::encode(self.as_slice()))
    }
}

impl fmt::Debug for Subject {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Subject({self})")
    }
}

macro_rules! named_keys {
    ($($(#[$doc:meta])* $name:ident, $tag:literal;)*) => {$(
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name {
            name: &'static str,
            subject: Subject,
        }

        impl $name {
            /// `name` says what it is for, such as `totp.step`; the subject says whose it is.
            pub fn new(name: &'static str, subject: impl Into<Subject>) -> Self {
                Self { name, subject: subject.into() }
            }

            pub(crate) fn redis_key(&self, prefix: &str) -> String {
                format!(concat!("{}", $tag, ":{}:{}"), prefix, self.name, self.subject)
            }
        }
    )*};
}

named_keys! {
    /// Something that may be used once, such as a proof or a code step.
    OnceKey, "o";
    /// Work that one holder at a time may do.
    LeaseKey, "l";
}

/// What a revocation tombstone stands for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct RevocationKey {
    kind: char,
    subject: Subject,
}

impl RevocationKey {
    /// One session.
    pub fn session(id: SessionId) -> Self {
        Self {
            kind: 's',
            subject: id.into(),
        }
    }

    /// Everything a user holds. The tombstone also covers what the user
    /// obtains later, so callers treat it as "ask SQL for the epoch" unless
    /// the account is locked.
    pub fn user(id: UserId) -> Self {
        Self {
            kind: 'u',
            subject: id.into(),
        }
    }

    /// Everything in a tenant; see [`RevocationKey::user`] for later tokens.
    pub fn tenant(id: TenantId) -> Self {
        Self {
            kind: 't',
            subject: id.into(),
        }
    }

    /// One token, by its id or hash.
    pub fn token(token: impl Into<Subject>) -> Self {
        Self {
            kind: 'j',
            subject: token.into(),
        }
    }

    pub(crate) fn redis_key(&self, prefix: &str) -> String {
        format!("{prefix}r:{}:{}", self.kind, self.subject)
    }
}

/// A stream of short notices between nodes, such as "settings changed".
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Topic(&'static str);

impl Topic {
    /// Names a topic; called with literals only.
    pub const fn new(name: &'static str) -> Self {
        Self(name)
    }

    /// The name.
    pub const fn name(self) -> &'static str {
        self.0
    }

    pub(crate) fn redis_channel(self, prefix: &str) -> String {
        format!("{prefix}t:{}", self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn different_keys_have_different_redis_keys() {
        let id = UserId::nil();
        let keys = [
            OnceKey::new("a", id).redis_key("vv:"),
            OnceKey::new("b", id).redis_key("vv:"),
            OnceKey::new("a", Subject::GLOBAL).redis_key("vv:"),
            OnceKey::new("a", Subject::pair(id, id)).redis_key("vv:"),
            LeaseKey::new("a", id).redis_key("vv:"),
            RevocationKey::user(id).redis_key("vv:"),
            RevocationKey::token(id).redis_key("vv:"),
        ];
        let distinct: std::collections::BTreeSet<_> = keys.iter().collect();
        assert_eq!(distinct.len(), keys.len());
    }

    #[test]
    fn subjects_are_capped() {
        assert!(Subject::from_hash(&[]).is_err());
        assert!(Subject::from_hash(&[1; 33]).is_err());
        assert!(Subject::from_hash(&[1; 256 + 5]).is_err());
        assert_eq!(
            Subject::from_hash(&[0xab, 1]).map(|s| s.to_string()),
            Ok(String::from("ab01"))
        );
        assert_ne!(Subject::from_hash(&[0]), Ok(Subject::GLOBAL));
    }
}
