//! `floodgate actors`: who lives in the running service, as a table that is drawn again and again on a terminal, and
//! printed once elsewhere.

use std::io::{IsTerminal as _, stdout};
use std::process::ExitCode;
use std::time::Duration;

use actix_web::rt::System;
use actors::ports::Clock as _;
use rustix::termios::tcgetwinsize;

use super::cli::ActorsArgs;
use super::shop::wire::Actor;
use super::shop::{Pages, Refusal, Shop};
use super::{Failure, draw, plain, print, table};
use crate::app::clock::SystemClock;

/// How often the table is drawn again.
const REFRESH: Duration = Duration::from_secs(1);
/// Lines and columns of a terminal that does not tell its size.
const USUAL_SIZE: (usize, usize) = (24, 80);
/// Lines around the rows: the headings, the last line, and where the cursor stays.
const OTHER_LINES: usize = 3;
/// To the upper left corner; what was there before is written over.
const HOME: &str = "\x1b[H";
/// Clears what is left of a line, and of the screen.
const CLEAR_LINE: &str = "\x1b[K\n";
const CLEAR_REST: &str = "\x1b[J";

/// Shows the actors of a running service.
pub(super) fn run(args: &ActorsArgs) -> Result<ExitCode, Failure> {
    System::new().block_on(show(args))?;
    Ok(ExitCode::SUCCESS)
}

async fn show(args: &ActorsArgs) -> Result<(), Failure> {
    let shop = Shop::running(&args.target).await?;
    let mut listed = list(&shop, args, usize::MAX).await;
    if !stdout().is_terminal() {
        let (actors, _) = listed.map_err(|refusal| Failure::Work(format!("the service lists no actors: {refusal}")))?;
        print(&report(&actors));
        return Ok(());
    }
    let clock = SystemClock::start();
    loop {
        let (height, width) = size();
        draw(&drawn(listed.as_ref(), height, width));
        clock.sleep(REFRESH).await;
        listed = list(&shop, args, height).await;
    }
}

/// As many actors as are wanted, and whether there are more.
async fn list(shop: &Shop, args: &ActorsArgs, wanted: usize) -> Result<(Vec<Actor>, bool), Refusal> {
    let (mut actors, mut pages) = (Vec::new(), Pages::default());
    loop {
        let page = shop.actors(args.kind.as_deref(), pages.cursor()).await?;
        actors.extend(page.actors);
        let has_more = pages.turn(page.next_cursor)?;
        if !has_more || actors.len() >= wanted {
            return Ok((actors, has_more));
        }
    }
}

fn size() -> (usize, usize) {
    let told = tcgetwinsize(stdout()).ok().filter(|size| size.ws_row > 0 && size.ws_col > 0);
    told.map_or(USUAL_SIZE, |size| (usize::from(size.ws_row), usize::from(size.ws_col)))
}

/// What goes to a terminal of this size: as many actors as it has lines for.
fn drawn(listed: Result<&(Vec<Actor>, bool), &Refusal>, height: usize, width: usize) -> String {
    let mut lines: Vec<String> = Vec::new();
    match listed {
        Ok((actors, has_more)) => {
            let room = height.saturating_sub(OTHER_LINES).max(1);
            let shown = &actors[..actors.len().min(room)];
            lines.extend(report(shown).lines().map(str::to_owned));
            let and_more =
                if *has_more || shown.len() < actors.len() { " and more, narrow down by --kind" } else { "" };
            lines.push(format!("{} actors{and_more}; ctrl-c ends this", shown.len()));
        }
        Err(refusal) => lines.push(format!("no answer, asking again: {refusal}")),
    }
    let cut = |line: &String| plain(line).chars().take(width).collect::<String>() + CLEAR_LINE;
    format!("{HOME}{}{CLEAR_REST}", lines.iter().map(cut).collect::<String>())
}

fn report(actors: &[Actor]) -> String {
    let headings = ["actor", "node", "mailbox", "handled", "restarts", "last activity"].map(str::to_owned);
    let mut rows = vec![headings.to_vec()];
    rows.extend(actors.iter().map(row));
    let states = std::iter::once("state".to_owned()).chain(actors.iter().map(state));
    // Words go to the left, so they stand behind the columns.
    table::columns(&rows).lines().zip(states).map(|(line, state)| format!("{line}  {state}\n")).collect()
}

fn row(actor: &Actor) -> Vec<String> {
    let Actor { kind, key, node, mailbox, handled, restarts, last_activity, .. } = actor;
    let name = format!("{kind}/{key}");
    vec![name, node.clone(), mailbox.to_string(), handled.to_string(), restarts.to_string(), last_activity.clone()]
}

fn state(actor: &Actor) -> String {
    let shown = actor.state.iter().map(|(name, value)| format!("{name}={value}"));
    if actor.state.is_empty() { "-".to_owned() } else { shown.collect::<Vec<_>>().join(" ") }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::command::shop::Doubt;

    fn actor(key: &str, state: &str) -> Actor {
        let json = format!(
            r#"{{"kind":"stock","key":"{key}","node":"n1","mailbox":0,"handled":1203,"restarts":0,
            "last_activity":"2026-11-21T08:00:00.000Z","state":{state}}}"#
        );
        serde_json::from_str(&json).expect("an actor as the service writes it")
    }

    #[test]
    fn the_report_has_a_line_per_actor() {
        let text = report(&[actor("sneaker-42", r#"{"available":3,"flushes":12}"#), actor("b", "{}")]);
        let expected = "\
actor             node  mailbox  handled  restarts             last activity  state
stock/sneaker-42    n1        0     1203         0  2026-11-21T08:00:00.000Z  available=3 flushes=12
stock/b             n1        0     1203         0  2026-11-21T08:00:00.000Z  -
";
        assert_eq!(text, expected);
    }

    #[test]
    fn what_is_drawn_fits_the_terminal_and_covers_what_was_there() {
        let actors: Vec<Actor> = (0..50).map(|number| actor(&number.to_string(), r#"{"available":3}"#)).collect();
        let text = drawn(Ok(&(actors, true)), 10, 40);
        assert!(text.starts_with(HOME) && text.ends_with(CLEAR_REST), "{text:?}");
        let lines: Vec<&str> = text.trim_start_matches(HOME).split_terminator(CLEAR_LINE).collect();
        // The last is what clears the rest.
        assert_eq!(lines.len() - 1, 10 - 1, "{text:?}");
        assert!(lines.iter().all(|line| line.chars().count() <= 40), "{text:?}");
        assert!(lines[8].starts_with("7 actors and more"), "{text:?}");
        let lost = Refusal::never_sent(&"connection refused");
        assert_eq!(lost.doubt, Doubt::NothingDone);
        assert!(drawn(Err(&lost), 10, 80).contains("no answer, asking again: connection_failed: connection refused"));
    }
}
