//! Migrations come in pairs and are numbered without gaps.

use std::collections::BTreeMap;

use super::Finding;

/// One folder's migrations: number and name, with the engines that have a file.
type Folder<'a> = BTreeMap<(u32, &'a str), Vec<&'a str>>;

pub(super) fn check(paths: &[String]) -> Vec<Finding> {
    let mut findings = Vec::new();
    let mut folders: BTreeMap<&str, Folder> = BTreeMap::new();
    for path in paths {
        let Some((folder, file)) = path.rsplit_once('/') else {
            continue;
        };
        if !folder.contains("/migrations") || !super::has_extension(file, "sql") {
            continue;
        }
        match parse(file) {
            Some((number, name, engine)) => {
                let pair = folders.entry(folder).or_default();
                pair.entry((number, name)).or_default().push(engine);
            }
            None => findings.push(Finding::new(
                path.as_str(),
                1,
                "not a migration's name; call it NNNN_name.pg.sql or NNNN_name.lite.sql",
            )),
        }
    }
    for (folder, migrations) in &folders {
        findings.extend(check_folder(folder, migrations));
    }
    findings
}

fn check_folder(folder: &str, migrations: &Folder) -> Vec<Finding> {
    let mut findings = Vec::new();
    let mut expected = 1;
    for ((number, name), engines) in migrations {
        let file = |engine: &str| format!("{folder}/{number:04}_{name}.{engine}.sql");
        for (have, lack) in [("pg", "lite"), ("lite", "pg")] {
            if engines.contains(&have) && !engines.contains(&lack) {
                let text = format!("has no twin; add {}", file(lack));
                findings.push(Finding::new(file(have), 1, text));
            }
        }
        if *number != expected {
            let here = file(engines.first().copied().unwrap_or("pg"));
            let text =
                format!("number {expected:04} was expected here; number without gaps or doubles");
            findings.push(Finding::new(here, 1, text));
        }
        expected = number + 1;
    }
    findings
}

/// Takes `0007_sessions.pg.sql` apart.
fn parse(file: &str) -> Option<(u32, &str, &str)> {
    let (number, rest) = file.split_once('_')?;
    let (name, engine) = rest.strip_suffix(".sql")?.rsplit_once('.')?;
    let well_formed = number.len() == 4 && !name.is_empty() && matches!(engine, "pg" | "lite");
    well_formed.then(|| number.parse().ok().map(|number| (number, name, engine)))?
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(files: &[&str]) -> Vec<String> {
        let paths: Vec<String> = files
            .iter()
            .map(|file| format!("crates/vv-store/migrations/main/{file}"))
            .collect();
        check(&paths)
            .iter()
            .map(|finding| {
                let (_, file) = finding.path.rsplit_once('/').unwrap();
                file.to_owned()
            })
            .collect()
    }

    #[test]
    fn pairs_in_order_are_fine() {
        let files = [
            "0001_a.pg.sql",
            "0001_a.lite.sql",
            "0002_b.pg.sql",
            "0002_b.lite.sql",
        ];
        assert!(found(&files).is_empty());
    }

    #[test]
    fn a_missing_twin_is_found() {
        assert_eq!(found(&["0001_a.pg.sql"]), ["0001_a.pg.sql"]);
        let renamed = ["0001_a.pg.sql", "0001_b.lite.sql"];
        assert_eq!(found(&renamed).len(), 3);
    }

    #[test]
    fn gaps_and_strange_names_are_found() {
        assert_eq!(
            found(&["0002_a.pg.sql", "0002_a.lite.sql"]),
            ["0002_a.pg.sql"]
        );
        assert_eq!(found(&["1_a.pg.sql"]), ["1_a.pg.sql"]);
        assert_eq!(found(&["0001_a.mysql.sql"]), ["0001_a.mysql.sql"]);
    }
}
