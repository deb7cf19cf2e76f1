//! `floodgate dlq`: the order events that could not be processed, and having them processed once more.

use std::collections::BTreeSet;
use std::fmt::Display;
use std::path::PathBuf;
use std::process::ExitCode;

use actix_web::rt::System;
use actors::ports::Place;

use super::cli::{DlqCommand, DlqListArgs, DlqReplayArgs};
use super::{Failure, print, say, table};
use crate::app::dead_letters::{DeadLetter, DeadLetters, Left, LetterDesk, open_desk};
use crate::settings::{Flags, Settings};

/// Does what the subcommand says.
pub(super) fn run(command: DlqCommand) -> Result<ExitCode, Failure> {
    let done = match command {
        DlqCommand::List(args) => list(args),
        DlqCommand::Replay(args) => replay(args),
    };
    done.map(|()| ExitCode::SUCCESS)
}

fn list(DlqListArgs { config }: DlqListArgs) -> Result<(), Failure> {
    let DeadLetters { letters, has_older } = desk(config)?.list().map_err(work)?;
    match letters.is_empty() {
        true if has_older => print("nothing was put aside lately\n"),
        true => print("nothing was put aside\n"),
        false => print(&report(&letters)),
    }
    if has_older {
        say("there are older ones, which are not shown");
    }
    Ok(())
}

fn replay(DlqReplayArgs { config, all, places }: DlqReplayArgs) -> Result<(), Failure> {
    let desk = desk(config)?;
    let wanted: BTreeSet<Place> = match all {
        true => {
            let Left { places, without_payload } = desk.left().map_err(work)?;
            if without_payload > 0 {
                say(&format!("{without_payload} cannot be replayed: their payloads were too large to be kept"));
            }
            places
        }
        false => places.into_iter().collect(),
    };
    if wanted.is_empty() {
        print("nothing is left to be replayed\n");
        return Ok(());
    }
    let mut count = 0_usize;
    let done = System::new().block_on(desk.replay(&wanted, |_| count += 1));
    match done {
        Ok(()) => print(&format!("replayed {count}\n")),
        Err(error) if count == 0 => return Err(work(error)),
        Err(error) => return Err(Failure::Work(format!("only {count} of {} are replayed: {error}", wanted.len()))),
    }
    Ok(())
}

fn desk(config: Option<PathBuf>) -> Result<LetterDesk, Failure> {
    let settings = Settings::of_process(&Flags { config, ..Flags::default() });
    let settings = settings.map_err(|error| Failure::Usage(error.to_string()))?;
    open_desk(settings.stream).map_err(Failure::Usage)
}

fn work(error: impl Display) -> Failure {
    Failure::Work(error.to_string())
}

fn report(letters: &[DeadLetter]) -> String {
    const HEADINGS: [&str; 9] =
        ["place", "order_id", "version", "class", "attempts", "origin", "at", "replayed", "reason"];
    let mut rows = vec![HEADINGS.map(str::to_owned).to_vec()];
    rows.extend(letters.iter().map(row));
    table::text_columns(&rows)
}

fn row(letter: &DeadLetter) -> Vec<String> {
    let DeadLetter { place, order_id, version, class, reason, attempts, topic, origin, at, left_out, is_replayed } =
        letter;
    let or_dash = |text: Option<String>| text.unwrap_or_else(|| "-".to_owned());
    let written = |place: &Place| format!("{}:{}", place.partition, place.offset);
    let origin = topic.as_ref().zip(origin.as_ref()).map(|(topic, place)| format!("{topic}:{}", written(place)));
    vec![
        written(place),
        or_dash(order_id.clone()),
        or_dash(version.map(|version| version.to_string())),
        or_dash(class.clone()),
        or_dash(attempts.map(|attempts| attempts.to_string())),
        or_dash(origin),
        or_dash(at.clone()),
        if *is_replayed { "yes" } else { "no" }.to_owned(),
        match left_out {
            Some(bytes) => format!("{} (its payload of {bytes} bytes was not kept)", or_dash(reason.clone())),
            None => or_dash(reason.clone()),
        },
    ]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_put_aside_is_listed_with_its_cause() {
        let letter = DeadLetter {
            place: Place { partition: 0, offset: 17 },
            order_id: Some("01K".to_owned()),
            version: Some(2),
            class: Some("refused".to_owned()),
            reason: Some("no\x1b[2Jpaper".to_owned()),
            attempts: Some(5),
            topic: Some("t".to_owned()),
            origin: Some(Place { partition: 3, offset: 9 }),
            at: Some("2026-11-21T08:00:00.000Z".to_owned()),
            left_out: None,
            is_replayed: true,
        };
        let bare = DeadLetter {
            order_id: None,
            version: None,
            class: None,
            reason: None,
            attempts: None,
            topic: None,
            at: None,
            left_out: Some(2_097_152),
            is_replayed: false,
            ..letter.clone()
        };
        let expected = concat!(
            "place  order_id  version  class    attempts  origin  at                        replayed  reason\n",
            "0:17   01K       2        refused  5         t:3:9   2026-11-21T08:00:00.000Z  yes       no\\u{1b}[2Jpaper\n",
            "0:17   -         -        -        -         -       -                         no        - (its payload of 2097152 bytes was not kept)\n",
        );
        assert_eq!(report(&[letter, bare]), expected);
    }
}
