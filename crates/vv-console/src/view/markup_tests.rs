//! What every page must keep: a policy without inline styles and scripts,
//! forms that cannot be forged, names for every control, escaped text.

use std::collections::HashSet;

use super::Theme;
use super::samples::{HOSTILE, hostile_pages, pages};

/// One opening tag: its name and its attributes in order.
#[derive(Debug)]
struct Tag {
    name: String,
    attributes: Vec<(String, String)>,
}

impl Tag {
    fn get(&self, name: &str) -> Option<&str> {
        self.attributes
            .iter()
            .find(|(key, _)| key == name)
            .map(|(_, value)| value.as_str())
    }

    fn has(&self, name: &str) -> bool {
        self.get(name).is_some()
    }
}

/// All tags of a page in order, closing ones with a leading slash. Strict on
/// purpose: every attribute value must be quoted.
fn tags(html: &str) -> Vec<Tag> {
    let mut tags = Vec::new();
    let mut rest = html;
    while let Some(start) = rest.find('<') {
        rest = &rest[start + 1..];
        let end = tag_end(rest);
        tags.push(tag(rest[..end].trim_end_matches('/')));
        rest = &rest[end + 1..];
    }
    tags
}

/// Where the tag's `>` is, quotes respected.
fn tag_end(text: &str) -> usize {
    let mut quoted = false;
    for (at, c) in text.char_indices() {
        match c {
            '"' => quoted = !quoted,
            '>' if !quoted => return at,
            _ => {}
        }
    }
    panic!("unclosed tag: {}", &text[..text.len().min(80)]);
}

fn tag(text: &str) -> Tag {
    let (name, mut rest) = text.split_once(char::is_whitespace).unwrap_or((text, ""));
    let mut attributes = Vec::new();
    loop {
        rest = rest.trim_start();
        if rest.is_empty() {
            break;
        }
        let end = rest.find([' ', '=', '\n']).unwrap_or(rest.len());
        let key = rest[..end].to_ascii_lowercase();
        rest = &rest[end..];
        let mut value = String::new();
        if let Some(after) = rest.strip_prefix('=') {
            let after = after.strip_prefix('"').expect("quoted attribute value");
            let close = after.find('"').expect("closing quote");
            value = after[..close].to_owned();
            rest = &after[close + 1..];
        }
        assert!(
            !attributes.iter().any(|(k, _)| *k == key),
            "twice {key} in <{text}>"
        );
        attributes.push((key, value));
    }
    Tag {
        name: name.to_ascii_lowercase(),
        attributes,
    }
}

/// Every page in every theme with its tags.
fn each(mut check: impl FnMut(&str, &str, &[Tag])) {
    for theme in Theme::ALL {
        for (name, page) in pages(theme) {
            let html = page.expect("page renders");
            check(&format!("{name}/{theme}"), &html, &tags(&html));
        }
    }
}

#[test]
fn no_inline_style_or_script() {
    each(|page, _, tags| {
        for tag in tags {
            assert_ne!(tag.name, "style", "{page}");
            if tag.name == "script" {
                assert!(tag.has("src"), "{page}: inline script");
            }
            for (key, value) in &tag.attributes {
                assert_ne!(key, "style", "{page}: <{}>", tag.name);
                assert!(!key.starts_with("on"), "{page}: {key}");
                assert!(!value.trim_start().starts_with("javascript:"), "{page}");
            }
        }
    });
}

#[test]
fn every_post_form_carries_the_token_and_no_get_form_leaks_it() {
    let mut forms = 0;
    each(|page, html, _| {
        for form in html.split("<form").skip(1) {
            forms += 1;
            let (form, _) = form.split_once("</form>").expect("closed form");
            let posts = form.contains("method=\"post\"");
            let token = form.contains("name=\"csrf\" value=\"k3Jx0c9bTq2mWl7u\"");
            assert_eq!(posts, token, "{page}: {form}");
        }
    });
    assert!(forms > 50);
}

