use vv_http::problem::catalogue;

/// The page that is read beside the code says what the code says.
#[test]
fn the_committed_page_of_problems_is_the_catalogue() {
    let committed = include_str!("../../../../docs/problems.md");
    assert_eq!(
        committed,
        catalogue::to_markdown(),
        "run `cargo xtask openapi` and commit docs/problems.md"
    );
}
