//! Malformed and forged input.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use proptest::prelude::*;

use super::*;

const LINE: &str = "— a AAAAAAA=";

fn bad_note(note: &str) -> NoteError {
    Note::parse(note).expect_err(note)
}

#[test]
fn malformed_notes_are_refused() {
    assert!(Note::parse(&format!("text\n\n{LINE}\n")).is_ok());
    for note in ["", "\n", "text", "text\n", "\n\n", "text\n\n"] {
        assert_eq!(bad_note(note), NoteError::NoSignatures, "{note:?}");
    }
    assert_eq!(bad_note(&format!("\n{LINE}\n")), NoteError::NoSignatures);
    assert_eq!(
        bad_note(&format!("text\n{LINE}\n")),
        NoteError::NoSignatures
    );
    for lines in [
        // Without its line feed, or with something after it.
        LINE.to_owned(),
        format!("{LINE}\nx\n"),
        format!("{LINE} \n"),
        // Another dash, no dash, another space, no name, no signature.
        "- a AAAAAAA=\n".to_owned(),
        "a AAAAAAA=\n".to_owned(),
        "—\u{a0}a AAAAAAA=\n".to_owned(),
        "—  AAAAAAA=\n".to_owned(),
        "— a\n".to_owned(),
        "— a \n".to_owned(),
        "— a+b AAAAAAA=\n".to_owned(),
        "— a\u{2003}b AAAAAAA=\n".to_owned(),
        // Only an id; a bad alphabet; missing or wrong padding; unused bits.
        "— a AAAAAA==\n".to_owned(),
        "— a AAAA_AA=\n".to_owned(),
        "— a AAAAAAA\n".to_owned(),
        "— a AAAAAAAA=\n".to_owned(),
        "— a AAAAAAB=\n".to_owned(),
    ] {
        let note = format!("text\n\n{lines}");
        assert_eq!(bad_note(&note), NoteError::SignatureLine, "{note:?}");
    }
    for control in ['\0', '\t', '\r', '\u{1f}'] {
        for note in [
            format!("te{control}xt\n\n{LINE}\n"),
            format!("text\n\n{LINE}{control}\n"),
        ] {
            assert_eq!(bad_note(&note), NoteError::ControlCharacter);
        }
    }
}

#[test]
fn sizes_and_counts_have_limits() {
    let lines = |count: usize| {
        let lines: Vec<_> = (0..count).map(|n| format!("— n{n} AAAAAAA=\n")).collect();
        format!("text\n\n{}", lines.concat())
    };
    let note = Note::parse(&lines(MAX_NOTE_SIGNATURES)).unwrap();
    assert_eq!(
        bad_note(&lines(MAX_NOTE_SIGNATURES + 1)),
        NoteError::TooManySignatures
    );
    let one_more = NoteSignature::parse(LINE).unwrap();
    assert_eq!(
        note.with_signatures([one_more.clone()]),
        Err(NoteError::TooManySignatures)
    );
    let text = |length: usize| format!("{}\n", "x".repeat(length - 1));
    let room = MAX_NOTE_BYTES - 1 - (LINE.len() + 1);
    let full = Note::new(&text(room), vec![one_more.clone()]).unwrap();
    assert_eq!(full.to_string().len(), MAX_NOTE_BYTES);
    assert_eq!(Note::parse(&full.to_string()), Ok(full));
    assert_eq!(
        Note::new(&text(room + 1), vec![one_more]),
        Err(NoteError::TooLarge)
    );
    assert_eq!(bad_note(&text(MAX_NOTE_BYTES + 1)), NoteError::TooLarge);
    assert_eq!(Note::new("text\n", vec![]), Err(NoteError::NoSignatures));
    // A hundred post-quantum signatures fit.
    let line = NoteSignature::new(name(&"n".repeat(255)), KeyId(1), vec![0; 5000]);
    assert!(Note::new("text\n", vec![line; MAX_NOTE_SIGNATURES]).is_ok());
}

