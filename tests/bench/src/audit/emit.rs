//! Rows that are the same on both engines.

use std::sync::Arc;
use std::time::{Duration, Instant};

use vv_audit::AuditError;
use vv_base::Ctx;
use vv_store::{Sql, args};

use super::burst::batches;
use super::world::World;
use crate::callers::{self, MANY};
use crate::measure::{Group, Outcome, Sample, process_cpu};
use crate::sqlite::{fresh_value, row_key};

static INSERT: Sql = Sql::same(
    "bench.insert",
    "insert into meta (key, value) values ($1, $2) on conflict (key) do update set value = excluded.value",
);
static UPDATE: Sql = Sql::same("bench.update", "update meta set value = $1 where key = $2");

/// Prepared events to chain, tree, counts, head and commit.
pub(crate) fn with_sequencer(
    group: Group,
    world: &World,
    name: &'static str,
    size: u32,
    tenants: &[Ctx],
    against: &'static str,
    target: Option<f64>,
) -> Group {
    let (world, tenants) = (world.clone(), tenants.to_vec());
    group.ours(name, "events/s", against, target, move |limit| {
        let count = usize::try_from(size).map_err(|error| error.to_string())?;
        let prepare = || world.prepared(&tenants, count);
        batches(limit, size, prepare, |batch| world.append(batch))
    })
}

/// The same for events that say where they came from.
pub(crate) fn with_sourced(
    group: Group,
    world: &World,
    name: &'static str,
    against: &'static str,
) -> Group {
    let (world, tenant) = (world.clone(), world.tenant());
    group.ours(name, "events/s", against, None, move |limit| {
        let prepare = || world.prepared_sourced(&tenant, 1000);
        batches(limit, 1000, prepare, |batch| world.append(batch))
    })
}

/// Callers that each wait for the commit of their event.
pub(crate) fn with_callers(
    group: Group,
    world: &World,
    name: &'static str,
    count: usize,
    against: &'static str,
    target: Option<f64>,
) -> Group {
    let (world, tenant) = (world.clone(), world.tenant());
    group.ours(name, "events/s", against, target, move |limit| {
        let (callers_world, tenant) = (world.clone(), tenant.clone());
        let appending = callers::repeat(count, limit, move |_| {
            let (world, tenant) = (callers_world.clone(), tenant.clone());
            async move {
                let event = World::event(&tenant);
                let appended = world.audit.append(&tenant, event).await;
                appended.map(drop).map_err(|error| error.to_string())
            }
        });
        world.runtime.block_on(appending)
    })
}

/// One caller for a while; how many events it appended.
pub(crate) fn append_alone(world: &World, limit: Duration) -> Outcome<u32> {
    let tenant = world.tenant();
    let start = Instant::now();
    let mut appended = 0;
    while start.elapsed() < limit {
        let event = World::event(&tenant);
        let work = world.audit.append(&tenant, event);
        let done = world.runtime.block_on(work);
        done.map_err(|error| error.to_string())?;
        appended += 1;
    }
    Ok(appended)
}

/// A one-row change with and without its event. The names are those of one
/// caller without and with, then of 64. What the events still need to get into
/// their chain is waited for and counts.
pub(crate) fn with_record(
    mut group: Group,
    world: &World,
    names: [&'static str; 4],
) -> Outcome<Group> {
    let [bare_one, one, bare_many, many] = names;
    world
        .runtime
        .block_on(prepare_rows(world))
        .map_err(|error| error.to_string())?;
    for (name, count) in [(bare_one, 1), (bare_many, MANY)] {
        let world = world.clone();
        group = group.ceiling(name, "commits/s", 1.0, move |limit| {
            changes(&world, count, limit, false)
        });
    }
    for (name, count, against) in [(one, 1, bare_one), (many, MANY, bare_many)] {
        let world = world.clone();
        group = group.ours(name, "commits/s", against, None, move |limit| {
            changes(&world, count, limit, true)
        });
    }
    Ok(group)
}

async fn prepare_rows(world: &World) -> Result<(), AuditError> {
    let ctx = world.tenant().for_system();
    let work = world.store.tx(&ctx, "bench.prepare", async |tx| {
        for caller in 0..MANY {
            tx.exec_one(&INSERT, args![row_key(caller), fresh_value()])
                .await?;
        }
        Ok(())
    });
    work.await
}

fn changes(world: &World, count: usize, limit: Duration, event: bool) -> Outcome<Sample> {
    let (worker, tenant) = (world.clone(), world.tenant());
    let (cpu, start) = (process_cpu(), Instant::now());
    let changing = callers::repeat(count, limit, move |caller| {
        let (world, tenant) = (worker.clone(), tenant.clone());
        async move {
            let changed = change(&world, &tenant, caller, event).await;
            changed.map_err(|error| error.to_string())
        }
    });
    let mut sample = world.runtime.block_on(changing)?;
    let caught_up = world.runtime.block_on(world.audit.catch_up());
    caught_up.map_err(|error| error.to_string())?;
    sample.wall = start.elapsed();
    sample.cpu = process_cpu().saturating_sub(cpu);
    Ok(sample)
}

async fn change(world: &World, ctx: &Ctx, caller: usize, event: bool) -> Result<(), AuditError> {
    let work = world.store.tx(ctx, "bench.change", async |tx| {
        tx.exec_one(&UPDATE, args![fresh_value(), row_key(caller)])
            .await?;
        if event {
            world.audit.record(ctx, tx, World::event(ctx)).await?;
        }
        Ok(())
    });
    work.await
}

/// What a producer pays on its own thread.
pub(crate) fn with_producer(mut group: Group, world: &World) -> Group {
    for (name, sourced) in [
        ("audit, prepare an event, one core", false),
        ("audit, prepare an event, ip and user agent sealed", true),
    ] {
        let (world, tenant) = (world.clone(), Arc::new(world.tenant()));
        group = group.ceiling(name, "events/s", 1.0, move |limit| {
            let prepared = batches(
                limit,
                1000,
                || Ok(()),
                |()| {
                    let events = if sourced {
                        world.prepared_sourced(&tenant, 1000)
                    } else {
                        world.prepared(std::slice::from_ref(&*tenant), 1000)
                    };
                    events.map(drop)
                },
            );
            Ok(prepared?.per_core())
        });
    }
    for (name, sourced) in [
        ("audit, bytes of a leaf", false),
        ("audit, bytes of a leaf, ip and user agent sealed", true),
    ] {
        let (world, tenant) = (world.clone(), world.tenant());
        group = group.ceiling(name, "bytes", 1.0, move |_| {
            let events = if sourced {
                world.prepared_sourced(&tenant, 1000)?
            } else {
                world.prepared(std::slice::from_ref(&tenant), 1000)?
            };
            let bodies = i64::try_from(events.bytes()).map_err(|error| error.to_string())?;
            gauge(bodies + 1000 * LEAF_HEADER, 1000)
        });
    }
    group
}

/// Bytes of a leaf before its body.
pub(crate) const LEAF_HEADER: i64 = 69;

/// A quotient that is no rate, such as bytes per event.
pub(crate) fn gauge(amount: i64, of: i64) -> Outcome<Sample> {
    let of = u64::try_from(of.max(1)).map_err(|error| error.to_string())?;
    Ok(Sample {
        operations: u32::try_from(amount).map_err(|error| error.to_string())?,
        wall: Duration::from_secs(of),
        cpu: Duration::ZERO,
    })
}
