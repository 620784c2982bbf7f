//! What our signers make, and what the check says about it.

use super::*;

fn signed() -> (CheckpointSigner, String, Vec<VerifierKey>) {
    let signer = keyring().checkpoint_signer(ORIGIN).unwrap();
    let note = signer.sign(&checkpoint(), now()).unwrap();
    let keys = signer.verifier_keys().unwrap();
    (signer, note, keys)
}

#[test]
fn a_checkpoint_carries_both_signatures() {
    let (_, note, keys) = signed();
    assert!(note.starts_with(&format!("{}\n", checkpoint())));
    let verified = verify_note(&note, &keys).unwrap();
    assert_eq!(verified.checkpoint, checkpoint());
    assert_eq!(verified.text, checkpoint().to_string());
    let by: Vec<_> = verified
        .signed_by
        .iter()
        .map(|by| (by.name.as_str(), by.kind, by.at))
        .collect();
    assert_eq!(
        by,
        [
            (ORIGIN, SignatureType::Ed25519, None),
            (ORIGIN, SignatureType::MlDsa44Cosignature, Some(now())),
        ]
    );
    assert!(verified.signed_by_origin(true));
    // One of the two keys is enough for a reader who knows only that one.
    let classic = verify_note(&note, &keys[..1]).unwrap();
    assert!(classic.signed_by_origin(false));
    assert!(!classic.signed_by_origin(true));
    let quantum = verify_note(&note, &keys[1..]).unwrap();
    assert!(!quantum.signed_by_origin(true));
}

/// Pinned: another key would make published keys and old checkpoints useless.
/// Computed with another language and library.
#[test]
fn derived_keys_never_change() {
    let ids = |keys: Vec<VerifierKey>| -> Vec<String> {
        keys.iter().map(|key| key.key_id().to_string()).collect()
    };
    let keyring = keyring();
    let log = keyring.checkpoint_signer("log.example").unwrap();
    let witness = keyring.witness_signer("witness.example").unwrap();
    let text = keyring.text_signer("manifest.example").unwrap();
    assert_eq!(ids(log.verifier_keys().unwrap()), ["8ce339b9", "a718eb81"]);
    assert_eq!(
        ids(witness.verifier_keys().unwrap()),
        ["931ad82a", "4b77ae6a"]
    );
    assert_eq!(ids(text.verifier_keys().unwrap()), ["3351914b"]);
}

#[test]
fn a_log_key_serves_every_origin_and_a_witness_key_one_name() {
    let keyring = keyring();
    let signer = keyring.checkpoint_signer(ORIGIN).unwrap();
    let other = signer.named("other.example").unwrap();
    let keys = signer.verifier_keys().unwrap();
    for (one, two) in keys.iter().zip(other.verifier_keys().unwrap()) {
        assert_eq!(one.public_key(), two.public_key());
        assert_eq!(one.named(name("other.example")), Ok(two.clone()));
        assert_ne!(one.key_id(), two.key_id());
    }
    assert_eq!(
        other.verifier_keys(),
        keyring
            .checkpoint_signer("other.example")
            .unwrap()
            .verifier_keys()
    );
    let witnesses = ["w1.example", "w2.example"].map(|name| {
        let signer = keyring.witness_signer(name).unwrap();
        signer.verifier_keys().unwrap()
    });
    for (one, two) in witnesses[0].iter().zip(&witnesses[1]) {
        assert_ne!(one.public_key(), two.public_key());
    }
}

#[test]
fn keys_of_older_generations_still_verify() {
    let (old, new) = (root(), RootKey::generate(&vv_base::SystemRng));
    let generation = |version, root| Generation { version, root };
    let before = Keyring::with_generations(&[generation(1, &old)], "test").unwrap();
    let list = [generation(2, &new), generation(1, &old)];
    let after = Keyring::with_generations(&list, "test").unwrap();
    let first = before.checkpoint_signer(ORIGIN).unwrap();
    let second = after.checkpoint_signer(ORIGIN).unwrap();
    let old_note = first.sign(&checkpoint(), now()).unwrap();
    let new_note = second.sign(&checkpoint(), now()).unwrap();
    let keys = second.verifier_keys().unwrap();
    assert_eq!(keys[2..], first.verifier_keys().unwrap());
    assert!(
        verify_note(&old_note, &keys)
            .unwrap()
            .signed_by_origin(true)
    );
    assert!(
        verify_note(&new_note, &keys)
            .unwrap()
            .signed_by_origin(true)
    );
    let outdated = first.verifier_keys().unwrap();
    assert_eq!(
        verify_note(&new_note, &outdated),
        Err(NoteError::UnknownSigners)
    );
    let witness = after.witness_signer(WITNESS).unwrap().verifier_keys();
    let former = before.witness_signer(WITNESS).unwrap().verifier_keys();
    assert_eq!(witness.unwrap()[2..], former.unwrap());
    let manifests = after.text_signer(ORIGIN).unwrap();
    let text = before
        .text_signer(ORIGIN)
        .unwrap()
        .sign_text("a\n")
        .unwrap();
    assert!(verify_text(&text, &manifests.verifier_keys().unwrap()).is_ok());
}