#[test]
fn malformed_checkpoints_are_refused() {
    let root = STANDARD.encode([7; 32]);
    for (size, parsed) in [
        ("0", Some(0)),
        ("1", Some(1)),
        ("18446744073709551615", Some(u64::MAX)),
        ("18446744073709551616", None),
        ("", None),
        ("00", None),
        ("01", None),
        ("+1", None),
        ("-1", None),
        (" 1", None),
        ("1 ", None),
        ("1e3", None),
        ("0x1", None),
        ("١", None),
    ] {
        let read = Checkpoint::parse(&format!("origin\n{size}\n{root}\n"));
        assert_eq!(read.ok().map(|read| read.size), parsed, "{size:?}");
    }
    let long = "o".repeat(256);
    for text in [
        String::new(),
        "\n".to_owned(),
        format!("\n1\n{root}\n"),
        format!("{long}\n1\n{root}\n"),
        "origin\n".to_owned(),
        "origin\n1\n".to_owned(),
        format!("origin\n1\n{root}"),
        format!("origin\n1\n\n{root}\n"),
        format!("origin\n1\n{}\n", STANDARD.encode([7; 31])),
        format!("origin\n1\n{}\n", STANDARD.encode([7; 33])),
        format!("origin\n1\n{} \n", &root[..43]),
        format!("origin\n1\n{}\n", hex::encode([7; 32])),
        format!("origin\n1\n{root}\n\n"),
        format!("origin\n1\n{root}\nextension\n\n"),
        format!("origin\r\n1\n{root}\n"),
    ] {
        assert!(Checkpoint::parse(&text).is_err(), "{text:?}");
    }
    // Unused bits of the last digit set: another spelling of the same root.
    let respelled = root.replace("c=", "d=");
    assert_ne!(respelled, root);
    assert!(Checkpoint::parse(&format!("origin\n1\n{respelled}\n")).is_err());
    let extended = format!("origin\n1\n{root}\none\ntwo\n");
    let read = Checkpoint::parse(&extended).unwrap();
    assert_eq!(read.to_string(), format!("origin\n1\n{root}\n"));
}

#[test]
fn malformed_verifier_keys_are_refused() {
    let good = "example.com/foo+530d903a+AekyeRrm56hApGFkyQR4ZCbV54Id2LKaANYcrnKv3U2k";
    assert!(VerifierKey::parse(good).is_ok());
    let error = |text: &str| VerifierKey::parse(text).expect_err(text);
    let of = |bytes: &[u8]| format!("n+00000000+{}", STANDARD.encode(bytes));
    for text in [
        "",
        "n",
        "n+00000000",
        "n+00000000+",
        "n+00000000+!",
        &of(&[0x01; 32]),
        &of(&[0x01; 34]),
        &of(&[0x06; 33]),
        &format!("{good}="),
        &"a".repeat(10_000),
    ] {
        assert_eq!(error(text), NoteError::VerifierKey, "{text}");
    }
    for text in [
        good.replace("foo", "fop"),
        good.replace("530d903a", "530d903b"),
        good.replace("530d903a", "530D903A"),
        good.replace("530d903a", "0530d903a"),
        good.replace("530d903a", ""),
    ] {
        assert_eq!(error(&text), NoteError::KeyId, "{text}");
    }
    assert_eq!(
        error(&good.replace("example.com/foo", "")),
        NoteError::KeyName
    );
    assert_eq!(error(&good.replace("/foo", " foo")), NoteError::KeyName);
    for byte in [0x00, 0x02, 0x03, 0x05, 0x07, 0xff] {
        let mut bytes = vec![byte];
        bytes.resize(33, 1);
        assert_eq!(error(&of(&bytes)), NoteError::SignatureType(byte));
    }
    let long = KeyName::parse(&"n".repeat(256)).unwrap();
    let kind = SignatureType::MlDsa44Cosignature;
    assert_eq!(
        VerifierKey::new(long, kind, &[0; 1312]),
        Err(NoteError::KeyName)
    );
}

#[test]
fn a_bad_line_of_a_known_key_spoils_the_note() {
    let keyring = keyring();
    let signer = keyring.checkpoint_signer(ORIGIN).unwrap();
    let keys = signer.verifier_keys().unwrap();
    let text = checkpoint().to_string();
    let good = Note::parse(&signer.sign(&checkpoint(), now()).unwrap()).unwrap();
    let with = |id: KeyId, signature: &[u8]| {
        let line = NoteSignature::new(name(ORIGIN), id, signature.to_vec());
        let note = good.clone().with_signatures([line]).unwrap();
        verify_note(&note.to_string(), &keys).map(|verified| verified.signed_by.len())
    };
    let bad = Err(NoteError::BadSignature(ORIGIN.to_owned()));
    let [ed25519, ml_dsa] = good.signatures() else {
        panic!("two signatures");
    };
    for line in [ed25519, ml_dsa] {
        let signature = line.signature();
        assert_eq!(with(line.key_id(), &signature[1..]), bad);
        assert_eq!(with(line.key_id(), &[signature, &[0]].concat()), bad);
        assert_eq!(with(line.key_id(), &[0]), bad);
        // The same bytes under an id nobody knows say nothing.
        assert_eq!(with(KeyId(7), signature), Ok(2));
    }
    // Another time, and one past the allowed range.
    let body = &ml_dsa.signature()[8..];
    for seconds in [0, 1_790_000_001, 1 << 63, u64::MAX] {
        let signature = super::super::cosign::timestamped(seconds, body);
        assert_eq!(with(ml_dsa.key_id(), &signature), bad);
    }
    // A signature of another checkpoint of the same log.
    let mut next = checkpoint();
    next.size += 1;
    let next = Note::parse(&signer.sign(&next, now()).unwrap()).unwrap();
    for line in next.signatures() {
        let note = Note::new(&text, vec![line.clone()]).unwrap();
        assert_eq!(verify_note(&note.to_string(), &keys).map(|_| 0), bad);
    }
}

