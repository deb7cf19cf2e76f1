//! The progress bar, on standard error; nothing is drawn where that is no terminal.

use indicatif::{ProgressBar, ProgressStyle};

/// A bar that is there as long as the work.
pub(super) struct Progress {
    bar: ProgressBar,
}

impl Progress {
    /// Shows a bar of `steps` steps.
    pub(super) fn start(what: &'static str, steps: u64) -> Self {
        let style = ProgressStyle::with_template("{prefix} [{wide_bar}] {pos}/{len} {per_sec}")
            .unwrap_or_else(|_| ProgressStyle::default_bar());
        Self { bar: ProgressBar::new(steps).with_style(style).with_prefix(what) }
    }

    /// Moves the bar on by one.
    pub(super) fn step(&self) {
        self.bar.inc(1);
    }
}

impl Drop for Progress {
    fn drop(&mut self) {
        self.bar.finish_and_clear();
    }
}
