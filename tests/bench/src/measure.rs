//! Rounds, medians and CPU time.

use std::time::{Duration, Instant};

use rustix::time::{ClockId, clock_gettime};

/// A bench that cannot run says why.
pub(crate) type Outcome<T> = Result<T, String>;

/// How long to measure.
pub(crate) struct Plan {
    pub(crate) rounds: usize,
    pub(crate) slice: Duration,
    pub(crate) warm_up: Duration,
}

impl Plan {
    pub(crate) const QUICK: Self = Self {
        rounds: 5,
        slice: Duration::from_millis(350),
        warm_up: Duration::from_millis(100),
    };
    pub(crate) const FULL: Self = Self {
        rounds: 7,
        slice: Duration::from_secs(2),
        warm_up: Duration::from_secs(1),
    };
}

/// What one round of one contender did.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Sample {
    pub(crate) operations: u32,
    pub(crate) wall: Duration,
    /// Time on the processors, of the threads that count for this contender.
    pub(crate) cpu: Duration,
}

impl Sample {
    /// Counts seconds of the processor instead of the clock's: what one core
    /// does, however busy the machine is.
    pub(crate) fn per_core(self) -> Self {
        Self {
            wall: self.cpu,
            ..self
        }
    }

    fn rate(self) -> f64 {
        f64::from(self.operations) / self.wall.as_secs_f64().max(f64::EPSILON)
    }

    fn cpu_micros(self) -> f64 {
        self.cpu.as_secs_f64() * 1e6 / f64::from(self.operations.max(1))
    }
}

/// Runs for about the given time.
type Round = Box<dyn FnMut(Duration) -> Outcome<Sample>>;

struct Contender {
    name: &'static str,
    unit: &'static str,
    /// Turns operations per second into the unit.
    scale: f64,
    round: Round,
    against: Option<(&'static str, Option<f64>)>,
}

/// Contenders that take turns.
pub(crate) struct Group(Vec<Contender>);

impl Group {
    pub(crate) const fn new() -> Self {
        Self(Vec::new())
    }

    pub(crate) const fn len(&self) -> usize {
        self.0.len()
    }

    /// Adds a ceiling: something bare that the machine can do.
    pub(crate) fn ceiling(
        mut self,
        name: &'static str,
        unit: &'static str,
        scale: f64,
        round: impl FnMut(Duration) -> Outcome<Sample> + 'static,
    ) -> Self {
        self.0.push(Contender {
            name,
            unit,
            scale,
            round: Box::new(round),
            against: None,
        });
        self
    }

    /// Adds a row of ours, compared with a ceiling of this group. With a target
    /// it has to reach that many times the ceiling.
    pub(crate) fn ours(
        mut self,
        name: &'static str,
        unit: &'static str,
        against: &'static str,
        target: Option<f64>,
        round: impl FnMut(Duration) -> Outcome<Sample> + 'static,
    ) -> Self {
        self.0.push(Contender {
            name,
            unit,
            scale: 1.0,
            round: Box::new(round),
            against: Some((against, target)),
        });
        self
    }

