use std::os::unix::fs::symlink;

use tempfile::{TempDir, tempdir};
use vv_base::SystemRng;

use super::*;

fn mode(path: &Path) -> u32 {
    fs::metadata(path).unwrap().mode() & 0o7777
}

fn fresh() -> (TempDir, DataDir) {
    let parent = tempdir().unwrap();
    let folder = DataDir::open(&parent.path().join("data")).unwrap();
    (parent, folder)
}

fn generated(folder: &DataDir) -> (String, RootKeyOrigin) {
    let (key, origin) = folder.root_key(&KeysConfig::default(), &SystemRng).unwrap();
    (key.check_value(), origin)
}

fn refused(folder: &DataDir) -> Failure {
    folder
        .root_key(&KeysConfig::default(), &SystemRng)
        .unwrap_err()
}

#[test]
fn a_new_folder_belongs_to_the_owner_alone() {
    let parent = tempdir().unwrap();
    let path = parent.path().join("a/b");
    let folder = DataDir::open(&path).unwrap();
    assert_eq!(mode(&path), 0o700);
    assert_eq!(folder.warning(), None);
    assert_eq!(fs::read_dir(&path).unwrap().count(), 0);
    DataDir::open(&path).unwrap();
}

#[test]
fn an_open_folder_of_ours_is_closed_with_a_warning() {
    let (_parent, folder) = fresh();
    fs::create_dir(folder.path().join("keys")).unwrap();
    fs::write(folder.path().join("note"), "x").unwrap();
    fs::set_permissions(folder.path(), Permissions::from_mode(0o755)).unwrap();
    let again = DataDir::open(folder.path()).unwrap();
    assert_eq!(mode(folder.path()), 0o700);
    assert!(again.warning().unwrap().contains("mode 755"));
}

#[test]
fn an_open_folder_of_somebody_elses_things_stays_as_it_is() {
    let parent = tempdir().unwrap();
    fs::write(parent.path().join("letter"), "x").unwrap();
    fs::set_permissions(parent.path(), Permissions::from_mode(0o1777)).unwrap();
    let failure = DataDir::open(parent.path()).unwrap_err();
    assert_eq!(failure.code, "datadir.open");
    assert!(failure.remedy.ends_with("/valueverse"), "{failure}");
    assert_eq!(mode(parent.path()), 0o1777);
}

#[test]
fn a_folder_that_others_could_fill_is_not_trusted() {
    let (_parent, folder) = fresh();
    generated(&folder);
    fs::set_permissions(folder.path(), Permissions::from_mode(0o777)).unwrap();
    let failure = DataDir::open(folder.path()).unwrap_err();
    assert!(failure.to_string().contains("written by other users"));
    assert_eq!(mode(folder.path()), 0o777);
}

#[test]
fn a_path_that_is_no_folder_is_refused() {
    let parent = tempdir().unwrap();
    let file = parent.path().join("file");
    fs::write(&file, "x").unwrap();
    for path in [file.clone(), file.join("below")] {
        let failure = DataDir::open(&path).unwrap_err();
        assert_eq!(failure.code, "datadir.not_a_folder", "{failure}");
        assert_eq!(failure.status.number(), 2);
    }
    // The kernel's own file system takes no folders, not even from root.
    let failure = DataDir::open(Path::new("/proc/valueverse")).unwrap_err();
    assert!(failure.cause.starts_with("/proc/valueverse "), "{failure}");
    assert!(!failure.to_string().contains('\n'));
}

#[test]
fn only_one_server_holds_the_folder() {
    let (_parent, folder) = fresh();
    let first = folder.lock().unwrap();
    let failure = folder.lock().unwrap_err();
    assert_eq!(failure.code, "datadir.locked");
    assert!(
        failure
            .cause
            .ends_with(&format!("is in use by process {}", std::process::id())),
        "{failure}"
    );
    assert_eq!(mode(&folder.path().join("valueverse.lock")), 0o600);
    drop(first);
    folder.lock().unwrap();
}

#[test]
fn the_generated_key_is_found_again() {
    let (_parent, folder) = fresh();
    let (first, origin) = generated(&folder);
    assert_eq!(origin, RootKeyOrigin::Generated);
    assert_eq!(generated(&folder), (first, RootKeyOrigin::File));
    assert_eq!(mode(&folder.path().join("keys")), 0o700);
    assert_eq!(mode(&folder.path().join("keys/root.key")), 0o600);
    assert!(!folder.path().join("keys/root.key.tmp").exists());
}