#[test]
fn every_control_has_a_name_for_screen_readers() {
    each(|page, html, tags| {
        let labelled: HashSet<_> = tags
            .iter()
            .filter(|tag| tag.name == "label")
            .filter_map(|tag| tag.get("for"))
            .collect();
        for tag in tags
            .iter()
            .filter(|tag| ["input", "select"].contains(&&*tag.name))
        {
            if tag.get("type") != Some("hidden") {
                let id = tag.get("id").expect("control with id");
                assert!(labelled.contains(id), "{page}: no label for {id}");
            }
        }
        for button in html.split("<button").skip(1) {
            let (open, content) = button.split_once('>').expect("tag");
            let (content, _) = content.split_once("</button>").expect("closed button");
            let words = content.split('<').any(|part| {
                let text = part.rsplit('>').next().unwrap_or("");
                !text.trim().is_empty()
            });
            assert!(words || open.contains("aria-label="), "{page}: {button}");
        }
    });
}

#[test]
fn ids_are_unique_and_references_resolve() {
    each(|page, _, tags| {
        let mut ids = HashSet::new();
        for id in tags.iter().filter_map(|tag| tag.get("id")) {
            assert!(ids.insert(id), "{page}: two #{id}");
        }
        for tag in tags {
            for key in [
                "aria-labelledby",
                "aria-describedby",
                "for",
                "popovertarget",
            ] {
                for id in tag.get(key).into_iter().flat_map(str::split_whitespace) {
                    assert!(ids.contains(id), "{page}: {key} names #{id}");
                }
            }
            if let Some(id) = tag.get("href").and_then(|href| href.strip_prefix('#')) {
                assert!(ids.contains(id), "{page}: link to #{id}");
            }
        }
    });
}

#[test]
fn one_heading_one_main_a_language_and_a_title() {
    each(|page, html, tags| {
        let count = |name: &str| tags.iter().filter(|tag| tag.name == name).count();
        assert_eq!(count("h1"), 1, "{page}");
        assert_eq!(count("main"), 1, "{page}");
        let (head, _) = html.split_once("</head>").expect("head");
        assert_eq!(head.matches("<title>").count(), 1, "{page}");
        let root = tags.iter().find(|tag| tag.name == "html").expect("html");
        assert_eq!(root.get("lang"), Some("en"), "{page}");
        let theme = page.rsplit('/').next();
        assert_eq!(root.get("data-theme"), theme, "{page}");
    });
}

#[test]
fn elements_are_closed_in_order() {
    const VOID: [&str; 5] = ["br", "input", "link", "meta", "!doctype"];
    each(|page, html, _| {
        let mut open: Vec<String> = Vec::new();
        let mut rest = html;
        while let Some(start) = rest.find('<') {
            rest = &rest[start + 1..];
            let end = tag_end(rest);
            let inside = &rest[..end];
            rest = &rest[end + 1..];
            let name = inside
                .split([' ', '\n', '/'])
                .next()
                .unwrap_or("")
                .to_owned();
            if let Some(closed) = inside.strip_prefix('/') {
                assert_eq!(open.pop().as_deref(), Some(closed), "{page}");
            } else if !inside.ends_with('/') && !VOID.contains(&name.as_str()) {
                open.push(name);
            }
        }
        assert!(open.is_empty(), "{page}: {open:?} left open");
    });
}

#[test]
fn files_are_ours_and_exist() {
    each(|page, _, tags| {
        for tag in tags {
            for key in ["src", "href", "action"] {
                let Some(to) = tag.get(key) else { continue };
                assert!(
                    to.starts_with('/') || to.starts_with('#'),
                    "{page}: {key}={to}"
                );
                assert!(!to.starts_with("//"), "{page}: {to}");
                if to.starts_with("/assets/") {
                    assert!(crate::assets::find(to).is_some(), "{page}: no {to}");
                }
            }
        }
    });
}

