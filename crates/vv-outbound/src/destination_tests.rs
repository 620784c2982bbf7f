use proptest::prelude::*;

use super::*;

fn rules(nets: &[&str], allow_http_loopback: bool) -> Destinations {
    Destinations {
        allow_private: nets.iter().map(|net| net.parse().unwrap()).collect(),
        allow_http_loopback,
    }
}

fn strict() -> Destinations {
    rules(&[], false)
}

#[test]
fn accepted_urls_in_normal_form() {
    for (text, shown, whole) in [
        (
            "https://example.com",
            "https://example.com",
            "https://example.com/",
        ),
        (
            "HTTPS://EXAMPLE.com:443/A?b=c",
            "https://example.com",
            "https://example.com/A?b=c",
        ),
        (
            "https://example.com:8443/x",
            "https://example.com:8443",
            "https://example.com:8443/x",
        ),
        (
            "https://bücher.example/ä",
            "https://xn--bcher-kva.example",
            "https://xn--bcher-kva.example/%C3%A4",
        ),
        ("https://8.8.8.8/", "https://8.8.8.8", "https://8.8.8.8/"),
        (
            "https://[2606:4700::1111]:444/",
            "https://[2606:4700::1111]:444",
            "https://[2606:4700::1111]:444/",
        ),
        (
            "https://a_b.example/",
            "https://a_b.example",
            "https://a_b.example/",
        ),
        (
            "https://example.com/a/../b?",
            "https://example.com",
            "https://example.com/b?",
        ),
    ] {
        let url = strict().parse(text).unwrap();
        assert_eq!(url.to_string(), shown, "{text}");
        assert_eq!(url.expose(), whole, "{text}");
    }
}

#[test]
fn refused_urls() {
    let long = format!("https://example.com/{}", "a".repeat(MAX_URL));
    let name = format!("https://{}example.com/", "a.".repeat(130));
    for (text, expected) in [
        (long.as_str(), UrlError::TooLong),
        (name.as_str(), UrlError::Malformed),
        ("", UrlError::Malformed),
        ("example.com/x", UrlError::Malformed),
        ("https://", UrlError::Malformed),
        ("https:// example.com", UrlError::Malformed),
        (" https://example.com", UrlError::Malformed),
        ("https://example.com/\r\nX: y", UrlError::Malformed),
        ("https://example.com\\@10.0.0.1/", UrlError::Malformed),
        ("https://example.com./", UrlError::Malformed),
        ("https://exa mple.com/", UrlError::Malformed),
        ("https://-/", UrlError::Malformed),
        ("https://[fe80::1%25eth0]/", UrlError::Malformed),
        ("https://example.com:70000/", UrlError::Malformed),
        ("https://example.com:0/", UrlError::Port),
        ("http://example.com/", UrlError::NotHttps),
        ("ftp://example.com/", UrlError::NotHttps),
        ("file:///etc/passwd", UrlError::NotHttps),
        ("gopher://127.0.0.1/", UrlError::NotHttps),
        ("https://user@example.com/", UrlError::Credentials),
        ("https://:pw@example.com/", UrlError::Credentials),
        ("https://example.com/#x", UrlError::Fragment),
        ("https://example.com/#", UrlError::Fragment),
        (
            "https://10.1.2.3/",
            UrlError::Refused(AddressClass::Private),
        ),
        ("https://0x7f.1/", UrlError::Refused(AddressClass::Loopback)),
        (
            "https://2130706433/",
            UrlError::Refused(AddressClass::Loopback),
        ),
        (
            "https://0177.0.0.1/",
            UrlError::Refused(AddressClass::Loopback),
        ),
        (
            "https://①27.0.0.1/",
            UrlError::Refused(AddressClass::Loopback),
        ),
        ("https://[::1]/", UrlError::Refused(AddressClass::Loopback)),
        (
            "https://[::ffff:8.8.8.8]/",
            UrlError::Refused(AddressClass::Embedded),
        ),
        (
            "https://169.254.169.254/latest",
            UrlError::Refused(AddressClass::Metadata),
        ),
    ] {
        assert_eq!(strict().parse(text).unwrap_err(), expected, "{text}");
    }
}

