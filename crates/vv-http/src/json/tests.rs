use super::*;

fn kind(text: &str) -> Option<FaultKind> {
    check(text.as_bytes()).err().map(|fault| fault.kind)
}

#[test]
fn depth_sixteen_passes_and_seventeen_does_not() {
    let nest = |n: usize| "[".repeat(n) + &"]".repeat(n);
    assert_eq!(kind(&nest(16)), None);
    assert_eq!(kind(&nest(17)), Some(FaultKind::TooDeep));
    assert_eq!(kind(&"[".repeat(1_000_000)), Some(FaultKind::TooDeep));
    assert_eq!(kind(&"{\"a\":".repeat(17)), Some(FaultKind::TooDeep));
    // Siblings do not add up.
    assert_eq!(kind(&format!("[{}]", ["[[]]"; 40].join(","))), None);
}

#[test]
fn a_key_twice_is_refused_however_it_is_spelled() {
    let twice = Some(FaultKind::DuplicateKey("a".into()));
    assert_eq!(kind(r#"{"a":1,"a":2}"#), twice);
    assert_eq!(kind(r#"{"a":1,"\u0061":2}"#), twice);
    assert_eq!(kind(r#"{"x":[{"a":1,"b":0,"a":2}]}"#), twice);
    assert_eq!(kind(r#"{"a":{"a":1},"b":{"a":2}}"#), None);
}

#[test]
fn trailing_data_is_refused() {
    assert_eq!(kind("{} {}"), Some(FaultKind::TrailingData));
    assert_eq!(kind("1 x"), Some(FaultKind::TrailingData));
    assert_eq!(kind(" {} \n"), None);
}

#[test]
fn faults_name_line_and_column() {
    let fault = check(b"{\n  \"a\": tru\n}").unwrap_err();
    assert_eq!((fault.line, fault.column), (2, 8));
    assert_eq!(
        fault.to_string(),
        "true, false or null was expected at line 2, column 8"
    );
    let fault = check(b"").unwrap_err();
    assert_eq!((fault.line, fault.column), (1, 1));
    let fault = check(b"{\"a\":1,\n\"a\":2}").unwrap_err();
    assert_eq!((fault.line, fault.column), (2, 1));
}

#[test]
fn pointers_name_the_innermost_value() {
    let pointer_at = |text: &[u8], line, column| super::pointer_at(text, line, column, Place::At);
    let text = b"{\"a\": [1, {\"b/~\": \"xy\"}],\n \"c\": 3}";
    assert_eq!(pointer_at(text, 1, 20), "/a/1/b~1~0");
    assert_eq!(pointer_at(text, 1, 8), "/a/0");
    assert_eq!(pointer_at(text, 2, 7), "/c");
    assert_eq!(pointer_at(text, 2, 8), "");
    assert_eq!(pointer_at(b"[[", 1, 1), "");
    assert_eq!(pointer_at(text, usize::MAX, usize::MAX), "");
}

/// Whatever we accept, `serde_json` accepts, and the other way round, apart
/// from the rules that we add.
#[test]
fn agrees_with_serde_json_on_mutated_texts() {
    let seeds: [&[u8]; 6] = [
        br#"{"a":[1,-2.5e+3,0.1E-2,true,false,null],"b":{"c":"x\n\u00e9\ud83d\ude00"}}"#,
        br#"[[],{},"",0,-0,1e5,"\\\"\/\b\f\r\t"]"#,
        "{\"schl\u{fc}ssel\":\"\u{1f600}\"}".as_bytes(),
        br#""lone \ud800 surrogate""#,
        br#"{"identifier":"a@b.example","password":"correct horse"}"#,
        b"\xff\xfe\x00{}",
    ];
    let alphabet = b"{}[]\",:\\/utfalsn0123456789.eE+- \n\x00\x1f\xc3\xa9\xff";
    let mut state = 0x2545_f491_4f6c_dd1d_u64;
    let mut next = |below: usize| {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        usize::try_from(state % u64::try_from(below).unwrap()).unwrap()
    };
    let (mut good, mut bad) = (0, 0);
    for round in 0..60_000 {
        let mut text = seeds[round % seeds.len()].to_vec();
        for _ in 0..next(4) {
            let at = next(text.len());
            match next(3) {
                0 => text[at] = alphabet[next(alphabet.len())],
                1 => text.insert(at, alphabet[next(alphabet.len())]),
                _ => drop(text.remove(at)),
            }
            if text.is_empty() {
                text.push(b'0');
            }
        }
        let ours = check(&text);
        let theirs = serde_json::from_slice::<serde_json::Value>(&text);
        let shown = String::from_utf8_lossy(&text);
        match (&ours, &theirs) {
            (Ok(()), Ok(_)) => good += 1,
            (
                Err(JsonFault {
                    kind: FaultKind::DuplicateKey(_) | FaultKind::TooDeep,
                    ..
                }),
                _,
            ) => {}
            (Err(_), Err(_)) => bad += 1,
            _ => {
                // The scanner knows no numbers, so it has no range for them.
                let out_of_range = theirs
                    .as_ref()
                    .is_err_and(|error| error.to_string().contains("number out of range"));
                assert!(out_of_range, "{shown:?}: {ours:?} {theirs:?}");
            }
        }
    }
    assert!(good > 1_000 && bad > 1_000, "{good} {bad}");
}
