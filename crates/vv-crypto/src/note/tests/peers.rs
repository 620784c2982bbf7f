//! Other implementations of the same algorithms judge our signatures and keys,
//! and we theirs.

use ed25519_dalek::Signer as _;
use ml_dsa::signature::Keypair as _;
use ml_dsa::{MlDsa44, Signature, SigningKey, VerifyingKey};

use super::super::cosign;
use super::*;

fn dalek_accepts(key: &VerifierKey, message: &[u8], signature: &[u8]) -> bool {
    let public = key.public_key().try_into().unwrap();
    let signature = ed25519_dalek::Signature::from_slice(signature).unwrap();
    ed25519_dalek::VerifyingKey::from_bytes(public)
        .unwrap()
        .verify_strict(message, &signature)
        .is_ok()
}

fn ml_dsa_accepts(key: &VerifierKey, message: &[u8], signature: &[u8]) -> bool {
    let public = VerifyingKey::<MlDsa44>::decode(key.public_key().try_into().unwrap());
    let signature = Signature::<MlDsa44>::try_from(signature).unwrap();
    public.verify_with_context(message, &[], &signature)
}

#[test]
fn our_checkpoints_are_accepted() {
    let signer = keyring().checkpoint_signer(ORIGIN).unwrap();
    let note = Note::parse(&signer.sign(&checkpoint(), now()).unwrap()).unwrap();
    let keys = signer.verifier_keys().unwrap();
    let text = note.text().as_bytes();
    let ed25519 = note.signatures()[0].signature();
    assert!(dalek_accepts(&keys[0], text, ed25519));
    assert!(!dalek_accepts(&keys[0], &text[1..], ed25519));
    let (seconds, ml_dsa) = cosign::split_timestamped(note.signatures()[1].signature()).unwrap();
    let message = cosign::tree_message(signer.name(), seconds, &checkpoint()).unwrap();
    assert!(ml_dsa_accepts(&keys[1], &message, ml_dsa));
    assert!(!ml_dsa_accepts(&keys[1], &message[1..], ml_dsa));
}

#[test]
fn our_cosignatures_are_accepted() {
    let signer = keyring().witness_signer(WITNESS).unwrap();
    let text = checkpoint().to_string();
    let lines = signer.cosign(&text, now()).unwrap();
    let keys = signer.verifier_keys().unwrap();
    let (seconds, ed25519) = cosign::split_timestamped(lines[0].signature()).unwrap();
    let message = cosign::ed25519_message(seconds, &text);
    assert!(dalek_accepts(&keys[0], &message, ed25519));
    let (seconds, ml_dsa) = cosign::split_timestamped(lines[1].signature()).unwrap();
    let message = cosign::tree_message(signer.name(), seconds, &checkpoint()).unwrap();
    assert!(ml_dsa_accepts(&keys[1], &message, ml_dsa));
    let subtree = Subtree::new(checkpoint().origin, 4096, 8192, [7; 32]).unwrap();
    let line = signer.sign_subtree(&subtree).unwrap();
    let (seconds, ml_dsa) = cosign::split_timestamped(line.signature()).unwrap();
    assert_eq!(seconds, 0);
    let message = cosign::subtree_message(signer.name(), 0, &subtree).unwrap();
    assert!(ml_dsa_accepts(&keys[1], &message, ml_dsa));
}

