use vv_base::{Secret, SessionId, Span, TenantId, Timestamp, UserId};
use vv_store::row;

use super::{RefreshToken, SessionError, ahead};
use crate::role::PermissionSet;

/// How long sessions last.
#[derive(Debug, Clone, Copy)]
pub struct SessionPolicy {
    /// A session unused for this long ends.
    pub idle: Span,
    /// A session ends after this long in any case.
    pub absolute: Span,
}

/// What carries the session.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SessionKind {
    /// Access and refresh tokens.
    Token,
    /// The console's cookie.
    Browser,
}

impl SessionKind {
    pub(crate) const fn as_str(self) -> &'static str {
        match self {
            Self::Token => "token",
            Self::Browser => "browser",
        }
    }
}

/// Somebody who proved who they are, and what they may do in their tenant.
#[derive(Debug, Clone)]
pub struct Principal {
    /// The account.
    pub user: UserId,
    /// The tenant the session is for.
    pub tenant: TenantId,
    /// The session.
    pub session: SessionId,
    /// What carried it.
    pub kind: SessionKind,
    /// What they may do.
    pub permissions: PermissionSet,
    /// Authenticator assurance level reached.
    pub aal: u8,
    /// When they last proved who they are.
    pub auth_time: Timestamp,
    /// When the session, or the token that carried it, stops being good.
    pub until: Timestamp,
}

/// What a program receives at sign-in and refresh.
#[derive(Debug)]
pub struct TokenPair {
    /// The bearer access token.
    pub access_token: Secret<String>,
    /// How long it is good for.
    pub expires_in: Span,
    /// Buys the next pair, once.
    pub refresh_token: RefreshToken,
    /// The session both belong to.
    pub session: SessionId,
    /// Authenticator assurance level of that session.
    pub aal: u8,
}

row! {
    pub(crate) struct SessionRow {
        pub tenant_id: TenantId,
        pub user_id: UserId,
        pub kind: String,
        pub secret_hash: Option<Vec<u8>>,
        pub refresh_counter: i64,
        pub aal: u8,
        pub auth_time: Timestamp,
        pub last_seen_at: Timestamp,
        pub idle_expires_at: Timestamp,
        pub expires_at: Timestamp,
        pub revoked_at: Option<Timestamp>,
        pub user_status: String,
        pub tenant_status: String,
    }
}

impl SessionRow {
    pub(crate) fn usable(&self, now: Timestamp) -> bool {
        self.revoked_at.is_none()
            && ahead(now, self.idle_expires_at)
            && ahead(now, self.expires_at)
            && crate::account::usable(&self.user_status)
            && crate::account::usable(&self.tenant_status)
    }
}

/// A usable session as this node remembers it for a few seconds.
#[derive(Debug, Clone)]
pub(crate) struct LiveSession {
    pub(crate) user: UserId,
    pub(crate) tenant: TenantId,
    pub(crate) kind: SessionKind,
    pub(crate) secret_hash: Option<Vec<u8>>,
    pub(crate) last_seen_at: Timestamp,
    pub(crate) read_at: Timestamp,
    ends_at: Timestamp,
    permissions: PermissionSet,
    aal: u8,
    auth_time: Timestamp,
}

impl LiveSession {
    pub(crate) fn new(
        row: SessionRow,
        permissions: PermissionSet,
        now: Timestamp,
    ) -> Result<Self, SessionError> {
        if !row.usable(now) {
            return Err(SessionError::Expired);
        }
        let kind = match row.kind.as_str() {
            "browser" => SessionKind::Browser,
            "token" => SessionKind::Token,
            _ => return Err(SessionError::Expired),
        };
        Ok(Self {
            user: row.user_id,
            tenant: row.tenant_id,
            kind,
            secret_hash: row.secret_hash,
            last_seen_at: row.last_seen_at,
            read_at: now,
            ends_at: row.idle_expires_at.min(row.expires_at),
            permissions,
            aal: row.aal,
            auth_time: row.auth_time,
        })
    }

    pub(crate) fn usable(&self, now: Timestamp) -> bool {
        ahead(now, self.ends_at)
    }

    pub(crate) fn principal(&self, session: SessionId) -> Principal {
        Principal {
            user: self.user,
            tenant: self.tenant,
            session,
            kind: self.kind,
            permissions: self.permissions,
            aal: self.aal,
            auth_time: self.auth_time,
            until: self.ends_at,
        }
    }
}