    /// Warms everybody up, then lets them take turns.
    pub(crate) fn run(mut self, plan: &Plan) -> Outcome<Vec<Row>> {
        for contender in &mut self.0 {
            (contender.round)(plan.warm_up)
                .map_err(|error| format!("{}: {error}", contender.name))?;
        }
        let mut samples: Vec<Vec<Sample>> = vec![Vec::new(); self.0.len()];
        for _ in 0..plan.rounds {
            for (contender, samples) in self.0.iter_mut().zip(&mut samples) {
                let sample = (contender.round)(plan.slice)
                    .map_err(|error| format!("{}: {error}", contender.name))?;
                samples.push(sample);
            }
        }
        let mut rows: Vec<Row> = Vec::new();
        for (contender, samples) in self.0.iter().zip(&samples) {
            rows.push(contender.row(samples, &rows)?);
        }
        Ok(rows)
    }
}

impl Contender {
    fn row(&self, samples: &[Sample], earlier: &[Row]) -> Outcome<Row> {
        let rates = samples.iter().map(|sample| sample.rate() * self.scale);
        let rates: Vec<f64> = rates.collect();
        let measured = median(&rates).ok_or("no rounds")?;
        let cpu = samples.iter().map(|sample| sample.cpu_micros());
        let cpu_micros = median(&cpu.collect::<Vec<_>>()).ok_or("no rounds")?;
        let compared = match self.against {
            None => None,
            Some((name, target)) => {
                let ceiling = earlier.iter().find(|row| row.name == name);
                let ceiling = ceiling.ok_or_else(|| format!("no ceiling named {name}"))?;
                // Round by round, because the disk has slow and fast minutes.
                let pairs = rates.iter().zip(&ceiling.rounds);
                let ratios: Vec<f64> = pairs
                    .map(|(ours, bare)| ours / bare.max(f64::EPSILON))
                    .collect();
                Some(Compared {
                    ceiling: ceiling.measured,
                    ratio: median(&ratios).ok_or("no rounds")?,
                    target,
                })
            }
        };
        Ok(Row {
            name: self.name,
            unit: self.unit,
            measured,
            cpu_micros,
            rounds: rates,
            compared,
        })
    }
}

/// One line of the table.
#[derive(Debug, serde::Serialize)]
pub(crate) struct Row {
    pub(crate) name: &'static str,
    pub(crate) unit: &'static str,
    /// Median over the rounds.
    pub(crate) measured: f64,
    /// CPU microseconds per operation, median over the rounds.
    pub(crate) cpu_micros: f64,
    pub(crate) rounds: Vec<f64>,
    #[serde(flatten)]
    pub(crate) compared: Option<Compared>,
}

/// A row of ours beside its ceiling.
#[derive(Debug, Clone, Copy, serde::Serialize)]
pub(crate) struct Compared {
    pub(crate) ceiling: f64,
    /// Median of the ratios of the rounds.
    pub(crate) ratio: f64,
    pub(crate) target: Option<f64>,
}

fn median(values: &[f64]) -> Option<f64> {
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    let middle = sorted.len() / 2;
    let upper = sorted.get(middle).copied()?;
    if sorted.len() % 2 == 1 {
        return Some(upper);
    }
    let lower = sorted.get(middle.checked_sub(1)?).copied()?;
    Some(f64::midpoint(lower, upper))
}

/// Repeats something on this thread until the time is over.
pub(crate) fn repeat(limit: Duration, mut work: impl FnMut() -> Outcome<()>) -> Outcome<Sample> {
    let cpu = process_cpu();
    let start = Instant::now();
    let mut operations = 0;
    while start.elapsed() < limit {
        work()?;
        operations += 1;
    }
    Ok(Sample {
        operations,
        wall: start.elapsed(),
        cpu: process_cpu().saturating_sub(cpu),
    })
}

/// Processor time of all our threads so far.
pub(crate) fn process_cpu() -> Duration {
    let time = clock_gettime(ClockId::ProcessCPUTime);
    let seconds = u64::try_from(time.tv_sec).unwrap_or(0);
    let nanos = u32::try_from(time.tv_nsec).unwrap_or(0);
    Duration::new(seconds, nanos)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fixed(operations: u32) -> impl FnMut(Duration) -> Outcome<Sample> {
        move |_| {
            Ok(Sample {
                operations,
                wall: Duration::from_secs(1),
                cpu: Duration::from_millis(500),
            })
        }
    }

    #[test]
    fn medians_of_odd_and_even_counts() {
        assert_eq!(median(&[3.0, 1.0, 2.0]), Some(2.0));
        assert_eq!(median(&[4.0, 1.0, 2.0, 3.0]), Some(2.5));
        assert_eq!(median(&[]), None);
    }

    #[test]
    fn ours_is_compared_with_its_ceiling() {
        let rows = Group::new()
            .ceiling("bare", "1/s", 1.0, fixed(100))
            .ours("ours", "1/s", "bare", Some(10.0), fixed(1500))
            .run(&Plan::QUICK)
            .unwrap();
        let compared = rows[1].compared.unwrap();
        assert!((compared.ratio - 15.0).abs() < 1e-9);
        assert!((rows[0].cpu_micros - 5000.0).abs() < 1e-9);
        assert_eq!(rows[0].rounds.len(), Plan::QUICK.rounds);
    }

    #[test]
    fn a_missing_ceiling_and_a_failing_round_are_told() {
        let lonely = Group::new().ours("ours", "1/s", "bare", None, fixed(1));
        assert!(lonely.run(&Plan::QUICK).is_err());
        let broken = Group::new().ceiling("x", "1/s", 1.0, |_| Err("no disk".to_owned()));
        assert_eq!(broken.run(&Plan::QUICK).unwrap_err(), "x: no disk");
    }

    #[test]
    fn work_is_counted() {
        let mut calls = 0_u32;
        let sample = repeat(Duration::from_millis(5), || {
            calls += 1;
            Ok(())
        });
        assert_eq!(sample.unwrap().operations, calls);
    }
}
