use std::net::IpAddr;
use std::sync::Arc;

use crate::{Clock, Id, RequestId, Rng, SessionId, TenantId, Timestamp, UserId};

/// Whose rows a unit of work may touch. PostgreSQL enforces it a second time
/// through row-level security.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Scope {
    /// Rows of one tenant.
    Tenant(TenantId),
    /// Work that is not any one tenant's: finding the account of somebody who
    /// signs in, set-up, migrations, jobs.
    System,
}

/// Who does the work.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Actor {
    /// Nobody we know yet, such as the sender of a sign-in form.
    Anonymous,
    /// A signed-in person.
    User {
        /// The account.
        user: UserId,
        /// The session the request came with.
        session: SessionId,
    },
    /// The product itself: jobs, start-up.
    System,
    /// Whoever runs the command line on the machine.
    Operator,
}

impl Actor {
    /// The account, if a person acts.
    pub const fn user(self) -> Option<UserId> {
        match self {
            Self::User { user, .. } => Some(user),
            Self::Anonymous | Self::System | Self::Operator => None,
        }
    }

    /// The kind as the audit trail spells it.
    pub const fn kind(self) -> &'static str {
        match self {
            Self::Anonymous => "anonymous",
            Self::User { .. } => "user",
            Self::System => "system",
            Self::Operator => "operator",
        }
    }
}

/// Where the request came from, as far as trusted proxies tell.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Source {
    /// The client's address.
    pub ip: Option<IpAddr>,
    /// The `User-Agent` header, cut to 256 characters.
    pub user_agent: Option<String>,
}

/// What every verb receives first: whose data, who acts, for which request,
/// and the clock and randomness to use.
#[derive(Clone)]
pub struct Ctx {
    /// Whose rows may be touched.
    pub scope: Scope,
    /// Who acts.
    pub actor: Actor,
    /// Ties together log lines, audit events and the answer.
    pub request: RequestId,
    /// Where the request came from.
    pub source: Source,
    clock: Arc<dyn Clock>,
    rng: Arc<dyn Rng>,
}

impl Ctx {
    /// The context of work the product does on its own behalf.
    pub fn system(clock: Arc<dyn Clock>, rng: Arc<dyn Rng>) -> Self {
        let request = Id::new(clock.now(), rng.as_ref());
        Self {
            scope: Scope::System,
            actor: Actor::System,
            request,
            source: Source::default(),
            clock,
            rng,
        }
    }

    /// The same work done by somebody else.
    #[must_use]
    pub fn with_actor(mut self, actor: Actor) -> Self {
        self.actor = actor;
        self
    }

    /// The same work narrowed to one tenant's rows.
    #[must_use]
    pub fn for_tenant(mut self, tenant: TenantId) -> Self {
        self.scope = Scope::Tenant(tenant);
        self
    }

    /// The same work without a tenant.
    #[must_use]
    pub fn for_system(mut self) -> Self {
        self.scope = Scope::System;
        self
    }

    /// The same work under another request id and source.
    #[must_use]
    pub fn from_source(mut self, request: RequestId, source: Source) -> Self {
        self.request = request;
        self.source = source;
        self
    }

    /// The tenant, if the work belongs to one.
    pub const fn tenant(&self) -> Option<TenantId> {
        match self.scope {
            Scope::Tenant(tenant) => Some(tenant),
            Scope::System => None,
        }
    }

    /// The current time.
    pub fn now(&self) -> Timestamp {
        self.clock.now()
    }

    /// The clock, for parts that outlive the request.
    pub fn clock(&self) -> Arc<dyn Clock> {
        Arc::clone(&self.clock)
    }

    /// The randomness.
    pub fn rng(&self) -> &dyn Rng {
        self.rng.as_ref()
    }

    /// The randomness, for parts that outlive the request.
    pub fn shared_rng(&self) -> Arc<dyn Rng> {
        Arc::clone(&self.rng)
    }

    /// A fresh id of any kind.
    pub fn new_id<K>(&self) -> Id<K> {
        Id::new(self.now(), self.rng())
    }

    /// Fresh random bytes.
    pub fn random<const N: usize>(&self) -> [u8; N] {
        let mut bytes = [0; N];
        self.rng.fill(&mut bytes);
        bytes
    }
}

impl std::fmt::Debug for Ctx {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Ctx")
            .field("scope", &self.scope)
            .field("actor", &self.actor)
            .field("request", &self.request)
            .finish_non_exhaustive()
    }
}
