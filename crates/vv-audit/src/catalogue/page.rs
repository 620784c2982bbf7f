//! The catalogue as a page for people.

use std::fmt::Write as _;

use super::{Durability, Kind, MAX_APP_NAME, OcsfClass};

/// Before the tables.
const OPENING: &str = "# Audit events\n\n\
    Every event has a type, `category.action`. This is the whole list; the page is made from the \
    code, and `cargo xtask openapi` writes it. What an event looks like inside is in \
    [the format of the audit trail](audit-format.md).\n\n\
    Severities: `info` is ordinary business, `warning` is worth a look when it repeats, `error` \
    is something that failed and should work, `critical` is for somebody to look at now.\n\n\
    Durability says when an event counts as recorded:\n\n";

/// The catalogue as Markdown, a table for each category.
pub fn catalogue_page() -> String {
    let mut page = String::from(OPENING);
    for class in Durability::ALL {
        row(
            &mut page,
            format_args!("- `{}`: {}.", class.as_str(), explained(class)),
        );
    }
    page.push_str(
        "\nThe last column is the class and the activity of OCSF 1.9 that exports use.\n\n",
    );
    let open: Vec<String> = Kind::ALL
        .iter()
        .filter(|kind| kind.open_to_applications())
        .map(|kind| format!("`{}`", kind.name()))
        .collect();
    let class = OcsfClass::Api;
    row(
        &mut page,
        format_args!(
            "Applications may write {} and types of their own, `app.<name>`: a name starts with a \
             lowercase letter and has at most {MAX_APP_NAME} lowercase letters, digits and \
             underscores. The rest is written by this service alone. Own types have severity \
             `info` unless the application says another, durability `spool`, and the class {} {}.",
            open.join(", "),
            class.uid(),
            class.caption(),
        ),
    );
    for (category, about) in Kind::CATEGORIES {
        category_table(&mut page, category, about.trim());
    }
    page
}

fn category_table(page: &mut String, category: &str, about: &str) {
    row(
        page,
        format_args!(
            "\n## {category}\n\n{about}\n\n\
             | Type | Severity | Durability | Meaning | OCSF |\n|---|---|---|---|---|"
        ),
    );
    for kind in Kind::ALL.iter().filter(|k| k.category() == category) {
        let (class, activity) = kind.ocsf();
        row(
            page,
            format_args!(
                "| `{}` | {} | {} | {} | {} {}, {} |",
                kind.name(),
                kind.severity().as_str(),
                kind.durability().as_str(),
                kind.description().trim().replace('|', "\\|"),
                class.uid(),
                class.caption(),
                class.activity(activity).unwrap_or("Other"),
            ),
        );
    }
}

const fn explained(class: Durability) -> &'static str {
    match class {
        Durability::Tx => "in the transaction of the change it tells of; both happen or neither",
        Durability::Sync => "once it has its place in the chain; fails while the database is away",
        Durability::Spool => {
            "as `sync` while the database answers, otherwise once it is safe on the node's own \
             disk, from where it moves into the chain later"
        }
        Durability::Async => {
            "at once, in memory; a crash loses what was not written yet, and the next heartbeat \
             shows how many that were"
        }
    }
}

fn row(page: &mut String, line: std::fmt::Arguments<'_>) {
    // Writing to a string cannot fail.
    let _ = writeln!(page, "{line}");
}