#[test]
fn witnesses_add_their_lines() {
    let (_, note, mut keys) = signed();
    let witness = keyring().witness_signer(WITNESS).unwrap();
    // A witness does not drop what it does not understand.
    for extension in ["", "some extension\n"] {
        let text = format!("{}{extension}", checkpoint());
        let log = keyring().checkpoint_signer(ORIGIN).unwrap();
        let lines = witness.cosign(&text, now()).unwrap();
        let kinds: Vec<_> = lines.iter().map(|line| line.signature().len()).collect();
        assert_eq!(kinds, [8 + 64, 8 + 2420]);
        let note = Note::new(&text, lines).unwrap().to_string();
        let verified = verify_note(&note, &witness.verifier_keys().unwrap()).unwrap();
        assert_eq!(verified.checkpoint, checkpoint());
        assert_eq!(verified.text, text);
        let at = |kind| verified.signature(&name(WITNESS), kind).map(|by| by.at);
        assert_eq!(at(SignatureType::Ed25519Cosignature), Some(Some(now())));
        assert_eq!(at(SignatureType::MlDsa44Cosignature), Some(Some(now())));
        assert_eq!(at(SignatureType::Ed25519), None);
        assert!(!verified.signed_by_origin(false));
        let log_keys = log.verifier_keys().unwrap();
        assert_eq!(
            verify_note(&note, &log_keys),
            Err(NoteError::UnknownSigners)
        );
    }
    let both = Note::parse(&note)
        .unwrap()
        .with_signatures(witness.cosign(&checkpoint().to_string(), now()).unwrap())
        .unwrap();
    keys.extend(witness.verifier_keys().unwrap());
    let verified = verify_note(&both.to_string(), &keys).unwrap();
    assert_eq!(verified.signed_by.len(), 4);
    assert!(verified.signed_by_origin(true));
}

#[test]
fn the_latest_of_two_cosignatures_counts() {
    let witness = keyring().witness_signer(WITNESS).unwrap();
    let text = checkpoint().to_string();
    let later = now().plus(vv_base::Span::hours(1));
    for order in [[now(), later], [later, now()]] {
        let lines = order
            .iter()
            .flat_map(|at| witness.cosign(&text, *at).unwrap())
            .collect();
        let note = Note::new(&text, lines).unwrap().to_string();
        let verified = verify_note(&note, &witness.verifier_keys().unwrap()).unwrap();
        assert_eq!(verified.signed_by.len(), 2);
        assert!(verified.signed_by.iter().all(|by| by.at == Some(later)));
    }
}

#[test]
fn a_subtree_signature_is_tied_to_its_range() {
    let signer = keyring().checkpoint_signer(ORIGIN).unwrap();
    let key = &signer.verifier_keys().unwrap()[1];
    let origin = checkpoint().origin;
    let subtree = |start, end| Subtree::new(origin.clone(), start, end, [9; 32]).unwrap();
    let line = signer.sign_subtree(&subtree(8, 13)).unwrap();
    assert_eq!(verify_subtree(&subtree(8, 13), &line, key), Ok(None));
    let bad = Err(NoteError::BadSignature(ORIGIN.to_owned()));
    for other in [
        subtree(8, 14),
        subtree(0, 13),
        subtree(16, 21),
        Subtree::new(origin.clone(), 8, 13, [8; 32]).unwrap(),
        Subtree::new(Origin::parse("other.example").unwrap(), 8, 13, [9; 32]).unwrap(),
    ] {
        assert_eq!(verify_subtree(&other, &line, key), bad, "{other:?}");
    }
    let ed25519 = &signer.verifier_keys().unwrap()[0];
    assert_eq!(
        verify_subtree(&subtree(8, 13), &line, ed25519),
        Err(NoteError::UnknownSigners)
    );
    // A dated signature of a whole tree is one of its subtree from zero.
    let whole = Subtree::new(origin, 0, checkpoint().size, checkpoint().root).unwrap();
    let note = Note::parse(&signer.sign(&checkpoint(), now()).unwrap()).unwrap();
    assert_eq!(
        verify_subtree(&whole, &note.signatures()[1], key),
        Ok(Some(now()))
    );
}

