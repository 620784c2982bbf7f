use super::*;

fn hours(values: &[(u64, u64)]) -> Vec<HourBucket> {
    (0..)
        .zip(values)
        .map(|(hour, (succeeded, failed))| HourBucket {
            label: format!("{hour:02}:00"),
            succeeded: *succeeded,
            failed: *failed,
        })
        .collect()
}

/// Every `name="value"` number of the drawing, percent signs cut.
fn numbers(svg: &str, name: &str) -> Vec<f64> {
    svg.split(&format!(" {name}=\""))
        .skip(1)
        .map(|rest| {
            let value = rest.split('"').next().expect("closing quote");
            value.trim_end_matches('%').parse().expect("a number")
        })
        .collect()
}

#[test]
fn every_bar_stays_inside_the_picture() {
    let many: Vec<_> = (0..24).map(|n| (n * 37 % 91, n * 11 % 17)).collect();
    for values in [
        many.as_slice(),
        &[(u64::MAX, u64::MAX), (1, 1), (0, u64::MAX)],
        &[(0, 1)],
        &[(0, 0)],
        &[],
    ] {
        let svg = hourly_bars(&hours(values));
        assert!(!svg.contains("NaN") && !svg.contains("inf"));
        for name in ["x", "y", "width", "height", "y1", "x2"] {
            for number in numbers(&svg, name) {
                assert!((0.0..=216.0).contains(&number), "{name}={number} in {svg}");
            }
        }
        for name in ["x", "width"] {
            assert!(numbers(&svg, name).iter().all(|number| *number <= 100.0));
        }
    }
}

#[test]
fn a_period_without_sign_ins_says_so_and_draws_no_bar() {
    let svg = hourly_bars(&hours(&[(0, 0); 24]));
    assert!(svg.contains("No sign-ins in this period"));
    assert!(!svg.contains("chart-ok") && !svg.contains("chart-bad"));
    assert!(!hourly_bars(&hours(&[(1, 0)])).contains("No sign-ins"));
}

#[test]
fn bar_heights_follow_the_numbers() {
    let svg = hourly_bars(&hours(&[(40, 0), (20, 0), (0, 10)]));
    let heights: Vec<f64> = svg
        .split("<rect class=\"chart-")
        .skip(1)
        .filter(|rect| !rect.starts_with("hit"))
        .flat_map(|rect| numbers(rect, "height"))
        .collect();
    assert_eq!(heights, [168.0, 84.0, 42.0]);
}

#[test]
fn a_single_failure_above_a_million_successes_is_still_drawn() {
    let svg = hourly_bars(&hours(&[(1_000_000, 1)]));
    assert!(svg.contains("chart-bad"));
}

#[test]
fn labels_are_escaped() {
    let svg = hourly_bars(&[HourBucket {
        label: "<script>\"'&\u{0}".into(),
        succeeded: 1,
        failed: 0,
    }]);
    assert!(!svg.contains("<script>"));
    assert!(svg.contains("&lt;script&gt;&quot;&#39;&amp;"));
    assert!(!svg.contains('\u{0}'));
}

#[test]
fn the_scale_is_made_of_round_steps() {
    let scale = |peak| {
        let scale = Scale::for_peak(peak);
        (scale.step, scale.top)
    };
    assert_eq!(scale(0), (1, 4));
    assert_eq!(scale(5), (2, 6));
    assert_eq!(scale(17), (5, 20));
    assert_eq!(scale(73), (20, 80));
    assert_eq!(scale(1_001), (500, 1_500));
    assert!(scale(u64::MAX).1 >= u128::from(u64::MAX));
}

#[test]
fn tick_labels_are_short() {
    assert_eq!(compact(950), "950");
    assert_eq!(compact(1_500), "1.5k");
    assert_eq!(compact(20_000_000), "20M");
    assert_eq!(compact(20_000_000_000_000_000_000), "20E");
}

#[test]
fn far_too_many_buckets_are_cut() {
    let svg = hourly_bars(&hours(&[(1, 1); 1000]));
    assert_eq!(svg.matches("chart-hour").count(), MAX_BUCKETS);
}

#[test]
fn the_picture_names_itself() {
    let svg = hourly_bars(&hours(&[(3, 2), (4, 0)]));
    assert!(svg.contains(r#"role="img" aria-labelledby="chart-title chart-desc""#));
    assert!(svg.contains("from 00:00 to 01:00: 7 succeeded and 2 failed in all."));
    assert!(!svg.contains("style="));
}
