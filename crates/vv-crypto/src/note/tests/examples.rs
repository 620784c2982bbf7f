//! The examples of the C2SP documents, byte for byte.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use super::super::cosign;
use super::*;

const FOO: &str = "example.com/foo+530d903a+AekyeRrm56hApGFkyQR4ZCbV54Id2LKaANYcrnKv3U2k";
const FOO_NOTE: &str = "This is an example message.\n\n\
    — example.com/foo Uw2QOkn8srV1yJGh2VYRlL1Tnagv1YEq6TfXppzi2ONncAlTgK7Ztg1ERYNZXsYjOBH3mFXmRKuwHjG1Yu72IneyaQM=\n";
const SALVATORE: &str = "Ognuno sta solo sul cuor della terra\n\
    trafitto da un raggio di sole:\n\n\
    ed è subito sera.\n\n\
    — quasimodo.example/salvatore NnugSzTjtVAewIS+Z/iJhUPeFDkO/5QQ2i5ddnGITLlC+EhfLW9oJKONrMouFSQU0xMcXxj99ihAQwaqP3ZekRwNtIc=\n";
const SOFA: &str =
    "example.com/behind-the-sofa\n20852163\nCsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=\n";
const SOFA_LINE: &str = "— example.com/behind-the-sofa Az3grlgtzPICa5OS8npVmf1Myq/5IZniMp+ZJurmRDeOoRDe4URYN7u5/Zhcyv2q1gGzGku9nTo+zyWE+xeMcTOAYQ8=\n";
const W1_LINE: &str = "— witness.example.com/w1 jWbPPwAAAABkGFDLEZMHwSRaJNiIDoe9DYn/zXcrtPHeolMI5OWXEhZCB9dlrDJsX3b2oyin1nPZqhf5nNo0xUe+mbIUBkBIfZ+qnA==\n";

#[test]
fn the_signed_note_example_verifies() {
    let key = VerifierKey::parse(FOO).unwrap();
    assert_eq!(key.to_string(), FOO);
    assert_eq!(key.name().as_str(), "example.com/foo");
    assert_eq!(key.key_id().to_string(), "530d903a");
    assert_eq!(key.signature_type(), SignatureType::Ed25519);
    let verified = verify_text(FOO_NOTE, std::slice::from_ref(&key)).unwrap();
    assert_eq!(verified.text, "This is an example message.\n");
    assert_eq!(verified.signed_by.len(), 1);
    assert_eq!(verified.signed_by[0].at, None);
    // It is a note, but no checkpoint.
    assert_eq!(
        verify_note(FOO_NOTE, &[key]),
        Err(NoteError::Checkpoint("tree size"))
    );
}

#[test]
fn a_text_with_blank_lines_is_split_at_the_last_one() {
    let note = Note::parse(SALVATORE).unwrap();
    assert!(note.text().ends_with("sole:\n\ned è subito sera.\n"));
    assert_eq!(note.signatures().len(), 1);
    assert_eq!(note.signatures()[0].key_id().to_string(), "367ba04b");
    assert_eq!(note.to_string(), SALVATORE);
}

#[test]
fn the_checkpoint_examples_are_read_and_written_alike() {
    let text = format!("{SOFA}\n{SOFA_LINE}{W1_LINE}");
    let note = Note::parse(&text).unwrap();
    assert_eq!(note.to_string(), text);
    assert_eq!(note.text(), SOFA);
    let checkpoint = Checkpoint::parse(note.text()).unwrap();
    assert_eq!(checkpoint.origin.as_str(), "example.com/behind-the-sofa");
    assert_eq!(checkpoint.size, 20_852_163);
    assert_eq!(checkpoint.to_string(), SOFA);
    let ids: Vec<_> = note
        .signatures()
        .iter()
        .map(|line| line.key_id().to_string())
        .collect();
    assert_eq!(ids, ["033de0ae", "8d66cf3f"]);
    let cosigned = cosign::split_timestamped(note.signatures()[1].signature()).unwrap();
    assert_eq!((cosigned.0, cosigned.1.len()), (1_679_315_147, 64));
}

