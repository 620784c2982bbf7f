//! What every home of the shared state has to do alike.

use std::sync::Arc;

use vv_base::{Clock, Id, SessionId, Span, TenantId, Timestamp, UserId};
use vv_shared::{
    Health, LeaseKey, Notice, OnceKey, Revocation, RevocationKey, Shared, SharedError, Subject,
    Topic, Window,
};

use crate::clock::MockClock;
use crate::random::SeededRng;

/// Runs the whole suite on an empty home that reads the time from `clock`.
///
/// # Panics
/// At the first difference.
pub async fn conformance(shared: &Shared, clock: &Arc<MockClock>) {
    let suite = Suite {
        shared,
        clock,
        rng: SeededRng::new(1),
    };
    suite.window_counts_and_refills().await;
    suite.window_costs_and_subjects().await;
    suite.window_when_the_clock_goes_back().await;
    suite.once_is_once().await;
    suite.once_under_contention().await;
    suite.tombstones_stand_and_never_shrink().await;
    suite.tombstones_of_several_keys().await;
    suite.leases_have_one_holder().await;
    suite.notices_reach_their_topic().await;
    suite.bad_arguments_are_refused().await;
    assert_eq!(shared.health(), Health::Ok);
    assert_eq!(shared.check().await, Health::Ok);
    assert!(!shared.circuit_open());
}

struct Suite<'a> {
    shared: &'a Shared,
    clock: &'a MockClock,
    rng: SeededRng,
}

