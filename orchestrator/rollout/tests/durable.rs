//! Promise 1: the prior state is on the disk before the first write to the host.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use playbooks::Typed;
use rollout::testing::{Script, Scripted, host_name, old_proxy, push};
use rollout::{Control, Journal, JournalOptions, OpenMode};
use tokio::sync::mpsc;

use crate::files;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_commit_of_the_prior_state_precedes_the_first_write_of_each_host() {
    files::register();
    let folder = tempfile::tempdir().unwrap();
    let mut options = JournalOptions::new(OpenMode::ReadWrite);
    options.vfs = Some(files::NAME.to_owned());
    let journal = Journal::open_with(&folder.path().join("journal.sqlite"), &options).unwrap();
    let marker = |number: usize| Typed::Sz(format!("before-{number:04}.example:1")).to_raw();
    let (target, _) = old_proxy();
    let seen = Arc::new(AtomicU32::new(0));
    let counted = Arc::clone(&seen);
    let scripts = (0..24).map(|number| Script::default().value((target.clone(), marker(number))));
    let fleet = Scripted::of(scripts).watched(move |name, _| {
        let number = (0..24).find(|number| host_name(*number) == *name).unwrap();
        let prior = hex::encode(marker(number).bytes);
        assert!(
            files::durable(prior.as_bytes()),
            "{name} was written to before its prior state was synced"
        );
        counted.fetch_add(1, Ordering::Relaxed);
    });
    let active = journal.create_run(push(24, "")).unwrap();
    let (events, _told) = mpsc::unbounded_channel();
    let result = rollout::run(active, Arc::new(fleet), events, Control::default())
        .await
        .unwrap();
    assert_eq!((result.exit_code, result.totals.ok), (0, 24), "{result:?}");
    assert_eq!(
        seen.load(Ordering::Relaxed),
        3 * 24,
        "every write was looked at"
    );
}