#[test]
fn unknown_lines_and_missing_keys() {
    let signer = keyring().checkpoint_signer(ORIGIN).unwrap();
    let keys = signer.verifier_keys().unwrap();
    let note = Note::parse(&signer.sign(&checkpoint(), now()).unwrap()).unwrap();
    let unknown =
        (0..98).map(|n| NoteSignature::new(name(&format!("n{n}")), KeyId(n), vec![1; 72]));
    let noisy = note.clone().with_signatures(unknown).unwrap().to_string();
    assert_eq!(verify_note(&noisy, &keys).unwrap().signed_by.len(), 2);
    assert_eq!(verify_note(&noisy, &[]), Err(NoteError::UnknownSigners));
    // The same key listed twice is one key.
    let twice = [keys.clone(), keys.clone()].concat();
    assert_eq!(verify_note(&noisy, &twice).unwrap().signed_by.len(), 2);
}

/// An id has 32 bits only: two keys that share one are easily found.
#[test]
fn two_known_keys_with_one_id_are_for_the_operator_to_sort_out() {
    let mut seen = std::collections::HashMap::new();
    let clash = (0_u64..).find_map(|n| {
        let mut public = [0; 32];
        public[..8].copy_from_slice(&n.to_be_bytes());
        let key = VerifierKey::new(name("n"), SignatureType::Ed25519, &public).unwrap();
        let other = seen.insert(key.key_id(), key.clone())?;
        Some([other, key])
    });
    let clash = clash.unwrap();
    let line = NoteSignature::new(name("n"), clash[0].key_id(), vec![0; 64]);
    let note = Note::new(&checkpoint().to_string(), vec![line]).unwrap();
    assert_eq!(
        verify_note(&note.to_string(), &clash),
        Err(NoteError::AmbiguousKey("n".to_owned()))
    );
    assert_eq!(
        verify_note(&note.to_string(), &clash[..1]),
        Err(NoteError::BadSignature("n".to_owned()))
    );
}

#[test]
fn no_changed_byte_changes_what_is_believed() {
    let signer = keyring().checkpoint_signer(ORIGIN).unwrap();
    let keys = signer.verifier_keys().unwrap();
    let note = signer.sign(&checkpoint(), now()).unwrap();
    let mut accepted = 0;
    for position in 0..note.len() {
        for bit in [0x01, 0x04, 0x20] {
            let mut bytes = note.clone().into_bytes();
            bytes[position] ^= bit;
            let Ok(changed) = String::from_utf8(bytes) else {
                continue;
            };
            if let Ok(verified) = verify_note(&changed, &keys) {
                // Only a name or id can have changed, and that line no longer counts.
                accepted += 1;
                assert_eq!(verified.checkpoint, checkpoint());
                assert_eq!(verified.text, checkpoint().to_string());
                assert_eq!(verified.signed_by.len(), 1, "{changed}");
            }
        }
    }
    assert!(accepted > 0, "lines of unknown keys are passed over");
}

proptest! {
    #[test]
    fn what_is_read_is_written_alike(text in "(\\PC|\n|— a AAAAAAA=\n){0,60}") {
        if let Ok(note) = Note::parse(&text) {
            prop_assert_eq!(note.to_string(), text.clone());
            prop_assert_eq!(Note::new(note.text(), note.signatures().to_vec()), Ok(note));
        }
        if let Ok(key) = VerifierKey::parse(&text) {
            prop_assert_eq!(key.to_string(), text.clone());
        }
        if let Ok(line) = NoteSignature::parse(&text) {
            prop_assert_eq!(line.to_string(), text);
        }
    }

    #[test]
    fn notes_round_trip(
        text in "(\\PC{0,20}\n){1,6}",
        signatures in proptest::collection::vec(
            ("[^\\s+\\x00-\\x1f]{1,20}", any::<u32>(), proptest::collection::vec(any::<u8>(), 1..90)),
            1..20,
        ),
    ) {
        let lines = signatures
            .into_iter()
            .map(|(name, id, bytes)| NoteSignature::new(super::name(&name), KeyId(id), bytes))
            .collect();
        let note = Note::new(&text, lines).unwrap();
        prop_assert_eq!(Note::parse(&note.to_string()), Ok(note));
    }

    #[test]
    fn checkpoints_round_trip(
        origin in "[^\\x00-\\x1f]{1,60}",
        size in any::<u64>(),
        root in any::<[u8; 32]>(),
    ) {
        let origin = Origin::parse(&origin).unwrap();
        let checkpoint = Checkpoint { origin, size, root };
        prop_assert_eq!(Checkpoint::parse(&checkpoint.to_string()), Ok(checkpoint));
    }
}
