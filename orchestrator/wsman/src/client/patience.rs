//! How often a host may say at once that it has nothing to say yet.
//!
//! Within `OperationTimeout` a host waits; a command that takes long is asked again and again, each time for nearly a
//! minute. A host that answers at once without news would be asked as fast as the network allows, and keep a core busy
//! for as long as the caller's own deadline lets it.

use std::time::Duration;

use tokio::time::Instant;

/// In a row. Windows answers early now and then (the first Receive), never for long.
const MOST_EARLY: u32 = 100;

/// Counts answers without news that came early.
#[derive(Debug)]
pub(super) struct Patience {
    asked: Instant,
    /// Half of what the host was told to wait.
    early: Duration,
    in_a_row: u32,
}

impl Patience {
    pub(super) fn new(operation_timeout: Duration) -> Self {
        Self {
            asked: Instant::now(),
            early: operation_timeout / 2,
            in_a_row: 0,
        }
    }

    /// A question is about to leave.
    pub(super) fn asking(&mut self) {
        self.asked = Instant::now();
    }

    /// There was news.
    pub(super) fn news(&mut self) {
        self.in_a_row = 0;
    }

    /// There was none; the error says that it is enough.
    pub(super) fn nothing(&mut self) -> Result<(), String> {
        if self.asked.elapsed() >= self.early {
            self.in_a_row = 0;
            return Ok(());
        }
        self.in_a_row += 1;
        if self.in_a_row > MOST_EARLY {
            return Err(format!(
                "the host answers at once, {MOST_EARLY} times in a row, that it has nothing to say yet"
            ));
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::Patience;

    #[tokio::test(start_paused = true)]
    async fn waiting_is_not_counted_and_answering_at_once_is() {
        let mut patience = Patience::new(Duration::from_secs(60));
        for _ in 0..1000 {
            patience.asking();
            tokio::time::advance(Duration::from_secs(59)).await;
            assert_eq!(patience.nothing(), Ok(()));
        }
        for _ in 0..100 {
            patience.asking();
            assert_eq!(patience.nothing(), Ok(()));
        }
        patience.news();
        for _ in 0..100 {
            assert_eq!(patience.nothing(), Ok(()));
        }
        assert!(patience.nothing().is_err());
    }
}