impl Suite<'_> {
    fn id<K>(&self) -> Id<K> {
        Id::new(self.clock.now(), &self.rng)
    }

    fn in_seconds(&self, seconds: i64) -> Timestamp {
        self.clock.now().plus(Span::seconds(seconds))
    }

    async fn window_counts_and_refills(&self) {
        let window = Window::new("suite.count", self.id::<()>(), 5, Span::minutes(5));
        for left in [4, 3, 2, 1, 0] {
            let hit = self.shared.hit(&window, 1).await;
            assert!(hit.allowed && !hit.degraded);
            assert_eq!((hit.limit, hit.remaining), (5, left));
            assert_eq!(hit.retry_after, Span::seconds(0));
        }
        for _ in 0..3 {
            let hit = self.shared.hit(&window, 1).await;
            assert_eq!((hit.allowed, hit.remaining), (false, 0));
            assert_eq!(hit.retry_after, Span::minutes(1));
        }
        self.clock.advance(Span::seconds(59));
        let hit = self.shared.hit(&window, 1).await;
        assert!(!hit.allowed);
        assert_eq!(hit.retry_after, Span::seconds(1));
        self.clock.advance(Span::seconds(1));
        assert!(self.shared.hit(&window, 1).await.allowed);
        assert!(!self.shared.hit(&window, 1).await.allowed);
        self.clock.advance(Span::minutes(5));
        assert_eq!(self.shared.hit(&window, 1).await.remaining, 4);
    }

    async fn window_costs_and_subjects(&self) {
        let window = Window::new("suite.cost", self.id::<()>(), 7, Span::minutes(10));
        assert_eq!(self.shared.hit(&window, 3).await.remaining, 4);
        let refused = self.shared.hit(&window, 5).await;
        assert_eq!((refused.allowed, refused.remaining), (false, 4));
        assert!(refused.retry_after > Span::seconds(0));
        // Looking costs nothing.
        assert_eq!(self.shared.hit(&window, 0).await.remaining, 4);
        assert_eq!(self.shared.hit(&window, 4).await.remaining, 0);
        assert!(!self.shared.hit(&window, 0).await.allowed);
        let never = self.shared.hit(&window, 8).await;
        assert_eq!(
            (never.allowed, never.retry_after),
            (false, Span::minutes(10))
        );
        assert!(!self.shared.hit(&window, u32::MAX).await.allowed);
        // Neither other subjects nor other names are touched.
        let other = Window::new("suite.cost", self.id::<()>(), 7, Span::minutes(10));
        assert_eq!(self.shared.hit(&other, 1).await.remaining, 6);
        let closed = Window::new("suite.closed", Subject::GLOBAL, 0, Span::minutes(10));
        assert!(!self.shared.hit(&closed, 1).await.allowed);
        let largest = Window::new("suite.large", Subject::GLOBAL, u32::MAX, Span::days(9_999));
        let hit = self.shared.hit(&largest, u32::MAX).await;
        assert_eq!((hit.allowed, hit.remaining), (true, 0));
        assert!(!self.shared.hit(&largest, 1).await.allowed);
    }

    async fn window_when_the_clock_goes_back(&self) {
        let window = Window::new("suite.back", self.id::<()>(), 2, Span::minutes(2));
        assert!(self.shared.hit(&window, 2).await.allowed);
        let here = self.clock.now();
        self.clock.set(here.minus(Span::hours(5)));
        let hit = self.shared.hit(&window, 1).await;
        assert_eq!((hit.allowed, hit.retry_after), (false, Span::minutes(1)));
        self.clock.set(here);
    }

    async fn once_is_once(&self) {
        let key = OnceKey::new("suite.once", self.id::<()>());
        let other_name = OnceKey::new("suite.other", Subject::GLOBAL);
        let ttl = Span::minutes(3);
        assert_eq!(self.shared.set_once(&key, ttl).await, Ok(true));
        assert_eq!(self.shared.set_once(&key, ttl).await, Ok(false));
        assert_eq!(self.shared.set_once(&other_name, ttl).await, Ok(true));
        // A refused attempt does not make the guard last longer.
        self.clock.advance(Span::seconds(179));
        assert_eq!(self.shared.set_once(&key, ttl).await, Ok(false));
        self.clock.advance(Span::seconds(1));
        assert_eq!(self.shared.set_once(&key, ttl).await, Ok(true));
    }

    async fn once_under_contention(&self) {
        let key = OnceKey::new("suite.race", self.id::<()>());
        let mut tasks = tokio::task::JoinSet::new();
        for _ in 0..200 {
            let shared = self.shared.clone();
            tasks.spawn(async move { shared.set_once(&key, Span::minutes(1)).await });
        }
        let answers = tasks.join_all().await;
        let won = answers.iter().filter(|a| **a == Ok(true)).count();
        let lost = answers.iter().filter(|a| **a == Ok(false)).count();
        assert_eq!((won, lost), (1, 199));
    }

    async fn tombstones_stand_and_never_shrink(&self) {
        let key = RevocationKey::session(self.id::<vv_base::kind::Session>());
        let ask = || self.shared.is_revoked(&key);
        assert_eq!(ask().await, Revocation::NotSeen);
        let past = self.in_seconds(-5);
        assert_eq!(self.shared.revoke(&key, past).await, Ok(()));
        assert_eq!(ask().await, Revocation::NotSeen);
        let until = self.in_seconds(600);
        assert_eq!(self.shared.revoke(&key, until).await, Ok(()));
        assert_eq!(ask().await, Revocation::Revoked);
        let sooner = self.in_seconds(60);
        assert_eq!(self.shared.revoke(&key, sooner).await, Ok(()));
        self.clock.advance(Span::seconds(599));
        assert_eq!(ask().await, Revocation::Revoked);
        let later = self.in_seconds(600);
        assert_eq!(self.shared.revoke(&key, later).await, Ok(()));
        self.clock.advance(Span::seconds(599));
        assert_eq!(ask().await, Revocation::Revoked);
        self.clock.advance(Span::seconds(1));
        assert_eq!(ask().await, Revocation::NotSeen);
        let end_of_time = Timestamp::from_unix_micros(i64::MAX);
        assert_eq!(self.shared.revoke(&key, end_of_time).await, Ok(()));
        assert_eq!(ask().await, Revocation::Revoked);
    }

    async fn tombstones_of_several_keys(&self) {
        let session: SessionId = self.id();
        let user: UserId = Id::from_uuid(session.uuid());
        let tenant: TenantId = Id::from_uuid(session.uuid());
        let keys = [
            RevocationKey::session(session),
            RevocationKey::user(user),
            RevocationKey::tenant(tenant),
            RevocationKey::token([7; 32]),
        ];
        assert_eq!(self.shared.any_revoked(&keys).await, Revocation::NotSeen);
        let until = self.in_seconds(60);
        assert_eq!(
            self.shared
                .revoke(&RevocationKey::tenant(tenant), until)
                .await,
            Ok(())
        );
        assert_eq!(self.shared.any_revoked(&keys).await, Revocation::Revoked);
        // The same bytes as another kind of id are another key.
        let user_only = self.shared.is_revoked(&RevocationKey::user(user)).await;
        assert_eq!(user_only, Revocation::NotSeen);
        assert_eq!(self.shared.any_revoked(&[]).await, Revocation::NotSeen);
        let too_many = vec![RevocationKey::user(user); 17];
        assert_eq!(
            self.shared.any_revoked(&too_many).await,
            Revocation::Unknown
        );
    }

    async fn leases_have_one_holder(&self) {
        let key = LeaseKey::new("suite.lease", self.id::<()>());
        let ttl = Span::minutes(2);
        let take = |holder: &'static str| self.shared.lease(&key, holder, ttl);
        assert_eq!(take("a").await, Ok(true));
        assert_eq!(take("b").await, Ok(false));
        self.clock.advance(Span::minutes(1));
        assert_eq!(take("a").await, Ok(true));
        self.clock.advance(Span::seconds(119));
        assert_eq!(take("b").await, Ok(false));
        assert_eq!(self.shared.release(&key, "b").await, Ok(false));
        self.clock.advance(Span::seconds(1));
        assert_eq!(take("b|x").await, Ok(true));
        assert_eq!(take("a").await, Ok(false));
        assert_eq!(take("x").await, Ok(false));
        assert_eq!(self.shared.release(&key, "b|x").await, Ok(true));
        assert_eq!(self.shared.release(&key, "b|x").await, Ok(false));
        assert_eq!(take("a").await, Ok(true));
    }

    async fn notices_reach_their_topic(&self) {
        const NEWS: Topic = Topic::new("suite.news");
        const SILENT: Topic = Topic::new("suite.silent");
        // A notice without readers is no error.
        assert_eq!(self.shared.publish(NEWS, "nobody").await, Ok(()));
        let mut first = self.shared.subscribe(NEWS).await;
        let mut second = self.shared.subscribe(NEWS).await;
        assert_eq!(self.shared.publish(SILENT, "elsewhere").await, Ok(()));
        let text = "é".repeat(4_096);
        for payload in ["one", "", &text] {
            assert_eq!(self.shared.publish(NEWS, payload).await, Ok(()));
        }
        for reader in [&mut first, &mut second] {
            for payload in ["one", "", &text] {
                assert_eq!(reader.recv().await, Notice::Message(payload.to_owned()));
            }
        }
    }

    async fn bad_arguments_are_refused(&self) {
        let once = OnceKey::new("suite.bad", Subject::GLOBAL);
        let lease = LeaseKey::new("suite.bad", Subject::GLOBAL);
        for ttl in [Span::seconds(0), Span::seconds(-1), Span::days(401)] {
            let refused = self.shared.set_once(&once, ttl).await;
            assert!(matches!(refused, Err(SharedError::Invalid(_))));
            let refused = self.shared.lease(&lease, "a", ttl).await;
            assert!(matches!(refused, Err(SharedError::Invalid(_))));
        }
        for holder in ["", &"h".repeat(129)] {
            let refused = self.shared.lease(&lease, holder, Span::seconds(1)).await;
            assert!(matches!(refused, Err(SharedError::Invalid(_))));
            let refused = self.shared.release(&lease, holder).await;
            assert!(matches!(refused, Err(SharedError::Invalid(_))));
        }
        let long = "x".repeat(8_193);
        let refused = self.shared.publish(Topic::new("suite.bad"), &long).await;
        assert!(matches!(refused, Err(SharedError::Invalid(_))));
    }
}
