use std::collections::BTreeMap;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use serde_json::{Value, json};
use tokio_util::sync::CancellationToken;
use vv_base::{Ctx, Page, PageRequest, Span, SystemRng, TenantId};
use vv_store::jobs::{self, JobError, JobFuture, JobHandler, JobSpec, JobState, JobView};
use vv_store::jobs::{MAX_ATTEMPTS, Schedule, Worker};
use vv_store::{Store, StoreError};
use vv_testkit::clock::MockClock;
use vv_testkit::stores::both;

/// Counts its runs per payload and answers as told.
#[derive(Default)]
struct Recorder {
    runs: Mutex<BTreeMap<String, usize>>,
    scopes: Mutex<Vec<Option<TenantId>>>,
    failures: AtomicUsize,
}

impl Recorder {
    fn total(&self) -> usize {
        self.runs.lock().expect("lock").values().sum()
    }
}

struct Handler(Arc<Recorder>);

impl JobHandler for Handler {
    fn kind(&self) -> &'static str {
        "test.record"
    }

    fn run<'a>(&'a self, ctx: &'a Ctx, payload: &'a Value) -> JobFuture<'a> {
        Box::pin(async move {
            tokio::task::yield_now().await;
            let key = payload.to_string();
            *self.0.runs.lock().expect("lock").entry(key).or_default() += 1;
            self.0.scopes.lock().expect("lock").push(ctx.tenant());
            assert!(payload != "panic", "as told");
            if payload == "hopeless" {
                return Err(JobError::permanent("hopeless"));
            }
            let left = &self.0.failures;
            let fails = left.fetch_update(Ordering::SeqCst, Ordering::SeqCst, |n| n.checked_sub(1));
            match fails {
                Ok(_) => Err(JobError::retry("not yet")),
                Err(_) => Ok(()),
            }
        })
    }
}

fn setup(store: &Store) -> (Arc<MockClock>, Ctx, Arc<Recorder>, Worker) {
    let clock = Arc::new(MockClock::default());
    let ctx = Ctx::system(Arc::<MockClock>::clone(&clock), Arc::new(SystemRng));
    let recorder = Arc::new(Recorder::default());
    let worker = worker(store, &recorder, Vec::new());
    (clock, ctx, recorder, worker)
}

fn worker(store: &Store, recorder: &Arc<Recorder>, schedules: Vec<Schedule>) -> Worker {
    let handler: Arc<dyn JobHandler> = Arc::new(Handler(Arc::clone(recorder)));
    Worker::new(store.clone(), vec![handler], schedules)
}

async fn add(store: &Store, ctx: &Ctx, payload: Value, dedupe: Option<&str>) -> bool {
    let spec = JobSpec {
        kind: "test.record",
        payload,
        run_at: ctx.now(),
        dedupe_key: dedupe.map(str::to_owned),
    };
    store
        .tx(ctx, "test.enqueue", async |tx| {
            jobs::enqueue(ctx, tx, spec).await
        })
        .await
        .expect("enqueue")
}

