//! The command line: one file per subcommand, and the exit codes they share.

#[cfg(feature = "bench")]
mod bench;
mod cli;
mod dlq;
mod duration;
mod live_actors;
mod migrate;
mod rush;
mod serve;
mod shop;
mod table;
mod target;
mod token;
mod verdict;

use std::io::Write as _;
use std::process::ExitCode;

use clap::Parser as _;

use crate::app::StartError;
use cli::{Cli, Command};

/// Why a command did not do its work. The text is one plain sentence for the person at the terminal.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
enum Failure {
    /// Wrong use or configuration.
    #[error("{0}")]
    Usage(String),
    /// The work failed.
    #[error("{0}")]
    Work(String),
}

impl Failure {
    fn of_start(error: StartError) -> Self {
        if error.is_configuration() { Self::Usage(error.to_string()) } else { Self::Work(error.to_string()) }
    }

    fn exit_code(&self) -> ExitCode {
        match self {
            Self::Usage(_) => ExitCode::from(2),
            Self::Work(_) => ExitCode::from(1),
        }
    }
}

/// Runs what this process's command line asks for: 0 done, 1 the verdict or the work failed, 2 wrong use or
/// configuration.
pub fn run() -> ExitCode {
    let cli = Cli::parse();
    let done = match cli.command {
        None => serve::run(cli.serve),
        Some(Command::Serve(args)) => serve::run(args),
        Some(Command::Rush(args)) => rush::run(&args),
        #[cfg(feature = "bench")]
        Some(Command::Bench(args)) => bench::run(&args),
        Some(Command::Actors(args)) => live_actors::run(&args),
        Some(Command::Migrate(args)) => migrate::run(args),
        Some(Command::Verdict(args)) => verdict::run(&args),
        Some(Command::Token(command)) => token::run(command),
        Some(Command::Dlq(command)) => dlq::run(command),
    };
    done.unwrap_or_else(|failure| {
        say(&format!("floodgate: {failure}"));
        failure.exit_code()
    })
}

/// Prints a result. A reader that has gone away is no failure of the work.
fn print(text: &str) {
    draw(&text.split('\n').map(plain).collect::<Vec<_>>().join("\n"));
}

/// Prints what moves the terminal's cursor on purpose.
fn draw(text: &str) {
    let mut out = std::io::stdout().lock();
    let _ = write!(out, "{text}").and_then(|()| out.flush());
}

/// Tells the person at the terminal something that is not part of the result.
fn say(line: &str) {
    let _ = writeln!(std::io::stderr().lock(), "{}", plain(line));
}

/// The text on one line, with what a terminal would obey instead of showing it written out: what others called their
/// things must not move the cursor, end the line or turn it round.
fn plain(text: &str) -> String {
    let is_obeyed = |letter: char| {
        letter.is_control()
            || matches!(letter, '\u{200e}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
    };
    let mut shown = String::with_capacity(text.len());
    for letter in text.chars() {
        if is_obeyed(letter) {
            shown.extend(letter.escape_default());
        } else {
            shown.push(letter);
        }
    }
    shown
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_terminal_would_obey_is_written_out() {
        let table = [
            ("it's \"fine\" \\ \u{e9} \u{1f4a5}", "it's \"fine\" \\ \u{e9} \u{1f4a5}"),
            ("a\r\nb\tc\0", "a\\r\\nb\\tc\\u{0}"),
            ("\x1b[2J\x1b]0;title\x07", "\\u{1b}[2J\\u{1b}]0;title\\u{7}"),
            ("\u{202e}live \u{9b}31m\u{7f}", "\\u{202e}live \\u{9b}31m\\u{7f}"),
        ];
        for (text, wanted) in table {
            assert_eq!(plain(text), wanted, "{text:?}");
        }
    }
}
