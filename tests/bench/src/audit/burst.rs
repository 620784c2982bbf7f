//! Batches of a fixed size, one after the other, prepared outside the clock.

use std::time::{Duration, Instant};

use crate::measure::{Outcome, Sample, process_cpu};

/// Repeats: prepares a batch, then times what is done with it.
pub(crate) fn batches<T>(
    limit: Duration,
    size: u32,
    prepare: impl Fn() -> Outcome<T>,
    mut write: impl FnMut(T) -> Outcome<()>,
) -> Outcome<Sample> {
    let mut sample = Sample {
        operations: 0,
        wall: Duration::ZERO,
        cpu: Duration::ZERO,
    };
    while sample.wall < limit {
        let batch = prepare()?;
        let (cpu, start) = (process_cpu(), Instant::now());
        write(batch)?;
        sample.wall += start.elapsed();
        sample.cpu += process_cpu().saturating_sub(cpu);
        sample.operations += size;
    }
    Ok(sample)
}
