//! Verification against the hashes it cannot do without.

use std::fs;
use std::hint::black_box;
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use aws_lc_rs::digest;
use vv_audit::{LoadedChain, VerifyOptions};
use vv_base::Ctx;

use super::burst::batches;
use super::emit::LEAF_HEADER;
use super::world::World;
use crate::measure::{Group, Outcome, Sample, process_cpu};

const CEILING: &str = "SHA-256 of the blocks of a leaf and its tree node, one core";
const PROMISE: &str = "promise: events a CPU-second, verified from the database";
/// Events of the chain that is verified.
const EVENTS: usize = 40_000;
const BATCH: usize = 4_000;
/// Blocks that a tree node takes: 65 bytes and the padding.
const NODE_BLOCKS: usize = 2;

/// On `SQLite`, and in memory.
pub(crate) fn lite(folder: &Path) -> Outcome<Group> {
    let _ = fs::remove_dir_all(folder);
    fs::create_dir_all(folder)
        .map_err(|error| format!("cannot make {}: {error}", folder.display()))?;
    let world = World::lite(folder)?;
    let (tenant, blocks) = fill(&world)?;
    let top = i64::try_from(EVENTS).map_err(|error| error.to_string())?;
    let loading = world.audit.load_chain(&tenant, top);
    let chain = world.runtime.block_on(loading);
    let chain = Arc::new(chain.map_err(|error| error.to_string())?);
    let buffer = vec![0x5a; blocks * 64 * 1000];
    let group = Group::new()
        .ceiling(CEILING, "events/s", 1.0, move |limit| {
            batches(
                limit,
                1000,
                || Ok(()),
                |()| {
                    black_box(digest::digest(&digest::SHA256, black_box(&buffer)));
                    Ok(())
                },
            )
        })
        .ours(
            "audit, verification in memory, one core",
            "events/s",
            CEILING,
            Some(0.70),
            move |limit| Ok(walk(&chain, limit)?.per_core()),
        );
    Ok(from_database(
        group,
        world,
        tenant,
        "SQLite, verification, per CPU-second",
    ))
}

/// On `PostgreSQL`; the server's processor time is not ours.
pub(crate) fn pg(world: World) -> Outcome<Group> {
    let (tenant, _) = fill(&world)?;
    let name = "PostgreSQL, verification, per CPU-second of the client";
    Ok(from_database(Group::new(), world, tenant, name))
}

fn fill(world: &World) -> Outcome<(Ctx, usize)> {
    let tenant = world.tenant();
    let mut bytes = 0;
    for _ in 0..EVENTS / BATCH {
        let events = world.prepared(std::slice::from_ref(&tenant), BATCH)?;
        bytes += events.bytes();
        world.append(events)?;
    }
    let header = usize::try_from(LEAF_HEADER).map_err(|error| error.to_string())?;
    // A byte before the leaf; behind it the padding takes nine or more.
    let hashed = bytes / EVENTS + header + 1 + 9;
    Ok((tenant, hashed.div_ceil(64) + NODE_BLOCKS))
}

fn walk(chain: &LoadedChain, limit: Duration) -> Outcome<Sample> {
    let (cpu, start) = (process_cpu(), Instant::now());
    let mut operations = 0;
    while start.elapsed() < limit {
        let checked = chain.walk().ok_or("the chain does not verify")?;
        operations += u32::try_from(checked).map_err(|error| error.to_string())?;
    }
    Ok(Sample {
        operations,
        wall: start.elapsed(),
        cpu: process_cpu().saturating_sub(cpu),
    })
}

fn from_database(group: Group, world: World, tenant: Ctx, name: &'static str) -> Group {
    let promise = |_| {
        Ok(Sample {
            operations: 500_000,
            wall: Duration::from_secs(1),
            cpu: Duration::ZERO,
        })
    };
    group.ceiling(PROMISE, "events/s", 1.0, promise).ours(
        name,
        "events/s",
        PROMISE,
        Some(1.0),
        move |limit| {
            let (cpu, start) = (process_cpu(), Instant::now());
            let mut operations = 0;
            while start.elapsed() < limit {
                let options = VerifyOptions::default();
                let verifying = world.audit.verify(&tenant, &options, |_, _| ());
                let found = world.runtime.block_on(verifying);
                let found = found.map_err(|error| error.to_string())?;
                if !found.verified {
                    return Err("the chain does not verify".to_owned());
                }
                operations += u32::try_from(found.checked).map_err(|error| error.to_string())?;
            }
            let sample = Sample {
                operations,
                wall: start.elapsed(),
                cpu: process_cpu().saturating_sub(cpu),
            };
            Ok(sample.per_core())
        },
    )
}