#[test]
fn plain_http_only_to_this_machine_and_only_when_allowed() {
    let open = rules(&["10.0.0.0/8"], true);
    for text in [
        "http://127.0.0.1:81/",
        "http://[::1]/",
        "http://localhost:81/x",
    ] {
        assert!(open.parse(text).is_ok(), "{text}");
        assert_eq!(strict().parse(text).unwrap_err(), UrlError::NotHttps);
    }
    for (text, expected) in [
        ("http://example.com/", UrlError::NotHttps),
        ("http://localhost.example/", UrlError::NotHttps),
        ("http://8.8.8.8/", UrlError::NotHttps),
        ("http://10.0.0.1/", UrlError::Refused(AddressClass::Private)),
        // The permission is for http; https wants its network listed.
        (
            "https://127.0.0.1/",
            UrlError::Refused(AddressClass::Loopback),
        ),
    ] {
        assert_eq!(open.parse(text).unwrap_err(), expected, "{text}");
    }
}

#[test]
fn allowed_networks_open_what_they_list_and_never_metadata() {
    let wide = rules(&["0.0.0.0/0", "::/0"], false);
    for text in [
        "https://10.0.0.1/",
        "https://127.0.0.1/",
        "https://[fd00::1]/",
    ] {
        assert!(wide.parse(text).is_ok(), "{text}");
    }
    for text in [
        "https://169.254.169.254/",
        "https://[fd00:ec2::254]/",
        "https://[::ffff:10.0.0.1]/",
        "https://[64:ff9b::a00:1]/",
        "https://0.0.0.0/",
        "https://224.0.0.1/",
    ] {
        let refused = wide.parse(text).unwrap_err();
        assert!(matches!(refused, UrlError::Refused(_)), "{text}");
    }
    let narrow = rules(&["10.1.0.0/16"], false);
    assert!(narrow.parse("https://10.1.255.255/").is_ok());
    assert!(narrow.parse("https://10.2.0.0/").is_err());
}

fn selected(rules: &Destinations, found: &[&str]) -> Result<Vec<String>, Option<AddressClass>> {
    let url = rules.parse("https://example.com:444/").unwrap();
    let found: Vec<IpAddr> = found.iter().map(|text| text.parse().unwrap()).collect();
    let chosen = rules.select(&url, &found)?;
    Ok(chosen.iter().map(ToString::to_string).collect())
}

#[test]
fn forbidden_addresses_of_a_name_are_left_out() {
    let chosen = selected(&strict(), &["10.0.0.1", "8.8.8.8", "8.8.8.8", "::1"]).unwrap();
    assert_eq!(chosen, ["8.8.8.8:444"]);
    let none = selected(&strict(), &["127.0.0.1", "10.0.0.1"]).unwrap_err();
    assert_eq!(none, Some(AddressClass::Loopback));
    assert_eq!(selected(&strict(), &[]).unwrap_err(), None);
}

#[test]
fn the_second_try_is_the_other_family() {
    let found = ["2606::1", "2606::2", "2606::3", "8.8.8.8", "2606::4"];
    let chosen = selected(&strict(), &found).unwrap();
    let expected = [
        "[2606::1]:444",
        "8.8.8.8:444",
        "[2606::2]:444",
        "[2606::3]:444",
    ];
    assert_eq!(chosen, expected);
}

#[test]
fn localhost_over_http_must_resolve_to_this_machine() {
    let open = rules(&["10.0.0.0/8"], true);
    let url = open.parse("http://localhost/").unwrap();
    let refused = open.select(&url, &["10.0.0.1".parse().unwrap()]);
    assert_eq!(refused.unwrap_err(), Some(AddressClass::Private));
}

#[test]
fn path_and_query_are_not_shown() {
    let url = strict()
        .parse("https://hooks.example/services/T0K3N?key=S3CRET")
        .unwrap();
    let shown = format!("{url} {url:?} {}", url.authority());
    assert!(
        !shown.contains("T0K3N") && !shown.contains("S3CRET"),
        "{shown}"
    );
    assert!(shown.contains("hooks.example"));
}

proptest! {
    #[test]
    fn any_text_is_refused_or_safe(text in "(https?://)?[\\PC]{0,40}(:[0-9]{0,6})?(/[\\PC]{0,20})?") {
        if let Ok(url) = strict().parse(&text) {
            prop_assert!(url.expose().starts_with("https://"));
            prop_assert!(url.target().starts_with('/'));
            let again = strict().parse(&url.expose()).map(|again| again.expose());
            prop_assert_eq!(again, Ok(url.expose()));
        }
    }

    #[test]
    fn an_address_in_any_spelling_is_judged_as_an_address(bits: u32) {
        let address = std::net::Ipv4Addr::from(bits);
        let fine = AddressClass::of(IpAddr::V4(address)) == AddressClass::Public;
        for text in [format!("https://{address}/"), format!("https://{bits}/"), format!("https://0x{bits:x}/")] {
            prop_assert_eq!(strict().parse(&text).is_ok(), fine, "{}", text);
        }
    }
}