#[test]
fn a_subtree_is_aligned() {
    let made = |start, end| Subtree::new(checkpoint().origin, start, end, [0; 32]).is_ok();
    for (start, end) in [
        (0, 1),
        (0, 1_000_003),
        (8, 13),
        (8, 16),
        (12, 14),
        (5, 6),
        (0, u64::MAX),
        (1 << 63, u64::MAX),
    ] {
        assert!(made(start, end), "{start}..{end}");
    }
    for (start, end) in [
        (0, 0),
        (7, 7),
        (8, 7),
        (8, 17),
        (4, 9),
        (5, 7),
        (1, u64::MAX),
        (1 << 62, u64::MAX),
    ] {
        assert!(!made(start, end), "{start}..{end}");
    }
}

#[test]
fn texts_are_signed_with_a_key_of_their_own() {
    let keyring = keyring();
    let signer = keyring.text_signer(ORIGIN).unwrap();
    let text = "segment 7\n\nrows 1..4096\n";
    let note = signer.sign_text(text).unwrap();
    let keys = signer.verifier_keys().unwrap();
    let verified = verify_text(&note, &keys).unwrap();
    assert_eq!(verified.text, text);
    assert_eq!(verified.signed_by[0].name, *signer.name());
    // A manifest that looks like a checkpoint is not one for the log's keys.
    let forged = signer.sign_text(&checkpoint().to_string()).unwrap();
    let log = keyring.checkpoint_signer(ORIGIN).unwrap();
    let log_keys = log.verifier_keys().unwrap();
    assert_eq!(
        verify_note(&forged, &log_keys),
        Err(NoteError::UnknownSigners)
    );
    // And a cosigner cannot vouch for a text.
    let mixed = Note::parse(&note)
        .unwrap()
        .with_signatures(
            keyring
                .witness_signer(WITNESS)
                .unwrap()
                .cosign(&checkpoint().to_string(), now())
                .unwrap(),
        )
        .unwrap()
        .to_string();
    assert!(verify_text(&mixed, &keys).is_ok());
    let all: Vec<_> = keys
        .into_iter()
        .chain(
            keyring
                .witness_signer(WITNESS)
                .unwrap()
                .verifier_keys()
                .unwrap(),
        )
        .collect();
    assert_eq!(
        verify_text(&mixed, &all),
        Err(NoteError::BadSignature(WITNESS.to_owned()))
    );
    for bad in ["", "no line feed", "tab\there\n", "cr\r\n", "nul\0\n"] {
        assert!(signer.sign_text(bad).is_err(), "{bad:?}");
    }
}

#[test]
fn a_signer_refuses_what_nobody_could_verify() {
    let keyring = keyring();
    for bad in ["", "two words", "a+b", "line\nfeed", "nbsp\u{a0}", "\u{1}"] {
        assert_eq!(
            keyring.checkpoint_signer(bad).err(),
            Some(NoteError::KeyName)
        );
        assert_eq!(keyring.witness_signer(bad).err(), Some(NoteError::KeyName));
        assert_eq!(keyring.text_signer(bad).err(), Some(NoteError::KeyName));
    }
    let (fits, too_long) = ("n".repeat(255), "n".repeat(256));
    assert!(keyring.checkpoint_signer(&fits).is_ok());
    assert_eq!(
        keyring.checkpoint_signer(&too_long).err(),
        Some(NoteError::KeyName)
    );
    let signer = keyring.checkpoint_signer(ORIGIN).unwrap();
    for seconds in [-1, 0] {
        let at = Timestamp::from_unix_seconds(seconds);
        assert_eq!(signer.sign(&checkpoint(), at), Err(NoteError::Timestamp));
    }
    let witness = keyring.witness_signer(WITNESS).unwrap();
    assert!(witness.cosign("no checkpoint\n", now()).is_err());
}

#[test]
fn debug_output_shows_no_key() {
    let keyring = keyring();
    let log = keyring.checkpoint_signer("log.example").unwrap();
    let witness = keyring.witness_signer("witness.example").unwrap();
    let text = keyring.text_signer("manifest.example").unwrap();
    assert_eq!(
        format!("{log:?} {witness:?} {text:?}"),
        "CheckpointSigner(log.example) WitnessSigner(witness.example) TextSigner(manifest.example)"
    );
}