/// Two real logs whose keys are public.
#[test]
fn checkpoints_of_running_logs_verify() {
    let key = "sum.golang.org+033de0ae+Ac4zctda0e5eza+HJyk9SxEdh+s3Ux18htTTAD8OuAn8";
    let keys = [VerifierKey::parse(key).unwrap()];
    for (size, root, signature) in [
        (
            35_225_469,
            "vt5T6GaLCXvyHFl9VUvvItR43XZxfLgftEcTyO3eJCQ=",
            "Az3grpukl5AXaVfYkLiDGORx/DN2nlcS5kZHR5uYOBV2KA2HgXpD+gu9HHONebHLAyaKbbTM75QTtPydhKCExixSfwQ=",
        ),
        // The signature in the examples of C2SP is a real one under another name.
        (
            20_852_163,
            "CsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=",
            "Az3grlgtzPICa5OS8npVmf1Myq/5IZniMp+ZJurmRDeOoRDe4URYN7u5/Zhcyv2q1gGzGku9nTo+zyWE+xeMcTOAYQ8=",
        ),
    ] {
        let text = format!("go.sum database tree\n{size}\n{root}\n");
        let note = format!("{text}\n— sum.golang.org {signature}\n");
        let verified = verify_note(&note, &keys).unwrap();
        assert_eq!(verified.checkpoint.size, size);
        assert_eq!(STANDARD.encode(verified.checkpoint.root), root);
        assert!(!verified.signed_by_origin(false), "another name");
        let other = note.replace(&size.to_string(), "20852164");
        assert_eq!(
            verify_note(&other, &keys),
            Err(NoteError::BadSignature("sum.golang.org".to_owned()))
        );
    }
    let origin =
        "sigsum.org/v1/tree/4d6d8825a6bb689d459628312889dfbb0bcd41b5211d9e1ce768b0ff0309e562";
    let public =
        hex::decode("ffdc2d4d98e4124d3feaf788c0c2f9abfd796083d1f0495437f302ec79cf100f").unwrap();
    let key = VerifierKey::new(name(origin), SignatureType::Ed25519, &public).unwrap();
    let note = format!(
        "{origin}\n1\nKgAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=\n\n\
         — {origin} UgIom7fPZTqpxWWhyjWduBvTvGVqsokMbqTArsQilegKoFBJQjUFAmQ0+YeSPM3wfUQMFSzVnnNuWRTYrajXpNUbIQY=\n"
    );
    assert!(verify_note(&note, &[key]).unwrap().signed_by_origin(false));
}

#[test]
fn the_cosigned_messages_are_those_of_the_document() {
    let message = cosign::ed25519_message(1_679_315_147, SOFA);
    let written = "cosignature/v1\n\
        time 1679315147\n\
        example.com/behind-the-sofa\n\
        20852163\n\
        CsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=\n";
    assert_eq!(message, written.as_bytes());
    // Put together with another language from the struct in the document.
    let (label, w1) = (
        "737562747265652f76310a00",
        "167769746e6573732e6578616d706c652e636f6d2f7731",
    );
    let sofa = "1b6578616d706c652e636f6d2f626568696e642d7468652d736f6661";
    let hash = "0ac5186a91863e8e1d90c808014aa89bf5da8e3ee1d9f07630f0378f68f1ab62";
    let checkpoint = Checkpoint::parse(SOFA).unwrap();
    let w1_name = name("witness.example.com/w1");
    let tree = cosign::tree_message(&w1_name, 1_679_315_147, &checkpoint).unwrap();
    assert_eq!(
        hex::encode(tree),
        format!("{label}{w1}00000000641850cb{sofa}000000000000000000000000013e2dc3{hash}")
    );
    let subtree = Subtree::new(checkpoint.origin, 8, 13, checkpoint.root).unwrap();
    let subtree = cosign::subtree_message(&w1_name, 0, &subtree).unwrap();
    assert_eq!(
        hex::encode(subtree),
        format!("{label}{w1}0000000000000000{sofa}0000000000000008000000000000000d{hash}")
    );
}

#[test]
fn the_answer_of_a_witness_is_read() {
    let answer = "\
— witness.example/w1 CMp+6LWBU0anHGH5aNDTJkH/gj79sG+T6+iP2ThYN5krrDJbR1HDnucjL39QsZTSvVjyQLrdk3DXDqI5G2HgLatVs0pWh6Up69HVOw==
— witness.example/w1 I7rEps0pvK2UqkS2gSpVUDhrhVtQV9lgF6pRrWAvjJHjyWpW7VcE3SiOlVlbQNt64vWhO+DlkL0+UfzuOBMh9ChdMkP1vi/lCAsmlw==
— witness.example/w2 AWui8Sk55XjYLOijihBjhqEH6nS1ndDymE0a+6idX7pLcnoB+dhnz0854aLZgrrKbYKA7nC3HNJhm/kWl7oJlqU3rXXvpysAdyP3wQ==
";
    let lines = NoteSignature::parse_lines(answer).unwrap();
    assert_eq!(lines.len(), 3);
    assert!(lines.iter().all(|line| line.signature().len() == 72));
    let note = Note::parse(&format!("{SOFA}\n{SOFA_LINE}")).unwrap();
    let note = note.with_signatures(lines.clone()).unwrap();
    assert_eq!(note.to_string(), format!("{SOFA}\n{SOFA_LINE}{answer}"));
    // Asked twice, the note does not grow.
    assert_eq!(note.clone().with_signatures(lines), Ok(note));
}