async fn list(store: &Store, ctx: &Ctx) -> Page<JobView> {
    let page = PageRequest::new(None, None);
    store
        .read(ctx, "test.list", async |tx| {
            jobs::list(ctx, tx, None, &page).await
        })
        .await
        .expect("list")
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_workers_run_each_job_once() {
    both(async |_, store, _| {
        let (_, ctx, recorder, one) = setup(&store);
        let two = worker(&store, &recorder, Vec::new());
        for n in 0..40 {
            assert!(add(&store, &ctx, json!(n), None).await);
        }
        let stop = CancellationToken::new();
        let watch = async {
            while recorder.total() < 40 {
                tokio::time::sleep(std::time::Duration::from_millis(5)).await;
            }
            stop.cancel();
        };
        tokio::join!(
            one.run(&ctx, stop.clone()),
            two.run(&ctx, stop.clone()),
            watch
        );
        let runs = recorder.runs.lock().expect("lock").clone();
        assert_eq!(runs.len(), 40);
        assert!(runs.values().all(|n| *n == 1), "{runs:?}");
        let page = list(&store, &ctx).await;
        let open = page
            .items
            .iter()
            .filter(|job| job.kind == "test.record" && job.state != JobState::Done);
        assert_eq!(open.count(), 0);
    })
    .await;
}

#[tokio::test]
async fn a_job_that_is_rolled_back_does_not_exist() {
    both(async |_, store, _| {
        let (_, ctx, recorder, worker) = setup(&store);
        let spec = JobSpec {
            kind: "test.record",
            payload: json!("never"),
            run_at: ctx.now(),
            dedupe_key: None,
        };
        let refused: Result<(), StoreError> = store
            .tx(&ctx, "test.enqueue", async |tx| {
                jobs::enqueue(&ctx, tx, spec).await?;
                Err(StoreError::NotFound)
            })
            .await;
        assert_eq!(refused, Err(StoreError::NotFound));
        assert_eq!(worker.drain(&ctx).await, Ok(0));
        assert_eq!(recorder.total(), 0);
    })
    .await;
}

#[tokio::test]
async fn jobs_wait_for_their_time_and_dedupe_while_open() {
    both(async |_, store, _| {
        let (clock, ctx, recorder, worker) = setup(&store);
        let later = ctx.now().plus(Span::minutes(5));
        let spec = |key: &str| JobSpec {
            kind: "test.record",
            payload: json!("later"),
            run_at: later,
            dedupe_key: Some(key.to_owned()),
        };
        let add_at = async |ctx: &Ctx, key: &str| {
            store
                .tx(ctx, "test.enqueue", async |tx| {
                    jobs::enqueue(ctx, tx, spec(key)).await
                })
                .await
                .expect("enqueue")
        };
        assert!(add_at(&ctx, "same").await);
        assert!(!add_at(&ctx, "same").await);
        // Another tenant's key is another key.
        let tenant: TenantId = ctx.new_id();
        assert!(add_at(&ctx.clone().for_tenant(tenant), "same").await);
        assert_eq!(worker.drain(&ctx).await, Ok(0));
        clock.advance(Span::minutes(5));
        assert_eq!(worker.drain(&ctx).await, Ok(2));
        let mut scopes = recorder.scopes.lock().expect("lock").clone();
        scopes.sort();
        assert_eq!(scopes, [None, Some(tenant)]);
        assert!(add_at(&ctx, "same").await);
        let own = ctx.clone().for_tenant(tenant);
        assert_eq!(list(&store, &own).await.items.len(), 1);
    })
    .await;
}

#[tokio::test]
async fn failures_come_back_later_and_end_dead() {
    both(async |_, store, _| {
        let (clock, ctx, recorder, worker) = setup(&store);
        recorder.failures.store(usize::MAX, Ordering::SeqCst);
        add(&store, &ctx, json!("x"), None).await;
        for attempt in 1..=MAX_ATTEMPTS {
            assert_eq!(worker.drain(&ctx).await, Ok(1), "attempt {attempt}");
            assert_eq!(worker.drain(&ctx).await, Ok(0), "no pause after {attempt}");
            clock.advance(Span::hours(2));
        }
        assert_eq!(worker.drain(&ctx).await, Ok(0));
        let page = list(&store, &ctx).await;
        let job = &page.items[0];
        assert_eq!(job.state, JobState::Dead);
        assert_eq!(job.attempts, MAX_ATTEMPTS);
        assert_eq!(job.last_error.as_deref(), Some("not yet"));
        recorder.failures.store(0, Ordering::SeqCst);
        store
            .tx(&ctx, "test.revive", async |tx| {
                jobs::revive(&ctx, tx, job.id).await
            })
            .await
            .expect("revive");
        assert_eq!(worker.drain(&ctx).await, Ok(1));
        assert_eq!(list(&store, &ctx).await.items[0].state, JobState::Done);
    })
    .await;
}

#[tokio::test]
async fn a_panic_is_a_failure_and_a_permanent_error_is_final() {
    both(async |_, store, _| {
        let (_, ctx, _, worker) = setup(&store);
        add(&store, &ctx, json!("panic"), None).await;
        add(&store, &ctx, json!("hopeless"), None).await;
        assert_eq!(worker.drain(&ctx).await, Ok(2));
        let page = list(&store, &ctx).await;
        let states: Vec<_> = page
            .items
            .iter()
            .map(|job| (job.last_error.as_deref().unwrap_or_default(), job.state))
            .collect();
        assert!(states.contains(&("hopeless", JobState::Dead)), "{states:?}");
        assert!(states.contains(&("the handler panicked", JobState::Queued)));
    })
    .await;
}

#[tokio::test]
async fn a_lease_that_ends_is_taken_over() {
    static STEAL: vv_store::Sql = vv_store::Sql::same(
        "test.steal",
        "update jobs set state = 'leased', attempts = 1, lease_until = $1",
    );
    both(async |_, store, _| {
        let (clock, ctx, recorder, worker) = setup(&store);
        add(&store, &ctx, json!("orphan"), None).await;
        // A worker that took the job and died.
        let until = ctx.now().plus(Span::minutes(1));
        store
            .tx(&ctx, "test.steal", async |tx| {
                tx.exec_one(&STEAL, vv_store::args![until]).await
            })
            .await
            .expect("steal");
        assert_eq!(worker.drain(&ctx).await, Ok(0));
        clock.advance(Span::minutes(1));
        assert_eq!(worker.drain(&ctx).await, Ok(1));
        assert_eq!(recorder.total(), 1);
        let page = list(&store, &ctx).await;
        assert_eq!(
            (page.items[0].state, page.items[0].attempts),
            (JobState::Done, 2)
        );
    })
    .await;
}

#[tokio::test]
async fn a_schedule_fires_once_for_all_nodes() {
    const HOURLY: Schedule = Schedule {
        kind: "test.record",
        every: Span::hours(1),
    };
    both(async |_, store, _| {
        let (clock, ctx, recorder, _) = setup(&store);
        let nodes: Vec<_> = (0..2)
            .map(|_| worker(&store, &recorder, vec![HOURLY]))
            .collect();
        let tick = async || {
            let (one, two) = tokio::join!(nodes[0].fire_due(&ctx), nodes[1].fire_due(&ctx));
            one.expect("fire") + two.expect("fire")
        };
        // The queue has a schedule of its own beside the one under test.
        assert_eq!(tick().await, 2);
        assert_eq!(tick().await, 0);
        nodes[0].drain(&ctx).await.expect("drain");
        clock.advance(Span::hours(1));
        assert_eq!(tick().await, 2);
        nodes[1].drain(&ctx).await.expect("drain");
        clock.advance(Span::hours(-1));
        assert_eq!(
            tick().await,
            0,
            "a clock that goes back fires nothing twice"
        );
        assert_eq!(recorder.total(), 2);
    })
    .await;
}

#[tokio::test]
async fn finished_jobs_are_forgotten_after_a_week() {
    both(async |_, store, _| {
        let (clock, ctx, _, worker) = setup(&store);
        add(&store, &ctx, json!("old"), None).await;
        worker.drain(&ctx).await.expect("drain");
        let kept = async || {
            let page = list(&store, &ctx).await;
            page.items.iter().any(|job| job.kind == "test.record")
        };
        for (wait, stays) in [(Span::days(6), true), (Span::days(2), false)] {
            clock.advance(wait);
            worker.fire_due(&ctx).await.expect("fire");
            worker.drain(&ctx).await.expect("drain");
            assert_eq!(kept().await, stays);
        }
    })
    .await;
}

#[tokio::test]
async fn an_oversized_payload_is_refused() {
    both(async |_, store, _| {
        let (_, ctx, _, _) = setup(&store);
        let spec = JobSpec {
            kind: "test.record",
            payload: json!("x".repeat(jobs::MAX_PAYLOAD)),
            run_at: ctx.now(),
            dedupe_key: None,
        };
        let refused = store
            .tx(&ctx, "test.enqueue", async |tx| {
                jobs::enqueue(&ctx, tx, spec).await
            })
            .await;
        assert!(matches!(refused, Err(StoreError::TooLarge { .. })));
    })
    .await;
}
