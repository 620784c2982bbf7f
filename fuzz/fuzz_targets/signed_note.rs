//! Notes, checkpoints and keys of other logs: what is read is written alike, and
//! a note that was signed does not say something else after a change.
#![no_main]
use std::sync::LazyLock;

use libfuzzer_sys::fuzz_target;
use vv_base::{SystemRng, Timestamp};
use vv_crypto::{
    Checkpoint, Keyring, Note, NoteSignature, Origin, RootKey, VerifierKey, verify_note,
    verify_text,
};

struct Signed {
    keys: Vec<VerifierKey>,
    checkpoint: Checkpoint,
    note: String,
}

static SIGNED: LazyLock<Signed> = LazyLock::new(|| {
    let keyring = Keyring::new(&RootKey::generate(&SystemRng), "fuzz");
    let signer = keyring.checkpoint_signer("a").expect("a name");
    let checkpoint = Checkpoint {
        origin: Origin::parse("a").expect("an origin"),
        size: 7,
        root: [7; 32],
    };
    Signed {
        keys: signer.verifier_keys().expect("keys"),
        note: signer
            .sign(&checkpoint, Timestamp::from_unix_seconds(1))
            .expect("a note"),
        checkpoint,
    }
});

fuzz_target!(|text: &str| {
    if let Ok(note) = Note::parse(text) {
        assert_eq!(note.to_string(), text);
        if let Ok(checkpoint) = Checkpoint::parse(note.text()) {
            let written = checkpoint.to_string();
            assert!(note.text().starts_with(&written));
            assert_eq!(Checkpoint::parse(&written), Ok(checkpoint));
        }
    }
    if let Ok(key) = VerifierKey::parse(text) {
        assert_eq!(key.to_string(), text);
    }
    if let Ok(lines) = NoteSignature::parse_lines(text) {
        let written: String = lines.iter().map(|line| format!("{line}\n")).collect();
        assert_eq!(written, text);
    }
    let signed = &*SIGNED;
    assert!(verify_note(text, &signed.keys).is_err());
    assert!(verify_text(text, &signed.keys).is_err());
    // The input in the place of a part of a signed note. The first character
    // chooses the place, the second how much it replaces.
    let mut chars = text.chars();
    let mut number = || {
        chars
            .next()
            .map_or(0, |c| usize::try_from(u32::from(c)).unwrap_or(0))
    };
    let start = number() % signed.note.len();
    let end = (start + number()).min(signed.note.len());
    if let (Some(head), Some(tail)) = (signed.note.get(..start), signed.note.get(end..)) {
        let changed = format!("{head}{}{tail}", chars.as_str());
        if let Ok(verified) = verify_note(&changed, &signed.keys) {
            assert_eq!(verified.checkpoint, signed.checkpoint);
        }
    }
});