#[test]
fn a_note_signed_by_the_others_is_accepted() {
    let text = checkpoint().to_string();
    let log = ed25519_dalek::SigningKey::from_bytes(&[0x21; 32]);
    let log_key = VerifierKey::new(
        name(ORIGIN),
        SignatureType::Ed25519,
        log.verifying_key().as_bytes(),
    )
    .unwrap();
    let log_line = NoteSignature::new(
        name(ORIGIN),
        log_key.key_id(),
        log.sign(text.as_bytes()).to_bytes().to_vec(),
    );
    let witness = SigningKey::<MlDsa44>::from_seed(&[0x42; 32].into());
    let witness_key = VerifierKey::new(
        name(WITNESS),
        SignatureType::MlDsa44Cosignature,
        &witness.verifying_key().encode(),
    )
    .unwrap();
    let message = cosign::tree_message(witness_key.name(), 77, &checkpoint()).unwrap();
    let signature = witness
        .expanded_key()
        .sign_deterministic(&message, &[])
        .unwrap();
    let witness_line = NoteSignature::new(
        name(WITNESS),
        witness_key.key_id(),
        cosign::timestamped(77, &signature.encode()),
    );
    let note = Note::new(&text, vec![log_line, witness_line]).unwrap();
    let verified = verify_note(&note.to_string(), &[witness_key, log_key]).unwrap();
    assert_eq!(verified.checkpoint, checkpoint());
    let times: Vec<_> = verified.signed_by.iter().map(|by| by.at).collect();
    assert_eq!(times, [None, Some(Timestamp::from_unix_seconds(77))]);
}

#[test]
fn a_seed_grows_into_the_same_keys() {
    for seed in [
        [0; 32],
        [1; 32],
        [0xa5; 32],
        *b"thirty-two bytes of a fixed seed",
    ] {
        let ours = aws_lc_rs::signature::PqdsaKeyPair::from_seed(
            &aws_lc_rs::signature::ML_DSA_44_SIGNING,
            &seed,
        )
        .unwrap();
        let theirs = SigningKey::<MlDsa44>::from_seed(&seed.into());
        let public = aws_lc_rs::signature::KeyPair::public_key(&ours);
        assert_eq!(public.as_ref(), theirs.verifying_key().encode().as_slice());
    }
}

/// A signature over the right message is still refused for a time that the
/// standard forbids.
#[test]
fn forbidden_times_are_refused_even_if_signed() {
    let witness = SigningKey::<MlDsa44>::from_seed(&[0x42; 32].into());
    let key = VerifierKey::new(
        name(WITNESS),
        SignatureType::MlDsa44Cosignature,
        &witness.verifying_key().encode(),
    )
    .unwrap();
    let line = |seconds, message: &[u8]| {
        let signature = witness.expanded_key().sign_deterministic(message, &[]);
        let signature = cosign::timestamped(seconds, &signature.unwrap().encode());
        NoteSignature::new(name(WITNESS), key.key_id(), signature)
    };
    let bad = NoteError::BadSignature(WITNESS.to_owned());
    let end = Timestamp::from_unix_seconds(i64::MAX);
    for (seconds, expected) in [
        (0, Ok(None)),
        (1, Ok(Some(Timestamp::from_unix_seconds(1)))),
        ((1 << 63) - 1, Ok(Some(end))),
        (1 << 63, Err(bad.clone())),
        (u64::MAX, Err(bad.clone())),
    ] {
        let message = cosign::tree_message(key.name(), seconds, &checkpoint()).unwrap();
        let note = Note::new(&checkpoint().to_string(), vec![line(seconds, &message)]).unwrap();
        let verified = verify_note(&note.to_string(), std::slice::from_ref(&key));
        let at = verified.map(|verified| verified.signed_by[0].at);
        assert_eq!(at, expected, "{seconds}");
    }
    for (start, seconds, expected) in [
        (0, 5, Ok(Some(Timestamp::from_unix_seconds(5)))),
        (0, 1 << 63, Err(bad.clone())),
        (8, 0, Ok(None)),
        (8, 5, Err(bad.clone())),
    ] {
        let subtree = Subtree::new(checkpoint().origin, start, start + 5, [3; 32]).unwrap();
        let message = cosign::subtree_message(key.name(), seconds, &subtree).unwrap();
        let verified = verify_subtree(&subtree, &line(seconds, &message), &key);
        assert_eq!(verified, expected, "{start} {seconds}");
    }
}