#[test]
fn the_navigation_marks_exactly_the_page_shown() {
    each(|page, html, _| {
        let shell = html.contains("class=\"shell\"");
        let rail = html.split("aria-label=\"Main\"").nth(1);
        assert_eq!(rail.is_some(), shell, "{page}");
        if let Some((rail, _)) = rail.and_then(|rail| rail.split_once("</nav>")) {
            assert_eq!(rail.matches("aria-current=\"page\"").count(), 1, "{page}");
        }
    });
}

#[test]
fn text_of_people_is_escaped_everywhere() {
    for (name, page) in hostile_pages() {
        let html = page.expect("page renders");
        assert!(!html.contains(HOSTILE), "{name}");
        assert!(!html.contains("<script>"), "{name}");
        assert!(
            !html.contains("alert(\"x\")"),
            "{name}: a quote came through"
        );
        assert!(
            html.contains("script&#62;") || html.contains("script&gt;"),
            "{name}"
        );
        // Parsing fails when a quote breaks out of an attribute.
        let foreign = tags(&html)
            .into_iter()
            .find(|tag| tag.name == "script" && !tag.has("src"));
        assert!(foreign.is_none(), "{name}");
    }
}

#[test]
fn refused_fields_are_marked_and_passwords_never_come_back() {
    let (_, page) = pages(Theme::System)
        .into_iter()
        .find(|(name, _)| name == "setup-refused")
        .expect("sample");
    let html = page.expect("page renders");
    let tags = tags(&html);
    let input = |id: &str| {
        tags.iter()
            .find(|tag| tag.get("id") == Some(id))
            .expect("input")
    };
    assert_eq!(input("email").get("aria-describedby"), Some("email-error"));
    assert_eq!(input("email").get("aria-invalid"), Some("true"));
    assert!(!input("tenant").has("aria-invalid"));
    assert_eq!(input("password").get("aria-invalid"), Some("true"));
    assert!(!input("password").has("value"));
    assert!(html.contains("3 things to fix"));
}

#[test]
fn what_scrolls_can_be_reached_by_keyboard_and_has_a_name() {
    let mut seen = 0;
    each(|page, _, tags| {
        for tag in tags {
            let class = tag.get("class").unwrap_or("");
            if class.split_whitespace().any(|name| name == "scroll") {
                seen += 1;
                assert_eq!(tag.get("tabindex"), Some("0"), "{page}");
                assert!(tag.has("aria-label"), "{page}");
            }
        }
    });
    assert!(seen > 5);
}

#[test]
fn a_picture_of_the_chain_comes_with_a_table() {
    each(|page, html, _| {
        let pictures = html.matches("class=\"strip\"").count();
        let tables = html
            .matches("<caption>The chain by month</caption>")
            .count();
        assert_eq!(pictures, tables, "{page}");
    });
}

#[test]
fn the_five_answers_are_never_folded_into_one() {
    for (name, page) in pages(Theme::System) {
        let html = page.expect("page renders");
        let marks = html.matches("class=\"verdict verdict-").count();
        assert!(marks == 0 || marks == 5, "{name}: {marks}");
        if name.starts_with("verify-broken") {
            assert_eq!(marks, 5);
            assert_eq!(html.matches("verdict verdict-bad").count(), 1);
            assert_eq!(html.matches("verdict verdict-good").count(), 3);
            assert!(
                html.contains("/audit/heights/9731"),
                "the bad event is named"
            );
        }
    }
}

#[test]
fn rows_for_the_live_list_are_rows_and_nothing_else() {
    let html = super::samples::live_rows().expect("renders");
    let names: Vec<_> = tags(&html).into_iter().map(|tag| tag.name).collect();
    assert_eq!(names.iter().filter(|name| *name == "tr").count(), 12);
    assert!(html.trim_start().starts_with("<tr") && html.trim_end().ends_with("</tr>"));
}