#[test]
fn processes_that_start_together_agree_on_one_key() {
    let (_parent, folder) = fresh();
    let keys: Vec<String> = std::thread::scope(|scope| {
        let starts: Vec<_> = (0..8)
            .map(|_| scope.spawn(|| generated(&folder).0))
            .collect();
        starts
            .into_iter()
            .map(|start| start.join().unwrap())
            .collect()
    });
    assert!(keys.iter().all(|key| *key == keys[0]), "{keys:?}");
}

#[test]
fn a_draft_of_a_killed_process_is_cleared_away() {
    let (_parent, folder) = fresh();
    let draft = folder.path().join("keys/root.key.tmp");
    fs::create_dir(folder.path().join("keys")).unwrap();
    fs::write(&draft, "vvroot1:AAA").unwrap();
    assert_eq!(generated(&folder).1, RootKeyOrigin::Generated);
    assert!(!draft.exists());
}

#[test]
fn a_damaged_key_file_is_explained_and_left_alone() {
    let (_parent, folder) = fresh();
    generated(&folder);
    let file = folder.path().join("keys/root.key");
    let good = fs::read(&file).unwrap();
    let flipped: Vec<u8> = good
        .iter()
        .enumerate()
        .map(|(i, b)| if i == 20 { b ^ 1 } else { *b })
        .collect();
    let long = [b"vvroot1:".as_slice(), &[b'a'; 5000]].concat();
    let cases: [&[u8]; 6] = [
        b"",
        &good[..30],
        &flipped,
        &[0xff; 60],
        b"some other text of more than 32 bytes",
        &long,
    ];
    for damage in cases {
        fs::write(&file, damage).unwrap();
        let failure = refused(&folder);
        assert_eq!(failure.code, "keys.damaged", "{failure}");
        assert!(
            failure.remedy.starts_with("no database exists yet"),
            "{failure}"
        );
        assert_eq!(fs::read(&file).unwrap(), damage);
    }
    fs::write(folder.path().join("main.db"), "").unwrap();
    assert!(
        refused(&folder)
            .remedy
            .starts_with("restore it from a backup")
    );
}

#[test]
fn a_lost_key_is_not_replaced_beside_databases() {
    let (_parent, folder) = fresh();
    generated(&folder);
    fs::write(folder.path().join("main.db"), "").unwrap();
    fs::remove_file(folder.path().join("keys/root.key")).unwrap();
    assert_eq!(refused(&folder).code, "keys.missing");
    assert!(!folder.path().join("keys/root.key").exists());
}

#[test]
fn a_key_file_that_others_may_read_is_refused() {
    let (_parent, folder) = fresh();
    generated(&folder);
    let file = folder.path().join("keys/root.key");
    fs::set_permissions(&file, Permissions::from_mode(0o640)).unwrap();
    let failure = refused(&folder);
    assert_eq!(failure.code, "keys.exposed");
    assert!(failure.remedy.contains("chmod 600"), "{failure}");
}

#[test]
fn a_planted_link_is_not_written_through() {
    let (parent, folder) = fresh();
    let victim = parent.path().join("victim");
    fs::write(&victim, "untouched").unwrap();
    fs::create_dir(folder.path().join("keys")).unwrap();
    symlink(&victim, folder.path().join("keys/root.key.tmp")).unwrap();
    symlink(
        &victim,
        folder.path().join(format!(".probe-{}", std::process::id())),
    )
    .unwrap();
    let folder = DataDir::open(folder.path()).unwrap();
    generated(&folder);
    assert_eq!(fs::read_to_string(victim).unwrap(), "untouched");
}

#[test]
fn the_settings_come_before_the_file() {
    let (_parent, folder) = fresh();
    let text = "9f1c3a7be04d5826c7f09a61b3d4e8f25a6b7c80d19e2f43a5b6c7d8e9f01234";
    let keys: KeysConfig = serde_json::from_value(serde_json::json!({ "root_key": text })).unwrap();
    let (key, origin) = folder.root_key(&keys, &SystemRng).unwrap();
    assert_eq!(origin, RootKeyOrigin::Settings);
    assert_eq!(
        key.check_value(),
        RootKey::parse(text).unwrap().check_value()
    );
    assert!(!folder.path().join("keys").exists());
}
